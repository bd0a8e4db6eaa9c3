"""Stage 1 tables that lie in intermediate physical memory: each read goes through stage 2."""

from __future__ import annotations

from harness.arch.implementation import Implementation
from harness.vmsa.attributes import DEFAULT_CACHEABLE
from harness.vmsa.location import Location
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.stage2 import translate_stage2
from harness.vmsa.stage2_parameters import Stage2Parameters
from harness.vmsa.table_memory import TableMemory
from harness.vmsa.walk import Trail


class NestedTables:
    """Tables of stage 1 as the walk sees them while stage 2 is on (AArch64.S1Walk)."""

    __slots__ = ("_choices", "_parameters", "_reading", "_tables", "_trail", "_writing")

    def __init__(
        self,
        parameters: Stage2Parameters,
        tables: TableMemory,
        request: Request,
        choices: Implementation,
        trail: Trail | None,
    ) -> None:
        self._parameters = parameters
        self._tables = tables
        # CreateAccDescS1TTW and CreateAccDescTTEUpdate.
        self._reading = Request(
            request.access, request.el0, read=True, write=False, fetch=False, pan=False, walk=True
        )
        self._writing = self._reading._replace(write=True)
        self._choices = choices
        self._trail = trail

    def read(self, address: int) -> int | FaultRecord | None:
        """Return the descriptor at an intermediate physical address, or the stage 2 fault."""
        found = self._translate(address, self._reading)
        return found if isinstance(found, FaultRecord) else self._tables.read(found.address)

    def read128(self, address: int) -> int | FaultRecord | None:
        """Return a 128-bit descriptor, in the same way; it never crosses a page."""
        found = self._translate(address, self._reading)
        return found if isinstance(found, FaultRecord) else self._tables.read128(found.address)

    def update(self, address: int, descriptor: int) -> FaultRecord | None:
        """Write a descriptor back, which stage 2 must allow."""
        found = self._translate(address, self._writing)
        if isinstance(found, FaultRecord):
            return found
        return self._tables.update(found.address, descriptor)

    def _translate(self, address: int, request: Request) -> Location | FaultRecord:
        return translate_stage2(
            self._parameters,
            Location(address, DEFAULT_CACHEABLE),
            request,
            self._tables,
            self._choices,
            self._trail,
        )
