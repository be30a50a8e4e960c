"""Measure which of the seeded bugs the soak finds, and after how many runs.

    python -m tools.soak_detection [seeds]     200 seeds a bug, by default

The explorer finds all of them by looking everywhere (`docs/seeded_bugs.md`); the soak must meet
them by chance, with every setting and every fault drawn. What it says here is in `docs/soak.md`.
"""

import sys
import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from exchange.units import MINUTE, Nanos
from lifecycle.soak.campaign import play
from lifecycle.soak.run import Failure
from tools.mutants.bugs import BUGS, Bug, seeded

SEEDS: Final = 200


class Found(Struct, frozen=True):
    """How the soak came upon a bug, or that it did not."""

    seeds: int
    """Runs that were played, the last of which found it."""
    simulated: Nanos
    """Over all of them."""
    failure: Failure | None


def find(bug: Bug, seeds: int) -> Found:
    """Soak an order manager with the bug until a run fails, from the first seed on."""
    simulated = 0
    with seeded(bug):
        for seed in range(1, seeds + 1):
            outcome = play(seed)
            simulated += outcome.simulated
            if outcome.failure is not None:
                return Found(seed, simulated, outcome.failure)
    return Found(seeds, simulated, None)


def line(bug: Bug, found: Found) -> str:
    """Return a row of the table in Markdown."""
    minutes = f"{found.simulated / MINUTE:.1f}"
    if found.failure is None:
        return f"| `{bug.name}` | – | {minutes} | not found |"
    failure = found.failure
    return f"| `{bug.name}` | {found.seeds} | {minutes} | {failure.what}: {failure.text[:110]} |"


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 1 where a bug is not found."""
    if len(arguments) > 1 or not all(argument.isdecimal() for argument in arguments):
        print("usage: python -m tools.soak_detection [seeds]", file=sys.stderr)
        return 2
    seeds = int(arguments[0]) if arguments else SEEDS
    print("| bug | seeds | simulated minutes | found by |\n|---|---|---|---|", flush=True)
    count = 0
    for bug in BUGS:
        began = time.perf_counter()
        found = find(bug, seeds)
        count += found.failure is not None
        print(line(bug, found), flush=True)
        print(f"{bug.name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    print(f"\n{count} of {len(BUGS)} found within {seeds} seeds")
    return 0 if count == len(BUGS) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
