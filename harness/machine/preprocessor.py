"""Directives that shape the text itself, carried out before any engine sees it.

`.macro`, `.rept`, `.irp`, `.if…`, `.include`, `.equ` in the meaning of GNU as. What is left for an
engine is a flat list: labels, instructions, data. So every engine gets the same text, each
statement keeps its place, and no file is read but those beside the snippet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.machine.expressions import evaluate
from harness.machine.source import Statement, split_operands, split_statements

MAX_STATEMENTS = 100_000
"""A snippet that expands to more is refused."""
MAX_DEPTH = 64
"""Macros in macros and includes in includes, before it counts as endless."""

_ASSIGNMENT = re.compile(r"([A-Za-z_.$][\w.$]*)\s*=(?!=)\s*(.+)")
_BLOCKS = {".macro": ".endm", ".rept": ".endr", ".irp": ".endr"}
_IFS = (".if", ".ifdef", ".ifndef", ".ifeq", ".ifne", ".ifb", ".ifnb")


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    default: str = ""
    is_required: bool = False
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class _Macro:
    parameters: tuple[_Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(slots=True)
class _Condition:
    """One open `.if`: whether its present branch is taken, whether any was, where it began."""

    is_taken: bool
    was_taken: bool
    opened: Statement
    has_else: bool = False


def preprocess(text: str, file: str, directory: Path | None) -> tuple[Statement, ...]:
    """Return `text` with its macros, repetitions, conditions and includes carried out.

    `.include` reads files of `directory` and below it only; None refuses it. Raises AssemblyError.
    """
    preprocessor = _Preprocessor(directory)
    preprocessor.expand(list(split_statements(text, file)), 0)
    return tuple(preprocessor.output)


class _Preprocessor:
    def __init__(self, directory: Path | None) -> None:
        self.output: list[Statement] = []
        self.constants: dict[str, int] = {}
        self._directory = directory
        self._macros: dict[str, _Macro] = {}
        self._expansions = 0
        self._directives: dict[str, Callable[[Statement, int], None]] = {
            ".include": self._include,
            ".equ": self._assign,
            ".set": self._assign,
        }

    def expand(self, statements: Sequence[Statement], depth: int) -> None:
        """Carry out `statements`, appending what remains to `output`."""
        conditions: list[_Condition] = []
        index = 0
        while index < len(statements):
            statement = statements[index]
            index += 1
            if self._condition(statement, conditions):
                continue
            if not all(condition.is_taken for condition in conditions):
                continue
            if statement.word in _BLOCKS:
                end = _end_of_block(statements, index)
                self._block(statement, statements[index:end], depth)
                index = end + 1
            else:
                self._carry_out(statement, depth)
        if conditions:
            raise conditions[-1].opened.error("`.endif` is missing")

    def _carry_out(self, statement: Statement, depth: int) -> None:
        if len(self.output) >= MAX_STATEMENTS:
            raise statement.error(f"more than {MAX_STATEMENTS} statements")
        assignment = _ASSIGNMENT.fullmatch(statement.text)
        if statement.word in self._directives:
            self._directives[statement.word](statement, depth)
        elif assignment:
            self._assign(statement.with_text(f".set {assignment[1]}, {assignment[2]}"), depth)
        elif statement.text.split(None, 1)[0] in self._macros:
            self._call(statement, depth)
        elif statement.word in {".endm", ".endr"}:
            raise statement.error("nothing was begun that this ends")
        else:
            self.output.append(statement)

    def _condition(self, statement: Statement, conditions: list[_Condition]) -> bool:
        """Carry out `.if` and its kin; return whether the statement was one."""
        word = statement.word
        if word in _IFS:
            is_live = all(condition.is_taken for condition in conditions)
            is_taken = is_live and self._holds(statement)
            conditions.append(_Condition(is_taken, is_taken or not is_live, statement))
            return True
        if word not in {".else", ".elseif", ".endif"}:
            return False
        if not conditions:
            raise statement.error("there is no `.if` before it")
        condition = conditions[-1]
        if word == ".endif":
            conditions.pop()
            return True
        if condition.has_else:
            raise statement.error("`.else` came before it")
        condition.has_else = word == ".else"
        condition.is_taken = not condition.was_taken and (
            condition.has_else or self._holds(statement)
        )
        condition.was_taken |= condition.is_taken
        return True

    def _holds(self, statement: Statement) -> bool:
        operands = statement.operands.strip()
        match statement.word:
            case ".ifdef":
                return operands in self.constants
            case ".ifndef":
                return operands not in self.constants
            case ".ifb":
                return not operands
            case ".ifnb":
                return bool(operands)
            case ".ifeq":
                return self.constant(statement, operands) == 0
            case _:
                return self.constant(statement, operands) != 0

    def constant(self, statement: Statement, expression: str) -> int:
        """Return the value of an expression of `statement`; AssemblyError if it has none."""
        try:
            return evaluate(expression, self.constants)
        except ValueError as error:
            raise statement.error(str(error)) from None

    def _assign(self, statement: Statement, depth: int) -> None:
        del depth
        match split_operands(statement.operands):
            case [name, expression]:
                pass
            case _:
                raise statement.error("a name and a value are needed")
        self.constants[name] = value = self.constant(statement, expression)
        self.output.append(statement.with_text(f".set {name}, {value}"))

    def _include(self, statement: Statement, depth: int) -> None:
        name = statement.operands.strip().strip('"')
        if self._directory is None:
            raise statement.error("a snippet without a file cannot include one")
        if depth >= MAX_DEPTH:
            raise statement.error("includes itself without end")
        root = self._directory.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise statement.error("no such file beside the snippet")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise statement.error(f"the file cannot be read as text ({error})") from error
        self.expand(
            list(split_statements(text, str(Path(statement.at.file).parent / name))), depth + 1
        )

    def _block(self, statement: Statement, body: Sequence[Statement], depth: int) -> None:
        if statement.word == ".macro":
            self._define(statement, body)
            return
        if depth >= MAX_DEPTH:
            raise statement.error("nested too deeply")
        if statement.word == ".rept":
            count = self.constant(statement, statement.operands)
            if not 0 <= count <= MAX_STATEMENTS:
                raise statement.error(f"a count from 0 to {MAX_STATEMENTS} is needed")
            for _ in range(count):
                self.expand(body, depth + 1)
            return
        name, *values = split_operands(statement.operands) or [""]
        if not name:
            raise statement.error("a name is needed")
        for value in values:
            self.expand(_substituted(body, {name: value}), depth + 1)

    def _define(self, statement: Statement, body: Sequence[Statement]) -> None:
        head = statement.operands.replace(",", " ", 1) if statement.operands else ""
        name, _, rest = head.partition(" ")
        if not name:
            raise statement.error("a macro needs a name")
        if name in self._macros:
            raise statement.error(f"macro `{name}` is already defined")
        parameters = tuple(_parameter(piece) for piece in _macro_pieces(rest))
        self._macros[name] = _Macro(parameters, tuple(body))

    def _call(self, statement: Statement, depth: int) -> None:
        name = statement.text.split(None, 1)[0]
        if depth >= MAX_DEPTH:
            raise statement.error("macros use each other without end")
        macro = self._macros[name]
        self._expansions += 1
        values = _arguments(statement, macro) | {"@": str(self._expansions)}
        body = [
            replace(inner, at=statement.at, within=statement.within or f"{name} ({inner.at})")
            for inner in _substituted(macro.body, values)
        ]
        self.expand(body, depth + 1)


def _end_of_block(statements: Sequence[Statement], start: int) -> int:
    """Return the index of the statement that ends the block opened just before `start`."""
    opened = statements[start - 1]
    open_blocks = [_BLOCKS[opened.word]]
    for index in range(start, len(statements)):
        word = statements[index].word
        if word in _BLOCKS:
            open_blocks.append(_BLOCKS[word])
        elif word == open_blocks[-1]:
            open_blocks.pop()
            if not open_blocks:
                return index
    raise opened.error(f"`{_BLOCKS[opened.word]}` is missing")


def _macro_pieces(text: str) -> list[str]:
    """Parameters stand apart by commas or spaces."""
    return [piece for part in split_operands(text) for piece in part.split()]


def _parameter(text: str) -> _Parameter:
    name, has_default, default = text.partition("=")
    name, _, qualifier = name.partition(":")
    return _Parameter(
        name, default if has_default else "", qualifier == "req", qualifier == "vararg"
    )


def _arguments(statement: Statement, macro: _Macro) -> dict[str, str]:
    names = {parameter.name for parameter in macro.parameters}
    values: dict[str, str] = {}
    positional: list[str] = []
    for piece in split_operands(statement.operands):
        name, is_named, value = piece.partition("=")
        if is_named and name.strip() in names:
            values[name.strip()] = value.strip()
        else:
            positional.append(piece)
    for parameter in macro.parameters:
        if parameter.name in values:
            continue
        if parameter.is_rest:
            values[parameter.name] = ", ".join(positional)
            positional = []
        elif positional and (piece := positional.pop(0)):
            values[parameter.name] = piece
        elif parameter.is_required:
            raise statement.error(f"argument `{parameter.name}` is missing")
        else:
            values[parameter.name] = parameter.default
    if positional:
        raise statement.error(f"too many arguments, from `{positional[0]}` on")
    return values


def _substituted(body: Sequence[Statement], values: dict[str, str]) -> list[Statement]:
    r"""Return `body` with `\name` replaced by its value and `\()` by nothing."""

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name == "()":
            return ""
        return values.get(name, match[0])

    pattern = re.compile(r"\\(\(\)|@|[A-Za-z_]\w*)")
    return [
        inner.with_text(text)
        for inner in body
        if (text := pattern.sub(value_of, inner.text).strip())
    ]
