"""One execution again, by its witness."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.errors import ValueSyntaxError, did_you_mean
from harness.explore.steppable import Alternative, ChoicePoint, FinalState, Steppable

Told = Callable[[ChoicePoint, Alternative], None]


def replay(
    program: Steppable, witness: Sequence[str], limit: int, tell: Told | None = None
) -> FinalState:
    """Run `program` along `witness` to its end; after its last identity, the first alternatives.

    `tell` is told of every choice and what was taken. Raises ValueSyntaxError where an identity is
    none of the alternatives, and where the witness is longer than the execution; LimitError after
    `limit` instructions.
    """
    left = list(witness)
    while (point := program.advance(limit)) is not None:
        index = 0
        if left:
            wanted = left.pop(0)
            known = [each.identity for each in point.alternatives]
            if wanted not in known:
                raise ValueSyntaxError(
                    f"the witness does not fit this program: at {point.place} there is no "
                    f"{wanted!r}{did_you_mean(wanted, known)}"
                )
            index = known.index(wanted)
        if tell is not None:
            tell(point, point.alternatives[index])
        program.choose(index)
    if left:
        raise ValueSyntaxError(
            f"the witness does not fit this program: it ends {len(left)} choice(s) before the "
            "witness does"
        )
    return program.final_state()
