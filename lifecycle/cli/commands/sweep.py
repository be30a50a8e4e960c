"""`lifecycle sweep`: settings × seeds × markets to a Parquet table, and the best that it holds."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs

from lifecycle.cli import options, output
from lifecycle.cli.configuration import check, read_config
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput, explained
from lifecycle.cli.stop import Stop
from lifecycle.run.config import RunConfig

if TYPE_CHECKING:
    from rich.progress import Progress

    from lifecycle.sweep.best import Asked
    from lifecycle.sweep.kept import Kept
    from lifecycle.sweep.plan import Plan, Source
    from lifecycle.sweep.play import Ended
    from lifecycle.sweep.sweep import Spread

GENERATED: Final = "generated"
LINES: Final = 10
"""About how many lines of progress there are where there is no terminal."""
SAID_MAX: Final = 3
"""So many of the runs that failed are said."""
SEEDS: Final = "1:5"
KEPT: Final = ".runs"
"""What the file of runs that are over is called, after the table's name."""

EPILOG: Final = """\b
Examples:
  lifecycle sweep latch.parquet --vary bands.latch_bps=2,3,5,8
      four settings on a generated market, five seeds each
  lifecycle sweep latch.parquet --minimise calls --subject-to "presence>=0.99,staleness_rms_bps<=2"
      the best of them: of a table that is there already, nothing is played
  lifecycle sweep grid.parquet --vary latch_bps=3,5,10 --vary levels=1,3 --seeds 1:50
      every combination, with fifty seeds
  lifecycle sweep eth.parquet --vary sigma_share=0.4,0.65,1 --market eth.csv.gz --minutes 30
      on a recorded market
  lifecycle sweep both.parquet --policy legacy --policy stable --seeds 1:20 --maximise fills
      policies are settings as well; and the best at once
  lifecycle sweep grid.parquet --vary latch_bps=3,5,10 --seeds 1:500 --dask tcp://10.0.0.5:8786
      on a Dask cluster that runs already

\b
Resuming:
  What is over is kept beside the table, in TABLE.runs. The same command goes on
  after Ctrl-C or a crash; with more seeds or values it plays only what is new.
  Runs that failed are tried again. Other code or another market is another run.

\b
How to read it:
  The number of a setting is the median over its seeds. A bound must hold on
  every market; what is minimised is the mean over the markets. A setting with a
  run that failed, or that broke an invariant, is never the best. A number may be
  shortened where only one begins so: calls is calls_per_minute. `presence` is
  that of the emptier side.

\b
Dask:
  The workers need the same order-lifecycle, and the market's files under the
  same paths: both are checked there. One thread a worker process is fastest.

\b
Exit codes:
  0  every run ended, every invariant held; and a setting keeps to the bounds
  1  a run failed, an invariant was broken, or no setting keeps to the bounds
  2  usage, or an input that cannot be used
"""


@click.command("sweep", epilog=EPILOG)
@click.argument("table", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--vary", multiple=True, metavar="KEY=VALUE,…",
    help="A key of the configuration and its values; all combinations are played.",
)  # fmt: skip
@click.option(
    "--policy", "policies", multiple=True, metavar="NAME", help="One or several; default stable."
)
@click.option("--seeds", metavar="FIRST:LAST", help=f"Which seeds.  [default: {SEEDS}]")
@click.option(
    "--market", "markets", multiple=True, metavar=f"FILE|{GENERATED}",
    help="One or several; default the configuration's, or a generated one.",
)  # fmt: skip
@click.option(
    "--minutes", type=options.positive, metavar="NUMBER",
    help="How long each run is; default 5, or the recording.",
)  # fmt: skip
@click.option(
    "--config", "config_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A TOML file as `lifecycle run` takes it: what is not varied.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 1024), help="Processes that play; default one a core."
)
@click.option("--dask", "address", metavar="ADDRESS", help="Play on this Dask cluster instead.")
@click.option("--minimise", metavar="NAME", help="Say which settings have the least of a number.")
@click.option("--maximise", metavar="NAME", help="Or the most.")
@click.option(
    "--subject-to", "bounds", metavar="NAME>=NUMBER,…", help="What other numbers must keep to."
)
@click.option(
    "--top", type=click.IntRange(1), default=10, show_default=True, help="Settings to show."
)
@click.option(
    "--json", "json_target", type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the best settings to a file; - for stdout and nothing else there.",
)  # fmt: skip
def command(
    table: Path,
    minimise: str | None,
    maximise: str | None,
    bounds: str | None,
    top: int,
    json_target: str | None,
    **asked: Any,
) -> int:
    """Play every combination of settings, and keep what came of each run in a table.

    Every run is the whole order manager on a paper venue, held to the invariants while it runs. The
    table is TABLE, a Parquet file with a row a run; the same sweep gives the same table, on one
    core, on many, or on a cluster. Asked for the best settings alone, it reads the table.
    """
    for name, target in (("TABLE", table), ("--json", json_target)):
        output.check_target(name, target)
    with _needs("sweep"):
        import lifecycle.sweep.table  # noqa: F401
    best = _best_asked(minimise, maximise, bounds)
    if best is None and (bounds is not None or json_target is not None):
        raise BadInput("--subject-to and --json need --minimise NAME or --maximise NAME")
    code = HELD
    if any(value not in {None, ()} for value in asked.values()):
        code = _sweep(table, **asked)
        if not table.exists() or code > CHECK_FAILED:
            return code
    elif best is None:
        raise BadInput(
            "what to do must be said: --vary KEY=VALUE,… to sweep, or --minimise NAME to read the "
            "table, see lifecycle sweep --help"
        )
    return code if best is None else max(code, _report(table, best, top, json_target))


# The sweep.


def _sweep(
    table: Path,
    *,
    vary: tuple[str, ...],
    policies: tuple[str, ...],
    seeds: str | None,
    markets: tuple[str, ...],
    minutes: float | None,
    config_file: Path | None,
    workers: int | None,
    address: str | None,
) -> int:
    """Play what is left, write the table, and return the exit code."""
    from lifecycle.sweep import table as tables
    from lifecycle.sweep.kept import Kept, KeptError
    from lifecycle.sweep.sweep import sweep

    if workers is not None and address is not None:
        raise BadInput("--workers are processes here, and --dask has its own; leave one out")
    with explained():
        plan = _planned(vary, policies, seeds or SEEDS, markets, minutes, config_file)
    wanted = {run.key for run in plan.runs()}
    file = table.with_name(table.name + KEPT)
    try:
        tables.check_place(table)
        kept = Kept(file, wanted)
    except (tables.TableError, KeptError) as error:
        raise BadInput(str(error)) from error
    with closing(kept), Stop() as stop:
        left = sum(not kept.is_over(key) for key in wanted)
        elsewhere = _spread(address, workers or os.cpu_count() or 1, stop)
        with elsewhere as spread, _watched(len(wanted), left) as watch:
            sweep(plan, kept, spread, tell=watch.tell)
        over = sum(kept.is_over(key) for key in wanted)
        if stop and over < len(wanted):
            output.progress(
                f"ended early: {over} of {len(wanted)} runs are kept in {file}, the same command "
                "goes on"
            )
            return stop.code
        _refuse_if_nothing_fits(kept, wanted)
        tables.write(table, plan, kept)
        return _said(plan, kept, table)


def _planned(
    vary: tuple[str, ...],
    policies: tuple[str, ...],
    seeds: str,
    markets: tuple[str, ...],
    minutes: float | None,
    config_file: Path | None,
) -> "Plan":
    from lifecycle.cli.varied import seeds_of, sensible, varied_of
    from lifecycle.run.policies import POLICIES
    from lifecycle.sweep.code import code_digest
    from lifecycle.sweep.plan import Plan

    for name in policies:
        if name not in POLICIES:
            raise BadInput(f"--policy must be one of {', '.join(POLICIES)}, was {name}")
    config = RunConfig() if config_file is None else read_config(config_file)
    if minutes is not None:
        config = structs.replace(config, market=structs.replace(config.market, minutes=minutes))
        check(config)
    varied = varied_of(vary)
    names = tuple(dict.fromkeys(policies or ("stable",)))
    settings, wrong = sensible(config, names, varied)
    if wrong:
        total = len(settings) + len(wrong)
        output.progress(f"left out, {len(wrong)} of {total} combinations: {wrong[0]}")
    default = GENERATED if config.market.file is None else config.market.file
    sources = [_source(name) for name in dict.fromkeys(markets or (default,))]
    return Plan([one.key for one in varied], settings, sources, seeds_of(seeds), code_digest())


def _source(name: str) -> "Source":
    from lifecycle.sweep.code import file_digest
    from lifecycle.sweep.plan import Source

    if name == GENERATED:
        return Source(GENERATED)
    # A worker may have started elsewhere.
    path = str(Path(name).absolute())
    if not Path(path).is_file():
        raise BadInput(f"--market must be a file or the word {GENERATED}, was {name}")
    return Source(name, path, file_digest(path))


@contextmanager
def _spread(address: str | None, workers: int, stop: Stop) -> "Iterator[Spread]":
    """Return what spreads the runs: over processes of ours, or over a cluster."""
    from lifecycle.run.workers import each

    if address is None:
        yield lambda do, blocks: each(do, blocks, workers=workers, stopped=lambda: bool(stop))
        return
    with _needs("dask"):
        from lifecycle.sweep.cluster import ClusterError, connected, each_at

    try:
        with closing(connected(address)) as client:
            yield lambda do, blocks: each_at(
                client, do, blocks, stopped=lambda: bool(stop), deserted=lambda: _wait_at(address)
            )
    except ClusterError as error:
        raise BadInput(str(error)) from error


def _wait_at(address: str) -> None:
    """Say that the cluster has nobody to play."""
    output.progress(
        f"{address} has no workers, waiting for one: dask worker {address} --nthreads 1, or Ctrl-C"
    )


@contextmanager
def _needs(extra: str) -> Iterator[None]:
    """Import inside; raises BadInput where a package of the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadInput(
            f"sweep needs {error.name}, install it: pip install 'order-lifecycle[{extra}]'"
        ) from error


def _refuse_if_nothing_fits(kept: "Kept", wanted: set[str]) -> None:
    """Raise BadInput where no run at all could begin."""
    ended = [kept.ended[key] for key in wanted]
    if all(one.is_input for one in ended):
        raise BadInput(f"{ended[0].error}, check the markets and the configuration")


def _said(plan: "Plan", kept: "Kept", table: Path) -> int:
    """Say what failed and what broke, and return the exit code."""
    failed = broken = 0
    for run in plan.runs():
        ended = kept.ended[run.key]
        values = zip(plan.keys, run.setting.values, strict=True)
        setting = ", ".join([run.setting.policy, *(f"{key}={value}" for key, value in values)])
        name = f"{setting} on {run.source.name}, seed {run.seed}"
        if ended.summary is None:
            failed += 1
            if failed <= SAID_MAX:
                output.progress(f"failed: {name}: {ended.error}")
        elif ended.summary.violations:
            broken += 1
            if broken <= SAID_MAX:
                output.progress(f"broken: {name}: {ended.summary.broken[0]}")
    output.progress(f"{table}: {len(plan)} runs, {failed} failed, {broken} with a broken invariant")
    return CHECK_FAILED if failed or broken else HELD


# The best of it.


def _best_asked(minimise: str | None, maximise: str | None, bounds: str | None) -> "Asked | None":
    from lifecycle.sweep.best import Asked, AskedError, bounds_of, number_named

    if minimise is not None and maximise is not None:
        raise BadInput("--minimise and --maximise exclude each other; leave one out")
    goal = minimise if maximise is None else maximise
    if goal is None:
        return None
    try:
        found = () if bounds is None else bounds_of(bounds)
        return Asked(number_named(goal), maximise is not None, found)
    except AskedError as error:
        raise BadInput(str(error)) from error


def _report(table: Path, asked: "Asked", top: int, json_target: str | None) -> int:
    """Show the best settings of a table, and return the exit code."""
    from rich.console import Console

    from lifecycle.cli.sweep_json import document
    from lifecycle.sweep import table as tables
    from lifecycle.sweep.best import ranking
    from lifecycle.views import sweep as views
    from lifecycle.views.theme import THEME

    if not table.exists():
        raise BadInput(f"{table} must be there to be read, is not; sweep first, with --vary")
    try:
        found = ranking(tables.read(table), asked)
    except tables.TableError as error:
        raise BadInput(str(error)) from error
    if json_target is not None:
        output.write(document(found, top), json_target)
    if json_target != output.STDOUT:
        Console(highlight=False, theme=THEME).print(views.best(found, top))
    return HELD if found.best else CHECK_FAILED


# Progress.


class _Watch:
    """Says how many runs are over: a bar, or lines about every tenth."""

    def __init__(self, planned: int, left: int, bars: "Progress | None") -> None:
        self.planned = planned
        self.over = planned - left
        self.failed = 0
        self.bars = bars
        if bars is not None:
            self.task = bars.add_task("runs", total=planned, completed=self.over)

    def tell(self, ended: "Sequence[Ended]") -> None:
        """Take in that some runs are over."""
        before, self.over = self.over, self.over + len(ended)
        self.failed += sum(bool(one.error) for one in ended)
        failed = f", {self.failed} failed" if self.failed else ""
        if self.bars is not None:
            self.bars.update(self.task, completed=self.over, description=f"runs{failed}")
        elif self.over * LINES // self.planned > before * LINES // self.planned:
            output.progress(f"{self.over} of {self.planned} runs{failed}")


@contextmanager
def _watched(planned: int, left: int) -> Iterator[_Watch]:
    """Return where progress is shown: on stderr, as a bar if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    kept = f", {planned - left} are kept from before" if left < planned else ""
    output.progress(f"{planned} runs{kept}")
    console = Console(stderr=True, highlight=False)
    # Not the console's `is_terminal` alone: FORCE_COLOR wants colour in a pipe, not bars.
    if not sys.stderr.isatty() or not console.is_terminal or console.is_dumb_terminal:
        yield _Watch(planned, left, None)
        return
    name = TextColumn("{task.description}", markup=False)
    with Progress(
        name, BarColumn(), MofNCompleteColumn(), Remaining(), console=console, transient=True
    ) as bars:
        yield _Watch(planned, left, bars)
