"""Find faults in `harness/arch` and `harness/vmsa` that the tests would not see.

    python tests/mutation/mutate.py [--mutants 400] [--seed 0] [--workers 2]

Cosmic-ray makes the mutants and runs the fast tests on each, in clones of the committed tree, so
that this checkout is not touched. Survivors are held against `survivors.toml`, which says of each
known one why no test can or need tell it from the original; a new one ends the run with exit 1.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkItem

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("harness/arch", "harness/vmsa")
LEFT_OUT = ("harness/vmsa/tlb", "harness/vmsa/vectorised")
"""Packages with fast tests of their own, not part of this run."""
TESTS = ("tests/unit/arch", "tests/unit/vmsa", "tests/test_spec.py")
SECONDS = 90
"""A mutant that takes longer has looped: it is killed."""


def main() -> int:
    """Run, print the table and the survivors, return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        first = _clone(Path(folder), 0)
        chosen = _choose(_all_mutants(first), first, arguments.mutants, arguments.seed)
        clones = [first, *(_clone(Path(folder), n) for n in range(1, arguments.workers))]
        shares = [chosen[n :: len(clones)] for n in range(len(clones))]
        with ThreadPoolExecutor(len(clones)) as pool:
            results = list(pool.map(_run, clones, shares))
    outcomes = [pair for result in results for pair in result]
    survivors = sorted(name for name, outcome in outcomes if outcome is TestOutcome.SURVIVED)
    known = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text(encoding="utf-8"))
    reasons = {each["mutant"]: each["why"] for each in known.get("survivor", [])}
    print(
        f"{len(outcomes)} mutants, {len(outcomes) - len(survivors)} killed, seed {arguments.seed}"
    )
    for name in survivors:
        print(f"survived  {name}\n          {reasons.get(name, 'NOT EXPLAINED')}")
    return int(any(name not in reasons for name in survivors))


def _clone(folder: Path, number: int) -> Path:
    target = folder / str(number)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(target)], check=True)
    return target


def _configure(clone: Path) -> Path:
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {' '.join(TESTS)}"
    modules = ", ".join(f'"{module}"' for module in MODULES)
    excluded = ", ".join(f'"{folder}/**"' for folder in LEFT_OUT)
    path = clone / "cosmic-ray.toml"
    path.write_text(
        f"[cosmic-ray]\nmodule-path = [{modules}]\nexcluded-modules = [{excluded}]\n"
        f'timeout = {SECONDS}.0\ntest-command = "{command}"\n'
        '[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    return path


def _cosmic_ray(clone: Path, verb: str) -> Path:
    session = clone / "session.sqlite"
    program = Path(sys.executable).with_name("cosmic-ray")
    subprocess.run(
        [str(program), verb, str(_configure(clone)), str(session)],
        cwd=clone,
        check=True,
        env={"MMU_HARNESS_SHARED": str(ROOT.parent / "shared" / "data"), **os.environ},
    )
    return session


def _all_mutants(clone: Path) -> list[WorkItem]:
    with use_db(_cosmic_ray(clone, "init")) as db:
        return sorted(db.work_items, key=_order)


def _order(item: WorkItem) -> tuple[str, str, int]:
    (mutation,) = item.mutations
    return str(mutation.module_path), mutation.operator_name, mutation.occurrence


def _name(item: WorkItem, clone: Path) -> str:
    """Return module, operator and the line of source, which outlive edits above the line."""
    (mutation,) = item.mutations
    lines = (clone / mutation.module_path).read_text(encoding="utf-8").splitlines()
    operator = mutation.operator_name.removeprefix("core/")
    return f"{mutation.module_path}: {operator}: {lines[mutation.start_pos[0] - 1].strip()}"


def _choose(items: list[WorkItem], clone: Path, count: int, seed: int) -> list[WorkItem]:
    """Take a seeded sample of the mutants of code: annotations are never evaluated."""
    code = [item for item in items if not _in_annotation(item, clone)]
    return random.Random(seed).sample(code, min(count, len(code)))  # noqa: S311 - no secret


def _in_annotation(item: WorkItem, clone: Path) -> bool:
    (mutation,) = item.mutations
    return any(
        start <= mutation.start_pos and mutation.end_pos <= end
        for start, end in _annotations(clone / mutation.module_path)
    )


_cache: dict[Path, list[tuple[tuple[int, int], tuple[int, int]]]] = {}


def _annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the places of the annotations of a module: (line, column) of both ends."""
    if path not in _cache:
        found: list[ast.expr | None] = []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AnnAssign | ast.arg):
                found.append(node.annotation)
            elif isinstance(node, ast.FunctionDef):
                found.append(node.returns)
        _cache[path] = [
            ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
            for node in found
            if node is not None
        ]
    return _cache[path]


def _run(clone: Path, items: list[WorkItem]) -> list[tuple[str, TestOutcome]]:
    session = clone / "session.sqlite"
    session.unlink(missing_ok=True)
    with use_db(session, WorkDB.Mode.create) as db:
        db.add_work_items(items)
    _cosmic_ray(clone, "exec")
    with use_db(session) as db:
        names = {item.job_id: _name(item, clone) for item in db.work_items}
        return [
            (names[job], result.test_outcome or TestOutcome.INCOMPETENT)
            for job, result in db.results
        ]


if __name__ == "__main__":
    sys.exit(main())
