"""One fault report: what the log says, and nothing that it does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.granule import Granule
from harness.arch.syndromes import decode_abort
from harness.oops.syndrome import access_of, far_is_valid, fault_of
from harness.vmsa.access import AccessKind

LEVEL_NAMES = ("pgd", "p4d", "pud", "pmd", "pte")
"""Linux's names of the levels, from the root down."""


def _nothing() -> Mapping[str, int]:
    return MappingProxyType({})


class EsrSource(StrEnum):
    """Which line the syndrome was taken from."""

    ESR_LINE = "ESR line"
    HEADLINE = "Synchronous External Abort line"
    CODE = "SError code"
    INTERNAL_ERROR = "Internal error line"


@dataclass(frozen=True, slots=True)
class FaultReport:
    """The facts of one report; None and empty where the log does not have them.

    `where` gives the line that each fact came from, by the names of these fields and of the
    registers. `printed` holds the fields of ESR_EL1 as the log decodes them (`EC`, `FnV`, `WnR`…):
    they are compared with the ESR, not taken for it.
    """

    name: str
    """Name of the log."""
    number: int
    """Place among the reports of the log, from 1."""
    first_line: int
    last_line: int
    phrase: str | None = None
    """What the headline calls the fault: `kernel paging request`, `SError Interrupt`."""
    error: str | None = None
    """The text of the `Internal error` line."""
    oops_number: int | None = None
    """The `[#1]`."""
    esr: int | None = None
    esr_source: EsrSource | None = None
    other_esrs: Mapping[EsrSource, int] = field(default_factory=lambda: MappingProxyType({}))
    """What further lines give as the ESR, equal or not."""
    address: VirtualAddress | None = None
    """As printed; it is FAR_EL1 only where FnV = 0."""
    other_address: VirtualAddress | None = None
    """The address in front of the entries, where that is a different one."""
    printed: Mapping[str, int | str] = field(default_factory=lambda: MappingProxyType({}))
    pgtable: str | None = None
    """`swapper` or `user`."""
    granule: Granule | None = None
    va_bits: int | None = None
    pgdp: int | None = None
    """The root table as printed; `pgdp_is_pointer` says that it is no physical address."""
    pgdp_is_pointer: bool = False
    """Printed with %p (`pgdp = …`): a hash since Linux 4.15, a virtual address before."""
    entries: Mapping[str, int] = field(default_factory=_nothing)
    """The entries that were printed, by LEVEL_NAMES."""
    no_tables: str | None = None
    """Why the kernel printed no entries: `user address but active_mm is swapper`."""
    cpu: int | None = None
    comm: str | None = None
    kernel: str | None = None
    pstate: int | None = None
    pc: VirtualAddress | None = None
    pc_symbol: str | None = None
    lr: VirtualAddress | None = None
    lr_symbol: str | None = None
    registers: Mapping[str, int] = field(default_factory=_nothing)
    """x0 to x29 and sp, those that were printed in full."""
    code: tuple[int | None, ...] = ()
    """Words of the Code line up to the faulting one; None for one that could not be read."""
    faulting_word: int | None = None
    code_text: str | None = None
    """What the Code line says instead of words: `bad PC value`."""
    interleaved_with: tuple[int, ...] = ()
    """Numbers of the reports whose lines stand between those of this one."""
    registers_interleaved: bool = False
    """Whose registers are whose cannot be told."""
    remarks: tuple[str, ...] = ()
    """What was read but not used, and why."""
    where: Mapping[str, int] = field(default_factory=_nothing)

    @property
    def registers_complete(self) -> bool:
        """Whether x0 to x29 and sp are all there."""
        return len(self.registers) == _REGISTERS

    @property
    def fault(self) -> str | None:
        """Kind of the fault as case files name it, or `serror`, or `other`; None without an ESR."""
        return None if self.esr is None else fault_of(self.esr)

    @property
    def level(self) -> int | None:
        """Lookup level of the fault as the ESR gives it."""
        abort = None if self.esr is None else decode_abort(self.esr)
        return None if abort is None else abort.level

    @property
    def access(self) -> AccessKind | None:
        """Direction of the access as the ESR gives it."""
        return None if self.esr is None else access_of(self.esr)

    @property
    def far(self) -> VirtualAddress | None:
        """FAR_EL1: the address, where the ESR says that it is valid."""
        valid = self.esr is not None and far_is_valid(self.esr)
        return self.address if valid else None

    @property
    def title(self) -> str:
        """The log's name and the report's number in it."""
        return f"{self.name}#{self.number}"

    @property
    def root(self) -> PhysicalAddress | None:
        """The physical address of the root table, None where the log does not print one."""
        if self.pgdp is None or self.pgdp_is_pointer:
            return None
        return PhysicalAddress(self.pgdp)


_REGISTERS = 31
