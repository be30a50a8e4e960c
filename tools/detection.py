"""Measure how many of the seeded bugs random stories find, and after how many examples.

    python -m tools.detection [examples]     1,000 examples a bug, 40 steps each, by default

The explorer finds all of them (`docs/seeded_bugs.md`); this says how far drawing at random gets.
"""

import sys
import time
from collections.abc import Sequence
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tools.mutants.bugs import BUGS, Bug, seeded
from tools.mutants.machine import Lifecycle

EXAMPLES: Final = 1_000
STEPS: Final = 40


def examples_to_find(bug: Bug, examples: int) -> tuple[int, str] | None:
    """Return which example found a bug, and what it said; None where none did."""
    started = 0

    class Counted(Lifecycle):
        """Counts the examples."""

        def __init__(self) -> None:
            nonlocal started
            started += 1
            super().__init__()

    drawn = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        # The story is not shrunk: that it is found is all that counts here.
        phases=(Phase.generate, Phase.target),
        derandomize=True,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with seeded(bug):
        try:
            run_state_machine_as_test(Counted, settings=drawn)
        except (AssertionError, ValueError, KeyError) as error:
            # The last run is Hypothesis telling the story once more.
            return started - 1, str(error).splitlines()[0]
    return None


def main(arguments: Sequence[str]) -> int:
    """Print a line a bug, and how many were found; return the exit code."""
    if len(arguments) > 1 or not all(argument.isdecimal() for argument in arguments):
        print("usage: python -m tools.detection [examples]", file=sys.stderr)
        return 2
    examples = int(arguments[0]) if arguments else EXAMPLES
    found = 0
    for bug in BUGS:
        began = time.perf_counter()
        result = examples_to_find(bug, examples)
        found += result is not None
        number, what = ("–", "not found") if result is None else result
        took = time.perf_counter() - began
        print(f"{bug.name:32}{number:>6}  {took:5.1f} s  {what}", flush=True)
    print(f"{found} of {len(BUGS)} found within {examples} examples of {STEPS} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
