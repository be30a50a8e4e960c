"""A portfolio of three instruments with a quota that does not last, and a venue that says yes."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from exchange.commands import Cancel, Modify, Place, QueryOpen
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    Fill,
    Limited,
    Modified,
    OpenOrder,
    Report,
    Snapshot,
)
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from exchange.words import CancelReason
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.portfolio import Cycle, Portfolio, Quote, Sent
from lifecycle.drive.portfolio import Kept, open_portfolio
from spec.trace import Target, Targets

SYMBOLS: Final = ("ETH", "BTC", "SOL")
INSTRUMENTS: Final = tuple(
    Instrument(symbol, price_unit=Decimal("0.1"), lot=Decimal("0.0001")) for symbol in SYMBOLS
)
SCARCE: Final = Config(quota=QuotaConfig(cap=20, earns=0.02))
"""Twelve orders fit, and hardly a change of each; some fills earn a few requests."""
AMENDS: Final = Capabilities(modify_keeps_oid=True)
MID: Final = 1_000_000


def kept(path: Path, now: Nanos = 0, config: Config = SCARCE) -> Kept:
    """Open the journal at `path`, which is closed at the end of the test if it was not."""
    one = open_portfolio(path, INSTRUMENTS, now, config=config, capabilities=AMENDS)
    OPENED.append(one)
    return one


OPENED: Final[list[Kept]] = []


def quotes(now: Nanos, shift: int = 0) -> dict[str, Quote]:
    """Return two levels a side for each instrument, moved by a shift."""
    far = (1_500, 4_500)
    targets = Targets(
        tuple(Target(MID + shift - away, 1_000) for away in far),
        tuple(Target(MID + shift + away, 1_000) for away in far),
    )
    return dict.fromkeys(SYMBOLS, Quote(targets, Market(now, MID - 50, MID + 50)))


def answer(portfolio: Portfolio, cycle: Cycle, now: Nanos) -> None:
    """Do everything that was asked for."""
    for batch in cycle.batches:
        for sent in batch:
            said = done(portfolio, sent, now)
            if said is not None:
                portfolio.receive(sent.symbol, said, now)


def done(portfolio: Portfolio, sent: Sent, now: Nanos) -> Report | None:
    """Return what the venue says when it has done it; None to a question about one order."""
    command = sent.command
    match command:
        case Place():
            return Accepted(now, command.cloid, f"oid-{command.cloid}", command.request)
        case Modify():
            oid = f"oid-{command.cloid}"
            return Modified(now, command.cloid, oid, command.qty, command.price, command.request)
        case Cancel():
            oid = f"oid-{command.cloid}"
            return Cancelled(now, command.cloid, oid, CancelReason.USER, command.request)
        case QueryOpen():
            return look(portfolio, sent.symbol, now, command.request)
        case _:
            return None


def look(portfolio: Portfolio, symbol: str, now: Nanos, request: int) -> Snapshot:
    """Return what rests of an instrument: all that it has, because everything was done."""
    rows = tuple(
        OpenOrder(order.oid, order.cloid, order.side, order.price, order.leaves)
        for order in portfolio.managers[symbol].open_orders.values()
        if order.oid is not None
    )
    return Snapshot(now, rows, request=request)


def fill(portfolio: Portfolio, symbol: str, trade: str, now: Nanos) -> None:
    """Fill one order of an instrument by a fifth."""
    order = next(iter(portfolio.managers[symbol].open_orders.values()))
    assert order.oid is not None
    portfolio.receive(symbol, Fill(now, order.cloid, order.oid, 200, order.price, trade), now)


def live(portfolio: Portfolio, cycles: int = 12) -> Nanos:
    """Quote for some cycles, with moves, fills and a refusal for quota; returns when it ends."""
    now: Nanos = SECOND
    for number in range(cycles):
        cycle = portfolio.cycle(now, quotes(now, 1_400 * (number % 3)))
        answer(portfolio, cycle, now)
        now += 6 * SECOND
        if number % 4 == 1 and portfolio.managers["BTC"].open_orders:
            fill(portfolio, "BTC", f"t{number}", now)
        if number == 7:
            portfolio.receive_all(Limited(now), now)
        portfolio.tick(now)
    return now
