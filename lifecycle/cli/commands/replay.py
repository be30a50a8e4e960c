"""`lifecycle replay`: what other settings would have done in the run of a journal."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from lifecycle.cli import output, setting
from lifecycle.cli.configuration import ConfigError, read_config
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput, explained
from lifecycle.cli.journals import JOURNAL, Source, open_journal, part_named
from lifecycle.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from lifecycle.whatif.comparison import Comparison, Trial
    from lifecycle.whatif.recorded import Recorded
    from lifecycle.whatif.scene import Scene
    from lifecycle.whatif.script import Script

RECORDED: Final = "recorded"
SEED: Final = 1
READ_TOLD: Final = 50_000
"""Records between two lines about reading."""

WITHOUT_EFFECT: Final = {
    "smoothing": "the recorded targets were made after it",
    "churn": "it acts on the smoother, and the recorded targets were made after that",
    "timing.cycle_s": "the targets are wanted when they were recorded",
}
"""Keys that change nothing in a replay, and why."""

EPILOG: Final = """\b
Examples:
  lifecycle replay run.journal
      the run as it was, and how well the model repeats it
  lifecycle replay run.journal --set latch_bps=4
      one other setting
  lifecycle replay run.journal --try latch_bps=3 --try latch_bps=4 --try latch_bps=6
      several, side by side
  lifecycle replay run.journal --set min_interval_ms=1000 --try latch_bps=4,in_step=false
      settings in common, and a column of two
  lifecycle replay run.journal --config other.toml --try bands.size=0.1
      a configuration file, and a change of it
  lifecycle replay run.journal --market eth.csv.gz --try latch_bps=4
      on a recording of the market instead of what the journal saw of it
  lifecycle replay 'postgresql://fleet@db/bots?run=ID' --try latch_bps=4
      a run of a fleet's journal
  lifecycle replay bots.journal --symbol ETH --try latch_bps=4
      one instrument of a portfolio
  lifecycle replay run.journal --try latch_bps=4 --json - | jq '.columns[].summary.calls'

\b
Settings:
  Written key=value, with the keys of the configuration file; the table may be
  left out where only one has the key. 'none' is no value. What acts before the
  targets are made (smoothing, churn, timing.cycle_s) cannot be replayed.

\b
How to read it:
  'as it was' is counted in the journal; 'the same, modelled' is the model with the
  same settings. The difference between the two is the model's error: compare
  what is tried with the second, not with the first.

\b
Exit codes:
  0  done, and every invariant held in every run
  1  an invariant was broken
  2  usage, or an input that cannot be used
"""


@click.command("replay", epilog=EPILOG)
@click.argument("journal", type=JOURNAL)
@click.option("--symbol", help="Which instrument of a portfolio's journal.")
@click.option(
    "--set", "common", multiple=True, metavar="KEY=VALUE[,…]", help="A setting of every column."
)
@click.option(
    "--try", "trials", multiple=True, metavar="KEY=VALUE[,…]", help="A column with these settings."
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Start from a TOML file's tables for the order manager, not from the journal's settings.",
)
@click.option(
    "--market",
    "market_file",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A recording of the market at that time.",
)
@click.option(
    "--latency",
    type=click.Choice([RECORDED, "none", "fast", "slow"]),
    default=RECORDED,
    show_default=True,
    help="Of the model's venue.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Of the latencies."
)
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the numbers to a file; - for stdout and nothing else there.",
)
def command(
    journal: Source,
    symbol: str | None,
    common: tuple[str, ...],
    trials: tuple[str, ...],
    config_file: Path | None,
    market_file: Path | None,
    latency: str,
    seed: int,
    json_target: str | None,
) -> int:
    """Say what other settings would have done in a recorded run.

    The journal's targets are wanted again, at the same times and on the same market, by a real
    order manager with other settings at a paper venue. Side by side: the run as it was, the
    model with the same settings, and a column for each --try, or one for --set and --config.
    """
    from lifecycle.whatif.comparison import compared

    output.check_target("--json", json_target)
    recorded, script = _read(journal, symbol)
    own = script.header.config
    with explained():
        tried = _trials(own, common, trials, config_file)
        scene = _scene(script, market_file)
    named = [*([config_file.name] if config_file is not None else []), *common]
    with _watched() as tell:
        try:
            found = compared(
                recorded,
                script,
                scene,
                tried,
                latency=latency,
                seed=seed,
                common=", ".join(named) if trials else "",
                tell=tell,
            )
        except ValueError as error:
            raise BadInput(f"{error}, correct the settings") from error

    if json_target is not None:
        output.write(_document(found), json_target)
    if json_target != output.STDOUT:
        _print(found)
    broken = [(one.name, line) for one in found.columns for line in one.summary.broken]
    for name, line in broken:
        output.progress(f"broken: {name}, {line}")
    return CHECK_FAILED if broken else HELD


def _read(source: Source, symbol: str | None) -> "tuple[Recorded, Script]":
    """Read the journal, as far as it is whole; raises BadInput."""
    from lifecycle.journal.base import JournalError
    from lifecycle.whatif.recorded import Recorded

    output.progress(f"reading {source}")
    try:
        recording = open_journal(source)
        part = part_named(recording, symbol)
        is_shared = len(recording.header.symbols) > 1
        name = recording.name
        if is_shared:
            name = f"{part.header.instrument.symbol} of {name}"
        recorded = Recorded(part.header, name, part.manager, is_shared=is_shared)
        for record in part.records():
            recorded.feed(record)
            if recorded.records % READ_TOLD == 0:
                output.progress(f"{recorded.records} records")
        if recording.damage is not None:
            output.progress(
                f"the journal is {recording.damage}; the {recorded.records} records before are used"
            )
        return recorded, recorded.script()
    except JournalError as error:
        raise BadInput(str(error)) from error


def _scene(script: "Script", market: Path | None) -> "Scene":
    from lifecycle.whatif.scene import scene_of_file, scene_of_journal

    if market is None:
        return scene_of_journal(script)
    output.progress(f"reading {market}")
    return scene_of_file(script, market)


# What is tried.


def _trials(
    own: Config, common: Sequence[str], trials: Sequence[str], file: Path | None
) -> "list[Trial]":
    """Return the settings to be tried; raises ConfigError and OSError."""
    from lifecycle.whatif.comparison import Trial

    base = own if file is None else setting.manager_tables(read_config(file))
    shared = [part for text in common for part in setting.split(text)]
    groups = [setting.split(text) for text in trials]
    if not groups and (shared or file is not None):
        groups = [[]]
    tried = []
    for group in groups:
        texts = [*shared, *group]
        settings = [setting.parse(text) for text in texts]
        for path, _ in settings:
            _check_effect(".".join(path))
        config = setting.changed(base, settings)
        # What is common to all columns names none of them, unless nothing else does.
        parts = group or [*([file.name] if file is not None else []), *shared]
        changes = setting.differences(own, config)
        effective = {key: v for key, v in changes.items() if _why_without_effect(key) is None}
        tried.append(Trial(", ".join(parts), config, effective))
    return tried


def _check_effect(key: str) -> None:
    why = _why_without_effect(key)
    if why is not None:
        raise ConfigError(f"{key} must be a key that a replay can change, {why}", key=key)


def _why_without_effect(key: str) -> str | None:
    return WITHOUT_EFFECT.get(key) or WITHOUT_EFFECT.get(key.partition(".")[0])


# What comes of it.


def _document(found: "Comparison") -> str:
    content: Any = msgspec.to_builtins(found)
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _print(found: "Comparison") -> None:
    from rich.console import Console

    from lifecycle.views.replay import replayed
    from lifecycle.views.theme import THEME

    console = Console(highlight=False, theme=THEME)
    console.print(replayed(found, console.width))


@contextmanager
def _watched() -> "Iterator[Callable[[str, float], None]]":
    """Show which column is being played: on stderr, as a bar if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True, highlight=False)
    if not sys.stderr.isatty() or not console.is_terminal or console.is_dumb_terminal:
        yield _Lines().tell
        return
    name = TextColumn("{task.description}", markup=False)
    with Progress(name, BarColumn(), Remaining(), console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(column: str, share: float) -> None:
            if column not in tasks:
                tasks[column] = bars.add_task(column, total=1.0)
            bars.update(tasks[column], completed=share)

        yield tell


class _Lines:
    """Says each column once."""

    def __init__(self) -> None:
        self._told: str | None = None

    def tell(self, column: str, share: float) -> None:
        """Take in how far a column is."""
        del share
        if column != self._told:
            self._told = column
            output.progress(f"playing: {column}")
