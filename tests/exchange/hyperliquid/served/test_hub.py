"""Subscriptions without sockets: what is pushed when, in which order, and how much one may ask."""

from typing import Any

import pytest
from msgspec import json

from exchange.hyperliquid.served.hub import (
    CONNECTS_MAX,
    FEEDS_MAX,
    FRAMES_MAX,
    MESSAGES_MAX,
    POSTS_MAX,
    Hub,
    Socket,
)
from exchange.hyperliquid.served.knobs import Faults, Knobs
from exchange.hyperliquid.wire import Order
from exchange.hyperliquid.wire_socket import L2BookFeed
from exchange.market import Row, RowKind
from exchange.paper.latency import NO_DELAY, Quantiles, milliseconds
from exchange.units import MILLISECOND, SECOND
from tests.exchange.hyperliquid.served.stage import KEY, Stage, at, order, trade

LATE = milliseconds((0.0, 1.0), (100, 900))


class Listener:
    """A hub with one socket."""

    def __init__(
        self,
        *rows: Row,
        delay: Quantiles = NO_DELAY,
        knobs: Knobs | None = None,
        is_limited: bool = True,
    ) -> None:
        self.stage = Stage(rows)
        self.faults = Faults(Knobs() if knobs is None else knobs)
        self.hub = Hub(self.stage.world, self.faults, delay, is_limited=is_limited)
        self.closed = 0
        self.socket = Socket("127.0.0.1", self.close)
        assert self.hub.join(self.socket)

    def close(self) -> None:
        """Count that the connection was broken."""
        self.closed += 1

    def say(self, message: dict[str, Any]) -> Any:
        """Send a message; return what the hub hands on."""
        return self.hub.hear(self.socket, json.encode(message).decode())

    def subscribe(self, **feed: Any) -> None:
        """Subscribe."""
        self.say({"method": "subscribe", "subscription": feed})

    def heard(self) -> list[tuple[str, Any]]:
        """Return channel and data of what has come since the last call."""
        frames = []
        while not self.socket.queue.empty():
            frame = json.decode(self.socket.queue.get_nowait())
            frames.append((frame["channel"], frame.get("data")))
        return frames

    def until(self, seconds: float) -> list[tuple[float, str, Any]]:
        """Play blocks of 100 ms; return what has come, and when."""
        heard = []
        while self.stage.now < at(seconds):
            block = self.stage.block()
            self.hub.tell(block)
            self.hub.flush()
            heard += [(self.stage.now / SECOND, *frame) for frame in self.heard()]
        return heard


@pytest.mark.parametrize(
    ("feed", "levels", "times"),
    [({}, 5, [5.4, 10.8]), ({"fast": True, "nSigFigs": 5}, 5, [0.5 * n for n in range(1, 23)])],
)
def test_books_come_by_the_clock_whole(feed: dict[str, Any], levels: int, times: object) -> None:
    listener = Listener()
    listener.subscribe(type="l2Book", coin="ETH", **feed)
    first = listener.heard()

    later = listener.until(11)

    assert [channel for channel, _ in first] == ["subscriptionResponse", "l2Book"]
    assert [when for when, _, _ in later] == times
    assert all(len(side) == levels for _, _, book in later for side in book["levels"])


def test_the_touch_comes_when_it_has_changed() -> None:
    better = Row(at(1), -1, RowKind.BBO, 20_000, 7_000, 20_001, 10_000)
    listener = Listener(better)
    listener.subscribe(type="bbo", coin="ETH")
    listener.heard()

    ((when, channel, data),) = listener.until(3)

    assert (when, channel) == (1.0, "bbo")
    assert [side["sz"] for side in data["bbo"]] == ["0.7", "1.0"]


def test_trades_and_candles_come_with_their_block() -> None:
    listener = Listener(trade(at(1), 20_001, 300, 1), trade(at(1.04), 20_000, 200, -1))
    listener.subscribe(type="trades", coin="ETH")
    listener.subscribe(type="candle", coin="ETH", interval="1m")
    listener.heard()

    heard = listener.until(2)

    trades = [one for _, channel, data in heard if channel == "trades" for one in data]
    assert [(one["side"], one["px"], one["sz"]) for one in trades] == [
        ("B", "2000.1", "0.03"),
        ("A", "2000.0", "0.02"),
    ]
    candle = [data for _, channel, data in heard if channel == "candle"][-1]
    assert (candle["o"], candle["c"], candle["v"], candle["n"]) == ("2000.1", "2000.0", "0.05", 2)


def test_a_block_tells_an_accounts_updates_in_one_message() -> None:
    listener = Listener()
    listener.subscribe(type="orderUpdates", user=KEY.address)
    listener.heard()
    world, stage = listener.stage.world, listener.stage
    orders = [order("1999.5"), order("2000.1", tif="Ioc")]
    world.submit(stage.request(Order(orders, "na")), stage.now)

    ((_, channel, updates),) = listener.until(0.1)

    assert channel == "orderUpdates"
    assert [one["status"] for one in updates] == ["open", "open", "filled"]


def test_delayed_frames_keep_their_order_and_reordered_ones_do_not() -> None:
    rows = [trade(at(1 + n / 10), 20_001, 100 + n, 1) for n in range(50)]
    sizes = {}
    for share in (0.0, 0.3):
        listener = Listener(*rows, delay=LATE, knobs=Knobs(reorders=share))
        listener.subscribe(type="trades", coin="ETH")
        listener.heard()
        sizes[share] = [float(data[0]["sz"]) for _, _, data in listener.until(10)]

    assert sizes[0.0] == sorted(sizes[0.0])
    assert sizes[0.3] != sorted(sizes[0.3])
    assert sorted(sizes[0.3]) == sizes[0.0]


def test_a_socket_that_does_not_read_is_closed() -> None:
    listener = Listener()
    for _ in range(FRAMES_MAX):
        listener.socket.send(b"{}")
    assert listener.closed == 0

    listener.socket.send(b"{}")

    assert listener.closed == 1


def test_messages_are_limited_by_the_minute() -> None:
    listener = Listener()
    for _ in range(MESSAGES_MAX):
        listener.say({"method": "ping"})
    listener.heard()

    listener.say({"method": "ping"})
    limited = listener.heard()
    listener.stage.block(at(61))
    listener.say({"method": "ping"})

    assert limited == [("error", "Cannot send more than 2000 messages per minute.")]
    assert listener.heard() == [("pong", None)]


def test_connections_are_limited_by_the_minute() -> None:
    hub = Listener().hub
    opened = []
    for _ in range(CONNECTS_MAX):
        socket = Socket("127.0.0.1", lambda: None)
        opened.append(hub.join(socket))
        hub.leave(socket)

    assert opened == [True] * (CONNECTS_MAX - 1) + [False]
    assert hub.join(Socket("127.0.0.2", lambda: None))


def test_channels_are_limited() -> None:
    listener = Listener()
    for figures in range(FEEDS_MAX):
        listener.socket.feeds.add(L2BookFeed("ETH", mantissa=figures))

    listener.subscribe(type="bbo", coin="ETH")

    assert listener.heard() == [("error", "Cannot subscribe to more than 1000 channels.")]


def test_posts_that_are_unanswered_are_limited() -> None:
    listener = Listener()
    request = {"type": "info", "payload": {"type": "meta"}}
    assert listener.say({"method": "post", "id": 1, "request": request}) is not None
    listener.socket.posts = POSTS_MAX

    handed_on = listener.say({"method": "post", "id": 7, "request": request})

    assert handed_on is None
    assert listener.heard() == [("error", "too many pending post requests id=7")]


def test_whoever_has_left_is_told_nothing() -> None:
    listener = Listener(delay=LATE)
    listener.subscribe(type="l2Book", coin="ETH", fast=True)
    listener.heard()
    listener.until(0.5)

    listener.hub.leave(listener.socket)

    assert listener.until(3) == []
    assert listener.stage.now >= 3000 * MILLISECOND
