"""Both stages, one after the other, for one piece of an access."""

from __future__ import annotations

from typing import NamedTuple

from harness.vmsa.context import Context
from harness.vmsa.location import Location
from harness.vmsa.nested import NestedTables
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.stage1 import Tables, translate_stage1
from harness.vmsa.stage1_off import translate_stage1_off
from harness.vmsa.stage2 import translate_stage2
from harness.vmsa.table_memory import TableMemory
from harness.vmsa.walk import Trail


class Output(NamedTuple):
    """Where an address leads, and where stage 1 alone led; `ipa` is None without stage 2."""

    location: Location
    ipa: int | None


def first_stage(
    context: Context, va: int, request: Request, memory: TableMemory, trail: Trail | None
) -> Location | FaultRecord:
    """AArch64.S1Translate, on or off."""
    if not context.stage1_enabled:
        return translate_stage1_off(context, va, request)
    tables: Tables = memory
    if context.stage2_enabled:
        tables = NestedTables(context.stage2, memory, request, context.choices, trail)
    return translate_stage1(context.stage1(va), va, request, tables, context.choices, trail)


def full_translate(
    context: Context, va: int, request: Request, memory: TableMemory, trail: Trail | None
) -> Output | FaultRecord:
    """AArch64.FullTranslate."""
    found = first_stage(context, va, request, memory, trail)
    if isinstance(found, FaultRecord):
        return found
    if not context.stage2_enabled:
        return Output(found, None)
    final = translate_stage2(context.stage2, found, request, memory, context.choices, trail)
    if isinstance(final, FaultRecord):
        return final
    return Output(final, found.address)
