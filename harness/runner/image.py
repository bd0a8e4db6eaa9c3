"""A scenario becomes a machine's initial state: memory with tables and code, and registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.arch import pstate
from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.registers import mair
from harness.errors import Location, MappingError, ScenarioError
from harness.machine.program import Program
from harness.memory import PhysicalMemory
from harness.runner.placement import Placement
from harness.runner.program import (
    INSTRUCTION,
    build_program,
    entry_point,
    return_address,
    vector_base,
)
from harness.runner.registers import geometry_of, system_registers, table_base, ttbr_value
from harness.scenario import Map, Scenario
from harness.tables.builder import Mapping as TableMapping
from harness.tables.builder import build_tables
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool
from harness.tables.reader import read_tables

POOL_SIZE = 64 << 20
"""Bytes that built tables may take: enough for 32 GiB of 4K pages."""
POOL_ALIGNMENT = 1 << 16
CODE = "of the code"
"""What a message calls the harness's own mapping of the snippet."""

_TTBR = {False: "TTBR0_EL1", True: "TTBR1_EL1"}
_NORMAL_WRITE_BACK = 0xFF
_AF = 1 << 10
_INNER_SHAREABLE = 3 << 8
_READ_ONLY = {1: 0b10 << 6, 0: 0b11 << 6}
"""AP[2:1] by the level that executes: read-only at EL1, or at both."""
_UXN = 1 << 54


@dataclass(frozen=True, slots=True)
class Image:
    """Everything that a machine needs before its first instruction."""

    program: Program
    memory: PhysicalMemory
    system_registers: Mapping[str, int]
    registers: Mapping[str, int]
    """x0…x30, sp, sp_el0, pc and pstate; what is absent is 0."""
    roots: Mapping[str, PhysicalAddress]
    """The root table of each TTBR, by the register's name."""
    tables: tuple[range, ...]
    """Physical addresses of every translation table that the roots lead to."""
    table_space: range
    """Physical addresses that nothing uses yet, for tables that are made later."""


def build_image(scenario: Scenario, assembler: str | None = None) -> Image:
    """Lay out a scenario; ScenarioError, MappingError or AssemblyError names what is wrong."""
    registers = system_registers(scenario.translation, scenario.profile)
    geometries = {high: _geometry(scenario, registers, high=high) for high in (False, True)}
    base = scenario.run.code
    if base is None:
        base = _default_code(geometries[True])
    program = build_program(scenario, base, assembler)

    placement = Placement(scenario)
    pool = _pool(scenario, placement)
    code_map, code_pa = _place_code(scenario, placement, program, geometries, registers)
    memory = placement.memory()
    maps = [
        _mapping(scenario, part, f"of line {part.line}" if part.line else "")
        for part in scenario.maps
    ]
    if code_map is not None:
        maps.append(_mapping(scenario, code_map, CODE))
    roots = {}
    for high, geometry in geometries.items():
        name = _TTBR[high]
        stated = scenario.translation.registers.get(name)
        root = None if stated is None else table_base(stated, geometry)
        wanted = [part for part in maps if bool(part.ia >> 63) is high]
        try:
            roots[name] = build_tables(geometry, wanted, pool, memory, root)
        except MappingError as error:
            raise error if error.at else MappingError(error.reason, scenario.at()) from None
        registers.setdefault(name, ttbr_value(roots[name], geometry))
    if not memory.covers(code_pa, len(program.code)):
        raise ScenarioError(f"there is no memory for the code at {code_pa:#x}", _run_at(scenario))
    memory.write(code_pa, program.code)
    registers["VBAR_EL1"] = vector_base(scenario, program)
    return Image(
        program=program,
        memory=memory,
        system_registers=registers,
        registers=_initial_registers(scenario, program),
        roots=roots,
        tables=tuple(_table_ranges(geometries, roots, memory)),
        table_space=range(pool.base + pool.used, pool.base + pool.size),
    )


def _geometry(scenario: Scenario, registers: Mapping[str, int], *, high: bool) -> Geometry:
    try:
        return geometry_of(registers, scenario.profile, high=high)
    except MappingError as error:
        half = "high" if high else "low"
        raise ScenarioError(f"[translation], {half} half: {error.reason}", scenario.at()) from None


def _table_ranges(
    geometries: Mapping[bool, Geometry],
    roots: Mapping[str, PhysicalAddress],
    memory: PhysicalMemory,
) -> Iterator[range]:
    for high, geometry in geometries.items():
        for table in read_tables(geometry, roots[_TTBR[high]], memory).tables:
            yield range(table.address, table.address + 8 * geometry.entries(table.level))


def _default_code(geometry: Geometry) -> VirtualAddress:
    """Return the middle of the high half: 0xffff800000000000 where it has 48 bits."""
    return VirtualAddress(geometry.first + geometry.size // 2)


def _pool(scenario: Scenario, placement: Placement) -> TablePool:
    base = scenario.table_pool
    if base is None:
        base = placement.find(POOL_SIZE, POOL_ALIGNMENT, "translation tables")
    else:
        placement.add(base, POOL_SIZE)
    return TablePool(base, POOL_SIZE)


def _place_code(
    scenario: Scenario,
    placement: Placement,
    program: Program,
    geometries: Mapping[bool, Geometry],
    registers: Mapping[str, int],
) -> tuple[Map | None, PhysicalAddress]:
    """Return the mapping to add for the code, None where one of the scenario's holds it."""
    run = scenario.run
    end = return_address(program) + INSTRUCTION
    holder = _holder(scenario, program.base, end)
    if holder is not None:
        inside = PhysicalAddress(holder.pa + program.base - holder.va)
        if run.code_pa not in (None, inside):
            raise ScenarioError(
                f"code_pa is {run.code_pa:#x}, but the [[map]] of line {holder.line} puts the "
                f"code at {inside:#x}",
                _run_at(scenario),
            )
        return None, inside
    geometry = geometries[bool(program.base >> 63)]
    page = geometry.granule.size
    first = program.base // page * page
    size = -(-(end - first) // page) * page
    offset = program.base - first
    if not geometry.contains(first, size):
        raise ScenarioError(
            f"the code at {program.base:#x} lies in neither half of the address space",
            _run_at(scenario),
        )
    if run.code_pa is None:
        pa = placement.find(size, page, "the code")
    elif run.code_pa % page != offset:
        raise ScenarioError(
            f"code_pa {run.code_pa:#x} and code {program.base:#x} differ in their offset in a page",
            _run_at(scenario),
        )
    else:
        pa = PhysicalAddress(run.code_pa - offset)
        placement.add(pa, size)
    bits = _code_bits(scenario, geometry, registers)
    added = Map(VirtualAddress(first), pa, size, bits, "read-only, executable", line=run.line)
    return added, PhysicalAddress(pa + offset)


def _holder(scenario: Scenario, first: int, end: int) -> Map | None:
    """Return the scenario's mapping that the stated place of the code lies in."""
    for part in scenario.maps:
        if part.va < end and first < part.va + part.size:
            if scenario.run.code is not None and part.va <= first and end <= part.va + part.size:
                return part
            raise ScenarioError(
                f"the code takes {first:#x} to {end - 1:#x}, and the [[map]] of line {part.line} "
                f"({part.va:#x}+{part.size:#x}) takes part of that: state another place as `code`",
                _run_at(scenario),
            )
    return None


def _code_bits(scenario: Scenario, geometry: Geometry, registers: Mapping[str, int]) -> int:
    """Return the attributes of the code's pages: executable and read-only at the run's EL."""
    attributes = [field.get(registers["MAIR_EL1"]) for field in mair.ATTR]
    if _NORMAL_WRITE_BACK not in attributes:
        raise ScenarioError(
            "no attribute of MAIR_EL1 is 0xff: map the code with a [[map]] and state it as `code`",
            _run_at(scenario),
        )
    bits = attributes.index(_NORMAL_WRITE_BACK) << 2 | _AF | _READ_ONLY[scenario.run.el]
    if geometry.format is not OutputFormat.LPA2:
        bits |= _INNER_SHAREABLE
    return bits | _UXN if scenario.run.el else bits


def _mapping(scenario: Scenario, part: Map, name: str) -> TableMapping:
    return TableMapping(
        ia=part.va,
        oa=part.pa,
        size=part.size,
        leaf_bits=part.leaf_bits,
        shape=part.shape,
        level=part.level,
        descriptor=part.descriptor,
        name=name,
        at=scenario.at(part.line),
    )


def _check_entry(scenario: Scenario, program: Program) -> VirtualAddress:
    """Return the entry point; ScenarioError if nothing that the scenario maps holds it."""
    entry = entry_point(scenario, program)
    stated = _TTBR[bool(entry >> 63)] in scenario.translation.registers
    held = any(part.va <= entry < part.va + part.size for part in scenario.maps)
    if not (stated or held or program.base <= entry < program.base + len(program.code)):
        raise ScenarioError(
            f"nothing is mapped at the entry point {scenario.run.entry} ({entry:#x})",
            _run_at(scenario),
        )
    return entry


def _initial_registers(scenario: Scenario, program: Program) -> Mapping[str, int]:
    run = scenario.run
    state = pstate.EL.mask & run.el << pstate.EL.lsb | (pstate.SP.mask if run.el else 0)
    for mask in (pstate.D, pstate.A, pstate.I, pstate.F):
        state |= mask.mask
    for name, content in run.pstate.items():
        state = pstate.PSTATE[name].set(state, content)
    return {
        "x30": return_address(program),
        **run.registers,
        "pstate": state,
        "pc": _check_entry(scenario, program),
    }


def _run_at(scenario: Scenario) -> Location | None:
    return scenario.at(scenario.run.line)
