"""The websocket: kept open, subscribed and watched.

What comes is handed on, message by message. The venue numbers nothing and sends nothing again, so
that a connection which breaks has lost an unknown part of what was said: `on_lost` says so at once,
and `on_ready` when another connection stands and every subscription on it is acknowledged, which is
when nothing more is lost. The same two are said, one after the other, where the connection stands
but a message was lost on it: one that we cannot read, of a feed that reports.

A ping is sent now and then; the venue closes a connection on which it has had nothing to say for a
minute, and a connection on which nothing comes, not even the answer to a ping, is given up here.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from msgspec import json, to_builtins
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from exchange.hyperliquid.clock import Clock
from exchange.hyperliquid.connection import Network, Options, VenueError
from exchange.hyperliquid.wire_socket import (
    GREETING,
    Feed,
    Ping,
    Pong,
    ServerMessage,
    Subscribe,
    Subscribed,
    UnknownMessage,
    WireError,
    read_message,
)
from exchange.units import MINUTE, SECOND, Nanos, seconds

log = logging.getLogger(__name__)

BACKOFF_S: Final = 0.5
"""Before the second attempt to connect; doubles with each that fails."""
ATTEMPTS_MAX: Final = 25
"""In a minute; the venue takes 30 of one IP address."""
FRAME_BYTES_MAX: Final = 1 << 24
"""A snapshot of 2000 fills is under one megabyte."""
REPORTING: Final = frozenset({"", "orderUpdates", "userFills", "user"})
"""Channels of which no message may be lost; "" is one that cannot be told."""
HARMLESS: Final = ("Already subscribed", "Already unsubscribed")
_PING: Final = json.encode(Ping()).decode()

Heard = Callable[[ServerMessage, Nanos], None]


class Stream:
    """One connection after the other, with the same subscriptions."""

    def __init__(
        self,
        network: Network,
        feeds: Sequence[Feed],
        clock: Clock,
        options: Options,
        *,
        heard: Heard,
        on_lost: Callable[[str], None],
        on_ready: Callable[[], None],
    ) -> None:
        """Connect nowhere yet.

        `heard` takes each message and when it came, in our clock. `on_lost` is told why, once for
        each connection that was ready; `on_ready` follows each time there is one again, and comes
        first.
        """
        self._network: Final = network
        self._feeds: Final = tuple(feeds)
        self._clock: Final = clock
        self._options: Final = options
        self._heard: Final = heard
        self._on_lost: Final = on_lost
        self._on_ready: Final = on_ready
        self._random: Final = Random()  # noqa: S311 - spreads reconnections, no secret
        self._attempts: Final[deque[Nanos]] = deque()
        self._awaited: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready: Final = asyncio.Event()
        self._why = "not connected yet"
        self._reason = ""
        """Why we have given up, or been refused on, the connection that stands."""
        self.heard_at: Nanos = 0
        """When anything was last heard."""
        self.connections = 0
        """Made so far."""
        self.unreadable = 0
        """Frames that we could not read."""

    @property
    def is_ready(self) -> bool:
        """Whether everything subscribed to is being heard."""
        return self._ready.is_set()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What keeps the connection, None before `open`; it ends only by an error of ours."""
        return self._task

    async def open(self) -> None:
        """Connect and subscribe; raises VenueError where that does not come about in time."""
        self._task = asyncio.create_task(self._run(), name="hyperliquid stream")
        ready = asyncio.create_task(self._ready.wait())
        done, _ = await asyncio.wait(
            (ready, self._task),
            timeout=self._options.ready_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if ready in done:
            return
        ready.cancel()
        await self.close()
        raise VenueError(
            f"{self._network.websocket} must accept us within {self._options.ready_s:g} s, "
            f"was {self._why}: is the URL right, and are there no more than ten connections?"
        )

    async def close(self) -> None:
        """Hang up; nothing more is said."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    def gap(self, why: str) -> None:
        """Say that something was lost though the connection stands."""
        if self.is_ready:
            self._on_lost(why)
            self._on_ready()

    # Inside.

    async def _run(self) -> None:
        failures = 0
        while True:
            had = self.connections
            await self._may_connect()
            try:
                async with connect(
                    self._network.websocket,
                    open_timeout=self._options.ready_s,
                    close_timeout=1,
                    # Pings are the venue's own kind.
                    ping_interval=None,
                    max_size=FRAME_BYTES_MAX,
                    compression=None,
                    proxy=None if self._network.is_local else True,
                ) as socket:
                    await self._serve(socket)
            except (OSError, TimeoutError, WebSocketException) as error:
                self._why = self._reason or f"{type(error).__name__} {error}".strip()
            if self._ready.is_set():
                self._ready.clear()
                self._on_lost(self._why)
            failures = 0 if self.connections > had else failures + 1
            pause = min(BACKOFF_S * 2 ** min(failures, 10), self._options.backoff_s_max)
            log.warning("the stream is broken (%s), another is made", self._why)
            await asyncio.sleep(pause * (0.5 + self._random.random() / 2))

    async def _may_connect(self) -> None:
        """Wait until another attempt is allowed, and count it."""
        attempts = self._attempts
        while attempts and attempts[0] <= self._clock.now() - MINUTE:
            attempts.popleft()
        if len(attempts) >= ATTEMPTS_MAX:
            await asyncio.sleep((attempts.popleft() + MINUTE - self._clock.now()) / SECOND)
        attempts.append(self._clock.now())

    async def _serve(self, socket: ClientConnection) -> None:
        """Subscribe, and hand on what comes until the connection ends."""
        self._reason = ""
        self._awaited = {_key(to_builtins(feed)) for feed in self._feeds}
        self.heard_at = self._clock.now()
        for feed in self._feeds:
            await socket.send(json.encode(Subscribe(feed)).decode())
        pings = asyncio.create_task(self._watch(socket), name="hyperliquid pings")
        try:
            while True:
                self.take(await socket.recv())
        finally:
            pings.cancel()
            await asyncio.wait((pings,))

    async def _watch(self, socket: ClientConnection) -> None:
        """Ping, and give a silent connection up."""
        started, options = self._clock.now(), self._options
        while True:
            await asyncio.sleep(min(options.ping_s, options.silence_s / 2, options.ready_s))
            now = self._clock.now()
            silent = now - self.heard_at > seconds(options.silence_s)
            late = not self._ready.is_set() and now - started > seconds(options.ready_s)
            if silent or late:
                awaited = ", ".join(sorted(self._awaited))
                self._reason = "silent" if silent else f"without acknowledgement of {awaited}"
                socket.transport.abort()
                return
            try:
                await socket.send(_PING)
            except ConnectionClosed:
                return

    def take(self, frame: str | bytes) -> None:
        """Take a frame that has come."""
        self.heard_at = now = self._clock.now()
        message = read_message(frame)
        match message:
            case Subscribed():
                self._subscribed(message)
            case Pong():
                pass
            case WireError():
                self._complain(message.data)
            case UnknownMessage():
                if frame != GREETING:
                    self._unreadable(message, frame)
            case _:
                self._heard(message, now)

    def _subscribed(self, message: Subscribed) -> None:
        self._awaited.discard(_key(message.data.subscription))
        if not self._awaited and not self._ready.is_set():
            self._ready.set()
            self.connections += 1
            self._reason = ""
            self._on_ready()

    def _complain(self, text: str) -> None:
        """Take the venue's complaint about something that we sent."""
        if text.startswith(HARMLESS):
            return
        log.warning("the venue complains on the stream: %s", text)
        if not self._ready.is_set():
            self._why = self._reason = text
        else:
            # Which of our messages it speaks of cannot be told: a feed may have ended.
            self.gap(text)

    def _unreadable(self, message: UnknownMessage, frame: str | bytes) -> None:
        self.unreadable += 1
        log.warning(
            "a frame of channel %r cannot be read (%s): %.200r", message.channel, message.why, frame
        )
        if message.channel in REPORTING:
            self.gap(f"unreadable {message.channel or 'frame'}")


def _key(subscription: dict[str, object]) -> str:
    """Return what a subscription is known by, in our words and the venue's."""
    of = subscription.get("coin") or subscription.get("user") or ""
    return f"{subscription.get('type')} {str(of).lower()}"
