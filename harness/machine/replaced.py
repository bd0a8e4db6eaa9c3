"""System instructions that the machine with the reference MMU executes itself.

The core never sees them: what they do is to the translation, which is not the core's; some of
them it does not have. An instruction that the core is to refuse, or to trap at EL0, is not one.
"""

from __future__ import annotations

from harness.arch.features import Feature, Profile
from harness.arch.registers import sctlr
from harness.arch.system_instructions import SystemInstruction, SystemInstructionKind
from harness.arch.tlbi import TLBI_OPERATIONS, Domain
from harness.machine.events import TRANSLATION_REGISTERS

KEPT_REGISTERS: dict[str, Feature] = {
    "TCR2_EL1": Feature.TCR2,
    "PIR_EL1": Feature.S1PIE,
    "PIRE0_EL1": Feature.S1PIE,
    "POR_EL1": Feature.S1POE,
    "POR_EL0": Feature.S1POE,
}
"""Registers that the core lacks and the machine keeps, with what they are part of."""

_K = SystemInstructionKind
_BARRIERS = frozenset({_K.DSB, _K.DMB, _K.ISB})
_OPERATIONS = frozenset({_K.TLBI, _K.AT, _K.DC, _K.IC})
_MOVES = frozenset({_K.MSR, _K.MRS})
_EL0_CONTROLS = {"dc zva": sctlr.DZE}
"""Whether EL0 may execute it; SCTLR_EL1.UCI for all other cache maintenance."""
_OF_EL0 = 3
"""op1 of operations that EL0 may have."""


def op1(word: int) -> int:
    """Return op1 of a system instruction: what exception level it belongs to."""
    return word >> 16 & 0b111


def is_replaced(system: SystemInstruction, word: int, el: int) -> bool:
    """Return whether the machine executes `system`, made at `el`, instead of the core."""
    kind = system.kind
    if kind in _BARRIERS:
        return True
    if el == 0:
        return kind in _OPERATIONS and op1(word) == _OF_EL0 and system.name != "dc zva"
    if kind in _OPERATIONS:
        return op1(word) in {0, _OF_EL0} and system.name != "dc zva"
    if kind is _K.MRS:
        return system.register in KEPT_REGISTERS
    return kind is _K.MSR and system.register in _WRITTEN


_WRITTEN = TRANSLATION_REGISTERS - {"PAN", "UAO", "CONTEXTIDR_EL1", "MAIR2_EL1"}


def is_for_the_core_alone(system: SystemInstruction, word: int, el: int, sctlr_el1: int) -> bool:
    """Return whether the core refuses or traps `system` before any of its accesses is made."""
    if el or system.kind not in _OPERATIONS:
        return False
    control = _EL0_CONTROLS.get(system.name, sctlr.UCI)
    return op1(word) != _OF_EL0 or not control.get(sctlr_el1)


def lacking_feature(system: SystemInstruction, profile: Profile) -> Feature | None:
    """Return the feature that `system` is part of, if `profile` does not have it.

    FEAT_TLBIOS has no name of its own here: a machine has it with FEAT_TLBIRANGE.
    """
    feature = None
    if system.kind is _K.TLBI:
        operation = TLBI_OPERATIONS[system.name.removeprefix("tlbi ")]
        if operation.by_range or operation.domain is Domain.OUTER_SHAREABLE:
            feature = Feature.TLBIRANGE
    elif system.name in {"at s1e1rp", "at s1e1wp"}:
        feature = Feature.PAN2
    elif system.name in {"msr pan", "mrs pan"}:
        feature = Feature.PAN
    elif system.name in {"msr uao", "mrs uao"}:
        feature = Feature.UAO
    elif system.kind in _MOVES:
        feature = KEPT_REGISTERS.get(system.register or "")
    return None if feature is None or profile.has(feature) else feature
