"""CONTEXTIDR and TPIDR: whom the processor runs."""

from __future__ import annotations

from harness.arch.fields import Field, Layout
from harness.arch.registers.base import register, whole

PROCID = Field("PROCID", 31, 0, "Process identifier")

CONTEXTIDR_EL1 = Layout.of("CONTEXTIDR_EL1", "Context ID Register (EL1)", PROCID)
CONTEXTIDR_EL2 = Layout.of("CONTEXTIDR_EL2", "Context ID Register (EL2)", PROCID)
TPIDR_EL0 = whole("TPIDR_EL0", "EL0 Read/Write Software Thread ID", "ThreadID", "Thread ID")
TPIDRRO_EL0 = whole("TPIDRRO_EL0", "EL0 Read-Only Software Thread ID", "ThreadID", "Thread ID")
TPIDR_EL1 = whole("TPIDR_EL1", "EL1 Software Thread ID", "ThreadID", "Thread ID")
TPIDR_EL2 = whole("TPIDR_EL2", "EL2 Software Thread ID", "ThreadID", "Thread ID")

REGISTERS = (
    register(CONTEXTIDR_EL1, (3, 0, 13, 0, 1)),
    register(CONTEXTIDR_EL2, (3, 4, 13, 0, 1)),
    register(TPIDR_EL0, (3, 3, 13, 0, 2)),
    register(TPIDRRO_EL0, (3, 3, 13, 0, 3)),
    register(TPIDR_EL1, (3, 0, 13, 0, 4)),
    register(TPIDR_EL2, (3, 4, 13, 0, 2)),
)
