"""`lifecycle soak`: long runs in which everything fails, and nothing may be lost.

Every failure is said with its seed and the command that repeats it, and leaves its journal and a
scenario. Ctrl-C ends it with what was found so far.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import to_builtins

from lifecycle.cli import output
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput
from lifecycle.cli.options import positive
from lifecycle.cli.stop import Stop

if TYPE_CHECKING:
    from rich.status import Status

    from lifecycle.soak.campaign import Limits, Soaked
    from lifecycle.soak.kill import Killed
    from lifecycle.soak.told import Left

MINUTES: Final = 1.0
"""On the wall, where nothing is said."""
LINE_EVERY_S: Final = 5.0
"""The least time between two lines of progress."""
TOLD_MAX: Final = 5
"""So many failed runs leave files."""
FOLDER: Final = Path("soaked")
_SEEDS: Final = re.compile(r"([0-9]+):([0-9]+)")

EPILOG: Final = """\b
Examples:
  lifecycle soak --minutes 10                    other seeds until ten minutes are over
  lifecycle soak --hours 30 --seeds 1:500        whichever comes first
  lifecycle soak --seeds 17:17                   one run again
  lifecycle soak --plan lost_ack --minutes 1     one kind of fault, often
  lifecycle soak --kills 200                     a real process, killed 200 times
  lifecycle audit soaked/soak-mix-17.journal     what a failed run has left

\b
Exit codes:
  0  every promise held in every run, and every run converged
  1  a run failed
  2  usage
"""


def _plans() -> list[str]:
    from exchange.paper.faults import PLANS
    from lifecycle.soak.plan import MIX

    return [MIX, *PLANS]


@click.command("soak", epilog=EPILOG)
@click.option(
    "--minutes", type=positive, metavar="N",
    help=f"How long, on the clock on the wall.  [default: {MINUTES:g}, where nothing ends it]",
)  # fmt: skip
@click.option("--hours", type=positive, metavar="H", help="How much simulated time in all.")
@click.option("--seeds", metavar="FIRST:LAST", help="Which runs.  [default: 1 and on]")
@click.option(
    "--plan", default="mix", show_default=True, metavar="NAME",
    help="What goes wrong: `mix` draws for each seed, or one of the plans by name.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True,
    help="Processes that play.",
)  # fmt: skip
@click.option(
    "--kills", type=click.IntRange(min=1), metavar="N",
    help="Kill a real process so many times; alone, where nothing else is asked for.",
)  # fmt: skip
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write what was found to a file; - for stdout and nothing else there.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where a failed run leaves its journal and its scenario.",
)
def command(
    minutes: float | None,
    hours: float | None,
    seeds: str | None,
    plan: str,
    workers: int,
    kills: int | None,
    json_target: str | None,
    folder: Path,
) -> int:
    """Let everything fail for hours of market time, and compare what is left with the truth.

    A run is a few simulated minutes at the paper venue. Its seed draws everything: faults,
    settings, the market, others' orders, and when the process dies. Anything fails in its first
    part, in the second all is healed. Every record goes through every invariant, and what the
    order manager believes is compared with what the venue knows.
    """
    output.check_target("--json", json_target)
    if plan not in _plans():
        raise BadInput(f"--plan must be one of {', '.join(_plans())}, was {plan}")
    limits = _limits(minutes, hours, seeds)
    only_kills = kills is not None and minutes is None and hours is None and seeds is None
    with Stop() as stop:
        soaked = None if only_kills else _soak(limits, plan, workers, stop)
        killed = None if kills is None or stop else _kill(kills, limits.first, folder)
    left = [] if soaked is None else _leave(soaked, folder)
    if json_target is not None:
        output.write(document(soaked, killed, left), json_target)
    if json_target != output.STDOUT:
        _print(soaked, killed)
    _say(soaked, killed, left)
    if (soaked is not None and soaked.failed) or (killed is not None and killed.wrong):
        return CHECK_FAILED
    if stop:
        output.progress("ended early: the numbers are of the runs that were over")
        return stop.code
    return HELD


def _limits(minutes: float | None, hours: float | None, seeds: str | None) -> "Limits":
    from exchange.units import seconds
    from lifecycle.soak.campaign import Limits

    first, last = 1, None
    if seeds is not None:
        found = _SEEDS.fullmatch(seeds)
        if found is None or int(found[1]) > int(found[2]):
            raise BadInput(f"--seeds must be FIRST:LAST, as 1:500, was {seeds!r}")
        first, last = int(found[1]), int(found[2])
    if minutes is None and hours is None and last is None:
        minutes = MINUTES
    return Limits(
        seconds=None if minutes is None else 60 * minutes,
        simulated=None if hours is None else seconds(3600 * hours),
        first=first,
        last=last,
    )


# What is done.


def _soak(limits: "Limits", plan: str, workers: int, stop: Stop) -> "Soaked":
    from lifecycle.soak.campaign import soak

    if limits.first == limits.last:
        workers = 1
    with _watched(limits) as watch:
        return soak(limits, plan=plan, workers=workers, stopped=lambda: bool(stop), tell=watch.tell)


def _kill(kills: int, seed: int, folder: Path) -> "Killed":
    from lifecycle.soak.kill import campaign

    folder.mkdir(parents=True, exist_ok=True)

    def tell(number: int) -> None:
        if number % max(1, kills // 10) == 0:
            output.progress(f"{number} of {kills} kills")

    return campaign(kills, seed, folder, progress=tell)


def _leave(soaked: "Soaked", folder: Path) -> "list[Left]":
    """Write the files of the first failed runs; raises OSError."""
    from lifecycle.soak.told import leave

    played = [one for one in soaked.failed if one.simulated]
    return [leave(one.seed, soaked.plan, folder) for one in played[:TOLD_MAX]]


class _Watch:
    """Says how far the soak has come: a live line, or lines some seconds apart."""

    def __init__(self, limits: "Limits", live: "Status | None") -> None:
        self.limits = limits
        self.live = live
        self.said = time.monotonic()

    def tell(self, soaked: "Soaked") -> None:
        """Take in that a run is over."""
        if self.live is None and time.monotonic() - self.said < LINE_EVERY_S:
            return
        self.said = time.monotonic()
        failed = f", {len(soaked.failed)} failed" if soaked.failed else ""
        line = (
            f"{len(soaked.outcomes)} runs, {soaked.hours:.1f} simulated hours, "
            f"{soaked.hours_per_minute:.1f} a minute{failed}"
        )
        if self.live is None:
            output.progress(line)
        else:
            self.live.update(line)


@contextmanager
def _watched(limits: "Limits") -> "Iterator[_Watch]":
    """Return where progress is shown: on stderr, live if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Watch(limits, None)
        return
    with console.status("the first runs are under way") as live:
        yield _Watch(limits, live)


# What is said.


def _print(soaked: "Soaked | None", killed: "Killed | None") -> None:
    from rich.console import Console

    from lifecycle.views.soak import killing, soaking
    from lifecycle.views.theme import THEME

    console = Console(highlight=False, theme=THEME)
    if soaked is not None:
        console.print(soaking(soaked, console.width))
    if killed is not None:
        console.print(killing(killed, console.width))


def _say(soaked: "Soaked | None", killed: "Killed | None", left: "list[Left]") -> None:
    """Say every failure on stderr, with what repeats it."""
    for one in [] if soaked is None else soaked.failed:
        assert soaked is not None, "it has failures"
        assert one.failure is not None, "it has failed"
        failure = one.failure
        order = "" if failure.cloid is None else f", order {failure.cloid}"
        output.progress(
            f"seed {one.seed}: {failure.what} at {failure.at / 1e9:.2f} s{order}: {failure.text}"
        )
        output.progress(f"  again: {_again(soaked.plan, one.seed)}")
    for files in left:
        output.progress(f"  left: {files.journal}")
        if files.scenario is not None:
            how = "plays it again" if files.replays else "tells it, but cannot play it"
            output.progress(f"  {files.scenario} {how}: lifecycle conform {files.scenario}")
    for line in [] if killed is None else killed.wrong:
        output.progress(f"killed: {line}")


def _again(plan: str, seed: int) -> str:
    named = "" if plan == "mix" else f" --plan {plan}"
    return f"lifecycle soak --seeds {seed}:{seed}{named}"


def document(
    soaked: "Soaked | None", killed: "Killed | None" = None, left: "list[Left] | None" = None
) -> str:
    """Write what was found as JSON."""
    content: dict[str, Any] = {}
    if soaked is not None:
        times = soaked.settled_s
        content |= {
            "plan": soaked.plan,
            "runs": len(soaked.outcomes),
            "seeds": sorted(one.seed for one in soaked.outcomes),
            "simulated_hours": round(soaked.hours, 3),
            "simulated_hours_per_minute": round(soaked.hours_per_minute, 2),
            "wall_s": round(soaked.wall_s, 1),
            "counts": soaked.counts,
            "runs_with": soaked.runs_with,
            "converged_s": None
            if not times
            else {
                "median": times[len(times) // 2],
                "p99": times[len(times) * 99 // 100],
                "max": times[-1],
            },
            "failures": [
                {
                    "seed": one.seed,
                    **to_builtins(one.failure),
                    "again": _again(soaked.plan, one.seed),
                }
                for one in soaked.failed
            ],
            "left": [
                {
                    "journal": str(files.journal),
                    "scenario": None if files.scenario is None else str(files.scenario),
                    "replays": files.replays,
                }
                for files in left or ()
            ],
        }
    if killed is not None:
        content["killed"] = to_builtins(killed)
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
