"""A rebuilt report as a scenario file and its snippet, as `mmu-harness run` reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from harness.oops.rebuild import Rebuilt
from harness.scenario import MemoryRange
from harness.scenario_file import SUFFIX
from harness.vmsa.access import AccessKind

_TTBR_AND_MAIR = 16


def scenario_files(rebuilt: Rebuilt, name: str, *, taken: bool) -> Mapping[str, str]:
    """Return the text of each file by its name: the snippet first, which the scenario needs.

    `taken`: the engine takes the recorded fault. Where it is known not to, [expect] is a comment,
    so that the scenario does not fail for what the engine cannot do.
    """
    snippet = f"{name}.S"
    return {
        snippet: rebuilt.scenario.run.text,
        f"{name}{SUFFIX}": "\n".join(_lines(rebuilt, snippet, taken=taken)) + "\n",
    }


def _lines(rebuilt: Rebuilt, snippet: str, *, taken: bool) -> Iterator[str]:
    scenario = rebuilt.scenario
    report = rebuilt.report
    setup = scenario.translation
    lines = f"lines {report.first_line} to {report.last_line}"
    yield f"# Rebuilt from {_comment(report.name)}, {lines}."
    for note in rebuilt.notes:
        yield f"# {_comment(note)}"
    yield ""
    yield "[scenario]"
    yield f"summary = {_text(scenario.summary)}"
    yield f"profile = {_text(scenario.profile.name)}"
    yield ""
    yield "[translation]"
    yield f"granule = {_text(setup.low.granule.label)}"
    yield f"va_bits = {setup.low.va_bits}"
    for name, value in setup.registers.items():
        yield f'{name} = "{value:#0{_TTBR_AND_MAIR + 2}x}"'
    for name, fields in setup.fields.items():
        yield f"{name} = {_inline(fields)}"
    for part in scenario.memory:
        yield ""
        yield from _memory(part)
    yield ""
    yield from _run(rebuilt, snippet)
    yield ""
    if taken:
        yield from _expect(rebuilt)
    else:
        yield "# The recorded fault, which Unicorn's own MMU is known not to take:"
        yield from (f"# {line}" for line in _expect(rebuilt))


def _memory(part: MemoryRange) -> Iterator[str]:
    yield "[[memory]]"
    yield f'pa = "{part.pa:#x}"'
    if part.words:
        words = ", ".join(f'"{word:#018x}"' for word in part.words)
        yield f"words = [{words}]"
    else:
        yield f'size = "{part.size:#x}"'
        yield f"fill = {_text(part.fill or 'zero')}"


def _run(rebuilt: Rebuilt, snippet: str) -> Iterator[str]:
    run = rebuilt.scenario.run
    yield "[run]"
    yield f"snippet = {_text(snippet)}"
    yield f"entry = {_text(run.entry)}"
    yield f"el = {run.el}"
    if run.code is not None:
        yield f'code = "{run.code:#x}"'
    if run.pstate:
        yield f"pstate = {_inline(run.pstate)}"
    yield ""
    yield "[run.registers]"
    if rebuilt.report.lr is None and rebuilt.report.access is not AccessKind.FETCH:
        yield "# x30 is not printed."
    for name, value in run.registers.items():
        yield f'{name} = "{value:#018x}"'


def _expect(rebuilt: Rebuilt) -> Iterator[str]:
    expect = rebuilt.scenario.expect
    if expect is None:
        return
    yield "[expect]"
    if expect.fault is not None:
        yield f"fault = {_text(expect.fault.value)}"
    if expect.level is not None:
        yield f"level = {expect.level}"
    if expect.access is not None:
        yield f"access = {_text(expect.access.value)}"
    if expect.esr is not None:
        yield f'esr = "{expect.esr:#010x}"'
    if expect.far is not None:
        yield f'far = "{expect.far:#018x}"'


def _inline(fields: Mapping[str, int]) -> str:
    return "{ " + ", ".join(f"{name} = {value}" for name, value in fields.items()) + " }"


def _text(text: str) -> str:
    """Return a TOML string: JSON's, whose escapes TOML has as well."""
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    """Return the text on one line and without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
