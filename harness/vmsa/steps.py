"""The steps of a translation in words: each lookup, what decided it, and the rule's name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import OutputFormat, View, descriptor_layout
from harness.arch.descriptors import fields as bits
from harness.arch.fault_status import describe_fault
from harness.arch.faults import FaultKind
from harness.arch.fields import DecodedField, Field, Kind
from harness.arch.granule import Granule
from harness.vmsa.access import Access
from harness.vmsa.context import Context
from harness.vmsa.descriptor import BLOCK, INVALID, LAST_LEVEL, TABLE, TYPES, address_of
from harness.vmsa.outcome import Fault, Outcome, Step, Translation
from harness.vmsa.parameters import NO_OVERLAYS
from harness.vmsa.walk import Lookup, Trail, WalkParameters, kind_of

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "AArch64.UnalignedAccessFaults": "the address is not aligned as this access requires",
        "AArch64.S1DisabledOutput": "stage 1 is off and the address is larger than a physical one",
        "AArch64.S1TxSZFaults": "TnSZ is out of range",
        "AArch64.S2TxSZFaults": "VTCR_EL2.T0SZ is out of range",
        "AArch64.S2InvalidSL": "VTCR_EL2.SL0 names no level that this machine can start at",
        "AArch64.S2InconsistentSL": "VTCR_EL2.SL0 and T0SZ do not fit each other",
        "AArch64.VAIsOutOfRange": "address bits above the input address size differ from bit 55",
        "AArch64.IPAIsOutOfRange": "the IPA is larger than VTCR_EL2.T0SZ allows",
        "AArch64.S1Translate": "E0PDn keeps accesses made as EL0 out of this half",
        "AArch64.S1EPD": "EPDn disables walks in this half",
        "AArch64.OAOutOfRange": "the address is beyond the output address size",
        "AArch64.ContiguousBitFaults": "the contiguous run is larger than the input range",
        "AArch64.BlocknTFaults": "the block has nT set",
        "AArch64.S1HasAlignmentFault": "an access to Device memory is not aligned",
        "AArch64.S2HasAlignmentFault": "an access to what stage 2 makes Device is not aligned",
        "AArch64.MemSingle": "a misaligned access that must be atomic needs Write-Back memory",
    }
)
"""What each rule found, where its name and the fault do not say it already."""


def steps_of(context: Context, access: Access, outcome: Outcome, trail: Trail) -> tuple[Step, ...]:
    """Return one step for each lookup in `trail`, then the one that ended the translation."""
    steps = [_lookup(context, access, each) for each in trail]
    steps.append(_end(context, access, outcome, trail))
    return tuple(steps)


def _lookup(context: Context, access: Access, lookup: Lookup) -> Step:
    parameters, level, table, address, descriptor, _ = lookup
    kind, skip = kind_of(parameters, descriptor, level)
    return Step(
        stage=parameters.stage,
        level=level,
        table=PhysicalAddress(table),
        index=(address - table) >> parameters.entry_shift,
        address=PhysicalAddress(address),
        descriptor=descriptor,
        decision=_decision(lookup, kind, skip),
        rule="AArch64.DecodeDescriptorType",
        fields=_fields(context, access, lookup, kind),
    )


def _fields(
    context: Context, access: Access, lookup: Lookup, kind: int
) -> tuple[DecodedField, ...]:
    """Return what the descriptor's bits mean where it was found, without those of no meaning."""
    if kind == INVALID:
        return ()
    parameters = lookup.parameters
    if parameters.stage == 1:
        stage1 = context.stage1(access.va)
        indirect, overlay = stage1.indirect is not None, stage1.overlays != NO_OVERLAYS
    else:
        indirect, overlay = context.stage2.indirect is not None, False
    view = View(
        Granule(parameters.granule_bits),
        lookup.level,
        parameters.stage,
        _output_format(parameters),
        indirect,
        overlay,
    )
    layout = descriptor_layout(view, TYPES[kind])
    decoded = layout.decode(lookup.descriptor)
    return tuple(each for each in decoded if each.field.kind is Kind.VALUE)


def _output_format(parameters: WalkParameters) -> OutputFormat:
    if parameters.d128:
        return OutputFormat.D128
    if not parameters.form.high:
        return OutputFormat.VMSA48
    return OutputFormat.LPA if parameters.granule_bits == Granule.K64.bits else OutputFormat.LPA2


def _decision(lookup: Lookup, kind: int, skip: int) -> str:
    parameters, level, descriptor = lookup.parameters, lookup.level, lookup.descriptor
    if kind == TABLE:
        below = address_of(descriptor, parameters.form)
        return f"table descriptor: level {level + 1 + skip} table at {below:#x}{_tables(lookup)}"
    if kind == INVALID:
        if not descriptor & 1:
            return "invalid: bit 0 is clear"
        if level == LAST_LEVEL:
            return "invalid: bit 1 is clear, which is reserved at level 3"
        return f"invalid: this granule and format have no block at level {level}"
    size = 1 << parameters.granule_bits + (LAST_LEVEL - level) * parameters.stride
    base = address_of(descriptor, parameters.form) & -size
    name = "block" if kind == BLOCK else "page"
    return f"{name} of {_size(size)} at {base:#x}"


def _size(size: int) -> str:
    unit = max(index for index in range(len(_UNITS)) if size >> 10 * (index + 1))
    return f"{size >> 10 * (unit + 1)}{_UNITS[unit]}"


_UNITS = "KMGT"


def _tables(lookup: Lookup) -> str:
    """Return the hierarchical attributes of a 64-bit stage 1 table descriptor that are set."""
    if lookup.parameters.stage != 1 or lookup.parameters.d128:
        return ""
    found = [
        f"{field.name} = {field.get(lookup.descriptor)}"
        for field in (bits.AP_TABLE, bits.UXN_TABLE, bits.PXN_TABLE)
        if field.get(lookup.descriptor)
    ]
    return f", {', '.join(found)}" if found else ""


def _end(context: Context, access: Access, outcome: Outcome, trail: Trail) -> Step:
    if isinstance(outcome, Translation):
        stage = 1 if outcome.ipa is None else 2
        words = _success(access, outcome)
        return Step(stage, None, None, None, None, None, words, "AArch64.FullTranslate")
    level = outcome.level
    words = f"{describe_fault(outcome.kind, level)}: {_reason(context, access, outcome, trail)}"
    return Step(outcome.stage, level, None, None, None, None, words, outcome.rule)


def _success(access: Access, outcome: Translation) -> str:
    if outcome.par is not None:
        return f"PAR_EL1 = {outcome.par:#x}"
    words = f"{access.kind.value} at PA {outcome.pa:#x}, {outcome.attributes}"
    if outcome.updates:
        words += f"; hardware updates {len(outcome.updates)} descriptor word(s)"
    return words


def _reason(context: Context, access: Access, fault: Fault, trail: Trail) -> str:
    if fault.kind is FaultKind.EXTERNAL_ON_WALK:
        return "there is no memory at the descriptor's address"
    if fault.rule in _REASONS:
        return _REASONS[fault.rule]
    if fault.kind is FaultKind.ACCESS_FLAG:
        return "AF (bit 10) is clear, and hardware does not set it"
    if fault.kind is FaultKind.TRANSLATION:
        return _decision(trail[-1], INVALID, 0)
    return _permissions(context, access, fault.stage, trail)


def _permissions(context: Context, access: Access, stage: int, trail: Trail) -> str:
    """Return the bits that a permission fault was decided by."""
    fields: tuple[Field, ...]
    descriptor = trail[-1].descriptor
    if stage != 1:
        fields = (bits.S2AP, bits.XN_STAGE2, bits.DBM_STAGE2)
    elif context.stage1(access.va).indirect is not None:
        return "PIR and PIRE0, by the leaf's PIIndex, and overlays do not allow it"
    else:
        fields = (bits.AP, bits.UXN, bits.PXN, bits.DBM)
    words = ", ".join(f"{field.name} = {field.get(descriptor)}" for field in fields)
    above = [each.descriptor for each in trail if each.parameters.stage == 1][:-1]
    tables = ""
    if stage == 1 and any(each & _HIERARCHICAL for each in above):
        tables = ", and by the tables above"
    return f"not allowed by {words}{tables}"


_HIERARCHICAL = bits.AP_TABLE.mask | bits.UXN_TABLE.mask | bits.PXN_TABLE.mask
