"""Measure the explorer: states a second of one core, and memory a state.

    python -m tools.bench.explorer [--depth N] [--json FILE]

Explores a part of what `lifecycle verify --budget standard` does, on the venue that amends: two
faults, two changes, a crash, a cancellation that nobody asked for. Everything is judged as there.
Speed is by processor time, so that other work on the machine counts less. Memory is what the
process has grown by at its peak, the worlds of the layer at hand included. Exits 1 where a limit is
missed.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from lifecycle.check.budgets import AMEND, explorations
from lifecycle.check.explore import Progress, explore
from lifecycle.compiled import core_word
from lifecycle.run.config import RunConfig

LIMIT_A_SECOND: Final = 60_000
LIMIT_BYTES: Final = 400


class Measured(Struct, frozen=True):
    """What was measured."""

    core: str
    states: int
    transitions: int
    seconds: float
    """Of processor time, of this process."""
    states_a_second: float
    us_a_transition: float
    bytes_a_state: float


def run(depth: int | None) -> Measured:
    """Explore it, or so many steps deep, in this process."""
    exploration = next(
        one for one in explorations(RunConfig(), "standard", AMEND) if one.setting.budgets.crashes
    )
    before, start = _peak(), time.process_time()

    def tell(progress: Progress) -> None:
        print(f"depth {progress.depth}: {progress.states:,} states", file=sys.stderr, flush=True)

    found = explore(
        exploration.setting,
        fuse=exploration.fuse,
        heal_every=exploration.heal_every,
        reading=True,
        depth=depth,
        tell=tell,
    )
    took = time.process_time() - start
    return Measured(
        core_word(),
        found.states,
        found.transitions,
        took,
        found.states / took,
        took / found.transitions * 1e6,
        (_peak() - before) / found.states,
    )


def _peak() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # What `getrusage` says begins with the peak of the process that started this one.
        (line,) = [one for one in status.read_text().splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    # macOS counts it in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print it, and write it where that was asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.explorer", description="Measure the explorer."
    )
    parser.add_argument("--depth", type=int, help="only so many steps: fewer states, more a second")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    given = parser.parse_args(arguments)
    if given.depth is not None and given.depth < 1:
        parser.error(f"--depth must be positive, was {given.depth}")
    one = run(given.depth)
    print(
        f"{one.core}: {one.states:,} states, {one.transitions:,} transitions, {one.seconds:.1f} s"
    )
    print(f"{one.states_a_second:,.0f} states/s a core, at least {LIMIT_A_SECOND:,} are asked")
    print(f"{one.us_a_transition:.1f} µs a transition")
    print(f"{one.bytes_a_state:,.0f} bytes a state, at most {LIMIT_BYTES} are asked")
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(one)) + b"\n")
    met = one.states_a_second >= LIMIT_A_SECOND and one.bytes_a_state <= LIMIT_BYTES
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
