"""Unicorn's own MMU as a translator: each case's access made by a real instruction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import Feature
from harness.arch.fields import Field
from harness.arch.pstate import EL, PAN, SP, UAO
from harness.arch.registers import sctlr, tcr, tcr2
from harness.arch.syndromes import decode_abort
from harness.cases import Answer, Case, Unsupported
from harness.errors import EngineError
from harness.machine.translation_probe import HOME, HOME_SIZE, Probed, TranslationProbe, home
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault, Translation
from harness.vmsa.regime import Regime

_R, _W, _RW = AccessKind.READ, AccessKind.WRITE, AccessKind.READ_WRITE
_O = Operation
_SIZES = (1, 2, 4, 8)


def _by_size(
    kind: AccessKind,
    operation: Operation,
    words: tuple[int, ...],
    sizes: tuple[int, ...] = _SIZES,
    *,
    unprivileged: bool = False,
) -> dict[tuple[AccessKind, Operation, int, bool], int]:
    """Return instruction words under what they make: kind, operation, bytes, unprivileged."""
    return {
        (kind, operation, size, unprivileged): word for size, word in zip(sizes, words, strict=True)
    }


# fmt: off
_INSTRUCTIONS: Mapping[tuple[AccessKind, Operation, int, bool], int] = MappingProxyType({
    # ldrb, ldrh, ldr w1, ldr x1, ldr q1, [x0], and the stores of wzr, xzr, q1
    **_by_size(_R, _O.PLAIN, (0x39400001, 0x79400001, 0xB9400001, 0xF9400001, 0x3DC00001),
               (*_SIZES, 16)),
    **_by_size(_W, _O.PLAIN, (0x3900001F, 0x7900001F, 0xB900001F, 0xF900001F, 0x3D800001),
               (*_SIZES, 16)),
    # ldtr, sttr
    **_by_size(_R, _O.PLAIN, (0x38400801, 0x78400801, 0xB8400801, 0xF8400801), unprivileged=True),
    **_by_size(_W, _O.PLAIN, (0x3800081F, 0x7800081F, 0xB800081F, 0xF800081F), unprivileged=True),
    # ldp and stp of w, x and q registers
    **_by_size(_R, _O.LOAD_PAIR, (0x29400801, 0xA9400801, 0xAD400801), (8, 16, 32)),
    **_by_size(_W, _O.STORE_PAIR, (0x29007C1F, 0xA9007C1F, 0xAD000801), (8, 16, 32)),
    # ldxr, ldxp, ldaxr
    **_by_size(_R, _O.LOAD_EXCLUSIVE, (0x085F7C01, 0x485F7C01, 0x885F7C01, 0xC85F7C01)),
    **_by_size(_R, _O.LOAD_EXCLUSIVE_PAIR, (0x887F0801, 0xC87F0801), (8, 16)),
    **_by_size(_R, _O.LOAD_ACQUIRE_EXCLUSIVE, (0x085FFC01, 0x485FFC01, 0x885FFC01, 0xC85FFC01)),
    # ldar, ldapr, stlr
    **_by_size(_R, _O.LOAD_ACQUIRE, (0x08DFFC01, 0x48DFFC01, 0x88DFFC01, 0xC8DFFC01)),
    **_by_size(_R, _O.LOAD_ACQUIRE_PC, (0x38BFC001, 0x78BFC001, 0xB8BFC001, 0xF8BFC001)),
    **_by_size(_W, _O.STORE_RELEASE, (0x089FFC1F, 0x489FFC1F, 0x889FFC1F, 0xC89FFC1F)),
    # swp, swpal, cas, casp
    **_by_size(_RW, _O.SWAP, (0x383F8001, 0x783F8001, 0xB83F8001, 0xF83F8001)),
    **_by_size(_RW, _O.SWAP_ACQUIRE_RELEASE, (0x38FF8001, 0x78FF8001, 0xB8FF8001, 0xF8FF8001)),
    **_by_size(_RW, _O.COMPARE_AND_SWAP, (0x08A17C1F, 0x48A17C1F, 0x88A17C1F, 0xC8A17C1F,
                                          0x48227C04), (*_SIZES, 16)),
})
_AT: Mapping[Operation, int] = MappingProxyType({
    _O.AT_S1E1R: 0xD5087800, _O.AT_S1E1W: 0xD5087820, _O.AT_S1E0R: 0xD5087840,
    _O.AT_S1E0W: 0xD5087860, _O.AT_S1E1RP: 0xD5087900, _O.AT_S1E1WP: 0xD5087920,
})
# fmt: on

_MASKED = 0x3C0
"""PSTATE.DAIF set."""
_AARCH64 = 1 << 31
"""HCR_EL2.RW alone: what a case has that does not state HCR_EL2."""


_HOME_FIELD = (1 << 48) - HOME_SIZE


def _has(field: Field, register: str, feature: Feature) -> Callable[[Case], bool]:
    def check(case: Case) -> bool:
        return case.profile.has(feature) and bool(field.get(case.registers.get(register, 0)))

    return check


_REFUSALS: tuple[tuple[Callable[[Case], bool], str], ...] = (
    (lambda case: bool(case.refused), "features that the harness does not model"),
    (lambda case: case.regime is not Regime.EL10, "the core is driven in the EL1&0 regime alone"),
    (
        lambda case: case.registers.get("HCR_EL2", _AARCH64) != _AARCH64,
        "HCR_EL2: the core is driven without stage 2 and EL2's controls",
    ),
    (lambda case: case.access.el > 1, "the core is driven at EL0 and EL1 alone"),
    (_has(tcr2.D128, "TCR2_EL1", Feature.D128), "the core has no 128-bit descriptors (FEAT_D128)"),
    (_has(tcr.DS, "TCR_EL1", Feature.LPA2), "the core has no 52-bit descriptors (FEAT_LPA2)"),
    (_has(tcr2.PIE, "TCR2_EL1", Feature.S1PIE), "the core has no FEAT_S1PIE"),
    (_has(tcr2.POE, "TCR2_EL1", Feature.S1POE), "the core has no FEAT_S1POE"),
    (_has(tcr2.E0POE, "TCR2_EL1", Feature.S1POE), "the core has no FEAT_S1POE"),
    (
        lambda case: bool(sctlr.EE.get(case.registers.get("SCTLR_EL1", 0))),
        "big-endian tables and data (SCTLR_EL1.EE)",
    ),
    (
        lambda case: case.access.kind is AccessKind.FETCH and bool(case.access.va & 0b11),
        "a fetch from a misaligned PC never reaches the MMU",
    ),
)


class UnicornTranslator:
    """Answers through the soft MMU of Unicorn; what the core lacks is refused by name.

    Answers have ESR and FAR as the core reports them, or the location; no attributes, no updates.
    """

    def __init__(self) -> None:
        # Loads Unicorn: only when it is asked for.
        from harness.machine.unicorn_machine import answering_engine

        code = (*_INSTRUCTIONS.values(), *_AT.values())
        self._probe = TranslationProbe(answering_engine(HOME, home(code)), code)
        self.name = f"{self._probe.name}, its own MMU"

    def answer(self, case: Case) -> Answer:
        """Return what Unicorn does with the case's access, or why it cannot be asked."""
        for applies, reason in _REFUSALS:
            if applies(case):
                return Unsupported(reason)
        return self.answer_as_it_is(case)

    def answer_as_it_is(self, case: Case) -> Answer:
        """Return what Unicorn does, also where it is known to lack what the registers ask for."""
        access = case.access
        if _touches_home(case):
            return Unsupported(
                "the case uses the 64KB of physical memory that the probe needs for itself"
            )
        instruction = None
        if access.kind is not AccessKind.FETCH:
            instruction = _instruction(access)
            if instruction is None:
                return Unsupported(_no_instruction(access))
        translates = access.kind is AccessKind.AT
        probed = self._probe.access(
            case.registers,
            case.memory,
            access.va,
            instruction,
            _pstate(access),
            translates=translates,
        )
        return _answer(probed)


def _answer(probed: Probed) -> Answer:
    if probed.abort is not None:
        esr, far, target_el = probed.abort
        abort = decode_abort(esr)
        if abort is None:
            raise EngineError(f"the core reports ESR {esr:#x}, which is no abort")
        return Fault(abort.kind, esr, VirtualAddress(far), abort.level, target_el=target_el)
    if probed.par is not None:
        return Translation(PhysicalAddress(0), None, par=probed.par)
    if probed.pa is None:
        return Unsupported("the access did not reach memory")
    return Translation(PhysicalAddress(probed.pa), None)


def _instruction(access: Access) -> int | None:
    if access.kind is AccessKind.AT:
        return _AT.get(access.operation)
    return _INSTRUCTIONS.get((access.kind, access.operation, access.size, access.unprivileged))


_STORE_EXCLUSIVES = {
    _O.STORE_EXCLUSIVE,
    _O.STORE_EXCLUSIVE_PAIR,
    _O.STORE_RELEASE_EXCLUSIVE,
}


def _no_instruction(access: Access) -> str:
    if access.operation in _STORE_EXCLUSIVES:
        return "a store exclusive needs a load exclusive from the same address before it"
    made = "unprivileged " if access.unprivileged else ""
    return f"no instruction of the core makes this access: {made}{access.operation.value}"


def _pstate(access: Access) -> int:
    value = EL.set(_MASKED, access.el)
    value = SP.set(value, 1 if access.el else 0)
    value = PAN.set(value, int(access.pan))
    return UAO.set(value, int(access.uao))


def _touches_home(case: Case) -> bool:
    """Return whether a table or a location of the case could be the probe's own memory."""
    values = (
        *case.memory.values(),
        *case.memory,
        case.registers.get("TTBR0_EL1", 0),
        case.registers.get("TTBR1_EL1", 0),
    )
    return any(value & _HOME_FIELD == HOME for value in values)
