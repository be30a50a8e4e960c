"""Measure the core: `python -m tools.bench [--rounds N] [--cold] [--json FILE]`.

Prints the medians of interleaved rounds, beside a bare dictionary and python-statemachine in the
same run. Exits 1 where a median misses its limit.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tools.bench.core import ENGINE_MISSING, cases, has_engine
from tools.bench.measure import WARM_UP, measure, table

ROUNDS = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it where that was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description="Measure the core.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed rounds (default 300)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the medians there")
    parser.add_argument("--cold", action="store_true", help="time each after the others ran")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error(f"--rounds must be positive, was {given.rounds}")
    if not has_engine():
        print(ENGINE_MISSING, file=sys.stderr)
    measured = measure(cases(), given.rounds, min(WARM_UP, given.rounds), cold=given.cold)
    print(table(measured))
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(measured)) + b"\n")
    return 0 if all(one.is_met for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
