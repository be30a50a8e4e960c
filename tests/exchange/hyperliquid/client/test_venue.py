"""The live client at a served venue."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder
from exchange.hyperliquid.connection import Options, VenueError, network_of
from exchange.hyperliquid.served.knobs import Knobs
from exchange.hyperliquid.served.server import Server
from exchange.hyperliquid.served.world import Ticket
from exchange.hyperliquid.signing import Key
from exchange.hyperliquid.venue import HyperliquidVenue
from exchange.hyperliquid.wire import ExchangeRequest
from exchange.market import Row, RowKind
from exchange.reports import (
    Accepted,
    Cancelled,
    Disconnected,
    Fill,
    OrderStatus,
    Reconnected,
    Snapshot,
)
from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.venue import NoAnswer, Received
from exchange.words import CancelReason, Outcome, Side, Status
from tests.exchange.hyperliquid.client.serving import KEY, QUICK, client, heard, play, served

BID = 200_000
"""The client's price unit is a cent."""
ASK = 200_100


def place(
    venue: HyperliquidVenue,
    request: int,
    price: int = BID,
    *,
    side: Side = Side.BUY,
    post_only: bool = True,
) -> Place:
    expires_at = venue.clock.now() + 5 * SECOND
    return Place(request, f"{request:08x}", side, price, 500, post_only, False, expires_at)


def has(*kinds: type[Any]) -> Callable[[list[Received]], bool]:
    """Return whether each of some kinds was heard."""
    return lambda received: all(
        any(isinstance(one.report, kind) for one in received) for kind in kinds
    )


def only(received: list[Received], kind: type[Any]) -> list[Any]:
    return [one.report for one in received if isinstance(one.report, kind)]


def test_it_knows_its_market_when_it_is_open() -> None:
    async def story() -> None:
        async with served() as server, client(server.url) as venue:
            now = venue.clock.now()
            market = venue.market(now)

            assert venue.instrument.symbol == "ETH"
            assert (market.bid, market.bid_qty, market.ask) == (BID, 10_000, ASK)
            assert now - SECOND < market.at <= now
            assert venue.allowance is not None
            assert (venue.allowance.used, venue.allowance.cap) == (0, 10_000)
            assert {row.kind for row in venue.seen(now)} >= {RowKind.DEPTH}

    play(story)


def test_an_asset_of_a_builders_dex_is_found_by_its_name() -> None:
    async def story() -> None:
        async with served() as server, client(server.url, coin="hyna:ETH") as venue:
            answers = await heard(venue, place(venue, 1, BID - 10), until=has(Accepted))

            assert venue.asset.id == 140_001
            assert only(answers, Accepted)

    play(story)


@pytest.mark.parametrize("coin", ["NONE", "hyna:NONE", "none:ETH"])
def test_a_market_that_is_not_listed_is_not_opened(coin: str) -> None:
    async def story() -> None:
        async with served() as server:
            with pytest.raises(VenueError, match="must be"):
                async with client(server.url, coin=coin):
                    pass

    play(story)


def test_a_venue_that_is_not_there_is_not_opened() -> None:
    async def story() -> None:
        quick = replace(QUICK, question_tries=1)
        with pytest.raises(VenueError, match="must be answered within 1 tries"):
            async with client("http://127.0.0.1:9", options=quick):
                pass

    play(story)


def test_a_fill_is_told_once_and_in_a_snapshot_again() -> None:
    async def story() -> None:
        async with served() as server, client(server.url) as venue:
            taker = place(venue, 1, ASK, post_only=False)
            answers = await heard(venue, taker, until=has(Accepted, Fill))
            look = await heard(venue, QueryOpen(2, 0), until=has(Snapshot))

            fill = only(answers, Fill)[0]
            assert (fill.qty, fill.price, fill.side) == (500, ASK, Side.BUY)
            assert fill.at <= venue.clock.now()
            snapshot = only(look, Snapshot)[0]
            assert [one.trade_id for one in snapshot.fills] == [fill.trade_id]
            assert snapshot.open == ()
            assert only(look, Fill) == []

    play(story)


def test_fills_of_before_are_told_to_those_who_ask_from_a_time_and_to_nobody_else() -> None:
    async def story() -> None:
        async with served() as server:
            async with client(server.url) as venue:
                began = venue.clock.now()
                taker = place(venue, 1, ASK, post_only=False)
                await heard(venue, taker, until=has(Accepted, Fill))
                # The venue's clock is known to a part of a second: what fills just before we open
                # may be told.
                over = venue.clock.now() + SECOND
                while venue.clock.now() < over:
                    await venue.wait(0.1)
            quick = replace(QUICK, fills_overlap_s=0.0)
            async with client(server.url, options=quick) as venue:
                new = await heard(venue, QueryOpen(1, 0), until=has(Snapshot))
                resumed = await heard(venue, QueryOpen(2, began), until=has(Snapshot))

            assert only(new, Fill) == []
            assert only(new, Snapshot)[0].fills == ()
            assert len(only(resumed, Snapshot)[0].fills) == 1

    play(story)


def test_our_own_order_is_not_in_the_market() -> None:
    async def story() -> None:
        async with served() as server, client(server.url) as venue:
            await heard(venue, place(venue, 1, BID + 10), until=has(Accepted))
            before = venue.market(0).at
            async with asyncio.timeout(5):
                while venue.market(0).at <= before + SECOND:
                    await asyncio.sleep(0.05)
            market = venue.market(0)

            assert (market.bid, market.bid_qty) == (BID, 10_000)
            assert set(market.queues) == {"00000001"}

    play(story)


def test_a_stream_that_breaks_loses_nothing_that_a_snapshot_does_not_bring_back() -> None:
    async def story() -> None:
        trade = Row(20 * SECOND, -1, RowKind.TRADE, price=20_000, qty=20_000, side=-1)
        async with served([trade], speed=10) as server, client(server.url) as venue:
            await heard(venue, place(venue, 1), until=has(Accepted))
            server.faults.knobs = Knobs(disconnect_every_s=1)
            lost = await heard(venue, until=has(Disconnected))
            await asyncio.sleep(2.0)
            server.faults.knobs = Knobs()
            back = await heard(venue, until=lambda _: venue.health().is_connected)
            look = await heard(venue, QueryOpen(2, 0), until=has(Snapshot))

            everything = [*lost, *back, *look]
            assert len(only(everything, Disconnected)) == len(only(everything, Reconnected)) > 0
            assert only(look, Snapshot)[0].open == ()
            assert len(only(look, Snapshot)[0].fills) == 1
            told = [fill.trade_id for fill in only(everything, Fill)]
            assert len(told) == len(set(told))

    play(story)


def test_a_request_whose_answer_is_lost_has_none_and_a_query_finds_it() -> None:
    async def story() -> None:
        async with served(knobs=Knobs(lost_acks=1.0)) as server, client(server.url) as venue:
            answers = await heard(venue, place(venue, 1), until=has(NoAnswer, Accepted))
            server.faults.knobs = Knobs()
            status = await heard(venue, QueryOrder(2, "00000001", None), until=has(OrderStatus))

            assert only(answers, NoAnswer)[0].outcome is Outcome.BROKEN
            found = only(status, OrderStatus)[0]
            assert (found.status, found.oid) == (Status.OPEN, only(answers, Accepted)[0].oid)

    play(story)


def test_a_request_that_never_arrived_is_refused_when_its_nonce_is_burnt() -> None:
    async def story() -> None:
        options = replace(QUICK, burns=True)
        async with (
            served(knobs=Knobs(lost_requests=1.0)) as server,
            client(server.url, options=options) as venue,
        ):
            lost = await heard(venue, place(venue, 1), until=has(NoAnswer))
            # The noop is lost as well: nothing is settled.
            await asyncio.sleep(0.3)
            unsettled = venue.poll(venue.clock.now())

            assert len(lost) == 1
            assert unsettled == []
            assert venue.health().counts["nonce not settled"] == 1

    play(story)


def test_without_a_key_nothing_is_sent() -> None:
    async def story() -> None:
        async with served() as server, client(server.url, key=None) as venue:
            answers = await heard(venue, place(venue, 1), until=has(NoAnswer))

            assert only(answers, NoAnswer)[0].outcome is Outcome.NOT_SENT
            assert venue.account is None
            assert venue.allowance is None
            assert venue.market(0).bid == BID
            assert server.world.accounts == {}

    play(story)


def test_the_switch_cancels_everything_when_no_more_is_heard() -> None:
    async def story() -> None:
        options = replace(QUICK, keep_alive_s=10.0)
        async with served(speed=10) as server, client(server.url, options=options) as venue:
            await heard(venue, place(venue, 1), until=has(Accepted))
            venue.keep_alive(venue.clock.now() - 9 * SECOND)
            gone = await heard(venue, until=has(Cancelled))

            assert venue.health().switch_until > 0
            assert only(gone, Cancelled)[0].reason is CancelReason.VENUE

    play(story)


def test_a_switch_is_off_unless_it_is_asked_for() -> None:
    async def story() -> None:
        async with served() as server, client(server.url) as venue:
            venue.keep_alive(venue.clock.now())
            await asyncio.sleep(0.2)

            assert venue.health().switch_until == 0
            assert server.world.accounts == {}

    play(story)


def test_what_is_under_way_is_answered_before_the_venue_closes() -> None:
    async def story() -> None:
        async with served() as server:
            async with client(server.url) as venue:
                venue.submit([place(venue, 1)], venue.clock.now())

            assert only(venue.poll(venue.clock.now()), Accepted)

    play(story)


def test_a_fault_of_ours_in_a_task_is_raised_by_the_next_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        async with served() as server, client(server.url) as venue:
            parts = venue._open_parts()
            assert parts.looker is not None
            monkeypatch.setattr(parts.looker, "_open", lambda *_: 1 / 0)
            venue.submit([QueryOpen(1, 0)], venue.clock.now())
            assert await venue.wait(5)

            with pytest.raises(ZeroDivisionError):
                venue.poll(venue.clock.now())

    play(story)


# No secret anywhere.


def test_no_log_error_or_repr_shows_a_key_or_a_signature(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "ab" * 31 + "cd"
    key = Key(secret)
    shown: list[str] = [repr(key), str(key)]
    signatures: list[str] = []

    async def story() -> None:
        async with served() as server, client(server.url, key=key) as venue:
            spy(server, signatures)
            await everything(venue)
            server.faults.knobs = Knobs(lost_acks=1.0)
            await heard(venue, place(venue, 5, BID - 20), until=has(NoAnswer))
            parts = venue._open_parts()
            assert parts.sender is not None
            shown.extend(
                map(repr, (venue, venue.health(), vars(venue), parts.sender, vars(parts.sender)))
            )

    with caplog.at_level(logging.DEBUG):
        play(story)
    shown.extend(f"{record.getMessage()} {record.args}" for record in caplog.records)

    assert len(signatures) > 3
    everywhere = "\n".join(shown)
    assert secret not in everywhere
    assert not [part for part in signatures if part in everywhere]


def spy(server: Server, signatures: list[str]) -> None:
    """Note each signature that the server is sent."""
    submit = server.world.submit

    def noting(request: ExchangeRequest, sent: Nanos, more: Nanos = 0) -> Ticket:
        signatures.extend((request.signature.r[2:], request.signature.s[2:]))
        return submit(request, sent, more)

    server.world.submit = noting  # type: ignore[method-assign]


async def everything(venue: HyperliquidVenue) -> None:
    """Place, modify, ask, cancel."""
    placed = await heard(venue, place(venue, 1), until=has(Accepted))
    oid = only(placed, Accepted)[0].oid
    soon = venue.clock.now() + 5 * SECOND
    modify = Modify(2, "00000001", oid, Side.BUY, BID - 10, 500, True, False, soon)
    await heard(venue, modify, QueryOpen(3, 0), until=has(Snapshot))
    await heard(venue, Cancel(4, "00000001", None, soon), until=has(Cancelled))


# Settings.


def test_a_key_without_nonces_is_refused() -> None:
    async def story() -> None:
        with pytest.raises(ValueError, match="a key must come with its nonces"):
            HyperliquidVenue(network_of("testnet"), "ETH", key=KEY)

    play(story)


@pytest.mark.parametrize(
    ("text", "mainnet", "websocket"),
    [
        ("mainnet", True, "wss://api.hyperliquid.xyz/ws"),
        ("testnet", False, "wss://api.hyperliquid-testnet.xyz/ws"),
        ("http://127.0.0.1:3001/", False, "ws://127.0.0.1:3001/ws"),
    ],
)
def test_a_network_is_named_or_a_url(text: str, mainnet: bool, websocket: str) -> None:
    network = network_of(text)

    assert (network.is_mainnet, network.websocket) == (mainnet, websocket)


@pytest.mark.parametrize("text", ["moonnet", "ftp://a", "http://", "127.0.0.1:3001"])
def test_any_other_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="network must be mainnet, testnet or a URL"):
        network_of(text)


@pytest.mark.parametrize(
    "wrong", [{"ping_s": 0.0}, {"hold_ms": -1}, {"keep_alive_s": 3.0}, {"question_tries": 0}]
)
def test_settings_without_a_meaning_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        Options(**wrong)


def test_the_default_look_is_later_than_the_venue_was_seen_to_lag() -> None:
    assert Options().look_lag > 400 * MILLISECOND
