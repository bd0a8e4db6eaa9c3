"""The fixture `mmu`: a scenario stated in a test, in the words of a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES, Profile
from harness.arch.syndromes import decode_abort
from harness.errors import InputError, ScenarioError
from harness.oracle.verdict import VerdictKind
from harness.report.text import run_text
from harness.runner import run_and_judge
from harness.runner.expectation import access_of
from harness.runner.judged import JudgedRun
from harness.scenario import Injection, Limits, Map, MemoryRange, Run, Scenario, TranslationSetup
from harness.scenario_file.keys import KEYS
from harness.scenario_file.machine import DEFAULT_PROFILE, read_profile, read_translation
from harness.scenario_file.memory import read_map, read_memory
from harness.scenario_file.reader import Source, Table
from harness.scenario_file.run import read_injection
from harness.trace import EndReason, FaultTaken, Trace
from harness.vmsa.access import AccessKind


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """One abort, its syndrome decoded; None where the syndrome does not tell."""

    kind: FaultKind | None
    level: int | None
    access: AccessKind | None
    esr: int
    far: int
    pc: int
    label: str

    def __repr__(self) -> str:
        """Numbers as the kernel prints them: pytest shows this where an assertion fails."""
        return (
            f"FaultSeen(kind={self.kind}, level={self.level}, access={self.access}, "
            f"esr={self.esr:#010x}, far={self.far:#018x}, pc={self.pc:#018x}, "
            f"label={self.label!r})"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run; `str` is the report that `mmu-harness run` prints."""

    judged: JudgedRun

    @property
    def verdict(self) -> VerdictKind:
        """`agrees`, `known_divergence`, `disagrees`, `unsupported` or `incomplete`."""
        return self.judged.verdict.kind

    @property
    def divergence(self) -> str | None:
        """The id of the known divergence, if the verdict is one."""
        return self.judged.verdict.divergence

    @property
    def faults(self) -> tuple[FaultSeen, ...]:
        """Every abort that was taken, in order."""
        return tuple(_fault_seen(fault) for fault in self.trace.faults)

    @property
    def end(self) -> EndReason:
        """Why the run ended."""
        return self.trace.end.reason

    @property
    def trace(self) -> Trace:
        """Every event, and the registers at the end."""
        return self.judged.execution.trace

    @property
    def registers(self) -> Mapping[str, int]:
        """x0…x30, sp, pc, pstate and the system registers, at the end."""
        return self.trace.registers

    def memory(self, pa: int) -> int | None:
        """Return the 64-bit word at a physical address at the end, None where there is none."""
        return self.judged.execution.final_memory.read64(PhysicalAddress(pa))

    def __str__(self) -> str:
        return run_text(self.judged, trace=True)


P = ParamSpec("P")
R = TypeVar("R")


def _at_the_caller(method: Callable[P, R]) -> Callable[P, R]:
    """Let an error in what a test states point to the line of the test, not below it."""

    @wraps(method)
    def called(*args: P.args, **keys: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return method(*args, **keys)
        except InputError as error:
            raise error.with_traceback(None) from None

    return called


class Bench:
    """A machine under construction. Arguments take what the keys of a scenario file take."""

    def __init__(self, name: str, file: Path) -> None:
        self.last_report: str | None = None
        """The report of the last run, shown when the test fails."""
        self._name = name
        self._source = Source(file.name, {})
        self._profile: Profile = PROFILES[DEFAULT_PROFILE]
        self._translation: TranslationSetup = self._read_translation({})
        self._maps: list[Map] = []
        self._memory: list[MemoryRange] = []
        self._injections: list[Injection] = []
        self._run = Run()

    @_at_the_caller
    def machine(self, **keys: object) -> Bench:
        """State the machine: the keys of `[scenario]`, such as `profile="neoverse-n1"`."""
        self._profile = read_profile(self._table("scenario", keys))
        return self

    @_at_the_caller
    def translation(self, **keys: object) -> Bench:
        """State geometry and registers: the keys of `[translation]`, such as `granule="16K"`."""
        self._translation = self._read_translation(keys)
        return self

    @_at_the_caller
    def map(
        self,
        va: int,
        pa: int,
        size: int | str,
        attributes: str | Mapping[str, int | str],
        *,
        shape: str | None = None,
        level: int | None = None,
    ) -> Bench:
        """Map `size` bytes (or `"2M"`) at `va`; `shape` is `page`, `block` or `contiguous`."""
        keys = {"va": va, "pa": pa, "size": size, "attributes": attributes}
        keys |= {} if shape is None else {"as": shape}
        keys |= {} if level is None else {"level": level}
        self._maps.append(read_map(self._table("map", keys)))
        return self

    @_at_the_caller
    def memory(self, pa: int, **keys: object) -> Bench:
        """State memory: the keys of `[[memory]]`, such as `words=[1, 2]` or `fill="absent"`."""
        self._memory.append(read_memory(self._table("memory", {"pa": pa, **keys})))
        return self

    def load(self, text: str, *, entry: str = "", vectors: str = "") -> Bench:
        """Take assembly, from `entry` on; `vectors` is the label that VBAR_EL1 points to."""
        self._run = replace(self._run, text=text, snippet=None, entry=entry, vectors=vectors)
        return self

    def load_file(self, snippet: Path, *, entry: str = "", vectors: str = "") -> Bench:
        """Take a file of assembly."""
        self._run = replace(self._run, text="", snippet=snippet, entry=entry, vectors=vectors)
        return self

    def start(self, *, el: int = 1, pstate: Mapping[str, int] | None = None, **x: int) -> Bench:
        """State where and with what to start: `el`, `pstate={"PAN": 1}`, `x0=…`, `sp=…`."""
        self._run = replace(self._run, el=el, pstate=dict(pstate or {}), registers=dict(x))
        return self

    def code_at(self, va: int, pa: int | None = None) -> Bench:
        """State where the code lies."""
        physical = None if pa is None else PhysicalAddress(pa)
        self._run = replace(self._run, code=VirtualAddress(va), code_pa=physical)
        return self

    def limit(self, instructions: int, seconds: float = Limits().seconds) -> Bench:
        """State the bounds of the run."""
        self._run = replace(self._run, limits=Limits(instructions, seconds))
        return self

    @_at_the_caller
    def inject(
        self,
        *,
        when: Mapping[str, object],
        edit: Mapping[str, object],
        maintenance: Sequence[str] = (),
    ) -> Bench:
        """Change a descriptor during the run: `when={"label": "store"}`, `edit={"va": …}`."""
        keys = {"when": dict(when), "edit": dict(edit), "maintenance": list(maintenance)}
        self._injections.append(read_injection(self._table("inject", keys)))
        return self

    @_at_the_caller
    def run(self, *, assembler: str | None = None) -> Result:
        """Run and judge; every call starts from the beginning."""
        if not self._run.text and self._run.snippet is None:
            raise ScenarioError("nothing is loaded: give assembly to `mmu.load`")
        result = Result(run_and_judge(self._scenario(), assembler=assembler))
        self.last_report = run_text(result.judged)
        return result

    def _scenario(self) -> Scenario:
        return Scenario(
            name=self._name,
            summary="stated in a test",
            profile=self._profile,
            translation=self._translation,
            maps=tuple(self._maps),
            run=self._run,
            memory=tuple(self._memory),
            injections=tuple(self._injections),
        )

    def _read_translation(self, keys: Mapping[str, object]) -> TranslationSetup:
        return read_translation(Table({"translation": dict(keys)}, self._source))[0]

    def _table(self, name: str, keys: Mapping[str, object]) -> Table:
        return Table(dict(keys), self._source, (name,), KEYS[name])


def _fault_seen(fault: FaultTaken) -> FaultSeen:
    abort = decode_abort(fault.esr)
    return FaultSeen(
        kind=abort.kind if abort else None,
        level=abort.level if abort else None,
        access=access_of(abort) if abort else None,
        esr=fault.esr,
        far=fault.far,
        pc=fault.pc,
        label=fault.label,
    )
