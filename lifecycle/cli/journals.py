"""Journals by name: a file, or a run in a fleet's journal by its URL, for whatever reads one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from lifecycle.cli import output
from lifecycle.cli.errors import BadInput
from lifecycle.journal.address import Address, is_address
from lifecycle.journal.base import JournalError, named
from lifecycle.journal.reading import Recording, read_journal

if TYPE_CHECKING:
    from lifecycle.drive.part import Part

Source: TypeAlias = Path | Address


class JournalType(click.Path):
    """A file that exists, or the URL of a run in a fleet's journal."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, readable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path or an address; raises click.BadParameter."""
        if isinstance(value, str) and is_address(value):
            return fleet(value)
        return super().convert(value, param, ctx)


JOURNAL: Final = JournalType()


def fleet(value: str) -> Address:
    """Return where a fleet's journal is; raises click.BadParameter, which does not repeat it."""
    try:
        return Address.parse(value)
    except JournalError as error:
        raise click.BadParameter(str(error)) from error


def open_journal(source: Source) -> Recording:
    """Open a journal for reading; raises JournalError where nothing of it can be used.

    Says on stderr of a run in a fleet's journal how far it is there, unless it has ended.
    """
    if isinstance(source, Path):
        return read_journal(source)
    from lifecycle.journal.fleet import FleetRecording

    recording = FleetRecording(source)
    if not recording.closed:
        silent = datetime.now(UTC) - recording.heard
        output.progress(
            f"run {recording.name} has not ended: {recording.count:,} records have arrived, "
            f"the last of them {max(0, round(silent.total_seconds())):,} s ago"
        )
    return recording


def part_named(recording: Recording, symbol: str | None) -> "Part":
    """Return one instrument of a journal; which, need only be said where there are several.

    Raises BadInput where it has to be said, and JournalError where there is none of that name.
    """
    from lifecycle.drive.part import Part

    symbols = recording.header.symbols
    if not symbol and len(symbols) > 1:
        raise BadInput(
            f"--symbol must say which instrument of {recording.source}, "
            f"one of {len(symbols)}: {named(symbols)}"
        )
    return Part(recording, symbol or symbols[0])
