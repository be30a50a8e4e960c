"""`lifecycle compare`: policies × markets × seeds side by side, on all cores."""

import difflib
import fnmatch
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs

from lifecycle.cli import options, output
from lifecycle.cli.compare_json import document
from lifecycle.cli.configuration import check, read_config
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput, explained
from lifecycle.cli.stop import Stop
from lifecycle.run.config import RunConfig

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from lifecycle.run.compare import Entrant, Job, Outcome
    from lifecycle.run.compared import Board

GENERATED: Final = "generated"
LINES: Final = 10
"""About how many lines of progress there are where there is no terminal."""

EPILOG: Final = """\b
Examples:
  lifecycle compare                                  legacy and stable, 5 seeds
  lifecycle compare --markets eth.csv.gz generated --minutes 30
  lifecycle compare --policies 'legacy,phase-*' --config bot.toml
  lifecycle compare --ablation --seeds 10 --html layers.html
  lifecycle compare --policies legacy,stable --sweep --html frontier.html
  lifecycle compare --json - | jq '.markets[].policies[] | .name'

\b
Policies:
  legacy            the recorded bot: no layer, cancel and place again
  stable            your configuration, or the defaults: every layer
  phase-1…phase-6   legacy with the first layers of the roll-out switched on:
                    smoothing, churn, grid, bands, modify, quota
  only-LAYER        legacy with one layer
  without-LAYER     stable with one layer as in legacy

\b
How to read it:
  Fewer calls are worth nothing if a side stands empty (bids, asks present), if
  quotes are stale (staleness against its limit), or if what is left is picked
  off (markout). Numbers are medians over the seeds, beside them the least and
  the greatest. A seed is another generated market; on a recorded market it is
  another draw of the venue's latencies.

\b
Exit codes:
  0  every run ended, and every invariant held in it
  1  an invariant was broken, or a run failed
  2  usage, or an input that cannot be used
"""


@click.command("compare", epilog=EPILOG)
@click.option(
    "--policies",
    metavar="NAME,…",
    help="What to compare, separated by commas, * for any letters; default legacy,stable.",
)
@click.option(
    "--ablation",
    is_flag=True,
    help="Each layer alone, all but each, and phase by phase: what every layer contributes.",
)
@click.option(
    "--sweep",
    is_flag=True,
    help="The stable policy with latches from 1 to 20 bps as well: the frontier as a line.",
)
@click.option(
    "--markets",
    multiple=True,
    metavar="FILE…|generated",
    help="Recorded markets; default the configuration's, or a generated one.",
)
@click.argument("more", nargs=-1, metavar="[FILE]...")
@click.option(
    "--seeds", type=click.IntRange(1, 10_000), default=5, show_default=True,
    help="How many seeds, from the configuration's on.",
)  # fmt: skip
@click.option(
    "--minutes",
    type=options.positive,
    metavar="NUMBER",
    help="How long each run is; default 5, or the recording.",
)
@click.option(
    "--cycle", type=options.positive, metavar="SECONDS", help="Time between two decision rounds."
)
@click.option("--levels", type=click.IntRange(1, 100), help="Quotes a side.")
@click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Runs at a time; default one a core."
)  # fmt: skip
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the numbers to a file; - for stdout and nothing else there.",
)
@click.option(
    "--html",
    "html_target",
    type=click.Path(dir_okay=False, writable=True),
    help="Write one self-contained page with plots.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A TOML file as `lifecycle run` takes it; options go over what it says.",
)
def command(
    policies: str | None,
    ablation: bool,
    sweep: bool,
    markets: tuple[str, ...],
    more: tuple[str, ...],
    seeds: int,
    jobs: int | None,
    json_target: str | None,
    html_target: str | None,
    config_file: Path | None,
    **overrides: Any,
) -> int:
    """Run policies on markets, with several seeds each, and set them side by side.

    Every run is the whole order manager on a paper venue, held to the invariants while it runs.
    Runs are spread over the cores; the same options give the same numbers, however many there are.
    """
    from lifecycle.run.compare import compare, jobs_of

    for option, target in (("--json", json_target), ("--html", html_target)):
        output.check_target(option, target)
    with explained():
        config = _configured(config_file, overrides)
    compared = _entrants(policies, ablation=ablation, sweep=sweep)
    files = _markets((*markets, *more), config)
    numbers = range(config.market.seed, config.market.seed + seeds)
    planned = jobs_of(config, compared, files, numbers)

    with Stop() as stop, _watched(planned) as watch:
        outcomes = compare(
            planned,
            workers=jobs or os.cpu_count() or 1,
            stopped=lambda: bool(stop),
            tell=watch.tell,
        )

    return _report(outcomes, config, json_target, html_target, stop)


def _report(
    outcomes: "Sequence[Outcome]",
    config: RunConfig,
    json_target: str | None,
    html_target: str | None,
    stop: Stop,
) -> int:
    """Write what was asked for, and return the exit code."""
    from lifecycle.run.compared import boards

    failed = [one for one in outcomes if one.error]
    if failed and all(one.is_input for one in failed) and not any(o.summary for o in outcomes):
        raise BadInput(f"{failed[0].error}, check the markets and the configuration")
    found = boards(outcomes)
    if html_target is not None and found:
        from lifecycle.views.compare_page import page

        output.write(page(found, _told(config, outcomes)), html_target)
    if json_target is not None:
        output.write(document(outcomes, found), json_target)
    if json_target != output.STDOUT:
        _print(found)
    for one in failed:
        output.progress(f"failed: {_name(one.job)}: {one.error}")
    for board in found:
        for standing in board.standings:
            for line in standing.broken:
                output.progress(f"broken: {standing.entrant} on {board.market}, {line}")
    if failed or any(s.violations for board in found for s in board.standings):
        return CHECK_FAILED
    if stop:
        output.progress("ended early: the numbers are of the runs that were over")
        return stop.code
    return HELD


def _told(config: RunConfig, outcomes: "Sequence[Outcome]") -> list[tuple[str, str]]:
    """Return what the page says of the runs as a whole."""
    from lifecycle.cli.group import version

    played = sum(one.summary is not None for one in outcomes)
    told = [
        ("runs", f"{played} of {len(outcomes)}"),
        ("cycle", f"{config.timing.cycle_s:g} s"),
        ("levels a side", str(config.quoter.levels)),
        ("order-lifecycle", version()),
    ]
    told += [("failed", f"{_name(one.job)}: {one.error}") for one in outcomes if one.error]
    return told


def _name(job: "Job") -> str:
    market = GENERATED if job.market is None else Path(job.market).name
    return f"{job.entrant.name} on {market}, seed {job.seed}"


def _print(boards: "Sequence[Board]") -> None:
    from rich.console import Console

    from lifecycle.views.compare import comparison
    from lifecycle.views.theme import THEME

    console = Console(highlight=False, theme=THEME)
    console.print(comparison(boards, console.width))


# What is asked for.


def _configured(file: Path | None, overrides: dict[str, Any]) -> RunConfig:
    """Return the file's configuration, or the default, with the options over it."""
    config = RunConfig() if file is None else read_config(file)
    minutes, cycle, levels = (overrides[name] for name in ("minutes", "cycle", "levels"))
    if minutes is not None:
        config = structs.replace(config, market=structs.replace(config.market, minutes=minutes))
    if cycle is not None:
        config = structs.replace(config, timing=structs.replace(config.timing, cycle_s=cycle))
    if levels is not None:
        config = structs.replace(config, quoter=structs.replace(config.quoter, levels=levels))
    check(config)
    return config


def _entrants(policies: str | None, *, ablation: bool, sweep: bool) -> "list[Entrant]":
    """Return what is compared, each once, in the order asked for."""
    from lifecycle.run import compare
    from lifecycle.run.policies import ABLATION, BOTH, POLICIES

    names: list[str] = []
    if policies is not None:
        asked = [name.strip() for name in policies.split(",") if name.strip()]
        # A pattern that fits nothing stays, and is refused below like any other name.
        names = [fit for name in asked for fit in (fnmatch.filter(POLICIES, name) or [name])]
        if not names:
            raise BadInput("--policies must name at least one policy, see lifecycle compare --help")
    elif not ablation:
        names = list(BOTH)
    for name in names:
        if name not in POLICIES:
            near = difflib.get_close_matches(name, POLICIES, n=1)
            hint = f"did you mean {near[0]}?" if near else "see lifecycle compare --help"
            raise BadInput(f"--policies must name policies, was {name}, {hint}")
    names += ABLATION if ablation else ()
    return compare.entrants(names) + (compare.sweep() if sweep else [])


def _markets(given: Sequence[str], config: RunConfig) -> list[str | None]:
    """Return the files in the order given, each once; None is the generated market."""
    if not given:
        return [config.market.file]
    names: list[str] = []
    for text in given:
        # A comma may stand in a file's name, or between two of them.
        names += [text] if Path(text).exists() else [one for one in text.split(",") if one]
    for name in names:
        if name != GENERATED and not Path(name).is_file():
            rule = f"be files or the word {GENERATED}"
            raise BadInput(f"--markets must {rule}, was {name}, check the path")
    return [None if name == GENERATED else name for name in dict.fromkeys(names)]


# Progress.


class _Watch:
    """Says how many runs are over: a bar a market, or lines about every tenth."""

    def __init__(self, planned: "Sequence[Job]", bars: "Progress | None") -> None:
        self.planned = len(planned)
        self.over = 0
        self.failed = 0
        self.bars = bars
        self.tasks: dict[str | None, TaskID] = {}
        for job in planned if bars is not None else ():
            if job.market not in self.tasks:
                name = GENERATED if job.market is None else Path(job.market).name
                runs = sum(other.market == job.market for other in planned)
                assert bars is not None
                self.tasks[job.market] = bars.add_task(name, total=runs)

    def tell(self, outcome: "Outcome") -> None:
        """Take in that a run is over."""
        self.failed += bool(outcome.error)
        if not outcome.error and outcome.summary is None:
            return
        self.over += 1
        if self.bars is not None:
            self.bars.advance(self.tasks[outcome.job.market])
        elif self.over * LINES // self.planned > (self.over - 1) * LINES // self.planned:
            failed = f", {self.failed} failed" if self.failed else ""
            output.progress(f"{self.over} of {self.planned} runs{failed}")


@contextmanager
def _watched(planned: "Sequence[Job]") -> "Iterator[_Watch]":
    """Return where progress is shown: on stderr, as bars if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True, highlight=False)
    # Not the console's `is_terminal` alone: FORCE_COLOR wants colour in a pipe, not bars.
    if not sys.stderr.isatty() or not console.is_terminal or console.is_dumb_terminal:
        output.progress(f"{len(planned)} runs")
        yield _Watch(planned, None)
        return
    name = TextColumn("{task.description}", markup=False)
    with Progress(
        name, BarColumn(), MofNCompleteColumn(), Remaining(), console=console, transient=True
    ) as bars:
        yield _Watch(planned, bars)
