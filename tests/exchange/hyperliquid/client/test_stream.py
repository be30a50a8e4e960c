"""The websocket, against a server that can do wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from msgspec import json
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from exchange.hyperliquid import stream as stream_module
from exchange.hyperliquid.clock import Clock
from exchange.hyperliquid.connection import Network, Options, VenueError
from exchange.hyperliquid.stream import Stream
from exchange.hyperliquid.wire_socket import (
    BboFeed,
    BboMessage,
    Feed,
    OrderUpdatesFeed,
    ServerMessage,
)
from tests.exchange.hyperliquid.client.serving import play

USER: Final = "0x" + "aB" * 20
FEEDS: Final[tuple[Feed, ...]] = (BboFeed("hyna:ETH"), OrderUpdatesFeed(USER))
BBO: Final = (
    b'{"channel":"bbo","data":{"coin":"hyna:ETH","time":5,'
    b'"bbo":[null,{"px":"1.5","sz":"2","n":1}]}}'
)
Story = Callable[["Bench"], Awaitable[None]]


class Bench:
    """A stream, the server's side of it, and what was said of both."""

    def __init__(self) -> None:
        self.events: Final[list[str]] = []
        self.messages: Final[list[ServerMessage]] = []
        self.sockets: Final[list[ServerConnection]] = []
        self.happened: Final = asyncio.Event()
        self.acknowledges = True
        self.answers_pings = True
        self.received: Final[list[dict[str, Any]]] = []
        self.stream: Stream | None = None

    async def handle(self, socket: ServerConnection) -> None:
        """Acknowledge what is subscribed to, as the venue puts it; answer pings."""
        self.sockets.append(socket)
        try:
            async for frame in socket:
                message = json.decode(frame)
                self.received.append(message)
                if message["method"] == "ping":
                    if self.answers_pings:
                        await socket.send('{"channel":"pong"}')
                elif self.acknowledges:
                    about = message["subscription"]
                    if "user" in about:
                        about["user"] = about["user"].lower()
                    shown = {"method": "subscribe", "subscription": about | {"nSigFigs": None}}
                    await socket.send(
                        json.encode({"channel": "subscriptionResponse", "data": shown})
                    )
        except ConnectionClosed:
            pass

    def hear(self, message: ServerMessage, _: int) -> None:
        """Note it."""
        self.messages.append(message)
        self.happened.set()

    def lost(self, why: str) -> None:
        """Note it."""
        self.note(f"lost: {why}")

    def note(self, event: str) -> None:
        """Note what was said."""
        self.events.append(event)
        self.happened.set()

    async def until(self, is_enough: Callable[[], object]) -> None:
        """Wait for something."""
        async with asyncio.timeout(5):
            while not is_enough():
                self.happened.clear()
                await self.happened.wait()

    async def say(self, frame: str | bytes) -> None:
        """Send a frame to the client on its newest connection."""
        await self.sockets[-1].send(frame.decode() if isinstance(frame, bytes) else frame)


@asynccontextmanager
async def bench(*, opened: bool = True, **options: Any) -> AsyncIterator[Bench]:
    made = Bench()
    async with serve(made.handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        made.stream = Stream(
            Network(f"http://127.0.0.1:{port}"),
            FEEDS,
            Clock(),
            Options(**({"ready_s": 2.0} | options)),
            heard=made.hear,
            on_lost=made.lost,
            on_ready=lambda: made.note("ready"),
        )
        if opened:
            await made.stream.open()
        try:
            yield made
        finally:
            await made.stream.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "BACKOFF_S", 0.001)


def test_it_is_ready_when_every_subscription_is_acknowledged() -> None:
    async def story() -> None:
        async with bench() as made:
            assert made.events == ["ready"]
            subscribed = [one["subscription"]["type"] for one in made.received]
            assert subscribed == ["bbo", "orderUpdates"]

    play(story)


def test_a_venue_that_does_not_acknowledge_is_not_opened() -> None:
    async def story() -> None:
        async with bench(opened=False, ready_s=0.05) as made:
            made.acknowledges = False
            assert made.stream is not None
            with pytest.raises(VenueError, match="must accept us within"):
                await made.stream.open()
            assert made.events == []

    play(story)


def test_messages_are_handed_on() -> None:
    async def story() -> None:
        async with bench() as made:
            await made.say("Websocket connection established.")
            await made.say(BBO)
            await made.until(lambda: made.messages)

            assert isinstance(made.messages[0], BboMessage)
            assert made.events == ["ready"]

    play(story)


def test_a_broken_connection_is_said_and_made_anew_with_its_subscriptions() -> None:
    async def story() -> None:
        async with bench() as made:
            made.sockets[-1].transport.abort()
            await made.until(lambda: made.events.count("ready") == 2)

            assert len(made.events) == 3
            assert made.events[1].startswith("lost: ")
            assert len(made.sockets) == 2
            assert len(made.received) == 4

    play(story)


def test_no_more_connections_are_made_in_a_minute_than_the_venue_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "ATTEMPTS_MAX", 2)

    async def story() -> None:
        async with bench() as made:
            made.sockets[-1].transport.abort()
            await made.until(lambda: made.events.count("ready") == 2)
            made.sockets[-1].transport.abort()
            await made.until(lambda: len(made.events) == 4)
            await asyncio.sleep(0.1)

            assert len(made.sockets) == 2

    play(story)


def test_a_message_of_reports_that_cannot_be_read_is_a_gap() -> None:
    async def story() -> None:
        async with bench() as made:
            await made.say('{"channel":"orderUpdates","data":[{"order":5}]}')
            await made.until(lambda: len(made.events) == 3)

            assert made.events[1:] == ["lost: unreadable orderUpdates", "ready"]
            assert len(made.sockets) == 1
            assert made.stream is not None
            assert made.stream.unreadable == 1

    play(story)


def test_a_message_of_another_channel_that_cannot_be_read_is_none() -> None:
    async def story() -> None:
        async with bench() as made:
            await made.say('{"channel":"notification","data":"a word"}')
            await made.say(BBO)
            await made.until(lambda: made.messages)

            assert made.events == ["ready"]

    play(story)


@pytest.mark.parametrize(
    ("complaint", "is_gap"),
    [("Already subscribed: {}", False), ("Cannot track more than 10 total users.", True)],
)
def test_a_complaint_is_a_gap_unless_it_is_harmless(complaint: str, is_gap: bool) -> None:
    async def story() -> None:
        async with bench() as made:
            await made.say(json.encode({"channel": "error", "data": complaint}))
            await made.say(BBO)
            await made.until(lambda: made.messages)

            assert (len(made.events) == 3) is is_gap

    play(story)


def test_a_connection_is_kept_by_pings() -> None:
    async def story() -> None:
        async with bench(silence_s=0.2, ping_s=0.02) as made:
            pings = [{"method": "ping"}] * 20
            async with asyncio.timeout(5):
                while made.received[2:] != pings:
                    await asyncio.sleep(0.01)

            assert made.events == ["ready"]

    play(story)


def test_a_connection_on_which_nothing_comes_is_given_up() -> None:
    async def story() -> None:
        async with bench(silence_s=0.1, ping_s=0.02) as made:
            made.answers_pings = False
            await made.until(lambda: made.events.count("ready") == 2)

            assert made.events[1] == "lost: silent"

    play(story)
