"""Choices that the architecture leaves to the implementation, named rather than hidden.

Each is IMPLEMENTATION DEFINED or CONSTRAINED UNPREDICTABLE in DDI 0487. A profile states all of
them; a case may override any. The defaults are those of the answers that the model is held to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OutOfRange(StrEnum):
    """What a value outside its range does."""

    FAULT = "fault"
    CLAMP = "clamp"


class Misprogrammed(StrEnum):
    """What a descriptor bit that makes no sense does."""

    FAULT = "fault"
    IGNORE = "ignore"


class DeviceFetch(StrEnum):
    """What an instruction fetch from Device memory does."""

    FAULT = "fault"
    ALLOW = "allow"


class ReservedGranule(StrEnum):
    """Which granule a reserved encoding of TG0 or TG1 selects."""

    K4 = "4K"
    K16 = "16K"
    K64 = "64K"


class ReservedAttribute(StrEnum):
    """Which memory a reserved encoding in MAIR_ELx is."""

    __hash__ = str.__hash__  # Enum's own is written in Python.

    DEVICE = "Device-nGnRnE"
    NON_CACHEABLE = "Normal-NC"
    WRITE_BACK = "Normal-WB"


@dataclass(frozen=True, slots=True)
class Implementation:
    """One implementation's choices. The field names are the keys of a case's `implementation`."""

    txsz_above_max: OutOfRange = OutOfRange.CLAMP
    """TCR_ELx.TnSZ above AArch64.MaxTxSZ: Translation fault at level 0, or the maximum."""

    txsz_below_min: OutOfRange = OutOfRange.CLAMP
    """TnSZ below AArch64.S1MinTxSZ: Translation fault at level 0, or the minimum."""

    contiguous_misprogrammed: Misprogrammed = Misprogrammed.IGNORE
    """AArch64.ContiguousBitFaults: a contiguous block that is larger than the input range."""

    nt_bit: Misprogrammed = Misprogrammed.IGNORE
    """AArch64.BlocknTFaults: a block with nT set where FEAT_BBM level 1 or 2 is implemented."""

    bbm_level: int = 0
    """AArch64.BlockBBMSupportLevel: 0, 1 or 2 (ID_AA64MMFR2_EL1.BBM)."""

    bbm_no_abort: bool = False
    """At BBM level 2: the implementation never takes a TLB conflict abort for a size change."""

    af_update_on_alignment_or_permission_fault: bool = False
    """Hardware sets AF even though the access then takes an alignment or permission fault."""

    dirty_update_on_alignment_fault: bool = False
    """Hardware sets the dirty state even though the access then takes an alignment fault."""

    fetch_from_device: DeviceFetch = DeviceFetch.ALLOW
    """Instruction fetch from Device memory: Permission fault, or as from Normal Non-cacheable."""

    reserved_granule: ReservedGranule = ReservedGranule.K4
    """AArch64.S1DecodeTG0, AArch64.S1DecodeTG1, AArch64.S2DecodeTG0."""

    reserved_memory_attribute: ReservedAttribute = ReservedAttribute.DEVICE
    """S1ConstrainUnpredictableRESMAIR."""

    access_flag_fault_on_cache_maintenance: bool = True
    """AArch64.S1Walk, AArch64.S2Walk: IC and DC instructions by address take Access flag faults."""
