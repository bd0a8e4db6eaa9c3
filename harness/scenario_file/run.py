"""`[run]`, `[[inject]]` and `[expect]`: what executes, what changes meanwhile, what should come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Feature, Profile
from harness.arch.system_instructions import BARRIERS
from harness.arch.system_operations import SYSTEM_OPERATIONS
from harness.encodings import encoding
from harness.errors import ValueSyntaxError
from harness.operations.catalogue import check_operation
from harness.scenario import (
    AtAccess,
    AtFault,
    AtInstruction,
    AtLabel,
    Edit,
    Expect,
    Injection,
    Limits,
    Operation,
    Run,
    When,
)
from harness.scenario_file.keys import KEYS, PSTATE_FIELDS, RUN_REGISTERS, STATED
from harness.scenario_file.memory import read_bits, read_field_change
from harness.scenario_file.reader import Table, number_in
from harness.trace import EndReason
from harness.vmsa.access import AccessKind

ACCESS_KINDS = (AccessKind.READ, AccessKind.WRITE, AccessKind.FETCH)
NO_FAULT = "none"
ENDS = (EndReason.RETURNED, EndReason.FAULT, EndReason.EXCEPTION)
"""Ends that an author can expect: of the others no verdict follows."""

_SNIPPET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_PSTATE_FEATURE = {"PAN": Feature.PAN, "UAO": Feature.UAO}


def read_run(table: Table, path: Path, profile: Profile) -> Run:
    """Return `[run]`; the snippet is a file beside the scenario at `path`, never elsewhere."""
    if ("snippet" in table) == ("words" in table):
        table.fail("[run] has either a snippet or words")
    el = table.get("el", table.integer, 1)
    if el not in (0, 1):
        table.fail(f"el = {el}: the harness runs EL0 and EL1", "el")
    return Run(
        snippet=_snippet(table, path) if "snippet" in table else None,
        words=_words(table) if "words" in table else (),
        entry=table.get("entry", table.text, ""),
        el=el,
        pstate=_pstate(table.table("pstate", PSTATE_FIELDS), profile) if "pstate" in table else {},
        registers=_registers(table),
        code=_virtual(table, "code"),
        code_pa=_physical(table, "code_pa"),
        vectors=table.get("vectors", table.text, ""),
        limits=_limits(table.table("limit", KEYS["limit"])) if "limit" in table else Limits(),
        line=table.line,
    )


def read_injection(table: Table) -> Injection:
    """Return one `[[inject]]`."""
    return Injection(
        when=_when(table.table("when", KEYS["when"])),
        edit=_operation(table) if "operation" in table else _only_edit(table),
        maintenance=_maintenance(table) if "maintenance" in table else (),
        line=table.line,
    )


def read_expect(table: Table) -> Expect:
    """Return `[expect]`, with what `[expect.model]` and `[expect.stale]` put in its place."""
    expect = _expect(table)
    if "model" in table:
        expect = replace(expect, model=_overridden(expect, table.table("model", STATED)))
    if "stale" in table:
        below = expect.model or expect
        expect = replace(expect, stale=_overridden(below, table.table("stale", STATED)))
    return expect


def _overridden(below: Expect, table: Table) -> Expect:
    """Return `below` with the keys that `table` states in place; `fault` stands for all of it."""
    stated = _expect(table)
    keys = {key for key in table if key in {"level", "access", "esr", "far", "end"}}
    if "fault" in table:
        keys |= {"fault", "no_fault", "level", "access", "esr", "far"}
    keys |= {key for key in table if key in {"registers", "memory"}}
    changes = {key: getattr(stated, key) for key in sorted(keys)}
    return replace(below, model=None, stale=None, line=table.line, **changes)


def _expect(table: Table) -> Expect:
    """Return what one table states: the first fault, and the state at the end."""
    fault = table.choice("fault", (NO_FAULT, *FaultKind)) if "fault" in table else None
    if fault == NO_FAULT:
        for key in ("level", "access", "esr", "far"):
            if key in table:
                table.fail(f"{key} of a fault, where fault = {NO_FAULT!r}", key)
    return Expect(
        fault=None if fault in (None, NO_FAULT) else FaultKind(fault),
        no_fault=fault == NO_FAULT,
        level=table.get("level", table.level, None),
        access=AccessKind(table.choice("access", ACCESS_KINDS)) if "access" in table else None,
        esr=table.get("esr", table.integer, None),
        far=_virtual(table, "far"),
        end=EndReason(table.choice("end", ENDS)) if "end" in table else None,
        registers=_registers(table),
        memory=_memory(table.table("memory")) if "memory" in table else {},
        line=table.line,
    )


def _snippet(table: Table, path: Path) -> Path:
    name = table.text("snippet")
    if not _SNIPPET.fullmatch(name):
        table.fail(
            f"snippet = {name!r} is not the plain name of a file beside the scenario", "snippet"
        )
    snippet = path.parent / name
    if snippet.is_symlink():
        table.fail(f"snippet {name} is a symbolic link: it must lie beside the scenario", "snippet")
    if not snippet.is_file():
        table.fail(f"no snippet {name} beside the scenario", "snippet")
    return snippet


def _words(table: Table) -> tuple[int, ...]:
    words = table.integers("words")
    for index, word in enumerate(words):
        if word >> 32:
            table.fail(
                f"words[{index}] = {word:#x} is no instruction: it has 32 bits", "words", index
            )
    if not words:
        table.fail("words is empty", "words")
    return words


def _pstate(table: Table, profile: Profile) -> Mapping[str, int]:
    given = {}
    for name in table:
        given[name] = table.integer(name)
        if given[name] > 1:
            table.fail(f"PSTATE.{name} is 0 or 1", name)
        if given[name] and not profile.has(_PSTATE_FEATURE[name]):
            table.fail(f"{profile.name} has no {_PSTATE_FEATURE[name]}", name)
    return given


def _registers(table: Table) -> Mapping[str, int]:
    if "registers" not in table:
        return {}
    registers = table.table("registers", RUN_REGISTERS)
    return {name: registers.integer(name) for name in registers}


def _limits(table: Table) -> Limits:
    default = Limits()
    return Limits(
        instructions=table.get("instructions", table.count, default.instructions),
        seconds=table.get("seconds", table.seconds, default.seconds),
    )


def _when(table: Table) -> When:
    moments = [key for key in ("label", "instruction", "access", "fault") if key in table]
    if len(moments) != 1:
        table.fail(f"{table.title} is one of label, instruction, access, fault")
    moment = moments[0]
    if "hit" in table and moment in {"instruction", "fault"}:
        table.fail(f"hit goes with label or access; {moment} is a number itself", "hit")
    hit = table.get("hit", table.count, 1)
    if moment == "label":
        return AtLabel(table.text("label"), hit)
    if moment == "instruction":
        return AtInstruction(table.count("instruction"))
    if moment == "fault":
        return AtFault(table.count("fault"))
    access = table.table("access", KEYS["access"])
    kind = AccessKind(access.choice("kind", ACCESS_KINDS)) if "kind" in access else None
    return AtAccess(
        VirtualAddress(access.integer("va")), access.get("size", access.size, 1), kind, hit
    )


def _edit(table: Table) -> Edit:
    changes = [key for key in ("clear", "set", "fields", "descriptor") if key in table]
    if not changes:
        table.fail(f"{table.title} changes nothing: it needs clear, set, fields or descriptor")
    if "descriptor" in changes and len(changes) > 1:
        table.fail(
            "descriptor replaces the whole entry: no other change goes with it", "descriptor"
        )
    cleared = read_bits(table, "clear") if "clear" in table else 0
    set_ = read_bits(table, "set") if "set" in table else 0
    if "fields" in table:
        mask, content = read_field_change(table.table("fields"))
        if mask & (cleared | set_):
            table.fail("fields changes bits that clear or set changes as well", "fields")
        cleared, set_ = cleared | mask, set_ | content
    return Edit(
        va=VirtualAddress(table.integer("va")),
        level=table.get("level", table.level, None),
        clear_bits=cleared,
        set_bits=set_,
        descriptor=table.get("descriptor", table.integer, None),
    )


def _only_edit(table: Table) -> Edit:
    """Return the edit of an injection that is no operation."""
    if "edit" not in table:
        table.fail("[[inject]] needs a key 'edit' or 'operation'")
    for key in ("va", "size"):
        if key in table:
            table.fail(f"{key} goes with operation: an edit has its own va", key)
    return _edit(table.table("edit", KEYS["edit"]))


def _operation(table: Table) -> Operation:
    """Return what a kernel does, written `ENCODING:NAME`."""
    if "edit" in table:
        table.fail("edit and operation exclude each other", "edit")
    name, colon, operation = table.text("operation").partition(":")
    if not colon:
        table.fail(
            "an operation is written ENCODING:NAME, such as linux-7.0:set_memory_valid_off",
            "operation",
        )
    try:
        check_operation(encoding(name), operation)
    except ValueSyntaxError as error:
        table.fail(error.reason, "operation")
    return Operation(name, operation, VirtualAddress(table.integer("va")), table.size("size"))


def _maintenance(table: Table) -> tuple[str, ...]:
    """Return maintenance instructions, written as the trace writes them: `tlbi vaae1`."""
    operations = [" ".join(text.lower().split()) for text in table.texts("maintenance")]
    for index, operation in enumerate(operations):
        table.one_of(operation, (*BARRIERS, *SYSTEM_OPERATIONS), "maintenance", index)
    return tuple(operations)


def _memory(table: Table) -> Mapping[int, int]:
    """Return words of physical memory: the keys are addresses, as text since TOML has no others."""
    words = {}
    for key in table:
        address = number_in(key)
        if address is None or address % 8:
            table.fail(f"{key} is not the address of a 64-bit word", key)
        words[address] = table.integer(key)
    return words


def _virtual(table: Table, key: str) -> VirtualAddress | None:
    value = table.get(key, table.integer, None)
    return None if value is None else VirtualAddress(value)


def _physical(table: Table, key: str) -> PhysicalAddress | None:
    value = table.get(key, table.integer, None)
    return None if value is None else PhysicalAddress(value)
