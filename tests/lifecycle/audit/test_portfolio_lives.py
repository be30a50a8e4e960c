"""Whatever happens to a portfolio, its journal holds every promise and is decided again alike."""

import tempfile
from pathlib import Path
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder
from exchange.reports import Disconnected, Limited, Reconnected, Rejected
from exchange.units import SECOND
from exchange.words import Outcome
from lifecycle.audit.portfolio import audit_portfolio
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.portfolio import Portfolio, Quote, Sent
from lifecycle.journal import read_journal
from tests.lifecycle.drive.portfolios import SYMBOLS, done, fill, kept, look, quotes

ANSWERS: Final = ("done", "done", "done", "refused", "limited", "unsent", "broken", "lost")
CYCLES: Final = st.lists(
    st.tuples(
        st.sets(st.sampled_from(SYMBOLS)),
        st.integers(0, 2),
        st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=6),
        st.sampled_from(("", "", "fill", "gap", "halt")),
    ),
    min_size=1,
    max_size=14,
)


class Life:
    """A portfolio, and a venue that is not always kind."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.now = SECOND
        self.trades = 0

    def cycle(self, of: set[str], place: int, answers: list[str], event: str) -> None:
        """Quote some instruments, answer what comes of it, and let something happen."""
        wanted = quotes(self.now, 1_400 * place)
        these: dict[str, Quote] = {symbol: wanted[symbol] for symbol in SYMBOLS if symbol in of}
        cycle = self.portfolio.cycle(self.now, these)
        sent = [one for batch in cycle.batches for one in batch]
        for number, one in enumerate(sent):
            self.answer(one, answers[number % len(answers)])
        self.now += 3 * SECOND
        self.happen(event)
        self.ask(self.portfolio.tick(self.now))
        self.now += 3 * SECOND

    def answer(self, sent: Sent, how: str) -> None:
        """Let the venue say something to a command, or nothing."""
        portfolio, now, command = self.portfolio, self.now, sent.command
        if isinstance(command, QueryOpen | QueryOrder) or how == "done":
            said = done(portfolio, sent, now)
            if said is not None:
                portfolio.receive(sent.symbol, said, now)
        elif how == "refused" and isinstance(command, Place):
            refusal = Rejected(now, command.cloid, "post_only", command.request)
            portfolio.receive(sent.symbol, refusal, now)
        elif how == "limited":
            portfolio.receive_all(Limited(now), now)
        elif how in ("unsent", "broken") and isinstance(command, Place | Modify | Cancel):
            outcome = Outcome.NOT_SENT if how == "unsent" else Outcome.BROKEN
            self.portfolio.unanswered(sent.symbol, command, outcome, now)

    def happen(self, event: str) -> None:
        """Let something happen that nobody asked for."""
        portfolio, now = self.portfolio, self.now
        if event == "gap":
            portfolio.receive_all(Disconnected(now), now)
            self.ask(portfolio.receive_all(Reconnected(now), now))
        elif event == "halt":
            portfolio.halt(now)
        elif event == "fill":
            for symbol in SYMBOLS:
                order = next(iter(portfolio.managers[symbol].open_orders.values()), None)
                if order is not None and order.oid is not None and order.leaves > 200:
                    self.trades += 1
                    fill(portfolio, symbol, f"t{self.trades}", now)
                    return

    def ask(self, reactions: object) -> None:
        """Answer the questions about all open orders."""
        assert isinstance(reactions, dict)
        for symbol, reaction in reactions.items():
            for query in reaction.queries:
                if isinstance(query, QueryOpen):
                    said = look(self.portfolio, symbol, self.now, query.request)
                    self.portfolio.receive(symbol, said, self.now)


@given(CYCLES, st.sampled_from((6, 9, 14, 30)), st.sampled_from((0.0, 0.02)))
def test_every_life_of_a_portfolio_is_audited_and_decided_again(
    cycles: list[tuple[set[str], int, list[str], str]], cap: int, earns: float
) -> None:
    config = Config(quota=QuotaConfig(cap=cap, cancel_cap=2 * cap, earns=earns))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "j")
        one = kept(path, config=config)
        life = Life(one.portfolio)
        for cycle in cycles:
            life.cycle(*cycle)
        one.journal.close()

        recording = read_journal(path)
        found = audit_portfolio("j", recording.header, recording.told(), replay=True)
        again = kept(path, life.now, config)
        again.journal.close()

    assert found.violations == ()
    assert found.difference is None
    assert again.records == found.read.records
