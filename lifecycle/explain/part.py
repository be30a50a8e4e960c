"""One instrument of a portfolio's journal, lived through with the others.

What they spent of the quota is part of what it decided by, so their records are lived as well, and
only its own are told.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from lifecycle.core.manager import OrderManager
from lifecycle.core.portfolio import session_of
from lifecycle.drive.portfolio import portfolio_of
from lifecycle.journal.base import Header, JournalError
from lifecycle.journal.reading import Recording
from lifecycle.trace import reproduce
from spec.trace import Record

NAMED_MAX: Final = 10
"""Symbols that an error names."""


class Part:
    """One instrument's records, its header, and the manager to live them with; for one pass."""

    def __init__(self, recording: Recording, symbol: str) -> None:
        """Take an instrument of a journal; raises JournalError where there is none of that name."""
        whole = recording.header
        symbols = [one.symbol for one in whole.portfolio] or [whole.instrument.symbol]
        if symbol not in symbols:
            named = ", ".join(symbols[:NAMED_MAX]) + (", …" if len(symbols) > NAMED_MAX else "")
            raise JournalError(f"{recording.source} must have {symbol}, has {named}")
        self._recording = recording
        self._symbol = symbol
        self.header: Header = whole
        self.manager: OrderManager | None = None
        """None where it is alone in its journal: a new one will do."""
        if whole.portfolio:
            number = symbols.index(symbol)
            self.header = replace(
                whole,
                instrument=whole.portfolio[number],
                session=session_of(whole.session, number),
                portfolio=(),
            )
            self._managers = portfolio_of(whole).managers
            self.manager = self._managers[symbol]

    def own(self) -> Iterator[Record]:
        """Read its records alone; raises JournalError as `Recording.records`."""
        if self.manager is None:
            return self._recording.records()
        return (record for symbol, record in self._recording.told() if symbol == self._symbol)

    def records(self) -> Iterator[Record]:
        """Read its records, each to be lived by `manager` before the next, and live the others'.

        Raises JournalError as `own`, and where another instrument's are not decided as they were.
        """
        if self.manager is None:
            yield from self._recording.records()
            return
        for number, (symbol, record) in enumerate(self._recording.told()):
            if symbol == self._symbol:
                yield record
                continue
            try:
                reproduce(self._managers[symbol], record, number)
            except ValueError as error:
                raise JournalError(f"{self._recording.source}, {symbol}: {error}") from error
