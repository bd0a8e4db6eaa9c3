"""The reference model on the report's tables: what the walk of the printed entries gives."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import PROFILES
from harness.memory import PAGE_SIZE, PhysicalMemory, Region
from harness.oops.instruction import RecordedAccess, recorded_access, same_address
from harness.oops.rebuild import PROFILE, memory_of, translation_of
from harness.oops.report import FaultReport
from harness.oops.syndrome import comparable
from harness.oops.tables import RebuiltTables
from harness.runner.registers import system_registers
from harness.vmsa.outcome import Fault, Outcome, Step
from harness.vmsa.translate import Mmu


@dataclass(frozen=True, slots=True)
class ModelWalk:
    """The access through the model: its outcome, and every step of the walk."""

    recorded: RecordedAccess
    outcome: Outcome
    steps: tuple[Step, ...]
    mmu: Mmu
    memory: PhysicalMemory

    def agrees_with(self, report: FaultReport) -> bool:
        """Return whether the model's fault is the recorded one: ESR and FAR."""
        return (
            isinstance(self.outcome, Fault)
            and report.esr is not None
            and same_fault(self.outcome.esr, report.esr)
            and same_address(self.outcome.far, report.far)
        )


def same_fault(esr: int, recorded: int) -> bool:
    """Return whether two syndromes agree in all that a translation decides."""
    return comparable(esr) == comparable(recorded)


def model_walk(report: FaultReport, tables: RebuiltTables) -> ModelWalk:
    """Walk the report's tables; UnsupportedError for what the model does not have."""
    profile = PROFILES[PROFILE]
    setup = translation_of(report, tables)
    mmu = Mmu(profile, system_registers(setup, profile))
    memory = table_memory(tables)
    recorded = recorded_access(report)
    outcome, steps = mmu.steps(memory, recorded.access)
    return ModelWalk(recorded, outcome, steps, mmu, memory)


def table_memory(tables: RebuiltTables) -> PhysicalMemory:
    """Return memory that holds the entries, and nothing where the log says nothing."""
    ranges = memory_of(tables)
    pages = sorted(
        {
            page
            for part in ranges
            for page in range(part.pa // PAGE_SIZE, (part.pa + part.size - 1) // PAGE_SIZE + 1)
        }
    )
    memory = PhysicalMemory(Region(PhysicalAddress(page * PAGE_SIZE), PAGE_SIZE) for page in pages)
    for part in ranges:
        for place, word in enumerate(part.words):
            memory.write64(PhysicalAddress(part.pa + 8 * place), word)
    return memory
