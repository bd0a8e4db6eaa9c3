"""A test's code as a snippet that our assembler reads, on the same lines as in the test."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.errors import AssemblyError, Location, UnsupportedError
from harness.litmus.atomics import encode_word
from harness.litmus.code import Code, CodeLine

END = "end"
"""A run that reaches this label is over."""
VECTORS = "litmus_vectors"
_HANDLER = "litmus_handler"
_RESERVED = frozenset({END, VECTORS, _HANDLER})

_REFUSED = (
    (re.compile(r"(?:ldg|stg|stz2?g|st2g|irg|addg|subg|gmi|subps?|cmpp)m?p?"), "FEAT_MTE"),
    (re.compile(r"(?:pac|aut|xpac|bra[ab]|blra[ab]|reta[ab]|ereta[ab]|ldra[ab])\w*"), "FEAT_PAuth"),
    (re.compile(r"gcs\w*"), "FEAT_GCS"),
    (re.compile(r"(?:ldclrp|ldsetp|swpp|rcw\w*)[al]*"), "FEAT_LSE128 or FEAT_THE"),
    (re.compile(r"(?:cpy|set)[fgpme]\w*"), "FEAT_MOPS"),
    (re.compile(r"(?:ldiapp|stilp|ldap[12]|stl[12])"), "FEAT_LRCPC3"),
    (re.compile(r"(?:hvc|smc|wfet|wfit)"), "what another exception level or time decides"),
)
"""Mnemonics that tests use and the harness does not run, with what they belong to."""

_HANDLER_HEAD = """\
{end}: nop
.balign 2048
{vectors}: .space 0x200
b {handler}
.balign 0x200
b {handler}
.balign 0x200
{handler}:"""


def snippet(code: Code, file: str) -> str:
    """Return assembly text; UnsupportedError names an instruction that is not run.

    With a handler, `litmus_vectors` is the vector table: every exception of the thread leads to
    the handler, and a handler that falls off its end ends the run.
    """
    renamed = {label: name for label, name in label_names(code).items() if label != name}
    lines: dict[int, list[str]] = {}
    for each in code.lines:
        lines.setdefault(each.line, []).extend(_statements(each, renamed, file))
    text = _numbered(lines)
    if code.handler is None:
        return text
    handler = (statement for each in code.handler for statement in _statements(each, renamed, file))
    head = _HANDLER_HEAD.format(end=END, vectors=VECTORS, handler=_HANDLER)
    return "\n".join((text, head, *handler)) + "\n"


def _numbered(lines: dict[int, list[str]]) -> str:
    """Put every statement on the line that it has in the test, so that errors name it."""
    last = max(lines)
    return "".join(f"{'; '.join(lines.get(number, ()))}\n" for number in range(1, last + 1))


def _statements(line: CodeLine, renamed: dict[str, str], file: str) -> Iterator[str]:
    for label in line.labels:
        yield f"{renamed.get(label, label)}:"
    if line.text:
        yield _instruction(line.text, renamed, Location(file, line.line))


def _instruction(text: str, renamed: dict[str, str], at: Location) -> str:
    mnemonic = text.split(None, 1)[0].lower()
    for pattern, what in _REFUSED:
        if pattern.fullmatch(mnemonic):
            raise UnsupportedError(f"{at}: {mnemonic.upper()}: {what}")
    if not mnemonic[0].isalpha():
        raise AssemblyError(f"not an instruction: `{text}`", at)
    word = encode_word(text)
    if word is not None:
        return f".inst {word:#010x}"
    for label, name in renamed.items():
        text = re.sub(rf"(?<![\w.]){re.escape(label)}(?![\w.])", name, text)
    return text


def label_names(code: Code) -> dict[str, str]:
    """Return each of the test's labels with its name in the snippet."""
    return {label: f"litmus_{label}" if label in _RESERVED else label for label in code.labels}
