"""Unicorn as two engines: one with its own MMU, with the machine over it, one that steps.

Nothing else imports unicorn. Its C library stays usable through Python's binding only where that
has the function; `uc_vmem_translate` and the registers' structures are taken from inside it.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable, Iterable
from typing import Self

import unicorn
from unicorn import arm64_const as arm64
from unicorn import unicorn_const as uc
from unicorn.unicorn_py3.arch.arm64 import UcAArch64, UcRegCP64
from unicorn.unicorn_py3.unicorn import uc_tlb_entry, uclib

from harness.arch.addresses import PhysicalAddress
from harness.arch.registers import REGISTERS
from harness.errors import EngineError
from harness.machine.calibration import STATE, SYNDROME, ContextLayout, calibrate
from harness.machine.engine import STATE_PC, CoreSyndrome, Hooks, Missing, Pages
from harness.machine.host_memory import HostMemory, MappedRange
from harness.machine.processor import DEFAULT_MEMORY_LIMIT
from harness.machine.translating_processor import TranslatingProcessor
from harness.memory import PhysicalMemory, Region
from harness.vmsa.access import AccessKind

PAGE_SIZE = 4096
"""Of the soft TLB: with the default, 1 KiB, a TLBI of one page would leave parts of it."""

ABSENT_REGISTERS = frozenset(
    {
        *("TCR2_EL1", "TCR2_EL2", "MAIR2_EL1", "MAIR2_EL2", "HCRX_EL2", "S2PIR_EL2"),
        *("PIR_EL1", "PIR_EL2", "PIRE0_EL1", "PIRE0_EL2", "POR_EL0", "POR_EL1", "POR_EL2"),
    }
)
"""Registers that the harness knows and this core (of 2020) lacks."""

_PREFETCH_ABORT = 3
_NOWHERE = (1 << 64) - 1
"""An address at which no instruction can be: the engine is stopped by its hooks alone."""

_GENERAL = (
    *(arm64.UC_ARM64_REG_X0 + number for number in range(29)),
    *(arm64.UC_ARM64_REG_X29, arm64.UC_ARM64_REG_X30),
    *(arm64.UC_ARM64_REG_SP, arm64.UC_ARM64_REG_PC),
)
_PROTECTION = {
    AccessKind.READ: uc.UC_PROT_READ,
    AccessKind.WRITE: uc.UC_PROT_WRITE,
    AccessKind.FETCH: uc.UC_PROT_EXEC,
}
_MISSING = {
    uc.UC_MEM_READ_UNMAPPED: AccessKind.READ,
    uc.UC_MEM_WRITE_UNMAPPED: AccessKind.WRITE,
    uc.UC_MEM_FETCH_UNMAPPED: AccessKind.FETCH,
}

# SCR_EL3.RW and NS, HCR_EL2.RW: without them EL1 counts as AArch32 and walks by its rules.
_SCR_EL3 = 1 << 10 | 1 << 0
_HCR_EL2 = 1 << 31
_CPACR_EL1 = 0b11 << 20
"""FPEN: a snippet may use SIMD and floating-point registers."""


class _Core(UcAArch64):  # type: ignore[misc]  # the binding has no types
    """Registers and memory of one core; see `harness.machine.engine.Core`.

    `context` is where the saved context holds what no interface tells; None, for calibration
    alone, leaves `state` and `syndrome` unusable.
    """

    def __new__(cls, *_arguments: object) -> Self:
        """Create this class, where the binding's base would create its own."""
        return object.__new__(cls)

    def __init__(
        self,
        memory: HostMemory,
        mapped: Iterable[MappedRange],
        context: ContextLayout | None,
        tlb_mode: int,
    ) -> None:
        super().__init__(uc.UC_ARCH_ARM64, uc.UC_MODE_ARM, arm64.UC_CPU_ARM64_MAX)
        self.ctl_set_page_size(PAGE_SIZE)
        self.ctl_set_tlb_mode(tlb_mode)
        self._memory = memory  # the engine works on its buffers as long as it lives
        for part in mapped:
            self.mem_map_ptr(part.base, part.size, uc.UC_PROT_ALL, part.pointer)
        self._number = ctypes.c_uint64()
        self._system = {
            name: UcRegCP64(code.crn, code.crm, code.op0, code.op1, code.op2, 0)
            for name, code in ((name, register.encoding) for name, register in REGISTERS.items())
            if name not in ABSENT_REGISTERS
        }
        self.write_system("SCR_EL3", self.read_system("SCR_EL3") | _SCR_EL3)
        self.write_system("HCR_EL2", self.read_system("HCR_EL2") | _HCR_EL2)
        self.write_system("CPACR_EL1", _CPACR_EL1)
        self._layout = context
        self._context = self.context_save()
        address = self._context.context.value or 0
        self._bytes = (ctypes.c_char * self._context.size).from_address(address)

    @property
    def name(self) -> str:
        """Name and version."""
        return f"unicorn {unicorn.__version__}"

    def state(self) -> tuple[int, ...]:
        """Return x0…x30, the SP in use, PC, and PSTATE without its flags and masks."""
        self.context_update(self._context)
        return STATE.unpack_from(self._bytes, self._where().state)

    def syndrome(self) -> CoreSyndrome:
        """Return what the core noted for the last exception."""
        self.context_update(self._context)
        esr, _, far, target_el = SYNDROME.unpack_from(self._bytes, self._where().syndrome)
        return CoreSyndrome(esr, far, target_el)

    def context_bytes(self) -> bytes:
        """Return the saved context, for calibration."""
        return bytes(self.context_save())

    def read_general(self, index: int) -> int:
        """Return x0…x30 (0…30), the SP in use (31) or PC (32)."""
        return self._read(_GENERAL[index])

    def write_general(self, index: int, value: int) -> None:
        """Write what `read_general` reads."""
        self._write(_GENERAL[index], value)

    def read_pstate(self) -> int:
        """Return PSTATE in SPSR's positions."""
        return self._read(arm64.UC_ARM64_REG_PSTATE)

    def write_pstate(self, value: int) -> None:
        """Write PSTATE; the stack pointers stay where they are."""
        self._write(arm64.UC_ARM64_REG_PSTATE, value)
        # The core derives its mode from PSTATE again only when a system register is written.
        self.write_system("FAR_EL1", self.read_system("FAR_EL1"))

    def has_system(self, name: str) -> bool:
        """Return whether the core has the system register."""
        return name in self._system

    def read_system(self, name: str) -> int:
        """Return a system register by the manual's name."""
        register = self._system[name]
        self._check(self._do_reg_read(arm64.UC_ARM64_REG_CP_REG, ctypes.byref(register)))
        return int(register.val)

    def write_system(self, name: str, value: int) -> None:
        """Write a system register without its side effects: the TLB keeps what it has."""
        register = self._system[name]
        register.val = value
        self._check(self._do_reg_write(arm64.UC_ARM64_REG_CP_REG, ctypes.byref(register)))

    def flush_tlb(self) -> None:
        """Forget every translation."""
        self.ctl(uc.UC_CTL_TLB_FLUSH, uc.UC_CTL_IO_WRITE)

    def forget_code(self) -> None:
        """Forget every instruction that was decoded: its memory changed."""
        self.ctl_flush_tb()

    def save(self) -> object:
        """Return every register; neither memory nor TLB."""
        return self.context_save()

    def load(self, saved: object) -> None:
        """Bring the registers back."""
        self.context_restore(saved)

    def close(self) -> None:
        """Free the C library's memory; the object must not be used again."""
        self._Uc__finalizer()

    def _where(self) -> ContextLayout:
        if self._layout is None:
            raise EngineError("an engine that is not calibrated has no state to show")
        return self._layout

    def _read(self, register: int) -> int:
        self._number.value = 0
        self._check(self._do_reg_read(register, ctypes.byref(self._number)))
        return self._number.value

    def _write(self, register: int, value: int) -> None:
        self._number.value = value
        self._check(self._do_reg_write(register, ctypes.byref(self._number)))

    def _check(self, status: int) -> None:
        if status != uc.UC_ERR_OK:
            raise EngineError(f"{self.name}: {unicorn.UcError(status)}")


class UnicornEngine(_Core):
    """One core with its memory and its own MMU; see `harness.machine.engine.Engine`."""

    def __init__(self, memory: HostMemory, context: ContextLayout | None) -> None:
        super().__init__(memory, memory.mapped(), context, uc.UC_TLB_CPU)
        self._hooks: Hooks | None = None
        self._raised: BaseException | None = None
        self._missing: Missing | None = None
        self._connect()

    def start(self, hooks: Hooks) -> Missing | None:
        """Execute from PC until `stop`; EngineError if Unicorn gives up for a reason of its own."""
        self._hooks, self._raised, self._missing = hooks, None, None
        failure = None
        try:
            self.emu_start(self.read_general(STATE_PC), _NOWHERE)
        except unicorn.UcError as error:
            failure = error
        finally:
            self._hooks = None
        if self._raised is not None:
            raise self._raised
        if failure is not None and self._missing is None:
            place = self.read_general(STATE_PC)
            if failure.errno == uc.UC_ERR_FETCH_PROT:
                # Translated, but to memory that is answered: no code can lie there.
                pa = self.translate(place, AccessKind.FETCH)
                if pa is not None:
                    return Missing(AccessKind.FETCH, pa, place)
            raise EngineError(f"{self.name} stopped at {place:#x}: {failure}") from failure
        return self._missing

    def stop(self) -> None:
        """Stop before the next instruction; whatever is reported until then is ignored."""
        self._hooks = None
        self.emu_stop()

    def translate(self, va: int, kind: AccessKind) -> int | None:
        """Return where an access of this mode would go, by the TLB as it is; None: a fault.

        A translation that the TLB lacks is walked for and kept, as for the access itself.
        """
        self._number.value = 0
        status = uclib.uc_vmem_translate(
            self._uch, ctypes.c_uint64(va), _PROTECTION[kind], ctypes.byref(self._number)
        )
        return None if status else self._number.value

    def answer_memory(
        self,
        base: int,
        size: int,
        read: Callable[[int, int], int],
        write: Callable[[int, int, int], None],
    ) -> None:
        """Give physical addresses from `base` to `read(pa, size)`, `write(pa, size, value)`.

        No code can lie there: a fetch that is translated to it is a `Missing`.
        """
        self.mmio_map(
            base,
            size,
            lambda _engine, offset, length, _data: read(base + offset, length),
            None,
            lambda _engine, offset, length, value, _data: write(base + offset, length, value),
            None,
        )

    def _connect(self) -> None:
        self.hook_add(uc.UC_HOOK_CODE, self._on_code)
        self.hook_add(uc.UC_HOOK_MEM_READ | uc.UC_HOOK_MEM_WRITE, self._on_memory)
        self.hook_add(uc.UC_HOOK_INTR, self._on_interrupt)
        self.hook_add(
            uc.UC_HOOK_MEM_READ_UNMAPPED
            | uc.UC_HOOK_MEM_WRITE_UNMAPPED
            | uc.UC_HOOK_MEM_FETCH_UNMAPPED,
            self._on_missing,
        )

    def _on_code(self, _engine: object, address: int, _size: int, _data: object) -> None:
        if self._hooks is not None:
            try:
                self._hooks.on_instruction(address)
            except BaseException as error:  # noqa: BLE001 - C calls this: `start` raises it
                self._fail(error)

    def _on_memory(
        self, _engine: object, access: int, pa: int, size: int, _value: int, _data: object
    ) -> None:
        if self._hooks is not None:
            try:
                self._hooks.on_memory(pa, size, write=access == uc.UC_MEM_WRITE)
            except BaseException as error:  # noqa: BLE001 - C calls this: `start` raises it
                self._fail(error)

    def _on_interrupt(self, _engine: object, number: int, _data: object) -> None:
        if self._hooks is not None:
            try:
                self._hooks.on_exception(fetch=number == _PREFETCH_ABORT)
            except BaseException as error:  # noqa: BLE001 - C calls this: `start` raises it
                self._fail(error)

    def _on_missing(
        self, _engine: object, access: int, pa: int, _size: int, _value: int, _data: object
    ) -> bool:
        if self._missing is None:
            self._missing = Missing(_MISSING[access], pa, self.read_general(STATE_PC))
            self.stop()  # DC ZVA would else go on with the next instruction
        return False

    def _fail(self, error: BaseException) -> None:
        self._raised = error
        self.stop()


class VirtualTlbEngine(_Core):
    """One core that is told every translation; see `harness.machine.engine.SteppingEngine`.

    Unicorn asks for a translation by page and direction alone, and only where its soft TLB has
    none: so an instruction's pages are stated beforehand, and no others are ever in the TLB.
    """

    def __init__(self, memory: HostMemory, context: ContextLayout | None) -> None:
        super().__init__(memory, memory.frames(), context, uc.UC_TLB_VIRTUAL)
        self._code: Pages = {}
        self._data: Pages = {}
        self._refused: int | None = None
        self._has_exception = False
        self._left = False
        """The core wanted to fetch the next instruction, too, from another page."""
        self.hook_add(uc.UC_HOOK_TLB_FILL, self._on_fill)
        self.hook_add(uc.UC_HOOK_INTR, self._on_interrupt)

    def execute(self, pc: int, code: Pages, data: Pages) -> CoreSyndrome | None:
        """Execute the instruction at `pc`; what the core noted if it raised an exception."""
        if code != self._code or data != self._data:
            self._code, self._data = code, data
            self.flush_tlb()
        self._refused, self._has_exception, self._left = None, False, False
        elsewhere = 0 if pc else 4  # where to stop: nothing executes at all if that is PC
        status = uclib.uc_emu_start(self._uch, pc, elsewhere, 0, 1)
        if self._refused is not None:
            raise EngineError(
                f"{self.name}: the instruction at {pc:#x} accesses {self._refused:#x}, which is "
                "none of its decoded accesses"
            )
        if self._has_exception:
            return self.syndrome()
        if not self._left:
            self._check(status)
        return None

    def fingerprint(self) -> bytes:
        """Return a digest of every register; of the last exception's syndrome it has nothing."""
        self.context_update(self._context)
        digest = hashlib.blake2b(digest_size=16)
        start = self._where().syndrome
        digest.update(memoryview(self._bytes)[:start])
        digest.update(memoryview(self._bytes)[start + SYNDROME.size :])
        return digest.digest()

    def _on_fill(
        self, _engine: object, page: int, access: int, entry: uc_tlb_entry, _data: object
    ) -> bool:
        is_fetch = access == uc.UC_MEM_FETCH
        frame = (self._code if is_fetch else self._data).get(page)
        if frame is None:
            if is_fetch:
                self._left = True
            else:
                self._refused = page
            return False
        entry.paddr = frame
        entry.perms = uc.UC_PROT_EXEC if is_fetch else uc.UC_PROT_READ | uc.UC_PROT_WRITE
        return True

    def _on_interrupt(self, _engine: object, _number: int, _data: object) -> None:
        self._has_exception = True
        self.emu_stop()


class UnicornMachine(TranslatingProcessor):
    """A machine that executes and translates with Unicorn 2.1, its own MMU: QEMU 5.0.1's.

    `memory` is copied. `tables` are the physical ranges that hold translation tables: what the
    guest writes there is a DescriptorWrite. `memory_limit` bounds the bytes, in whole pages, that
    a run may write to.

    The core has FEAT_PAN, FEAT_UAO and LSE; TLBI by range, OS and nXS forms, MTE and MOPS are
    missing, and are refused by name at EL1. Translations are kept for each 4K page, also of a
    block, and a TLBI by address may drop more than it must.

    LimitError for memory that the machine cannot have, EngineError if Unicorn is not one that can
    be calibrated.
    """

    def __init__(
        self,
        memory: PhysicalMemory,
        *,
        tables: Iterable[range] = (),
        memory_limit: int = DEFAULT_MEMORY_LIMIT,
    ) -> None:
        host = HostMemory(memory)
        engine = UnicornEngine(host, calibrated_layout())
        super().__init__(engine, host, tables=tables, memory_limit=memory_limit)


def answering_engine(base: int, contents: bytes) -> UnicornEngine:
    """Return an engine whose only memory of its own is `contents` at physical `base`."""
    image = PhysicalMemory([Region(PhysicalAddress(base), len(contents))])
    image.write(base, contents)
    return UnicornEngine(HostMemory(image), calibrated_layout())


def stepping_engine(memory: HostMemory) -> VirtualTlbEngine:
    """Return an engine that is told every translation; EngineError if it cannot be calibrated."""
    return VirtualTlbEngine(memory, calibrated_layout())


@functools.cache
def calibrated_layout() -> ContextLayout:
    """Return where this build's saved context holds syndrome and registers; once a process."""
    return calibrate(lambda memory: UnicornEngine(memory, None))
