"""When an injection fires, what it changes, and which maintenance follows.

An `Injector` is told what the machine is about to do. It finds a descriptor through a function
that it is given, so that it follows the translation registers as they are at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.arch.addresses import VirtualAddress
from harness.arch.registers import tcr, ttbr
from harness.arch.system_instructions import takes_register
from harness.arch.tlbi import ASID, TLBI_OPERATIONS, VA, TlbiScope
from harness.errors import Location, MappingError, ScenarioError, UnsupportedError
from harness.machine.accesses import footprint
from harness.machine.machine import Machine
from harness.operations.steps import Maintain, Overlooked, Step, Store
from harness.scenario import (
    AtAccess,
    AtFault,
    AtInstruction,
    AtLabel,
    Edit,
    Injection,
    Operation,
)
from harness.tables.editor import Entry
from harness.trace import DescriptorWrite, Event
from harness.vmsa.access import Access, AccessKind

Locate = Callable[[VirtualAddress, int | None], Entry]
"""Find the descriptor that maps an address at a level (None: where the walk ends), now."""
Operate = Callable[[Operation], Iterator[Step]]
"""Give the steps of a kernel's operation on the tables as they are now."""


class Injector:
    """Fires a scenario's injections, each once, in their order where several are due at once.

    The listener that it serves calls `before_instruction` and `after_fault` before it does
    anything else there; every change is told to `emit` as a DescriptorWrite, the maintenance is
    told to the listener by the machine. ScenarioError, with the place that `at` gives for the
    injection's line, where there is no such descriptor.
    """

    def __init__(
        self,
        injections: Sequence[Injection],
        *,
        machine: Machine,
        labels: Mapping[str, VirtualAddress],
        locate: Locate,
        emit: Callable[[Event], None],
        at: Callable[[int], Location | None],
        operate: Operate | None = None,
    ) -> None:
        self._machine = machine
        self._labels = labels
        self._locate = locate
        self._emit = emit
        self._at = at
        self._operate = operate
        self._injections = tuple(injections)
        self._waiting = [_Waiting(number, one) for number, one in enumerate(injections, start=1)]

    @property
    def waiting(self) -> tuple[Injection, ...]:
        """The injections that have not fired."""
        return tuple(waiting.injection for waiting in self._waiting)

    def save(self) -> tuple[tuple[int, int], ...]:
        """Return number and hits of every injection that has not fired."""
        return tuple((waiting.number, waiting.hits) for waiting in self._waiting)

    def load(self, saved: tuple[tuple[int, int], ...]) -> None:
        """Go back to what `save` returned."""
        self._waiting = [
            _Waiting(number, self._injections[number - 1], hits) for number, hits in saved
        ]

    def before_instruction(
        self, number: int, pc: VirtualAddress, accesses: tuple[Access, ...]
    ) -> None:
        """Fire what is due before instruction `number`."""
        if self._waiting:
            due = [one for one in self._waiting if one.is_due(number, pc, accesses, self._labels)]
            self._fire(due, number)

    def after_fault(self, fault: int, number: int) -> None:
        """Fire what is due after the `fault`-th fault, taken by instruction `number`."""
        due = [
            one
            for one in self._waiting
            if isinstance(one.injection.when, AtFault) and one.injection.when.number == fault
        ]
        self._fire(due, number)

    def _fire(self, due: list[_Waiting], number: int) -> None:
        for one in due:
            self._waiting.remove(one)
            self._apply(one, number)

    def _apply(self, one: _Waiting, number: int) -> None:
        injection = one.injection
        by = f"injection {one.number}"
        try:
            for step in self._steps(injection.edit):
                self._take(step, number, by)
        except MappingError as error:
            reason = f"injection {one.number} cannot be made: {error.reason}"
            raise ScenarioError(reason, self._at(injection.line)) from None
        for operation in injection.maintenance:
            self._take(Maintain(operation, injection.edit.va), number, by)

    def _steps(self, edit: Edit | Operation) -> Iterator[Step]:
        """Yield what the injection does; each step is taken before the next is asked for."""
        if isinstance(edit, Edit):
            entry = self._locate(edit.va, edit.level)
            yield Store(entry.address, entry.descriptor, edited(edit, entry.descriptor))
        elif self._operate is None:
            raise UnsupportedError(f"the operation {edit.name} of {edit.encoding} in such a run")
        else:
            yield from self._operate(edit)

    def _take(self, step: Step, number: int, by: str) -> None:
        match step:
            case Store(address, old, new):
                self._machine.write64(address, new)
                self._emit(DescriptorWrite(number, address, old, new, by))
            case Overlooked(address, descriptor, why):
                note = f"passed by, since {why}"
                self._emit(DescriptorWrite(number, address, descriptor, descriptor, by, note))
            case Maintain(operation, va):
                operand = operand_for(operation, va or VirtualAddress(0), self._machine)
                self._machine.maintain(operation, operand)


class _Waiting:
    """An injection that has not fired, and how often its place was reached."""

    def __init__(self, number: int, injection: Injection, hits: int = 0) -> None:
        self.number = number
        self.injection = injection
        self.hits = hits

    def is_due(
        self,
        number: int,
        pc: VirtualAddress,
        accesses: tuple[Access, ...],
        labels: Mapping[str, VirtualAddress],
    ) -> bool:
        match self.injection.when:
            case AtLabel(label, hit):
                self.hits += labels[label] == pc
                return self.hits >= hit
            case AtInstruction(wanted):
                return number == wanted
            case AtAccess() as place:
                self.hits += sum(matches(place, access) for access in accesses)
                self.hits += place.kind is AccessKind.FETCH and _overlap(place, pc, 4)
                return self.hits >= place.hit
            case AtFault():
                return False


def matches(place: AtAccess, access: Access) -> bool:
    """Return whether a data access is in the range and of the direction; a swap is of both."""
    start, size = footprint(access)
    of_kind = (
        place.kind in (None, access.kind)
        or (access.kind is AccessKind.READ_WRITE and place.kind is not AccessKind.FETCH)
    )  # fmt: skip
    return of_kind and _overlap(place, start, max(size, 1))


def _overlap(place: AtAccess, va: int, size: int) -> bool:
    return place.va < va + size and va < place.va + place.size


def edited(edit: Edit, old: int) -> int:
    """Return the descriptor after `edit`."""
    if edit.descriptor is not None:
        return edit.descriptor
    return old & ~edit.clear_bits | edit.set_bits


def operand_for(operation: str, va: VirtualAddress, machine: Machine) -> int | None:
    """Return Xt for a maintenance instruction that is to act on `va` under the current ASID.

    None where the instruction takes none; UnsupportedError where an address alone does not say
    what to give it (by range, by IPA), or which acts on another regime than EL1&0.
    """
    if not takes_register(operation):
        return None
    mnemonic, _, name = operation.partition(" ")
    if mnemonic != "tlbi":
        return va
    tlbi = TLBI_OPERATIONS[name]
    if tlbi.by_range or tlbi.scope is TlbiScope.IPA or tlbi.el != 1:
        raise UnsupportedError(f"{operation} as the maintenance of an injection")
    operand = 0
    if tlbi.scope in (TlbiScope.VA, TlbiScope.VA_ANY_ASID):
        operand = VA.set(0, va >> 12 & (1 << VA.width) - 1)
    if tlbi.scope in (TlbiScope.VA, TlbiScope.ASID):
        holder = "TTBR1_EL1" if tcr.A1.get(machine.read_register("TCR_EL1")) else "TTBR0_EL1"
        operand = ASID.set(operand, ttbr.ASID.get(machine.read_register(holder)))
    return operand
