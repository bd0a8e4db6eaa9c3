"""The snippet of a scenario as machine code at its address, and the labels that it needs."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.addresses import VirtualAddress
from harness.arch.vectors import TABLE_SIZE
from harness.errors import ScenarioError, did_you_mean
from harness.machine.assembler import assemble_file, assemble_text
from harness.machine.program import Program
from harness.scenario import AtLabel, Scenario
from harness.scenario_file.reader import number_in

END_LABEL = "end"
"""A snippet that reaches this label of its own is done."""
WORDS_LABEL = "start"
"""Label of the first of bare instruction words."""
INSTRUCTION = 4
"""Bytes of an A64 instruction."""


def build_program(scenario: Scenario, base: VirtualAddress, assembler: str | None) -> Program:
    """Return the program at `base`; `assembler` None lets the snippet choose.

    AssemblyError for a bad statement, ScenarioError for a label that the scenario names and the
    snippet lacks.
    """
    run = scenario.run
    if run.snippet is not None:
        program = assemble_file(run.snippet, base, assembler=assembler)
    elif run.text:
        program = assemble_text(run.text, base, assembler=assembler)
    else:
        code = b"".join(word.to_bytes(INSTRUCTION, "little") for word in run.words)
        program = Program(base, code, {WORDS_LABEL: base}, (), "words")
    if not program.code:
        raise ScenarioError("the snippet holds no instruction", scenario.at(run.line))
    for label, line in _labels(scenario).items():
        if label not in program.symbols:
            raise ScenarioError(
                f"the snippet has no label {label!r}{did_you_mean(label, program.symbols)}",
                scenario.at(line),
            )
    return program


def entry_point(scenario: Scenario, program: Program) -> VirtualAddress:
    """Return where execution begins: a label, an address, or the first instruction."""
    entry = scenario.run.entry
    address = number_in(entry)
    if address is not None:
        return VirtualAddress(address)
    return program.symbols[entry] if entry else program.base


def vector_base(scenario: Scenario, program: Program) -> int:
    """Return VBAR_EL1: the label of the vectors, 0 for none; ScenarioError if misaligned."""
    if not scenario.run.vectors:
        return 0
    base = program.symbols[scenario.run.vectors]
    if base % TABLE_SIZE:
        raise ScenarioError(
            f"the vectors at {scenario.run.vectors} = {base:#x} are not aligned to "
            f"{TABLE_SIZE:#x} bytes: `.align 11` before the label does it",
            scenario.at(scenario.run.line),
        )
    return base


def return_address(program: Program) -> VirtualAddress:
    """Return where a snippet's `ret` leads, and ends the run: the word after its code."""
    end = program.base + len(program.code)
    return VirtualAddress(-(-end // INSTRUCTION) * INSTRUCTION)


def stop_addresses(program: Program) -> frozenset[VirtualAddress]:
    """Return the addresses at which a run has reached its end."""
    label = program.symbols.get(END_LABEL)
    return frozenset({return_address(program)} | ({label} if label is not None else set()))


def _labels(scenario: Scenario) -> Mapping[str, int]:
    """Return each label that the scenario names, with the line that does."""
    run = scenario.run
    names = (run.entry if number_in(run.entry) is None else "", run.vectors)
    labels = {name: run.line for name in names if name}
    for injection in scenario.injections:
        if isinstance(injection.when, AtLabel):
            labels.setdefault(injection.when.label, injection.line)
    return labels
