"""Many instruments of one account: each as if it were alone, but for the quota that they share."""

from decimal import Decimal
from typing import Any, Final

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Modify, Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted, Disconnected, Fill, Reconnected, Snapshot
from exchange.units import SECOND
from exchange.venue import Capabilities
from exchange.words import Outcome, Side
from lifecycle.config import BandsConfig, Config, QuotaConfig, RiskConfig
from lifecycle.core.manager import OrderManager
from lifecycle.core.portfolio import Cycle, Portfolio, Quote
from lifecycle.rules import rules_of
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Watch
from spec.trace import Action, Cycled, Reason, Reported, Target, Targets
from tests.story import AMENDING

CONFIG: Final = Config(risk=RiskConfig(requests_per_minute=None))
CAPABILITIES: Final = Capabilities(batch_max=5)
SYMBOLS: Final = ("ETH", "BTC", "SOL")


def instrument(symbol: str) -> Instrument:
    return Instrument(symbol, price_unit=Decimal("0.1"), lot=Decimal("0.0001"))


def portfolio(config: Config = CONFIG, symbols: tuple[str, ...] = SYMBOLS) -> Portfolio:
    instruments = [instrument(symbol) for symbol in symbols]
    return Portfolio(instruments, config=config, capabilities=CAPABILITIES, session="s")


def quote(now: int = 0, shift: int = 0, levels: int = 2) -> Quote:
    """Return a ladder, 30 bps and more from the mid, its size and its place moved by a shift."""
    far = [1_500 + 3_000 * level for level in range(levels)]
    qty = 1_000 if shift == 0 else 2_000
    return Quote(
        Targets(
            tuple(Target(1_000_000 + shift - away, qty) for away in far),
            tuple(Target(1_000_000 + shift + away, qty) for away in far),
        ),
        Market(now, 999_950, 1_000_050),
    )


def answer(one: Portfolio, cycle: Cycle, now: int) -> None:
    """Accept every place."""
    for batch in cycle.batches:
        for sent in batch:
            if isinstance(sent.command, Place):
                oid = f"{sent.symbol}-{sent.command.request}"
                said = Accepted(now, sent.command.cloid, oid, sent.command.request)
                one.receive(sent.symbol, said, now)


def test_each_instrument_decides_as_if_it_were_alone() -> None:
    many = portfolio()
    alone = OrderManager(
        instrument("BTC"), config=CONFIG, capabilities=CAPABILITIES, session="s0001"
    )

    for now, shift in ((0, 0), (SECOND, 0), (2 * SECOND, 1_400)):
        cycle = many.cycle(now, {symbol: quote(now, shift) for symbol in SYMBOLS})
        plan = alone.cycle(now, quote(now, shift).targets, quote(now).market)
        answer(many, cycle, now)
        for command in plan.commands:
            if isinstance(command, Place):
                said = Accepted(now, command.cloid, f"BTC-{command.request}", command.request)
                alone.receive(said, now)

        assert cycle.plans["BTC"] == plan


def test_commands_leave_in_full_batches_cancels_first_and_places_last() -> None:
    many = portfolio()
    answer(many, many.cycle(0, {symbol: quote() for symbol in SYMBOLS}), 0)
    nothing = Quote(Targets(), quote(SECOND).market)
    now = SECOND

    cycle = many.cycle(
        now, {"ETH": nothing, "BTC": quote(now, 1_400), "SOL": quote(now, 0, levels=4)}
    )

    kinds = [[type(sent.command) for sent in batch] for batch in cycle.batches]
    assert kinds == [[Cancel] * 4, [Modify] * 4, [Place] * 4]
    assert all(len(batch) <= 5 for batch in many.cycle(2 * now, {"ETH": quote(2 * now)}).batches)


def test_no_batch_is_larger_than_the_venue_takes() -> None:
    cycle = portfolio().cycle(0, {symbol: quote() for symbol in SYMBOLS})

    assert [len(batch) for batch in cycle.batches] == [5, 5, 2]


def test_no_cloid_is_used_twice_in_an_account() -> None:
    cycle = portfolio().cycle(0, {symbol: quote() for symbol in SYMBOLS})

    cloids = [getattr(sent.command, "cloid", None) for batch in cycle.batches for sent in batch]
    assert len(set(cloids)) == len(cloids) == 12


def test_the_quota_is_that_of_the_account_and_no_instrument_is_always_the_last() -> None:
    config = replace(CONFIG, quota=QuotaConfig(cap=6))
    many = portfolio(config)
    placed: dict[str, int] = dict.fromkeys(SYMBOLS, 0)
    reasons = set()

    for now in range(3):
        cycle = many.cycle(now, {symbol: quote(now) for symbol in SYMBOLS})
        for batch in cycle.batches:
            for sent in batch:
                placed[sent.symbol] += isinstance(sent.command, Place)
        reasons |= {one.reason for plan in cycle.plans.values() for one in plan.decisions}

    assert sum(placed.values()) == 6
    assert {many.managers[symbol].requests_used for symbol in SYMBOLS} == {6}
    assert Reason.QUOTA in reasons


def test_each_instrument_is_the_first_in_turn_to_get_what_is_left_of_the_quota() -> None:
    served = []

    for cycles in range(4):
        many = portfolio(replace(CONFIG, quota=QuotaConfig(cap=4)))
        for now in range(cycles):
            many.cycle(now, {})
        cycle = many.cycle(cycles, {symbol: quote(cycles) for symbol in SYMBOLS})
        served.append({sent.symbol for batch in cycle.batches for sent in batch})

    assert served == [{"ETH"}, {"BTC"}, {"SOL"}, {"ETH"}]


def test_each_instrument_has_its_cap_and_the_venue_its_ways() -> None:
    config = replace(CONFIG, risk=replace(CONFIG.risk, exposure_cap=Decimal("0.1")))
    many = Portfolio([instrument("ETH"), instrument("BTC")], config=config, capabilities=AMENDING)
    cycle = many.cycle(0, {"ETH": quote(), "BTC": quote()})
    answer(many, cycle, 0)
    moved = Targets((Target(989_500, 1_000),), quote().targets.asks[:1])

    again = many.cycle(SECOND, {"ETH": Quote(moved, quote(SECOND).market)})

    assert [len(plan.commands) for plan in cycle.plans.values()] == [2, 2]
    # A second leg would be over the cap; where a modify amends there is none.
    assert [type(command) for command in again.plans["ETH"].commands] == [Modify]


def test_what_one_instrument_trades_earns_for_all() -> None:
    many = portfolio(replace(CONFIG, quota=QuotaConfig(cap=12, earns=1.0)))
    cycle = many.cycle(0, {symbol: quote() for symbol in SYMBOLS})
    answer(many, cycle, 0)
    before = many.managers["SOL"].headroom
    (order, *_) = many.managers["ETH"].open_orders.values()
    assert order.oid is not None

    many.receive("ETH", Fill(5, order.cloid, order.oid, 1_000, order.price, "t1", Side.BUY), 5)

    # 0.1 of a coin at some 100,000: nearly ten thousand, and one request each.
    assert before == 0.0
    assert many.managers["SOL"].headroom > 0.99


def test_what_several_instruments_trade_earns_together() -> None:
    many = portfolio(replace(CONFIG, quota=QuotaConfig(cap=12, earns=0.0001)))
    answer(many, many.cycle(0, {symbol: quote() for symbol in SYMBOLS}), 0)

    for symbol in SYMBOLS:
        order = next(iter(many.managers[symbol].open_orders.values()))
        fill = Fill(5, order.cloid, order.oid or "", 1_000, 1_000_000, "t1", Side.BUY)
        many.receive(symbol, fill, 5)

    # Ten thousand earn one request.
    assert many.managers["ETH"].headroom == pytest.approx(3 / 15, abs=1e-6)


def test_how_long_the_quota_lasts_is_the_same_for_all_that_spend_it() -> None:
    many = portfolio(replace(CONFIG, quota=QuotaConfig(cap=24)))
    many.cycle(0, {"ETH": quote()})
    many.cycle(600 * SECOND, {"SOL": quote(600 * SECOND)})

    lasts = {one.quota_horizon_h(600 * SECOND) for one in many.managers.values()}

    # Eight in ten minutes, and sixteen are left.
    assert lasts == {1 / 3}


def test_an_order_kept_for_want_of_quota_is_looked_at_again_when_there_is_more() -> None:
    bands = BandsConfig(latch_bps=10.0, level_factors=(1.0,))
    config = replace(CONFIG, bands=bands, quota=QuotaConfig(cap=15, earns=1.0, horizon_h=0.0))
    many = portfolio(config)
    answer(many, many.cycle(0, {symbol: quote() for symbol in SYMBOLS}), 0)
    # 15 bps away: within the latch as the want of quota has widened it, and beyond it else.
    now = SECOND
    moved = Targets(
        tuple(Target(target.price + 1_480, target.qty) for target in quote().targets.bids),
        tuple(Target(target.price + 1_480, target.qty) for target in quote().targets.asks),
    )
    wanted = Quote(moved, quote(now).market)
    kept = many.cycle(now, {"SOL": wanted}).plans["SOL"]
    (order, *_) = many.managers["ETH"].open_orders.values()
    assert order.oid is not None

    fill = Fill(now, order.cloid, order.oid, 1_000, order.price, "t1", Side.BUY)
    many.receive("ETH", fill, now)
    again = many.cycle(2 * now, {"SOL": Quote(moved, quote(2 * now).market)}).plans["SOL"]

    assert {decision.action for decision in kept.decisions} == {Action.KEEP}
    assert Action.MODIFY in {decision.action for decision in again.decisions}


def test_a_broken_stream_blinds_every_instrument_and_each_asks_for_its_picture() -> None:
    many = portfolio()
    many.receive_all(Disconnected(1), 1)
    asked = many.receive_all(Reconnected(2), 2)

    assert set(asked) == set(SYMBOLS)
    assert all(manager.is_blind for manager in many.managers.values())
    many.receive("ETH", Snapshot(3, ()), 3)
    assert [many.managers[symbol].is_blind for symbol in SYMBOLS] == [False, True, True]


def test_timers_run_where_they_are_due_and_an_unanswered_request_is_asked_about() -> None:
    many = portfolio(symbols=("ETH", "BTC"))
    cycle = many.cycle(0, {"ETH": quote()})
    (sent, *_) = cycle.batches[0]
    assert isinstance(sent.command, Place)

    asked = many.unanswered(sent.symbol, sent.command, Outcome.TIMEOUT, 1)
    due = many.tick(many.managers["ETH"].next_timer)

    assert len(asked.queries) == 1
    assert set(due) <= {"ETH", "BTC"}
    assert many.open_orders == 4


def test_what_is_not_answered_by_the_very_time_of_its_expiry_is_asked_about() -> None:
    many = portfolio(symbols=("ETH", "BTC"))
    many.tick(0)
    many.cycle(0, {"ETH": quote()})

    due = many.tick(many.next_timer)

    assert set(due) == {"ETH"}


def test_what_was_not_sent_is_gone() -> None:
    many = portfolio()
    sent = many.cycle(0, {"ETH": quote()}).batches[0][0]
    assert isinstance(sent.command, Place)

    many.unanswered(sent.symbol, sent.command, Outcome.NOT_SENT, 1)

    assert many.open_orders == 3


def test_halted_every_instrument_withdraws() -> None:
    many = portfolio()
    answer(many, many.cycle(0, {symbol: quote() for symbol in SYMBOLS}), 0)

    many.halt(1)
    cycle = many.cycle(2, {symbol: quote(2) for symbol in SYMBOLS})

    assert [type(sent.command) for batch in cycle.batches for sent in batch] == [Cancel] * 12
    assert not many.nothing_rests


def test_a_symbol_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="symbols must differ, was 'ETH' twice"):
        portfolio(symbols=("ETH", "ETH"))


ETH: Final = instrument("ETH")
made: Final[Any] = Portfolio


@pytest.mark.parametrize(
    ("does", "error"),
    [
        (lambda _: made(ETH), "TypeError: instruments must be a list of Instruments"),
        (lambda _: made(["ETH"]), "TypeError: instrument must be an Instrument, was 'ETH'"),
        (lambda _: made([], session=5), "TypeError: session must be a str, was 5"),
        (
            lambda _: made([ETH], capabilities=Capabilities(batch_max=0)),
            "ValueError: batch_max must be at least 1, was 0",
        ),
        (lambda p: p.cycle(1, []), "TypeError: quotes must be Quotes by symbol, was []"),
        (
            lambda p: p.cycle(1, {ETH.symbol: None}),
            f"TypeError: quotes must be Quotes by symbol, was None for {ETH.symbol}",
        ),
        (
            lambda p: p.cycle(1, {"X": Quote(Targets(), Market(0, 1, 2))}),
            "KeyError: \"symbol must be one of the portfolio's instruments, was 'X'\"",
        ),
        (lambda p: p.receive("X", Disconnected(1), 1), 'KeyError: "symbol must be one of'),
        (lambda p: p.tick("1"), "TypeError: now must be whole nanoseconds"),
        (lambda p: p.restarted(1, 5), "TypeError: session must be a str, was 5"),
    ],
)
def test_what_a_portfolio_cannot_be_told_is_refused_by_name(does: Any, error: str) -> None:
    portfolio = Portfolio([ETH])

    with pytest.raises((TypeError, ValueError, KeyError)) as caught:
        does(portfolio)

    if error.startswith(type(caught.value).__name__) and "expected; got" in str(caught.value):
        return  # compiled, a type is checked before we are
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(error)


def test_every_instrument_keeps_every_promise() -> None:
    many = portfolio()
    watches = {
        symbol: Watch(rules_of(CONFIG, instrument(symbol), CAPABILITIES), INVARIANTS)
        for symbol in SYMBOLS
    }
    broken = []

    for number in range(20):
        now = number * SECOND
        quotes = {symbol: quote(now, 1_400 * (number % 3 == 2)) for symbol in SYMBOLS}
        cycle = many.cycle(now, quotes)
        for symbol, plan in cycle.plans.items():
            record = Cycled(now, quotes[symbol].targets, quotes[symbol].market, plan)
            broken += watches[symbol].feed(record)
        for batch in cycle.batches:
            for sent in batch:
                if isinstance(sent.command, Place):
                    oid = f"{sent.symbol}-{sent.command.request}"
                    said = Accepted(now + 1, sent.command.cloid, oid, sent.command.request)
                    reaction = many.receive(sent.symbol, said, now + 1)
                    broken += watches[sent.symbol].feed(Reported(now + 1, said, reaction))

    assert broken == []
