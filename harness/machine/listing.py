"""A preprocessed snippet as the list of items that an engine assembles.

Here the last differences between assemblers go: data directives get one spelling, numeric labels
unique names, `ldr x0, =value` a literal pool of our own, and what engines read differently (branch
targets given as numbers) or what could name other files (`.incbin`) or sections is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from harness.errors import Location
from harness.machine.expressions import check_syntax, evaluate
from harness.machine.source import Statement, split_operands


class ItemKind(Enum):
    """What an item is to an engine, and what it must come to."""

    LABEL = auto()
    INSTRUCTION = auto()
    """Exactly 4 bytes."""
    DATA = auto()
    """Exactly `size` bytes, where that is known."""
    ALIGN = auto()
    CONSTANT = auto()


@dataclass(frozen=True, slots=True)
class Item:
    """One line for an engine."""

    kind: ItemKind
    text: str
    source: Statement
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Items in order, the labels that the snippet's author named, and its greatest alignment."""

    items: tuple[Item, ...]
    labels: tuple[tuple[str, int], ...]
    """Name, and the index of the item that it stands before."""
    alignment: int


INSTRUCTION_BYTES = 4
_MARK_BYTES = 8
MAX_BYTES = 1 << 20
"""More for one directive is refused: a snippet is no disk image."""

_DATA = {
    ".byte": 1,
    ".hword": 2,
    ".short": 2,
    ".2byte": 2,
    ".word": 4,
    ".long": 4,
    ".int": 4,
    ".4byte": 4,
    ".inst": 4,
    ".quad": 8,
    ".xword": 8,
    ".dword": 8,
    ".8byte": 8,
}
_SPELLING = {1: ".byte", 2: ".hword", 4: ".word", 8: ".quad"}
_TEXT = frozenset({".ascii", ".asciz", ".string"})
_SPACE = frozenset({".space", ".skip", ".zero"})
_ALIGN = {".align": True, ".p2align": True, ".balign": False}
"""Directive to whether its operand is the exponent of 2."""
_NO_EFFECT = frozenset(
    {".text", ".global", ".globl", ".type", ".size", ".arch", ".arch_extension", ".cpu", ".local"}
)
_REFUSED = {
    ".incbin": "no other file is read",
    ".section": "code and data of a snippet lie together, in one section",
    ".data": "code and data of a snippet lie together, in one section",
    ".bss": "code and data of a snippet lie together, in one section",
    ".org": "use `.balign` or `.space`",
}

_NAME = re.compile(r"[A-Za-z_.$][\w.$]*")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_NUMERIC_LABEL = re.compile(r"\d+:")
_NUMERIC_REFERENCE = re.compile(r"(?<![\w.#$])(\d+)([bf])(?!\w)")
_LITERAL = re.compile(r"(ldr|ldrsw)\s+([xwsd])(\w+)\s*,\s*=\s*(.+)", re.IGNORECASE)
_CONDITION = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al|nv"
_BRANCH = re.compile(rf"(?:b|bl|b\.?(?:{_CONDITION})|cbn?z|tbn?z|adrp?)\s+(.*)", re.IGNORECASE)
_LITERAL_LOAD = re.compile(r"ldr(?:sw)?\s+\w+\s*,\s*([^\[=,]+)", re.IGNORECASE)
_NUMBER = re.compile(r"#?\s*[-+]?\s*\d\w*")


def engine_text(items: Sequence[Item]) -> str:
    """Return what an engine assembles, one item a line, followed by the addresses of all items.

    So we know what each item came to, whatever the engine says: `split_output` reads them.
    """
    lines = [f"__mark{index}: {item.text}" for index, item in enumerate(items)]
    lines.append(f"__mark{len(items)}:")
    lines += [f".quad __mark{index}" for index in range(len(items) + 1)]
    return "\n".join(lines) + "\n"


def split_output(
    output: bytes, items: Sequence[Item], base: int
) -> tuple[bytes, tuple[int, ...]] | None:
    """Return the code, and the addresses of all items and of the end; None if they do not fit."""
    count = len(items) + 1
    size = len(output) - _MARK_BYTES * count
    if size < 0:
        return None
    table = memoryview(output)[size:]
    marks = tuple(
        int.from_bytes(table[start : start + _MARK_BYTES], "little")
        for start in range(0, len(table), _MARK_BYTES)
    )
    is_sound = marks[0] == base and marks[-1] == base + size and list(marks) == sorted(marks)
    return (output[:size], marks) if is_sound else None


def make_listing(statements: Sequence[Statement]) -> Listing:
    """Return the items of a preprocessed snippet; AssemblyError names what is refused."""
    maker = _Maker(statements)
    for index, statement in enumerate(statements):
        maker.add(index, statement)
    maker.flush_literals()
    return Listing(tuple(maker.items), tuple(maker.labels.items()), maker.alignment)


class _Maker:
    def __init__(self, statements: Sequence[Statement]) -> None:
        self.items: list[Item] = []
        self.labels: dict[str, int] = {}
        self.alignment = INSTRUCTION_BYTES
        self._constants: dict[str, int] = {}
        self._places: dict[str, Location] = {}
        self._literals: dict[tuple[int, str], Item] = {}
        self._pools = 0
        self._numeric: dict[str, list[int]] = {}
        for index, statement in enumerate(statements):
            if _NUMERIC_LABEL.fullmatch(statement.text):
                self._numeric.setdefault(statement.text[:-1], []).append(index)

    def add(self, index: int, statement: Statement) -> None:
        word = statement.word
        if statement.text.endswith(":") and " " not in statement.text:
            self._label(index, statement)
        elif word in _REFUSED:
            raise statement.error(f"`{word}` is refused: {_REFUSED[word]}")
        elif word in _NO_EFFECT:
            return
        elif word == ".set":
            name, value = split_operands(statement.operands)
            self._constants[name] = int(value)
            self._append(ItemKind.CONSTANT, statement.text, statement)
        elif word in _DATA:
            self._data(statement.with_text(self._resolved(index, statement)), _DATA[word])
        elif word in _TEXT or word in _SPACE or word == ".fill":
            self._bytes(statement)
        elif word in _ALIGN:
            self._align(statement)
        elif word in {".ltorg", ".pool"}:
            self.flush_literals()
        elif word.startswith("."):
            raise statement.error("the directive is not supported")
        else:
            self._instruction(index, statement)

    def flush_literals(self) -> None:
        """Put the values that `ldr x0, =value` asked for here."""
        for size in sorted({size for size, _ in self._literals}, reverse=True):
            first = next(item for (bytes_, _), item in self._literals.items() if bytes_ == size)
            self._append(ItemKind.ALIGN, f".balign {size}", first.source)
            self.alignment = max(self.alignment, size)
            for (bytes_, value), label in self._literals.items():
                if bytes_ == size:
                    self.items.append(label)
                    text = f"{_SPELLING[size]} {value}"
                    self._append(ItemKind.DATA, text, label.source.with_text(text), size)
        self._literals.clear()

    def _append(
        self, kind: ItemKind, text: str, source: Statement, size: int | None = None
    ) -> None:
        self.items.append(Item(kind, text, source, size))

    def _label(self, index: int, statement: Statement) -> None:
        name = statement.text[:-1]
        if name.isdigit():
            self._append(ItemKind.LABEL, f"{_numeric_name(name, index)}:", statement)
            return
        if not _NAME.fullmatch(name):
            raise statement.error("no name for a label")
        if name in self._places:
            raise statement.error(f"label `{name}` is already defined at {self._places[name]}")
        self._places[name] = statement.at
        self._append(ItemKind.LABEL, statement.text, statement)
        if not name.startswith(".L"):
            self.labels[name] = len(self.items)

    def _data(self, statement: Statement, size: int) -> None:
        values = split_operands(statement.operands)
        if not values or not all(values):
            raise statement.error("a value is missing")
        for value in values:
            try:
                check_syntax(value)
            except ValueError as error:
                raise statement.error(str(error)) from None
        text = f"{_SPELLING[size]} {', '.join(values)}"
        self._append(ItemKind.DATA, text, statement, size * len(values))

    def _bytes(self, statement: Statement) -> None:
        if statement.word in _TEXT:
            if not all(_STRING.fullmatch(piece) for piece in split_operands(statement.operands)):
                raise statement.error("a text in double quotes is needed")
            self._append(ItemKind.DATA, statement.text, statement)
            return
        values = [self._constant(statement, piece) for piece in split_operands(statement.operands)]
        match statement.word, values:
            case ".fill", [count, *rest]:
                unit, value = (*rest, *(1, 0)[len(rest) :])[:2]
                if unit not in _SPELLING:
                    raise statement.error("a size of 1, 2, 4 or 8 is needed")
            case ((".space" | ".skip" | ".zero"), [count, *rest]):
                unit, value = 1, (*rest, 0)[0]
            case _:
                raise statement.error("a size is missing")
        if not 0 <= count * unit <= MAX_BYTES:
            raise statement.error(f"a size from 0 to {MAX_BYTES:#x} bytes is needed")
        text = f".fill {count}, {unit}, {value}"
        if count:
            self._append(ItemKind.DATA, text, statement, count * unit)

    def _align(self, statement: Statement) -> None:
        pieces = split_operands(statement.operands)
        if len(pieces) != 1:
            raise statement.error("one operand is needed")
        value = self._constant(statement, pieces[0])
        is_exponent = _ALIGN[statement.word]
        if not 0 <= value <= MAX_BYTES or (is_exponent and value >= MAX_BYTES.bit_length()):
            raise statement.error(f"an alignment of at most {MAX_BYTES:#x} is needed")
        alignment = 1 << value if is_exponent else value
        if alignment < 1 or alignment & (alignment - 1):
            raise statement.error("a power of two is needed")
        self.alignment = max(self.alignment, alignment)
        self._append(ItemKind.ALIGN, f".balign {alignment}", statement)

    def _instruction(self, index: int, statement: Statement) -> None:
        if not statement.text[0].isalpha():
            raise statement.error("neither a label, a directive nor an instruction")
        text = self._resolved(index, statement)
        self._refuse_numeric_target(statement, text)
        literal = _LITERAL.fullmatch(text)
        if literal:
            text = self._literal(statement, literal)
        self._append(ItemKind.INSTRUCTION, text, statement, INSTRUCTION_BYTES)

    def _literal(self, statement: Statement, match: re.Match[str]) -> str:
        mnemonic, kind, number, value = match.groups()
        size = 4 if kind.lower() in "ws" or mnemonic.lower() == "ldrsw" else 8
        key = (size, value.strip())
        if key not in self._literals:
            self._pools += 1
            self._literals[key] = Item(ItemKind.LABEL, f"__literal{self._pools}:", statement)
        return f"{mnemonic} {kind}{number}, {self._literals[key].text[:-1]}"

    def _refuse_numeric_target(self, statement: Statement, text: str) -> None:
        match = _BRANCH.fullmatch(text) or _LITERAL_LOAD.fullmatch(text)
        target = split_operands(match[1])[-1] if match else ""
        if _NUMBER.fullmatch(target) or target.lstrip("#") in self._constants:
            raise statement.error(
                "a target given as a number means an address to one assembler and a distance to "
                "another: use a label"
            )

    def _constant(self, statement: Statement, text: str) -> int:
        try:
            return evaluate(text, self._constants)
        except ValueError as error:
            raise statement.error(str(error)) from None

    def _resolved(self, index: int, statement: Statement) -> str:
        """Return the text with `1b` and `1f` replaced by the names of those labels."""

        def name_of(match: re.Match[str]) -> str:
            number, direction = match.groups()
            places = self._numeric.get(number, [])
            before = [place for place in places if place < index]
            after = [place for place in places if place > index]
            candidates = before[-1:] if direction == "b" else after[:1]
            if not candidates:
                raise statement.error(f"there is no label `{number}:` for `{match[0]}`")
            return _numeric_name(number, candidates[0])

        word = statement.text.split(None, 1)[0]
        return f"{word} {_NUMERIC_REFERENCE.sub(name_of, statement.operands)}".strip()


def _numeric_name(number: str, index: int) -> str:
    return f"__local{number}_{index}"
