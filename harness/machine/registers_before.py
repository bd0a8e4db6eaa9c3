"""General registers as they were before the instruction that is about to execute."""

from __future__ import annotations

from harness.machine.engine import STATE_SP, Core

_XZR = 31


class RegistersBefore:
    """General registers before an instruction, read from the engine when first asked for."""

    def __init__(self, engine: Core) -> None:
        self._engine = engine
        self._state: tuple[int, ...] | None = None
        self.base_sp = 0
        """The stack pointer, if it was asked for: an access has it as its base."""

    def x(self, number: int) -> int:
        """Return Xn, where 31 is XZR."""
        return 0 if number == _XZR else self._values()[number]

    def by_name(self, name: str) -> int:
        """Return x0…x30 or sp."""
        if name == "sp":
            self.base_sp = self._values()[STATE_SP]
            return self.base_sp
        return self._values()[int(name[1:])]

    def _values(self) -> tuple[int, ...]:
        if self._state is None:
            self._state = self._engine.state()
        return self._state
