"""ccxt's own classes of two more venues, against stubs that answer in their shapes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("ccxt", reason="needs the extra ccxt")
pytest.importorskip("aiohttp", reason="needs the extra ccxt")
import ccxt as blocking
import ccxt.async_support as ccxt
from msgspec.structs import replace

from exchange.commands import Cancel, Modify, Place, QueryOrder
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OrderStatus,
    Rejected,
    Snapshot,
)
from exchange.units import SECOND
from exchange.venue import NoAnswer
from exchange.words import Alive, Outcome, Side, Status
from lifecycle.config import STABLE, TimingConfig
from lifecycle.dropin.ccxt_venue import CcxtVenue
from lifecycle.dropin.connecting import connect
from tests.lifecycle.dropin import ccxt_stubs as stubs
from tests.lifecycle.dropin.ccxt_stubs import Stub, listening

KEYS = {"apiKey": "k", "secret": "s", "password": "p", "enableRateLimit": False}
BID = Place(1, "2f1c00000001", Side.BUY, 19_990, 500, True, False, 0)


class Binance(ccxt.binanceusdm):  # type: ignore[misc]
    """Binance's class, which finds the meaning of an error by the name of the host."""

    def get_exceptions_by_url(self, url: Any, exactOrBroad: Any) -> Any:  # noqa: N803, ARG002
        """Return the errors of USD-M futures, wherever they come from."""
        return super().get_exceptions_by_url("https://fapi.binance.com/", exactOrBroad)


@asynccontextmanager
async def okx() -> AsyncIterator[tuple[CcxtVenue, Stub]]:
    stub, exchange = Stub(), ccxt.okx(KEYS)
    async with listening(stub, stubs.okx(stub)):
        exchange.urls["api"] = {"rest": stub.url}
        exchange.set_markets([exchange.parse_market(stubs.OKX_MARKET)])
        async with joined(exchange) as venue:
            yield venue, stub


@asynccontextmanager
async def binance() -> AsyncIterator[tuple[CcxtVenue, Stub]]:
    stub, exchange = Stub(), Binance(KEYS)
    async with listening(stub, stubs.binance(stub)):
        exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], f"{stub.url}/fapi/v1")
        exchange.set_markets([exchange.parse_market(stubs.BINANCE_MARKET)])
        async with joined(exchange) as venue:
            yield venue, stub


@asynccontextmanager
async def joined(exchange: Any) -> AsyncIterator[CcxtVenue]:
    quick: dict[str, Any] = {"poll_s": 0.2, "book_s": 0.5, "lag_s": 0.05, "timeout_s": 2.0}
    try:
        async with CcxtVenue(exchange, "ETH/USDT:USDT", **quick) as venue:
            yield venue
    finally:
        await exchange.close()


def play(story: Callable[[], Any]) -> None:
    asyncio.run(story())


async def heard(venue: CcxtVenue, *commands: Any, until: type | tuple[type, ...]) -> list[Any]:
    """Send commands; return the reports up to the first of a kind, and what came with that."""
    if commands:
        venue.submit(commands, venue.clock.now())
    reports: list[Any] = []
    async with asyncio.timeout(5):
        while not any(isinstance(one, until) for one in reports):
            await venue.wait(1.0)
            reports += [received.report for received in venue.poll(venue.clock.now())]
    return reports


async def answer(venue: CcxtVenue, *commands: Any, kind: type | tuple[type, ...]) -> Any:
    """Send commands; return the first report of a kind."""
    reports = await heard(venue, *commands, until=kind)
    return next(one for one in reports if isinstance(one, kind))


def test_what_cannot_be_traded_is_said_before_anything_is_sent() -> None:
    async def story() -> None:
        with pytest.raises(TypeError, match=r"ccxt.pro or ccxt.async_support, was ccxt.okx.okx"):
            CcxtVenue(blocking.okx(KEYS), "ETH/USDT:USDT")
        keyless = ccxt.okx({"enableRateLimit": False})
        keyless.set_markets([keyless.parse_market(stubs.OKX_MARKET)])
        venue = CcxtVenue(keyless, "ETH/USDT:USDT")
        with pytest.raises(RuntimeError, match="the venue must be open: async with CcxtVenue"):
            await connect(venue).__aenter__()
        with pytest.raises(ccxt.AuthenticationError, match="apiKey"):
            await venue.open()
        await keyless.close()
        other = ccxt.okx(KEYS)
        other.set_markets([other.parse_market(stubs.OKX_MARKET)])
        with pytest.raises(ccxt.BadSymbol, match="X/USDT:USDT"):
            await CcxtVenue(other, "X/USDT:USDT").open()
        await other.close()

    play(story)


def test_what_leaves_an_outcome_unknown_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        async with binance() as (venue, stub):
            stub.refusals["POST order"] = (502, {"code": 0, "msg": "bad gateway"})
            await answer(venue, BID, kind=NoAnswer)

    play(story)

    said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert any(one.startswith("Place 2f1c00000001: ") for one in said)


def test_sizes_in_contracts_are_sizes_in_base_currency_here() -> None:
    async def story() -> None:
        async with okx() as (venue, stub):
            await answer(venue, BID, kind=Accepted)

            assert venue.instrument.lot == Decimal("0.001")
            assert venue.instrument.price_unit == Decimal("0.1")
            (order,) = stub.orders.values()
            # 500 lots of 0.001 ETH are 5 contracts of 0.1 ETH.
            assert (int(order.size), int(order.price), order.cloid) == (5, 1999, BID.cloid)
            assert venue.market(0).bid == 20_000
            assert venue.market(0).bid_qty == 1_000

    play(story)


def test_a_modify_that_was_only_received_is_answered_when_the_order_shows_it() -> None:
    async def story() -> None:
        async with okx() as (venue, stub):
            accepted = await answer(venue, BID, kind=Accepted)
            change = Modify(2, BID.cloid, accepted.oid, Side.BUY, 19_980, 400, True, False, 0)
            modified = await answer(venue, change, kind=Modified)

            assert (modified.oid, modified.price, modified.qty) == (accepted.oid, 19_980, 400)
            assert (int(stub.open[0].price), int(stub.open[0].size)) == (1998, 4)

    play(story)


def test_a_cancel_that_was_only_received_is_answered_when_the_order_is_gone() -> None:
    async def story() -> None:
        async with okx() as (venue, stub):
            accepted = await answer(venue, BID, kind=Accepted)
            gone = await answer(venue, Cancel(2, BID.cloid, accepted.oid, 0), kind=Cancelled)

            assert (gone.oid, gone.request) == (accepted.oid, 2)
            assert stub.open == []

    play(story)


def test_an_order_without_a_known_oid_is_cancelled_by_its_cloid() -> None:
    async def story() -> None:
        async with okx() as (venue, stub):
            await answer(venue, BID, kind=Accepted)
            gone = await answer(venue, Cancel(2, BID.cloid, None, 0), kind=Cancelled)

            assert gone.cloid == BID.cloid
            assert stub.open == []

    play(story)


def test_a_cancel_of_what_is_not_there_is_refused() -> None:
    async def story() -> None:
        async with okx() as (venue, _):
            refused = await answer(venue, Cancel(2, "2f1c00000009", "1", 0), kind=CancelRejected)

            assert refused.reason.startswith("OrderNotFound")

    play(story)


def test_a_venue_that_answers_with_the_order_is_believed() -> None:
    async def story() -> None:
        async with binance() as (venue, stub):
            accepted = await answer(venue, BID, kind=Accepted)
            change = Modify(2, BID.cloid, accepted.oid, Side.BUY, 19_980, 400, True, False, 0)
            modified = await answer(venue, change, kind=Modified)
            gone = await answer(venue, Cancel(3, BID.cloid, accepted.oid, 0), kind=Cancelled)

            assert (modified.oid, modified.qty) == (accepted.oid, 400)
            assert gone.request == 3
            assert {name for name, _ in stub.asked} >= {"POST order", "PUT order", "DELETE order"}
            assert not any(name == "GET order" for name, _ in stub.asked)

    play(story)


def test_a_request_carries_how_long_it_may_be_executed() -> None:
    async def story() -> None:
        async with binance() as (venue, stub):
            until = venue.clock.now() + 4 * SECOND
            await answer(venue, replace(BID, expires_at=until), kind=Accepted)

            (params,) = (params for name, params in stub.asked if name == "POST order")
            assert 3000 < int(params["recvWindow"]) <= 4000
            assert params["timeInForce"] == "GTX"

    play(story)


def test_a_modify_that_has_the_order_cancelled_is_refused_with_nothing_left() -> None:
    async def story() -> None:
        async with binance() as (venue, stub):
            accepted = await answer(venue, BID, kind=Accepted)
            stub.fill(stub.open[0], "0.3")
            change = Modify(2, BID.cloid, accepted.oid, Side.BUY, 19_980, 200, True, False, 0)
            refused = await answer(venue, change, kind=ModifyRejected)

            assert refused.alive is Alive.NO

    play(story)


def test_fills_are_told_with_the_snapshot_and_once_besides() -> None:
    async def story() -> None:
        async with binance() as (venue, stub):
            accepted = await answer(venue, BID, kind=Accepted)
            stub.fill(stub.open[0], "0.2")
            fill = await answer(venue, kind=Fill)
            snapshot = await answer(venue, kind=Snapshot)
            await answer(venue, kind=Snapshot)

            assert (fill.oid, fill.cloid, fill.qty) == (accepted.oid, BID.cloid, 200)
            assert (snapshot.open[0].qty, snapshot.open[0].cloid) == (300, BID.cloid)
            assert fill.trade_id in {one.trade_id for one in snapshot.fills}

    play(story)


def test_what_became_of_an_order_is_asked_by_its_cloid() -> None:
    async def story() -> None:
        async with okx() as (venue, stub):
            accepted = await answer(venue, BID, kind=Accepted)
            stub.fill(stub.open[0], "5")
            status = await answer(venue, QueryOrder(2, BID.cloid, None), kind=OrderStatus)
            lost = await answer(venue, QueryOrder(3, "2f1c00000009", None), kind=OrderStatus)

            assert (status.status, status.filled, status.oid) == (Status.FILLED, 500, accepted.oid)
            assert (lost.status, lost.request) == (Status.UNKNOWN_ORDER, 3)

    play(story)


@pytest.mark.parametrize(
    ("status", "said", "kind", "limited"),
    [
        (400, {"code": -2019, "msg": "Margin is insufficient."}, Rejected, False),
        (400, {"code": -5022, "msg": "Post Only order will be rejected."}, Rejected, False),
        (429, {"code": -1003, "msg": "Too many requests."}, NoAnswer, True),
        (408, {"code": -1007, "msg": "Send status unknown; execution unknown."}, NoAnswer, False),
        (502, {"code": 0, "msg": "bad gateway"}, NoAnswer, False),
        (400, {"code": -999_999, "msg": "never seen before"}, NoAnswer, False),
    ],
)
def test_what_binance_refuses_is_refused_and_all_else_is_unknown(
    status: int, said: Any, kind: type, limited: bool
) -> None:
    async def story() -> None:
        async with binance() as (venue, stub):
            stub.refusals["POST order"] = (status, said)
            told = await heard(venue, BID, until=(Rejected, NoAnswer))

            (outcome,) = (one for one in told if isinstance(one, Rejected | NoAnswer))
            assert isinstance(outcome, kind)
            assert any(isinstance(one, Limited) for one in told) is limited

    play(story)


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Listen until the other side hangs up."""
    await reader.read()
    writer.close()


def test_a_venue_that_does_not_answer_in_time_leaves_the_outcome_unknown() -> None:
    async def story() -> None:
        exchange = Binance(KEYS)
        stub = Stub()
        async with listening(stub, stubs.binance(stub)):
            exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], f"{stub.url}/fapi/v1")
            exchange.set_markets([exchange.parse_market(stubs.BINANCE_MARKET)])
            async with joined(exchange) as venue:
                # Whatever listens there now answers nobody.
                silent = await asyncio.start_server(mute, "127.0.0.1", 0)
                port = silent.sockets[0].getsockname()[1]
                urls = exchange.urls["api"]
                exchange.urls["api"] = dict.fromkeys(urls, f"http://127.0.0.1:{port}")
                exchange.timeout = 300
                told = await answer(venue, BID, kind=NoAnswer)
                silent.close()

            assert told.outcome in {Outcome.TIMEOUT, Outcome.BROKEN}

    play(story)


@pytest.mark.parametrize("made", [okx, binance])
def test_a_quoter_keeps_orders_and_modifies_in_place(made: Any) -> None:
    config = replace(STABLE, timing=TimingConfig(request_timeout_s=3.0))

    async def story() -> None:
        async with made() as (venue, stub):
            async with connect(venue, config) as quoter:
                await quoter.ready(5)
                first = await quoter.converge([(1990.0, 0.5)], [(2010.0, 0.5)], answered=True)
                same = await quoter.converge([(1990.0, 0.5)], [(2010.0, 0.5)], answered=True)
                cloids = {order.cloid for order in stub.open}
                moved = await quoter.converge([(1980.0, 0.5)], [(2010.0, 0.5)], answered=True)
                bid = next(order for order in stub.open if order.side == "buy")

                assert first.calls == 2
                assert same.calls == 0
                assert moved.calls == 1
                assert {order.cloid for order in stub.open} == cloids
                assert bid.price == 1980

            assert stub.open == []

    play(story)
