"""Operations by their names: those of the encoding, and those of a kernel's users made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from harness.encodings.definition import Encoding
from harness.errors import MappingError, ValueSyntaxError, did_you_mean
from harness.operations.attributes import change_attributes
from harness.operations.contpte import contpte_fold, contpte_unfold
from harness.operations.copying import hibernate_copy
from harness.operations.splitting import split_at
from harness.operations.steps import KernelTables, Step

MADE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "set_memory_decrypted": ("realm_share", "realm_make_valid"),
        "set_memory_encrypted": ("realm_unshare", "realm_make_valid"),
        "debug_pagealloc_unmap": ("set_memory_valid_off",),
        "debug_pagealloc_map": ("set_memory_valid_on",),
        "kfence_protect": ("set_memory_valid_off",),
        "kfence_unprotect": ("set_memory_valid_on",),
        "secretmem_hide": ("set_direct_map_invalid",),
        "secretmem_release": ("set_direct_map_default",),
    }
)
"""Operations of a kernel's users, to those of the attribute walk that they do, one after another.

A realm shares a buffer in two passes of the walk; what it tells the RMM between them changes no
table of its own.
"""

ONE_PAGE = ("kfence_protect", "kfence_unprotect")
"""Operations on exactly one page."""


def _split(tables: KernelTables, start: int, end: int) -> Iterator[Step]:
    for boundary in (start, end):
        if tables.geometry.contains(boundary):
            yield from split_at(tables, boundary)


_OTHERS: Mapping[str, Callable[[KernelTables, int, int], Iterator[Step]]] = MappingProxyType(
    {
        "split": _split,
        "contpte_fold": contpte_fold,
        "contpte_unfold": contpte_unfold,
        "hibernate_copy": hibernate_copy,
    }
)
"""Operations that are no change of attributes."""


def operations_of(encoding: Encoding) -> tuple[str, ...]:
    """Return the names of the operations that software with this encoding does."""
    levels = encoding.levels.values()
    walked = {name for level in levels for name, known in level.operations.items() if known.by_walk}
    found = sorted(walked)
    found += [name for name, steps in MADE_OF.items() if walked.issuperset(steps)]
    if any(level.split is not None for level in levels):
        found.append("split")
    if any(level.folds is not None for level in levels):
        found += ["contpte_fold", "contpte_unfold"]
    if any(level.copy is not None for level in levels):
        found.append("hibernate_copy")
    return tuple(found)


def check_operation(encoding: Encoding, name: str) -> None:
    """Raise ValueSyntaxError unless software with this encoding does `name`."""
    known = operations_of(encoding)
    if name not in known:
        raise ValueSyntaxError(
            f"{encoding.name} has no operation {name!r} ({', '.join(known) or 'none'})"
            f"{did_you_mean(name, known)}"
        )


def operate(tables: KernelTables, name: str, va: int, size: int) -> Iterator[Step]:
    """Yield the steps of an operation over [`va`, `va` + `size`).

    ValueSyntaxError for an unknown operation, MappingError where these tables or this machine do
    not allow it; the steps before that have been yielded.
    """
    check_operation(tables.encoding, name)
    page = tables.geometry.granule.size
    if size <= 0 or va % page or size % page or not tables.geometry.contains(va, size):
        raise MappingError(f"{va:#x}+{size:#x} are not whole pages of one half")
    if name in ONE_PAGE and size != page:
        raise MappingError(f"{name} is of one page ({page:#x} bytes)")
    other = _OTHERS.get(name)
    if other is not None:
        yield from other(tables, va, va + size)
        return
    for operation in MADE_OF.get(name, (name,)):
        yield from change_attributes(tables, operation, va, va + size)
