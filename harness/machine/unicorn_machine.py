"""Unicorn as an engine, and the machine that translates with Unicorn's own MMU.

Nothing else imports unicorn. Its C library stays usable through Python's binding only where that
has the function; `uc_vmem_translate` and the registers' structures are taken from inside it.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable
from typing import Self

import unicorn
from unicorn import arm64_const as arm64
from unicorn import unicorn_const as uc
from unicorn.unicorn_py3.arch.arm64 import UcAArch64, UcRegCP64
from unicorn.unicorn_py3.unicorn import uclib

from harness.arch.addresses import PhysicalAddress
from harness.arch.registers import REGISTERS
from harness.errors import EngineError
from harness.machine.calibration import STATE, SYNDROME, ContextLayout, Provoked, locate
from harness.machine.engine import STATE_PC, CoreSyndrome, Hooks, Missing
from harness.machine.host_memory import HostMemory
from harness.machine.processor import DEFAULT_MEMORY_LIMIT, Processor
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


class UnicornEngine(UcAArch64):  # type: ignore[misc]  # the binding has no types
    """One core with its memory; see `harness.machine.engine.Engine`.

    `context` is where the saved context holds what no interface tells; None, for calibration
    alone, leaves `state` and `syndrome` unusable.
    """

    def __new__(cls, *_arguments: object) -> Self:
        """Create this class, where the binding's base would create its own."""
        return object.__new__(cls)

    def __init__(self, memory: HostMemory, context: ContextLayout | None) -> None:
        super().__init__(uc.UC_ARCH_ARM64, uc.UC_MODE_ARM, arm64.UC_CPU_ARM64_MAX)
        self.ctl_set_page_size(PAGE_SIZE)
        self.ctl_set_tlb_mode(uc.UC_TLB_CPU)
        self._memory = memory  # the engine works on its buffers as long as it lives
        for part in memory.mapped():
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
        self._hooks: Hooks | None = None
        self._raised: BaseException | None = None
        self._missing: Missing | None = None
        self._connect()

    @property
    def name(self) -> str:
        """Name and version."""
        return f"unicorn {unicorn.__version__}"

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

    def translate(self, va: int, kind: AccessKind) -> int | None:
        """Return where an access of this mode would go, by the TLB as it is; None: a fault.

        A translation that the TLB lacks is walked for and kept, as for the access itself.
        """
        self._number.value = 0
        status = uclib.uc_vmem_translate(
            self._uch, ctypes.c_uint64(va), _PROTECTION[kind], ctypes.byref(self._number)
        )
        return None if status else self._number.value

    def flush_tlb(self) -> None:
        """Forget every translation."""
        self.ctl(uc.UC_CTL_TLB_FLUSH, uc.UC_CTL_IO_WRITE)

    def forget_code(self) -> None:
        """Forget every instruction that was decoded: its memory changed."""
        self.ctl_flush_tb()

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


class UnicornMachine(Processor):
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


@functools.cache
def calibrated_layout() -> ContextLayout:
    """Return where this build's saved context holds syndrome and registers; once a process."""
    return locate([_provoke(*case) for case in _CALIBRATION])


# Instruction, x0, and the syndrome and FAR that must come of it.
_CALIBRATION = (
    (0xF940_0001, 0x5A_5A5A_5A58, 0x9600_0005, 0x5A_5A5A_5A58),  # ldr x1, [x0]
    (0xF900_0001, 0x2B_4C6D_8E98, 0x9600_0045, 0x2B_4C6D_8E98),  # str x1, [x0]
    (0xD400_B421, 0x13_5724_68A0, 0x5600_05A1, None),  # svc #0x5a1
)
_CODE = 0x1000


def _provoke(word: int, x0: int, syndrome: int, far: int | None) -> Provoked:
    """Execute `word` where only the first gibibyte is mapped, by a level 1 block at address 0."""
    image = PhysicalMemory([Region(PhysicalAddress(0), 2 * PAGE_SIZE)])
    image.write64(PhysicalAddress(0), 0x401)
    image.write(_CODE, word.to_bytes(4, "little"))
    memory = HostMemory(image)
    engine = UnicornEngine(memory, None)
    for name, value in (("MAIR_EL1", 0xFF), ("TCR_EL1", 25 | 1 << 23), ("SCTLR_EL1", 1)):
        engine.write_system(name, value)
    for index in range(1, 32):
        engine.write_general(index, 0xA5C3_0000_0000_0000 | index * 0x0101_0101)
    engine.write_general(0, x0)
    engine.write_general(STATE_PC, _CODE)
    seen = _OneException(engine)
    engine.start(seen)
    found = Provoked(
        context=seen.context,
        syndrome=syndrome,
        far=far,
        target_el=1,
        registers=tuple(engine.read_general(index) for index in range(33)),
        mode=engine.read_pstate() & 0x1F,
    )
    engine.close()
    return found


class _OneException:
    """Keeps the context as it is at the first exception, and stops there."""

    def __init__(self, engine: UnicornEngine) -> None:
        self._engine = engine
        self.context = b""

    def on_instruction(self, pc: int) -> None:
        """Let it execute."""

    def on_memory(self, pa: int, size: int, *, write: bool) -> None:
        """Let it happen."""

    def on_exception(self, *, fetch: bool) -> None:
        """Keep the context."""
        del fetch
        self.context = self._engine.context_bytes()
        self._engine.stop()
