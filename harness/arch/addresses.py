"""The three address spaces, kept apart by the type checker."""

from __future__ import annotations

from typing import NewType

VirtualAddress = NewType("VirtualAddress", int)
"""What an instruction uses: 64 bits, tag included. The manual's VA, and IA of stage 1."""

IntermediatePhysicalAddress = NewType("IntermediatePhysicalAddress", int)
"""The output of stage 1 while stage 2 is on. The manual's IPA, and IA of stage 2."""

PhysicalAddress = NewType("PhysicalAddress", int)
"""What reaches memory. The manual's PA, and OA of the last stage."""
