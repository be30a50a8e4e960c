"""What a journal is: a header, records in their order, and an end that may be damaged."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Protocol

from msgspec import Struct

from exchange.instrument import Instrument
from exchange.venue import Capabilities
from lifecycle.config import Config
from spec.trace import Record

SCHEMA: Final = 1
"""Of the records and of how they are written. To be raised with every change after which code of
today would misread the journals of tomorrow."""


NAMED_MAX: Final = 10


class JournalError(ValueError):
    """A journal cannot be used as asked; one line that names the file and what to do."""


class Header(Struct, frozen=True, kw_only=True):
    """What a journal says of its run as a whole: all that is needed to replay it."""

    schema: int = SCHEMA
    version: str
    """Of the package that wrote it."""
    created: str
    """UTC, as ISO 8601 has it."""
    session: str
    """The prefix of every cloid, until a restart says another one."""
    instrument: Instrument
    capabilities: Capabilities
    config: Config
    note: str = ""
    portfolio: tuple[Instrument, ...] = ()
    """All instruments of a portfolio's journal, `instrument` being the first; empty where there is
    but the one."""

    @classmethod
    def of_now(
        cls,
        session: str,
        instrument: Instrument,
        capabilities: Capabilities,
        config: Config,
        note: str = "",
        portfolio: tuple[Instrument, ...] = (),
    ) -> "Header":
        """Make the header of a run that begins now, by the clock of this machine."""
        # A run's configuration has tables of its own, which are not the manager's.
        tables = {name: getattr(config, name) for name in Config.__struct_fields__}
        return cls(
            version=_version(),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            session=session,
            instrument=instrument,
            capabilities=capabilities,
            config=Config(**tables),
            note=note,
            portfolio=portfolio,
        )

    @property
    def symbols(self) -> list[str]:
        """Of all instruments, in their order."""
        return [one.symbol for one in self.portfolio or (self.instrument,)]


def named(symbols: Sequence[str]) -> str:
    """Return symbols for people to read, the first few of them if there are many."""
    return ", ".join(symbols[:NAMED_MAX]) + (", …" if len(symbols) > NAMED_MAX else "")


class Damage(Struct, frozen=True):
    """Where a journal can no longer be read; everything before is whole."""

    record: int
    """The index of the first record that is lost."""
    position: str
    """Where in the file, for people."""
    what: str
    """What is wrong there, for people."""

    def __str__(self) -> str:
        """Return it as one line."""
        return f"damaged at {self.position}: {self.what}"


class Journal(Protocol):
    """Where records go."""

    @property
    def header(self) -> Header:
        """What was said of the run when the journal was begun."""

    def append(self, record: Record) -> None:
        """Add one record; when this returns, it is as durable as the journal promises.

        Raises JournalError where it could not be written. Nothing that came of the record may be
        sent then, and the journal takes no other: the manager knows what its journal does not.
        """

    def close(self) -> None:
        """End the journal; nothing can be appended from now on. A repetition does nothing."""


def _version() -> str:
    try:
        return version("order-lifecycle")
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        return "unknown"
