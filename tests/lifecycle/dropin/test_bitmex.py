"""The BitMEX sample's `converge_orders`, against a stand-in for its exchange."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from exchange.units import SECOND
from lifecycle.config import STABLE, RiskConfig
from lifecycle.dropin.bitmex import AMENDS, Converger, Converging, ExchangeVenue
from lifecycle.rules import rules_of
from lifecycle.run.watched import Watched
from spec.trace import Reason
from tests.lifecycle.dropin.bitmex_sample import (
    ExchangeInterface,
    HTTPError,
    OrderManager,
    SingleExchange,
    Ticking,
)
from tests.lifecycle.dropin.virtual import START


class Managed(Converging, OrderManager):  # type: ignore[misc]
    """The one line that changes."""


class Scene:
    """An exchange, a converger on it, and the invariants."""

    def __init__(self, kind: type[ExchangeInterface]) -> None:
        self.clock = Ticking()
        self.exchange = kind(self.clock)
        instrument = ExchangeVenue(self.exchange, self.clock).instrument
        self.watched = Watched(rules_of(STABLE, instrument, AMENDS), START)
        self.converger = Converger(self.exchange, clock=self.clock, sinks=[self.watched.feed])

    def converge(self, *wanted: tuple[float, float]) -> Any:
        """Want bids below and asks above the touch: (distance, size) each."""
        ticker = self.exchange.get_ticker()
        buys, sells = [], []
        for away, size in wanted:
            buys.append({"price": ticker["buy"] - away, "orderQty": size, "side": "Buy"})
            sells.append({"price": ticker["sell"] + away, "orderQty": size, "side": "Sell"})
        return self.converger.converge_orders(buys, sells)


@pytest.fixture(params=[ExchangeInterface, SingleExchange])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(request.param)
    yield made
    assert made.watched.broken == []


def test_a_bot_on_the_sample_changes_one_line() -> None:
    clock = Ticking()
    exchange = ExchangeInterface(clock)
    bot = Managed(exchange)
    bot._converger = Converger(exchange, clock=clock)
    first = bot.place_orders()
    for _ in range(30):
        clock.pass_by(5)
        bot.place_orders()

    assert len(first.placed) == 6
    assert 1 <= len(exchange.paper.open_orders()) <= 6
    assert len([call for call in exchange.calls if call in ("create", "amend", "cancel")]) < 60


def test_what_is_wanted_is_created_kept_amended_and_cancelled(scene: Scene) -> None:
    first = scene.converge((5, 1000), (10, 1000))
    scene.clock.pass_by(5)
    second = scene.converge((5, 1000), (10, 1000))
    scene.clock.pass_by(5)
    third = scene.converge((25, 1000), (30, 1000))
    scene.clock.pass_by(5)
    fourth = scene.converge((25, 1000))

    assert len(first.placed) == 4
    assert second.calls == 0
    assert third.modified or third.kept
    assert len(fourth.cancelled) == 2
    assert len(scene.exchange.paper.open_orders()) == 2


def test_an_amendment_names_the_total(scene: Scene) -> None:
    scene.converge((0, 1000))
    until = scene.clock.at + 900 * SECOND
    while scene.clock.at < until and not any(row["cumQty"] for row in scene.exchange.rows()):
        scene.clock.pass_by(1)
    partly = [row for row in scene.exchange.rows() if row["cumQty"]]
    assert partly
    scene.converge((40, 1000))
    scene.clock.pass_by(5)
    scene.converge((40, 1000))

    left = {row.oid: row.qty for row in scene.exchange.paper.open_orders()}
    assert left.get(partly[0]["orderID"], 1000) == 1000


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_creation_that_is_not_answered_is_found_by_its_client_id(scene: Scene, when: str) -> None:
    scene.exchange.lose("create", when, TimeoutError("slow"))
    scene.converge((5, 1000))
    scene.clock.pass_by(1)
    doubtful = scene.converge((5, 1000))
    for _ in range(4):
        scene.clock.pass_by(5)
        scene.converge((5, 1000))

    assert len(scene.exchange.paper.open_orders()) == 2
    assert len(scene.exchange.paper.known) == 2
    if when == "before":
        assert {one.reason for one in doubtful.waiting} == {Reason.IN_DOUBT}


def test_an_amendment_of_an_order_that_has_gone_is_refused_and_the_order_looked_for(
    scene: Scene,
) -> None:
    scene.converge((5, 1000))
    scene.clock.pass_by(5)
    scene.exchange.lose("amend", "before", HTTPError(400, "Invalid ordStatus"))
    scene.converge((40, 1000))
    for _ in range(3):
        scene.clock.pass_by(5)
        scene.converge((40, 1000))

    assert len(scene.exchange.paper.open_orders()) == 2
    assert "http_open_orders" in scene.exchange.calls


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancel_that_is_not_answered_leaves_the_order_in_doubt_until_a_look(
    scene: Scene, when: str
) -> None:
    scene.converge((5, 1000))
    scene.exchange.lose("cancel", when, ConnectionError("cut"))
    for _ in range(4):
        scene.clock.pass_by(5)
        scene.converge()

    assert scene.exchange.paper.open_orders() == ()


def test_an_order_that_is_gone_by_itself_is_placed_again(scene: Scene) -> None:
    scene.converge((5, 1000))
    gone = scene.exchange.paper.open_orders()[0]
    ExchangeInterface.cancel_bulk_orders(scene.exchange, [{"orderID": gone.oid}])
    scene.clock.pass_by(5)
    scene.converge((5, 1000))

    assert len(scene.exchange.paper.open_orders()) == 2


def test_a_restart_on_the_journal_knows_its_orders(tmp_path: Path) -> None:
    clock = Ticking()
    exchange = ExchangeInterface(clock)
    path = tmp_path / "sample.journal"
    orders = [{"price": exchange.get_ticker()["buy"] - 5, "orderQty": 1000, "side": "Buy"}]
    kept = []
    for _ in range(2):
        converger = Converger(exchange, journal=path, clock=clock)
        kept.append(len(converger.converge_orders(orders, []).kept))
        converger.close()
        clock.pass_by(5)

    assert kept == [0, 1]
    assert len(exchange.paper.open_orders()) == 1


def test_what_cannot_work_is_refused_at_once() -> None:
    exchange = ExchangeInterface(Ticking())
    capped = replace(STABLE, risk=RiskConfig(exposure_cap=1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="exposure_cap"):
        Converger(exchange, capped)
    exchange.dry_run = True
    with pytest.raises(ValueError, match="dry run"):
        Converger(exchange)


def test_why_an_order_is_not_placed_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Ticking()
    bot = Managed(ExchangeInterface(clock))
    bot._converger = Converger(bot.exchange, clock=clock)
    for _ in range(3):
        clock.pass_by(5)
        bot.converge_orders([{"price": 1.0, "orderQty": 1000, "side": "Buy"}], [])

    said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == ["wait bid 1000 at 1.0: the wanted price is outside the collar"]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"price": 999.0, "qty": 100}, "an order must have price and orderQty, was"),
        ({"price": 999.0, "orderQty": 100, "side": "Sell"}, "this list must be a Buy, was"),
    ],
)
def test_an_order_that_cannot_be_is_refused_before_anything_is_asked(
    order: dict[str, Any], said: str
) -> None:
    exchange = ExchangeInterface(Ticking())
    converger = Converger(exchange)
    before = list(exchange.calls)

    with pytest.raises(ValueError, match=said):
        converger.converge_orders([order], [])
    assert exchange.calls == before


def test_a_class_with_its_bases_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(TypeError, match="Converging must stand before OrderManager among the ba"):
        type("Swapped", (OrderManager, Converging), {})


def test_the_sample_may_end_the_process(scene: Scene) -> None:
    scene.exchange.lose("create", "before", SystemExit(1))
    with pytest.raises(SystemExit):
        scene.converge((5, 1000))
