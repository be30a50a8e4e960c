"""The hummingbot drop-in against a stub of what it touches, on the paper venue."""

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.venue import PaperVenue
from exchange.units import MINUTE, SECOND
from exchange.words import Side
from lifecycle.config import STABLE
from lifecycle.dropin.hummingbot import LifecycleMixin
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from spec.trace import Action, Cycled, Record
from tests.lifecycle.dropin import hummingbot_stub as stub
from tests.lifecycle.dropin.hummingbot_stub import NAME, PAIR, Connector, OrderType, TradeType

SIZE = Decimal("0.05")


class Maker(LifecycleMixin, stub.StrategyBase):
    """Proposes one order a side, at the touch, off the grid as a computed price is."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector)
        self.records: list[Record] = []
        self.watched: Watched | None = None
        self.heard = 0
        self.calls = 0

    def on_tick(self) -> None:
        """Start in the first tick, and keep what is proposed in all."""
        if not hasattr(self, "driver"):
            self.start_lifecycle(NAME, PAIR, sinks=(self.see,))
            venue = self.venue
            rules = rules_of(STABLE, venue.instrument, venue.capabilities, self._session)
            self.watched = Watched(rules, self._now())
            self.watched.catch_up(self.records)
        plan = self.keep(self.create_proposal())
        if plan is not None:
            self.calls += len(plan.commands)

    def see(self, record: Record) -> None:
        """Judge what goes on."""
        self.records.append(record)
        if self.watched is not None:
            self.watched.feed(record)

    def create_proposal(self) -> list[stub.OrderCandidate]:
        """Return a bid and an ask."""
        connector = self.connectors[NAME]
        return [
            stub.OrderCandidate(PAIR, side, SIZE, connector.get_price(PAIR, side is TradeType.SELL))
            for side in TradeType
        ]

    def did_fill_order(self, event: stub.OrderFilledEvent) -> None:
        """Count, and hand on."""
        self.heard += 1
        super().did_fill_order(event)


def played(minutes: int = 4, loses: set[int] | None = None) -> tuple[Maker, Connector]:
    """Run a strategy for some minutes, a tick a second, and let it withdraw."""
    connector = Connector(PaperVenue(GENERATED, generate(GeneratorConfig(), 5), seed=5))
    connector.loses = loses or set()
    maker = Maker(connector)
    start, end = MINUTE, (minutes + 1) * MINUTE
    for now in range(start, end + 30 * SECOND, SECOND):
        maker.current_timestamp = now / SECOND
        connector.tick(now, maker)
        if now == end:
            maker.withdraw()
        maker.on_tick()
    return maker, connector


def position(connector: Connector) -> int:
    """Return what the connector has filled, in lots."""
    return sum(fill.qty * (fill.side or Side.BUY) for fill in connector.fills)


def test_fills_are_booked_once_and_nothing_rests_in_the_end() -> None:
    maker, connector = played()

    assert len(connector.fills) > 3
    assert maker.position == position(connector)
    assert maker.heard == len(connector.fills)
    assert connector.in_flight_orders == {}
    assert maker.driver.manager.nothing_rests
    assert maker.watched is not None
    assert maker.watched.broken == []


def test_what_shall_move_is_cancelled_and_placed_and_never_modified() -> None:
    maker, _ = played(minutes=2)

    actions = {
        decision.action
        for record in maker.records
        for decision in getattr(getattr(record, "plan", None), "decisions", ())
    }
    assert actions >= {Action.KEEP, Action.PLACE, Action.CANCEL}
    assert Action.MODIFY not in actions


def test_bands_and_lattice_are_told_how_much_the_market_moves() -> None:
    maker, _ = played(minutes=2)

    cycles = [one for one in maker.records if isinstance(one, Cycled)]
    assert cycles[0].market.volatility == 0
    assert any(one.market.volatility > 0 for one in cycles)


def test_a_failure_is_a_doubt_and_a_fill_after_it_counts() -> None:
    maker, connector = played(loses={1, 4})

    doubts = [one for one in maker.records if type(one).__name__ == "Unanswered"]
    # The two that were lost, and whatever the venue has refused: hummingbot does not say which.
    assert len(doubts) >= 2
    assert maker.position == position(connector)
    assert maker.watched is not None
    assert maker.watched.broken == []


def test_a_proposal_between_cycles_sends_nothing() -> None:
    connector = Connector(PaperVenue(GENERATED, generate(GeneratorConfig(), 5), seed=5))
    maker = Maker(connector)
    maker.current_timestamp = 60.0
    connector.tick(MINUTE, maker)
    maker.on_tick()
    maker.current_timestamp = 61.0

    assert maker.keep(maker.create_proposal()) is None


def maker_of(connector: Connector) -> Maker:
    maker = Maker(connector)
    maker.current_timestamp = 60.0
    return maker


def test_what_is_not_there_is_refused_by_name() -> None:
    connector = Connector(PaperVenue(GENERATED, generate(GeneratorConfig(), 5), seed=5))
    maker = maker_of(connector)

    with pytest.raises(RuntimeError, match="start_lifecycle must be called before keep"):
        maker.keep([])
    with pytest.raises(ValueError, match="connector_name must be one of paper, was binance"):
        maker.start_lifecycle("binance", PAIR)
    with pytest.raises(ValueError, match=r"trading_pair must be one of paper \(ETH-USD\), was X-Y"):
        maker.start_lifecycle(NAME, "X-Y")
    connector.order_types = (OrderType.LIMIT,)
    with pytest.raises(ValueError, match=r"one of paper \(LIMIT\), was LIMIT_MAKER"):
        maker.start_lifecycle(NAME, PAIR, OrderType.LIMIT_MAKER)


def test_a_class_with_its_bases_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(TypeError, match="LifecycleMixin must stand before StrategyBase among the"):
        type("Swapped", (stub.StrategyBase, LifecycleMixin), {})


def test_a_candidate_of_another_pair_is_refused_and_one_without_a_price_changes_nothing() -> None:
    connector = Connector(PaperVenue(GENERATED, generate(GeneratorConfig(), 5), seed=5))
    maker = maker_of(connector)
    connector.tick(MINUTE, maker)
    maker.on_tick()
    ours = stub.OrderCandidate(PAIR, TradeType.BUY, SIZE, Decimal("NaN"))
    maker.current_timestamp = 70.0

    assert maker.keep([ours]) is None
    maker.current_timestamp = 80.0
    with pytest.raises(TypeError, match=r"a proposal must be a list of candidates, \[\] for none"):
        maker.keep(None)  # type: ignore[arg-type]
    maker.current_timestamp = 90.0
    with pytest.raises(ValueError, match="a candidate must be of ETH-USD, was of X-Y"):
        maker.keep([stub.OrderCandidate("X-Y", TradeType.BUY, SIZE, Decimal(1))])


def test_why_a_candidate_has_no_order_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    maker = maker_of(Connector(PaperVenue(GENERATED, generate(GeneratorConfig(), 5), seed=5)))
    maker.start_lifecycle(NAME, PAIR)
    far = stub.OrderCandidate(PAIR, TradeType.BUY, SIZE, Decimal(1000))
    for second in range(60, 90):
        maker.current_timestamp = float(second)
        maker.venue._connector.tick(second * SECOND, maker)
        maker.keep([far])

    said = [one.getMessage() for one in caplog.records]
    why = "wait bid 0.0500 at 1000.0: the wanted price is outside the collar"
    assert said.count(why) == 1


@pytest.mark.parametrize(
    "name",
    [
        "BuyOrderCreatedEvent",
        "SellOrderCreatedEvent",
        "OrderFilledEvent",
        "MarketOrderFailureEvent",
        "OrderCancelledEvent",
        "OrderExpiredEvent",
    ],
)
def test_the_stub_has_hummingbots_own_fields(name: str) -> None:
    events = pytest.importorskip("hummingbot.core.event.events", reason="needs hummingbot")

    assert _fields(getattr(stub, name)) == _fields(getattr(events, name))


def _fields(kind: Any) -> list[str]:
    return list(kind._fields) if hasattr(kind, "_fields") else [one.name for one in fields(kind)]
