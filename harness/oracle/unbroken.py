"""What a live entry that was changed without break-before-make permits besides.

A TLB may then give fields of both values mixed, or abort for the conflict (DDI 0487, D8, "Using
break-before-make"). That is rare, and dear to find for every access: so the changes of a run are
only noted, and followed when an access shows what no walk of the past or present gives.
"""

from __future__ import annotations

from harness.arch.features import Profile
from harness.execution import Execution
from harness.trace import (
    DescriptorWrite,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    Maintenance,
    MaintenanceKind,
    RegisterWrite,
)
from harness.vmsa.access import Access
from harness.vmsa.tlb.choice import Choice, ChoiceKind
from harness.vmsa.tlb.effects import after_hardware_update
from harness.vmsa.tlb.model import TranslationModel

_OF_BOTH_VALUES = frozenset({ChoiceKind.AMALGAM, ChoiceKind.CONFLICT})
_HARDWARE = "hardware"


class UnbrokenChanges:
    """The changes of one run, as far as it has come."""

    def __init__(self, execution: Execution, profile: Profile) -> None:
        self._model = TranslationModel(profile)
        self._memory = execution.memory.copy()
        self._state = self._model.initial(execution.system_registers)
        self._waiting: list[Event] = []

    def note(self, event: Event) -> None:
        """Take notice of the run's next event."""
        if isinstance(event, _FOLLOWED):
            self._waiting.append(event)

    def outcomes(self, access: Access) -> tuple[Choice, ...]:
        """Return what the two values of a changed entry together permit `access` now."""
        for event in self._waiting:
            self._follow(event)
        self._waiting.clear()
        choices = self._model.permitted(self._state, self._memory, access)
        return tuple(choice for choice in choices if choice.kind in _OF_BOTH_VALUES)

    def _follow(self, event: Event) -> None:
        model, state = self._model, self._state
        match event:
            case DescriptorWrite(_, address, old, new, by):
                self._memory.write64(address, new)
                if by == _HARDWARE:
                    self._state = after_hardware_update(state, address, old, new)
                else:
                    self._state = model.after_store(state, address, old, new)
            case RegisterWrite(_, _, register, value):
                self._state = model.after_msr(state, register, value)
            case ExceptionEntry():
                self._state = model.after_exception_entry(state)
            case ExceptionReturn():
                self._state = model.after_exception_return(state)
            case Maintenance(_, _, MaintenanceKind.TLBI, operation, operand):
                self._state = model.after_tlbi(state, operation, operand)
            case Maintenance(_, _, MaintenanceKind.DSB, operation):
                self._state = model.after_dsb(state, operation)
            case Maintenance(_, _, MaintenanceKind.ISB):
                self._state = model.after_isb(state)
            case _:
                pass


_FOLLOWED = (DescriptorWrite, RegisterWrite, ExceptionEntry, ExceptionReturn, Maintenance)
