"""hummingbot's own strategies, connectors, orders and events, and the drop-in between them."""

import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.venue import PaperVenue
from exchange.units import MINUTE, SECOND
from exchange.words import Side
from lifecycle.config import STABLE
from lifecycle.dropin.hummingbot import LifecycleMixin, instrument_of, order_type_of
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from spec.trace import Record
from tests.lifecycle.dropin.virtual import leap

pytest.importorskip("hummingbot", reason="needs hummingbot: python -m tools.peers_env hummingbot")
with warnings.catch_warnings():
    # Of hummingbot's own imports.
    warnings.simplefilter("ignore")
    from hummingbot.connector.trading_rule import TradingRule
    from hummingbot.core.data_type.common import OrderType, TradeType
    from hummingbot.core.data_type.order_candidate import OrderCandidate
    from hummingbot.strategy.strategy_v2_base import StrategyV2Base

    from tests.lifecycle.dropin import hummingbot_real as real
    from tests.lifecycle.dropin.hummingbot_real import PAIR, Account, Paper

START = MINUTE
SIDES = (TradeType.BUY, TradeType.SELL)


class Maker(LifecycleMixin, StrategyV2Base):  # type: ignore[misc]
    """Proposes one order a side, at the touch."""

    size = Decimal("0.05")
    away = Decimal(0)

    def __init__(self, connector: Any, end: int) -> None:
        super().__init__({"here": connector})
        self.connector = connector
        self.end = end
        self.records: list[Record] = []
        self.watched: Watched | None = None
        self.filled: list[Any] = []
        self.errors: list[BaseException] = []

    def start(self, clock: Any, timestamp: float) -> None:
        """Leave out hummingbot's terminal application, which asks exchanges for their pairs."""

    def on_tick(self) -> None:
        """Keep what is proposed; hummingbot's clock writes down what a tick raises, and goes on."""
        try:
            self.quote()
        finally:
            raised = sys.exc_info()[1]
            if raised is not None:
                self.errors.append(raised)

    def quote(self) -> None:
        """Start in the first tick, and withdraw in the end."""
        if not hasattr(self, "driver"):
            self.start_lifecycle("here", PAIR, sinks=(self.see,))
            venue = self.venue
            rules = rules_of(STABLE, venue.instrument, venue.capabilities, self._session)
            self.watched = Watched(rules, self._now())
            self.watched.catch_up(self.records)
        if self.current_timestamp * SECOND == self.end:
            self.withdraw()
        self.keep(self.proposal())

    def see(self, record: Record) -> None:
        """Judge what goes on."""
        self.records.append(record)
        if self.watched is not None:
            self.watched.feed(record)

    def proposal(self) -> list[OrderCandidate]:
        """Return a bid and an ask."""
        found = []
        for side, sign in zip(SIDES, (-1, 1), strict=True):
            touch = self.connector.get_price(PAIR, side is TradeType.SELL)
            price = touch * (1 + sign * self.away)
            found.append(OrderCandidate(PAIR, True, OrderType.LIMIT, side, self.size, price))
        return found

    def did_fill_order(self, event: Any) -> None:
        """Count, and hand on."""
        self.filled.append(event)
        super().did_fill_order(event)

    @property
    def held(self) -> Decimal:
        """What hummingbot's own fills come to."""
        sides = {TradeType.BUY: 1, TradeType.SELL: -1}
        return sum((sides[one.trade_type] * one.amount for one in self.filled), Decimal(0))


def account() -> Account:
    return Account(PaperVenue(GENERATED, generate(GeneratorConfig(), 5), seed=5))


def played(folder: Path, connector: Any, minutes: float = 4, kind: type[Maker] = Maker) -> Maker:
    """Run a strategy for some minutes, and let it withdraw."""
    end = START + round(minutes * MINUTE)

    async def main() -> Maker:
        made = connector()
        with real.recorder(folder):
            maker = kind(made, end)
            await real.run(made, maker, START - SECOND, end + 30 * SECOND)
        return maker

    return leap(main())


pytestmark = pytest.mark.filterwarnings("ignore")
"""hummingbot's own, and those of what it uses."""


def judge(maker: Maker) -> None:
    assert maker.errors == []
    assert maker.position * maker.venue.instrument.lot == maker.held
    assert maker.watched is not None
    assert maker.watched.broken == []
    assert maker.driver.manager.nothing_rests


def test_a_strategy_at_an_exchanges_connector_books_each_fill_and_withdraws(tmp_path: Path) -> None:
    maker = played(tmp_path, account)

    judge(maker)
    assert len(maker.filled) == len(maker.connector.fills) > 3
    assert maker.connector.in_flight_orders == {}
    assert maker.connector.venue.open_orders() == ()


def test_a_strategy_at_hummingbots_paper_connector_books_each_fill_and_withdraws(
    tmp_path: Path,
) -> None:
    maker = played(tmp_path, lambda: Paper(generate(GeneratorConfig(), 5)))

    judge(maker)
    assert len(maker.filled) > 3
    assert maker.connector.limit_orders == []


def test_an_order_whose_answer_is_lost_is_in_doubt_and_its_fills_count(tmp_path: Path) -> None:
    def losing() -> Account:
        made = account()
        made.loses = {1, 4}
        return made

    maker = played(tmp_path, losing)

    doubts = [one for one in maker.records if type(one).__name__ == "Unanswered"]
    assert len(doubts) >= 2
    assert maker.errors == []
    assert maker.watched is not None
    assert maker.watched.broken == []
    assert maker.position * GENERATED.lot == maker.held
    venue = sum(one.qty * (one.side or Side.BUY) for one in maker.connector.fills)
    assert maker.position == venue


def test_a_cancel_that_has_failed_is_sent_again_before_a_minute_is_over(tmp_path: Path) -> None:
    class Away(Maker):
        away = Decimal("0.01")

    def breaking() -> Account:
        made = account()
        made.breaks = 1
        return made

    maker = played(tmp_path, breaking, minutes=0.5, kind=Away)

    judge(maker)
    assert len(maker.connector.cancels) == 3
    assert maker.connector.venue.open_orders() == ()


def test_what_is_below_the_least_size_is_not_sent(tmp_path: Path) -> None:
    class Small(Maker):
        size = 5 * GENERATED.lot
        away = Decimal("0.1")

    maker = played(tmp_path, account, minutes=0.5, kind=Small)

    judge(maker)
    assert not maker.connector.venue.known


def test_without_a_price_what_rests_stays(tmp_path: Path) -> None:
    class Blinking(Maker):
        away = Decimal("0.01")

        def proposal(self) -> list[OrderCandidate]:
            found = super().proposal()
            # As hummingbot says the price of a book that is empty.
            if START + 10 * SECOND < self.current_timestamp * SECOND < self.end:
                found[0].price = Decimal("NaN")
            return found

    maker = played(tmp_path, account, minutes=0.5, kind=Blinking)

    judge(maker)
    assert len(maker.connector.cancels) == 2


def test_a_candidate_of_another_pair_is_refused(tmp_path: Path) -> None:
    class Other(Maker):
        def proposal(self) -> list[OrderCandidate]:
            return [OrderCandidate("X-Y", True, OrderType.LIMIT, SIDES[0], self.size, Decimal(1))]

    maker = played(tmp_path, account, minutes=0.1, kind=Other)

    assert "a candidate must be of ETH-USD, was of X-Y" in str(maker.errors[0])


def test_a_connector_rounds_as_the_instrument_says(tmp_path: Path) -> None:
    async def main() -> None:
        with real.recorder(tmp_path):
            ours, paper = account(), Paper(generate(GeneratorConfig(), 5))
            exact, loose = instrument_of(ours, PAIR), instrument_of(paper, PAIR)

            assert (exact.price_unit, exact.lot) == (GENERATED.price_unit, GENERATED.lot)
            assert exact.min_notional == GENERATED.min_notional
            assert loose.price_unit < GENERATED.price_unit
            assert order_type_of(ours) is OrderType.LIMIT_MAKER
            assert order_type_of(paper) is OrderType.LIMIT
            with pytest.raises(ValueError, match="trading_pair must be one of account"):
                instrument_of(ours, "X-Y")
            with pytest.raises(ValueError, match=r"LIMIT, MARKET.*was LIMIT_MAKER"):
                order_type_of(paper, OrderType.LIMIT_MAKER)

    leap(main())


def test_hyperliquids_connector_rounds_to_five_figures() -> None:
    module = "hummingbot.connector.derivative.hyperliquid_perpetual"
    derivative = pytest.importorskip(f"{module}.hyperliquid_perpetual_derivative")

    async def main() -> None:
        made = derivative.HyperliquidPerpetualDerivative(
            hyperliquid_perpetual_secret_key="0x" + "12" * 32,
            hyperliquid_perpetual_address="0x1c5a77d9fa7ef466951b2f01f724bca3a5820b63",
            trading_pairs=[PAIR],
        )
        steps = (Decimal("0.1"), Decimal("0.0001"))
        made.trading_rules[PAIR] = TradingRule(
            PAIR, min_price_increment=steps[0], min_base_amount_increment=steps[1]
        )
        instrument = instrument_of(made, PAIR)

        assert (instrument.price_unit, instrument.lot) == steps
        assert instrument.significant_figures == 5

    leap(main())
