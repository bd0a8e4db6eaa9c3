"""One line of a log on its way from bytes to facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as decoded. `number` counts from 1 in the file as given.

    `ended`: a line end followed. Where none did, the log may have been cut in the middle of a
    number, so that what the line ends with is no fact.
    """

    number: int
    text: str
    ended: bool = True


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line without what stood before the kernel's own text.

    `stamped`: a kernel or syslog prefix was there, so the line begins a message.
    `caller`: what CONFIG_PRINTK_CALLER adds, `T77` or `C3`; empty where there is none.
    """

    number: int
    text: str
    stamped: bool
    caller: str = ""
    ended: bool = True
