"""Verdicts on litmus tests in the words and the order of herd7's output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.litmus.judge import Kind, Verdict


def verdict_text(verdict: Verdict) -> str:
    """Return `Test NAME KIND`, the states, `Ok` or `No`, and the observation; ends in a newline.

    Positive and negative count distinct states. A bound that was reached is a line of its own.
    """
    return "\n".join(_lines(verdict)) + "\n"


def summary_text(
    verdicts: Sequence[Verdict], expected: Mapping[str, Kind], refused: Mapping[str, str]
) -> str:
    """Return one line a test, expected kind against observation, and the totals."""
    width = max((len(name) for name in (*_names(verdicts), *refused)), default=0)
    lines = []
    for verdict in verdicts:
        name = verdict.test.test.name
        kind = expected.get(name, verdict.kind)
        lines.append(
            f"{name:<{width}}  {kind.value:<9}  {verdict.observation.value:<9}  "
            f"{comparison(verdict, kind)}".rstrip()
        )
    lines += [f"{name:<{width}}  refused: {reason}" for name, reason in refused.items()]
    wrong = sum(
        not verdict.is_as(expected.get(verdict.test.test.name, verdict.kind))
        for verdict in verdicts
    )
    unseen = sum(
        is_unseen(verdict, expected.get(verdict.test.test.name, verdict.kind))
        for verdict in verdicts
    )
    lines.append(
        f"{len(verdicts)} tests: {wrong} not as expected, {unseen} Allowed and never seen, "
        f"{sum(bool(verdict.incomplete) for verdict in verdicts)} incomplete, "
        f"{len(refused)} refused"
    )
    return "\n".join(lines) + "\n"


def comparison(verdict: Verdict, kind: Kind) -> str:
    """Return what is to be said of an observation beside the expected kind; mostly nothing."""
    if not verdict.is_as(kind):
        return "NOT AS EXPECTED"
    if verdict.incomplete:
        return "incomplete"
    return "never seen" if is_unseen(verdict, kind) else ""


def is_unseen(verdict: Verdict, kind: Kind) -> bool:
    """Return whether what is Allowed was not found: permitted to the harness, and worth a look."""
    return kind is Kind.ALLOWED and not verdict.positive


def _names(verdicts: Sequence[Verdict]) -> Iterator[str]:
    return (verdict.test.test.name for verdict in verdicts)


def _lines(verdict: Verdict) -> Iterator[str]:
    name = verdict.test.test.name
    counts = f"{verdict.positive} {verdict.negative}"
    yield f"Test {name} {verdict.kind.value}"
    yield f"States {len(verdict.states)}"
    yield from (state.text for state in verdict.states)
    yield "Ok" if verdict.is_ok else "No"
    yield "Witnesses"
    yield f"Positive: {verdict.positive} Negative: {verdict.negative}"
    yield from (f"Incomplete {name}: {reason}" for reason in verdict.incomplete)
    yield f"Observation {name} {verdict.observation.value} {counts}"
