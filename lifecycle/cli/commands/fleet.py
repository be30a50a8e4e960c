"""`lifecycle fleet`: the runs of many bots in one PostgreSQL database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from lifecycle.cli import journals, output
from lifecycle.cli.errors import CHECK_FAILED, HELD, BadInput
from lifecycle.journal.address import Address
from lifecycle.journal.base import JournalError

if TYPE_CHECKING:
    from lifecycle.journal.fleet import Run

TOLD: Final = 50_000
"""Records between two words about how far it is."""
_FILE: Final = click.Path(dir_okay=False, path_type=Path)

EPILOG: Final = """\b
Examples:
  lifecycle run --policy stable --journal run.journal --forward postgresql://fleet@db/bots
                                               a run, its records on their way there
  lifecycle fleet runs postgresql://fleet@db/bots
                                               which runs there are
  lifecycle audit 'postgresql://fleet@db/bots?run=ID'
                                               so do explain and replay
  lifecycle fleet send run.journal postgresql://fleet@db/bots
                                               what a bot that is gone has left
  lifecycle fleet fetch 'postgresql://fleet@db/bots?run=ID' run.journal
                                               a file again, to resume from
  lifecycle fleet prepare postgresql://owner@db/bots --days 14
  lifecycle fleet prune postgresql://owner@db/bots --keep 90

\b
The password comes from ~/.pgpass, PGPASSWORD or PGSERVICE rather than the URL.
Tables, rights and retention: docs/fleet.md. Needs the extra [postgres].

\b
Exit codes: 0 done, 1 what was fetched is damaged, 2 usage, or a database that cannot be used.
"""


@click.group("fleet", epilog=EPILOG)
def command() -> None:
    """Look after the fleet's journal: the runs of many bots in one PostgreSQL database."""


@command.command("runs")
@click.argument("url", type=journals.fleet)
@click.option("--account", help="Only those of this account.")
@click.option(
    "--json",
    "json_target",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write them to a file; - for stdout and nothing else there.",
)
def runs(url: Address, account: str | None, json_target: str | None) -> int:
    """List the runs, the newest first."""
    from lifecycle.journal.fleet import list_runs

    with _explained():
        found = list_runs(url, account)
    if json_target is not None:
        output.write(_document(found), json_target)
    if json_target != output.STDOUT:
        from rich.console import Console

        from lifecycle.views.fleet import fleet
        from lifecycle.views.theme import THEME

        Console(highlight=False, theme=THEME).print(fleet(found, datetime.now(UTC)))
    return HELD


@command.command("send")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("url", type=journals.fleet)
@click.option("--account", help="Whose run it is, if the fleet's journal does not know.")
def send(file: Path, url: Address, account: str | None) -> int:
    """Forward what a journal's FILE has and the fleet's journal has not.

    A bot that runs does so by itself, and so does its next start.
    """
    from lifecycle.journal.forward import forward
    from lifecycle.journal.sqlite import SqliteJournal

    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if count >= told + TOLD:
            told = count
            output.progress(f"{count:,} records have arrived")

    with _explained():
        journal, recording = SqliteJournal.resume(file)
        try:
            upload = forward(journal, url, account=account, tell=tell)
        finally:
            journal.close()
    if recording.damage is not None:
        output.progress(f"{file.name} was {recording.damage}")
    click.echo(f"run {upload.run}: all {upload.count:,} records have arrived")
    return HELD


@command.command("fetch")
@click.argument("url", type=journals.fleet)
@click.argument("file", type=_FILE)
def fetch(url: Address, file: Path) -> int:
    """Write a run to a journal's FILE, which must not exist; URL says which, by ?run=ID.

    A bot can be resumed from it, when the machine that it ran on is gone: never while it may still
    run there.
    """
    from lifecycle.journal.sqlite import write_copy

    with _explained():
        recording = journals.open_journal(url)
        count = write_copy(file, recording)
    if recording.damage is not None:
        output.progress(f"run {recording.name} is {recording.damage}; written up to there")
    click.echo(f"{file}: {count:,} records")
    return HELD if recording.damage is None else CHECK_FAILED


@command.command("prepare")
@click.argument("url", type=journals.fleet)
@click.option(
    "--days",
    type=click.IntRange(0, 366),
    default=7,
    show_default=True,
    help="Partitions to make ahead, besides today's.",
)
def prepare(url: Address, days: int) -> int:
    """Make the tables where there are none, and the partitions of the days to come."""
    from lifecycle.journal import fleet

    with _explained():
        made = fleet.prepare(url, days)
    click.echo(f"partitions made: {', '.join(map(str, made)) or 'none, all are there'}")
    return HELD


@command.command("prune")
@click.argument("url", type=journals.fleet)
@click.option(
    "--keep",
    "keep_days",
    type=click.IntRange(min=1),
    required=True,
    metavar="DAYS",
    help="How long a run stays after its last record has arrived.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(url: Address, keep_days: int, *, dry_run: bool) -> int:
    """Drop the days of which no run has been heard for so long.

    A run stays with all the others that began on its day, as long as one of them goes on.
    """
    from lifecycle.journal import fleet

    with _explained():
        gone = fleet.prune(url, keep_days, dry=dry_run)
    for one in gone:
        verb = "would go" if dry_run else "gone"
        click.echo(f"{one.day}: {one.runs} runs, {one.records:,} records {verb}")
    if not gone:
        click.echo("nothing is that old")
    return HELD


def _document(found: "list[Run]") -> str:
    return json.dumps(msgspec.to_builtins(found), indent=2, sort_keys=True, ensure_ascii=False)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except JournalError as error:
        raise BadInput(str(error)) from error
