"""The reference model on the report's tables: what the walk of the printed entries gives."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch import pstate as ps
from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.errors import UnsupportedError
from harness.machine.accesses import decode_accesses, footprint
from harness.memory import PAGE_SIZE, PhysicalMemory, Region
from harness.oops.missing import missing_for_run
from harness.oops.rebuild import PROFILE, memory_of, translation_of
from harness.oops.report import FaultReport
from harness.oops.syndrome import comparable, is_lower_el
from harness.oops.tables import RebuiltTables
from harness.runner.registers import system_registers
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Fault, Outcome, Step
from harness.vmsa.translate import Mmu

_INSTRUCTION = 4


@dataclass(frozen=True, slots=True)
class RecordedAccess:
    """The access that faulted, and what is wrong with it where log and instruction disagree."""

    access: Access
    """As the instruction makes it, or one byte at the recorded address."""
    of_instruction: bool
    contradictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
            and self.outcome.far == report.far
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


def recorded_access(report: FaultReport) -> RecordedAccess:
    """Return the access that the log tells of; ValueError without a valid address."""
    address, kind = report.far, report.access
    if address is None or kind is None or report.esr is None:
        raise ValueError("a report without a fault address")
    el = 0 if is_lower_el(report.esr) else 1
    pan = bool(report.pstate and ps.PAN.get(report.pstate))
    if kind is AccessKind.FETCH:
        return RecordedAccess(Access(address, kind, _INSTRUCTION, el=el, pan=pan), False)
    plain = RecordedAccess(Access(address, kind, 1, el=el, pan=pan), False)
    if missing_for_run(report) or report.faulting_word is None:
        return plain
    return _of_instruction(report, report.faulting_word, plain)


def _of_instruction(report: FaultReport, word: int, plain: RecordedAccess) -> RecordedAccess:
    """Return the access that the faulting word makes with the printed registers."""
    unknown: list[str] = []

    def read(name: str) -> int:
        if name == "x30" and report.lr is not None:
            return report.lr
        if name not in report.registers:
            unknown.append(name)
        return report.registers.get(name, 0)

    uao = bool(report.pstate and ps.UAO.get(report.pstate))
    access = plain.access
    try:
        made = decode_accesses(word, report.pc or 0, read, el=access.el, pan=access.pan, uao=uao)
    except UnsupportedError as error:
        return RecordedAccess(access, False, notes=(f"the faulting instruction: {error}",))
    if unknown:
        note = f"the instruction needs {', '.join(unknown)}, which the log prints as a symbol"
        return RecordedAccess(access, False, notes=(note,))
    for candidate in made:
        if _covers(candidate, access.va):
            return RecordedAccess(candidate, True, _direction(candidate, access.kind))
    if not made:
        why = "accesses no memory"
    else:
        why = f"with the printed registers accesses {made[0].va:#018x}"
    return RecordedAccess(
        access,
        False,
        (f"the faulting instruction {word:#010x} {why}, the log gives {access.va:#018x}",),
    )


def _covers(access: Access, address: VirtualAddress) -> bool:
    first, size = footprint(access)
    return first <= address < first + size


def _direction(made: Access, recorded: AccessKind) -> tuple[str, ...]:
    if made.kind in {recorded, AccessKind.READ_WRITE}:
        return ()
    return (f"the faulting instruction makes a {made.kind}, the ESR says a {recorded}",)
