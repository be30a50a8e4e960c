"""A portfolio that is kept: begun with its journal, or restored from it.

As an order manager's (`lifecycle.drive.recovery`), for all instruments at once: what is restored
must decide as what died did, and then it is told that it has started again, so that everything that
was in flight is in doubt and nothing is sent but questions until they are answered.
"""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from exchange.instrument import Instrument
from exchange.units import Nanos
from exchange.venue import Capabilities
from lifecycle.config import STABLE, Config
from lifecycle.core.inputs import check_now
from lifecycle.core.manager import CANCEL_REPLACE
from lifecycle.core.portfolio import Portfolio, session_of
from lifecycle.drive.recovery import (
    START_BYTES,
    check_capabilities,
    check_config,
    decided_otherwise,
    new_session,
)
from lifecycle.journal.address import Address
from lifecycle.journal.base import Header, JournalError, named
from lifecycle.journal.portfolio import PortfolioJournal
from lifecycle.journal.reading import Recording
from lifecycle.journal.sqlite import SqliteJournal, Synchronous
from lifecycle.trace import reproduce
from spec.trace import Reaction


@dataclass(frozen=True, slots=True)
class Kept:
    """A portfolio whose every record goes to its journal before anything of it can be sent."""

    portfolio: Portfolio
    journal: PortfolioJournal
    """To be closed at the end."""
    records: int
    """Read from the journal; 0 where it is new."""
    damage: str | None
    """What of it could not be read; None: nothing."""
    reactions: Mapping[str, Reaction]
    """What each instrument has to ask before anything else is sent; none where it is new."""


def open_portfolio(
    path: str | Path,
    instruments: Iterable[Instrument],
    now: Nanos,
    *,
    config: Config = STABLE,
    capabilities: Capabilities = CANCEL_REPLACE,
    synchronous: Synchronous = "NORMAL",
    forward: str | None = None,
    account: str = "",
) -> Kept:
    """Go on with the journal at `path` where there is one, begin it where there is none.

    `now` is in nanoseconds, and not before the journal's last record. `forward` is the URL of a
    fleet's journal to which it goes as well, as that of `account`. Raises JournalError where the
    journal cannot be used, is of other instruments, of another venue or configuration, or was
    decided otherwise than this version decides; ValueError where time runs backwards, or where the
    configuration has no meaning for an instrument; TypeError for a `now` that is no int.
    """
    check_now(now)
    told: object = path
    if not isinstance(told, str | Path):
        raise TypeError(f"path must be the name of a file, was {told!r}")
    path, wanted = Path(path), _instruments(instruments)
    # What cannot be is refused before there is a file.
    Portfolio(wanted, config=config, capabilities=capabilities)
    if not wanted:
        raise ValueError("a portfolio must have an instrument, had none")
    address = None if forward is None else Address.parse(forward)
    if not path.exists():
        header = Header.of_now(new_session(), wanted[0], capabilities, config, portfolio=wanted)
        portfolio = portfolio_of(header)
        journal = SqliteJournal.create(path, header, synchronous=synchronous)
        return Kept(portfolio, _keep(portfolio, journal, address, account), 0, None, {})
    journal, recording = SqliteJournal.resume(path, synchronous=synchronous)
    with ExitStack() as undo:
        undo.callback(journal.close)
        _check(path, recording.header, wanted, capabilities)
        check_config(path, recording.header.config, config)
        portfolio, records = portfolio_of(recording.header), journal.count
        _restore(path, portfolio, recording, now)
        kept = _keep(portfolio, journal, address, account)
        undo.callback(kept.close)
        reactions = portfolio.restarted(now, secrets.token_hex(START_BYTES))
        undo.pop_all()
    damage = None if recording.damage is None else str(recording.damage)
    return Kept(portfolio, kept, records, damage, reactions)


def _instruments(told: Any) -> tuple[Instrument, ...]:
    if not isinstance(told, Iterable):
        raise TypeError(f"instruments must be a list of Instruments, was {told!r}")
    return tuple(told)


def portfolio_of(header: Header) -> Portfolio:
    """Return a portfolio for a journal that has no record yet."""
    return Portfolio(
        header.portfolio,
        config=header.config,
        capabilities=header.capabilities,
        session=header.session,
    )


def part_of(header: Header, number: int) -> Header:
    """Return the header that one instrument of a portfolio's would have by itself."""
    return replace(
        header,
        instrument=header.portfolio[number],
        session=session_of(header.session, number),
        portfolio=(),
    )


def _keep(
    portfolio: Portfolio, journal: SqliteJournal, address: Address | None, account: str
) -> PortfolioJournal:
    """Have every record go to a journal from now on."""
    with ExitStack() as undo:
        undo.callback(journal.close)
        kept = PortfolioJournal(journal, address, account=account)
        undo.pop_all()
    portfolio.keep_in(kept.append)
    return kept


def _check(
    path: Path, found: Header, instruments: tuple[Instrument, ...], capabilities: Capabilities
) -> None:
    """Raise JournalError where a journal is of something else."""
    if not found.portfolio:
        raise JournalError(
            f"{path} must be the journal of a portfolio, is that of {found.instrument.symbol} alone"
        )
    if found.portfolio != instruments:
        raise JournalError(
            f"{path} must be the journal of the same instruments in the same order, "
            f"{_difference(found.portfolio, instruments)}: begin another journal for others, when "
            "nothing rests or with orders.foreign = 'adopt'"
        )
    check_capabilities(path, found.capabilities, capabilities)


def _difference(begun: tuple[Instrument, ...], given: tuple[Instrument, ...]) -> str:
    """Say in few words what of the instruments is not as it was, however many there are."""
    there, here = ([one.symbol for one in each] for each in (begun, given))
    lost = [symbol for symbol in there if symbol not in here]
    new = [symbol for symbol in here if symbol not in there]
    if lost or new:
        words = [f"{named(lost)} was among them and is not now"] if lost else []
        return ", ".join([*words, f"{named(new)} is new"] if new else words)
    pairs = enumerate(zip_longest(begun, given), start=1)
    place, was, now = next((n, was, now) for n, (was, now) in pairs if was != now)
    return f"the one in place {place} was {was} and is {now}"


def _restore(path: Path, portfolio: Portfolio, recording: Recording, now: Nanos) -> None:
    """Feed a portfolio what the journal has; raises ValueError where that is later than `now`."""
    last_at: Nanos = 0
    for number, (symbol, record) in enumerate(recording.told()):
        try:
            reproduce(portfolio.managers[symbol], record, number)
        except ValueError as error:
            raise decided_otherwise(path, recording.header, error) from error
        last_at = max(last_at, record.now)
    if now < last_at:
        raise ValueError(f"now must not be before the last record of {path}, {last_at}, was {now}")
