"""One PE over an engine that translates by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.machine.code_reader import CodeReader
from harness.machine.engine import Engine
from harness.machine.host_memory import HostMemory
from harness.machine.parts import Wanted
from harness.machine.processor import Processor
from harness.machine.running import Running
from harness.memory import PAGE_SIZE
from harness.trace import End, MaintenanceKind
from harness.vmsa.access import AccessKind


class TranslatingProcessor(Processor):
    """A Processor whose engine has an MMU of its own.

    Snapshots hold registers and memory; the engine's TLB can be neither read nor written, so that
    restoring one empties it: the next access of each page walks. Two machines that restore equal
    snapshots go on alike, which keeping whatever the TLB happens to hold would not give.
    """

    def __init__(
        self,
        engine: Engine,
        memory: HostMemory,
        *,
        tables: Iterable[range],
        memory_limit: int,
    ) -> None:
        super().__init__(engine, memory, memory_limit=memory_limit)
        self._engine = engine
        self._code = CodeReader(engine, memory)
        self._tables = tuple(_backing(memory, table) for table in tables)

    @property
    def name(self) -> str:
        """Name and version of the engine, and what translates."""
        return f"{self._core.name}, its own MMU"

    def translate(self, va: VirtualAddress, kind: AccessKind) -> PhysicalAddress | None:
        """Return where an access of the present mode would go by the TLB as it is; None: a fault.

        What the TLB lacks is walked for and kept, as for the access itself.
        """
        address = self._engine.translate(va, kind)
        return None if address is None else PhysicalAddress(address)

    def _registers_written(self, names: Collection[str]) -> None:
        del names  # the register file has emptied the TLB where it had to
        self._code.forget_translations()

    def _memory_written(self, pages: Collection[int]) -> None:
        self._code.note_change(pages)

    def _execute_maintenance(
        self, kind: MaintenanceKind, operation: str, operand: int | None
    ) -> None:
        """Empty the whole TLB for a TLBI, at once.

        An implementation may always drop more than it is told to, and earlier. Barriers and cache
        maintenance have nothing to wait for or to clean.
        """
        del operation, operand
        if kind is MaintenanceKind.TLBI:
            self._engine.flush_tlb()
            self._code.forget_translations()
        elif kind is MaintenanceKind.IC:
            self._engine.forget_code()

    def _go(self, wanted: Wanted) -> End | None:
        return Running(self._parts, wanted, self._engine, self._code, self._tables).go()

    def _save(self) -> None:
        """Return nothing: the TLB cannot be read."""

    def _load(self, saved: object) -> None:
        del saved
        self._engine.flush_tlb()
        self._code.forget_translations()


def _backing(memory: HostMemory, table: range) -> range:
    start = memory.backing_page(table.start) + table.start % PAGE_SIZE
    return range(start, start + len(table))
