"""Calls a minute against staleness, for us and the published rules: the frontier.

    python -m tools.bench.frontier [--market FILE] [--levels N] [--minutes M]
        [--rules NAMES] [--set TABLE.KEY=VALUE] [--json FILE] [--svg FILE]

Each rule is swept over its width, on both cores. Without `--market` the market is generated.
`--set` changes our own configuration, and only ours, as in `--set grid.enabled=false`. The table
is followed by our calls against theirs at equal staleness (`tools.bench.frontier_compare` says how
that is interpolated), and by the limit on a random walk of the same step.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lifecycle.run.config import QuoterConfig
from tools.bench.frontier_compare import best_peer, ratio_table, ratios, table
from tools.bench.frontier_draw import draw
from tools.bench.frontier_run import RULES, Course, Job, Point, jobs, run
from tools.bench.limit import Limit, frontier

COSTS: Final = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Of a call, in squared steps: from acting nearly always to hardly ever."""
CYCLES_PER_MINUTE: Final = 10.0
SIDES: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep, print the tables, and write what was asked for; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    rules = RULES if given.rules is None else tuple(given.rules.split(";"))
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        parser.error(f"--rules must be of {'; '.join(RULES)}, was {unknown[0]}")
    if given.levels < 1:
        parser.error(f"--levels must be positive, was {given.levels}")
    try:
        overrides = overridden(given.set)
    except ValueError as error:
        parser.error(f"--set must be TABLE.KEY=VALUE with a value as in TOML: {error}")
    course = _course(given)
    points = sweep(jobs([course], rules, overrides), given.workers)
    limits = limit_of(points)
    found = ratios(points)
    print(table(points))
    print(f"\n{ratio_table(found)}\n\nagainst the best peer\n{ratio_table(best_peer(found))}")
    if limits:
        print(f"\n{limit_table(limits)}")
    if given.json is not None:
        told = {"points": points, "ratios": found, "limit": limits}
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    if given.svg is not None:
        given.svg.write_text(draw(points, limits), encoding="utf-8")
    return 0


def sweep(todo: Sequence[Job], workers: int = 2) -> list[Point]:
    """Make every run, on so many cores, showing how far it has come; in the order given."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    points = []
    with Progress(*columns, console=console) as bar, ProcessPoolExecutor(workers) as pool:
        task = bar.add_task("runs", total=len(todo))
        for point in pool.map(run, todo):
            points.append(point)
            bar.advance(task)
    return points


def limit_of(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return (staleness in bps, calls a minute) of the limit, for a walk of the points' own step.

    Both sides are limited as two walks. A ladder may shift by a rung for a call as well. The real
    market is no random walk: points below the limit show how far from one it is.
    """
    steps = [point.step_bps for point in points if point.step_bps is not None]
    if not steps:
        return []
    step, levels = sorted(steps)[len(steps) // 2], points[0].levels
    rung = QuoterConfig().level_step_bps / step if levels > 1 else None
    limits: list[Limit] = frontier(COSTS, orders=levels, rung=rung)
    return [(one.rms * step, one.rate * CYCLES_PER_MINUTE * SIDES) for one in limits if one.rms > 0]


def limit_table(limits: Sequence[tuple[float, float]]) -> str:
    """Write the limit as text, a line a point."""
    lines = [f"{'limit on a random walk':24} {'rms':>7} {'calls/m':>8}"]
    lines += [f"{'':24} {staleness:7.2f} {calls:8.2f}" for staleness, calls in limits]
    return "\n".join(lines)


def overridden(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Turn `table.key=value` texts into tables; raises ValueError where one is none."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        key, _, value = text.partition("=")
        name, dot, key = key.strip().partition(".")
        if not (name and dot and key):
            raise ValueError(f"key must be in a table, was {text}")
        found.setdefault(name, {}).update(tomllib.loads(f"{key} = {value}"))
    return found


def _course(given: argparse.Namespace) -> Course:
    file = given.market
    return Course(
        name="generated" if file is None else Path(file).name.partition(".")[0],
        file=file,
        levels=given.levels,
        minutes=given.minutes,
        size=given.size,
        inventory_max=given.inventory_max,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.frontier", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--market", metavar="FILE", help="a recorded market (default: generated)")
    parser.add_argument("--levels", type=int, default=1, help="of a side (default 1)")
    parser.add_argument("--minutes", type=float, help="how long (default: all; generated: five)")
    parser.add_argument("--size", default="0.1", help="of a quote (default 0.1)")
    parser.add_argument("--inventory-max", default="1.0", help="full inventory (default 1.0)")
    parser.add_argument("--rules", metavar="NAMES", help=f"of {'; '.join(RULES)} (default: all)")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--workers", type=int, default=2, help="cores (default 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw them there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
