"""One instrument of a portfolio's journal, lived through with the others.

What they spent of the quota is part of what it decided by, so their records are lived as well, and
only its own are told: to what explains them, or plays them again with other settings.
"""

from collections.abc import Iterator

from lifecycle.core.manager import OrderManager
from lifecycle.drive.portfolio import part_of, portfolio_of
from lifecycle.journal.base import Header, JournalError, named
from lifecycle.journal.reading import Recording
from lifecycle.trace import reproduce
from spec.trace import Record


class Part:
    """One instrument's records, its header, and the manager to live them with; for one pass."""

    def __init__(self, recording: Recording, symbol: str) -> None:
        """Take an instrument of a journal; raises JournalError where there is none of that name."""
        whole = recording.header
        symbols = whole.symbols
        if symbol not in symbols:
            raise JournalError(f"{recording.source} must have {symbol}, has {named(symbols)}")
        self._recording = recording
        self._symbol = symbol
        self.header: Header = whole
        self.manager: OrderManager | None = None
        """None where it is alone in its journal: a new one will do."""
        if whole.portfolio:
            self.header = part_of(whole, symbols.index(symbol))
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
