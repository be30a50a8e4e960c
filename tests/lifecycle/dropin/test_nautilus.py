"""A strategy of NautilusTrader's in its own backtest, on the generated market."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import takewhile
from typing import Any

import pytest

pytest.importorskip(
    "nautilus_trader", reason="needs nautilus_trader: python -m tools.peers_env nautilus"
)
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType
from nautilus_trader.model.identifiers import TradeId, Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from exchange.market import Market, Row, RowKind
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.units import MILLISECOND, MINUTE, SECOND
from lifecycle.config import STABLE, Config
from lifecycle.dropin.nautilus import LifecycleMixin, Quotes, instrument_of
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from spec.trace import Cycled, Record

INSTRUMENT = TestInstrumentProvider.ethusdt_perp_binance()
MINUTES = 4


def rows() -> Iterator[Row]:
    """Return some minutes of the generated market, which begins in 1970."""
    return takewhile(lambda row: row.ts < MINUTES * MINUTE, generate(GeneratorConfig(), 5))


def ticks() -> list[Any]:
    """Return the touches and trades of a market as Nautilus has them."""
    found: list[Any] = []
    for number, row in enumerate(rows()):
        at = row.ts + SECOND
        if row.kind == RowKind.BBO and row.bid and row.ask:
            found.append(
                QuoteTick(
                    INSTRUMENT.id, _price(row.bid), _price(row.ask), _size(row.bid_qty),
                    _size(row.ask_qty), at, at,
                )
            )  # fmt: skip
        elif row.kind == RowKind.TRADE:
            side = AggressorSide.BUYER if row.side > 0 else AggressorSide.SELLER
            trade_id = TradeId(str(number))
            found.append(
                TradeTick(
                    INSTRUMENT.id, _price(row.price), _size(row.qty), side, trade_id, at, at
                )
            )  # fmt: skip
    return found


def _price(price: int) -> Any:
    return Price(float(price * GENERATED.price_unit), INSTRUMENT.price_precision)


def _size(qty: int) -> Any:
    lots = max(Decimal("0.001"), qty * GENERATED.lot)
    return Quantity(float(lots), INSTRUMENT.size_precision)


class Maker(LifecycleMixin, Strategy):  # type: ignore[misc]
    """Quotes one level a side, at the touch."""

    kept: Config = STABLE
    size = "0.050"

    def on_start(self) -> None:
        """Begin."""
        self.records: list[Record] = []
        self.events: list[str] = []
        self.start_lifecycle(INSTRUMENT.id, config=self.kept, sinks=(self.see,))
        ours = self.venue
        rules = rules_of(self.kept, ours.instrument, ours.capabilities, self._session)
        self.watched = Watched(rules, self._now())
        for record in self.records:
            self.watched.feed(record)
        self.subscribe_quote_ticks(INSTRUMENT.id)

    def see(self, record: Record) -> None:
        """Judge what goes on."""
        self.records.append(record)
        if hasattr(self, "watched"):
            self.watched.feed(record)

    def on_order_event(self, event: Any) -> None:
        """Count what is said."""
        self.events.append(type(event).__name__)
        super().on_order_event(event)

    def quotes(self, market: Market) -> Quotes | None:
        """Return a quote at each touch."""
        if market.bid is None or market.ask is None:
            return None
        unit = self.venue.instrument.price_unit
        return [(market.bid * unit, self.size)], [(market.ask * unit, self.size)]


def played(kind: type[Maker], *, latency_ms: int = 50, logs: bool = False) -> Any:
    """Run a strategy over the market; return the engine, to be disposed of, and the strategy."""
    logging = LoggingConfig(bypass_logging=not logs, log_colors=False)
    engine = BacktestEngine(BacktestEngineConfig(logging=logging))
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(1_000_000, USDT)],
        latency_model=LatencyModel(latency_ms * MILLISECOND),
    )
    engine.add_instrument(INSTRUMENT)
    engine.add_data(ticks())
    strategy = kind()
    engine.add_strategy(strategy)
    engine.run()
    return engine, strategy


def lots(engine: Any, strategy: Maker) -> int:
    """Return Nautilus's own position."""
    held = engine.portfolio.net_position(INSTRUMENT.id)
    return int(held / strategy.venue.instrument.lot)


def test_the_position_of_a_backtest_is_nautiluss_own() -> None:
    engine, maker = played(Maker)

    fills = maker.events.count("OrderFilled")
    orders = engine.cache.orders(instrument_id=INSTRUMENT.id)
    assert fills > 2
    assert maker.position == lots(engine, maker)
    assert sum(len(order.trade_ids) for order in orders) == fills
    assert maker.watched.broken == []
    assert "OrderUpdated" in maker.events
    assert maker.venue.unexpected == 0
    cycles = [one for one in maker.records if isinstance(one, Cycled)]
    assert any(one.market.volatility > 0 for one in cycles)
    # The backtest ends before the last cancels arrive.
    assert {order.status_string() for order in engine.cache.orders_open()} <= {"PENDING_CANCEL"}
    engine.dispose()


def test_our_cloids_are_nautiluss_client_order_ids() -> None:
    engine, maker = played(Maker)

    theirs = {order.client_order_id.value for order in engine.cache.orders()}
    assert theirs == {cloid for cloid in theirs if cloid.startswith(maker._session)}
    assert len(theirs) > 1
    engine.dispose()


def test_what_the_risk_engine_denies_was_never_placed() -> None:
    class Huge(Maker):
        size = str(INSTRUMENT.max_quantity.as_decimal() * 2)

    engine, maker = played(Huge)

    assert set(maker.events) == {"OrderInitialized", "OrderDenied"}
    assert maker.position == lots(engine, maker) == 0
    assert maker.watched.broken == []
    engine.dispose()


def test_a_market_that_is_slow_to_answer_breaks_no_invariant() -> None:
    engine, maker = played(Maker, latency_ms=900)

    assert maker.position == lots(engine, maker)
    assert maker.watched.broken == []
    engine.dispose()


def test_a_strategy_that_has_not_begun_says_so() -> None:
    class Idle(Maker):
        def on_start(self) -> None:
            self.events = []
            self.subscribe_quote_ticks(INSTRUMENT.id)

    with pytest.raises(RuntimeError, match="start_lifecycle must be called in on_start"):
        played(Idle)


def test_without_quote_ticks_nothing_is_placed_and_it_is_said_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Deaf(Maker):
        def subscribe_quote_ticks(self, _: Any) -> None:
            """Subscribe to nothing."""

    engine, maker = played(Deaf, logs=True)

    assert maker.events == []
    assert capfd.readouterr().out.count("no quote tick of ETHUSDT-PERP.BINANCE in 10 s") == 1
    engine.dispose()


def test_quotes_that_are_no_bids_and_asks_are_said() -> None:
    class OneSided(Maker):
        def quotes(self, _: Market) -> Any:
            return [(1999.0, 0.05)]

    with pytest.raises(TypeError, match=r"quotes must return bids and asks, or None, was \[\(1999"):
        played(OneSided)


def test_why_a_quote_has_no_order_is_logged_once(capfd: pytest.CaptureFixture[str]) -> None:
    class InUnits(Maker):
        def quotes(self, market: Market) -> Quotes | None:
            assert market.bid is not None
            return [], [(float(market.bid), 0.05)]

    engine, maker = played(InUnits, logs=True)

    assert maker.events == []
    assert capfd.readouterr().out.count("the wanted price is outside the collar") == 1
    engine.dispose()


def test_a_class_with_its_bases_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(TypeError, match="LifecycleMixin must stand before Strategy among the ba"):
        type("Swapped", (Strategy, LifecycleMixin), {})


def test_an_instrument_has_nautiluss_steps() -> None:
    ours = instrument_of(INSTRUMENT)

    assert (ours.price_unit, ours.lot) == (Decimal("0.01"), Decimal("0.001"))
