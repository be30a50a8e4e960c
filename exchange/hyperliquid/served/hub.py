"""The websockets: who has subscribed to what, and which frame goes to whom, when.

What is said after a block reaches each socket with a delay of its own, in order, but for the
frames that a fault lets be overtaken. Limits are the venue's, by network address.

Source: Hyperliquid documentation, "Rate limits and user limits" and "WebSocket".
"""

from asyncio import Queue, QueueFull
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from msgspec import DecodeError, ValidationError, json, structs

from exchange.hyperliquid.served.feeds import Teller, interval, normal
from exchange.hyperliquid.served.knobs import Faults
from exchange.hyperliquid.served.world import Block, World
from exchange.hyperliquid.wire_socket import (
    SENT,
    ClientMessage,
    Feed,
    Ping,
    Pong,
    Post,
    Subscribe,
    Subscribed,
    SubscriptionState,
    WireError,
)
from exchange.paper.latency import Quantiles
from exchange.units import MINUTE, SECOND, Nanos

SOCKETS_MAX: Final = 10
CONNECTS_MAX: Final = 30
"""That one address may open in a minute."""
FEEDS_MAX: Final = 1000
USERS_MAX: Final = 10
MESSAGES_MAX: Final = 2000
"""That one address may send in a minute."""
POSTS_MAX: Final = 100
"""That one address may have unanswered."""
FRAMES_MAX: Final = 10_000
"""A socket that does not read is closed when so many frames wait for it."""

PONG: Final = json.encode(Pong())


class Socket:
    """One websocket; the server sends what is in its queue."""

    def __init__(self, ip: str, close: Callable[[], None]) -> None:
        self.ip: Final = ip
        self.close: Final = close
        """Breaks the connection, without a word."""
        self.queue: Final[Queue[bytes]] = Queue(FRAMES_MAX)
        self.feeds: Final[set[Feed]] = set()
        self.posts = 0
        """Unanswered."""
        self.last: Nanos = 0
        """Until when frames are on their way; none overtakes another."""

    def send(self, frame: bytes) -> None:
        """Send a frame; a socket that does not read is closed."""
        try:
            self.queue.put_nowait(frame)
        except QueueFull:
            self.close()


class Hub:
    """All websockets."""

    def __init__(
        self, world: World, faults: Faults, delay: Quantiles, *, is_limited: bool = True
    ) -> None:
        self._world: Final = world
        self._teller: Final = Teller(world)
        self._faults: Final = faults
        self._delay: Final = delay
        self._is_limited: Final = is_limited
        self._random: Final = Random(f"hub {world.terms.seed}")  # noqa: S311 - a simulation
        self.sockets: Final[set[Socket]] = set()
        self._feeds: Final[dict[Feed, set[Socket]]] = {}
        self._due: Final[dict[Feed, Nanos]] = {}
        self._coming: Final[list[tuple[Nanos, int, Socket, bytes]]] = []
        self._serial = 0
        self._minute: Nanos = 0
        self._sent: Final[Counter[str]] = Counter()
        """Messages of this minute, by address."""
        self._opened: Final[Counter[str]] = Counter()
        """Websockets opened in it."""
        self._breaks_at: Nanos = 0

    # Sockets come, speak, and go.

    def join(self, socket: Socket) -> bool:
        """Take a new socket; return False where its address may not have it."""
        self._count_minutes()
        self._opened[socket.ip] += 1
        same = sum(other.ip == socket.ip for other in self.sockets)
        if self._is_limited and (same >= SOCKETS_MAX or self._opened[socket.ip] > CONNECTS_MAX):
            return False
        self.sockets.add(socket)
        return True

    def leave(self, socket: Socket) -> None:
        """Forget a socket."""
        self.sockets.discard(socket)
        for feed in socket.feeds:
            self._drop(feed, socket)
        socket.feeds.clear()

    def hear(self, socket: Socket, text: str) -> Post | None:
        """Do what a client has sent; return a post, which somebody else has to answer."""
        if self._is_limited and self._is_too_much(socket):
            _complain(socket, f"Cannot send more than {MESSAGES_MAX} messages per minute.")
            return None
        message = _read(socket, text)
        match message:
            case Ping():
                socket.send(PONG)
            case Subscribe(subscription=feed):
                self._subscribe(socket, _normal(feed), text)
            case Post(id=number):
                if self._is_limited and self._posts_of(socket.ip) >= POSTS_MAX:
                    _complain(socket, f"too many pending post requests id={number}")
                    return None
                return message
            case None:
                pass
            case _:
                self._unsubscribe(socket, _normal(message.subscription))
        return None

    def _count_minutes(self) -> None:
        """Begin to count anew where a minute is over."""
        now = self._world.now.at
        if now - self._minute >= MINUTE:
            self._minute = now
            self._sent.clear()
            self._opened.clear()

    def _is_too_much(self, socket: Socket) -> bool:
        self._count_minutes()
        self._sent[socket.ip] += 1
        return self._sent[socket.ip] > MESSAGES_MAX

    def _posts_of(self, ip: str) -> int:
        return sum(socket.posts for socket in self.sockets if socket.ip == ip)

    def _subscribe(self, socket: Socket, feed: Feed, text: str) -> None:
        if not self._teller.is_valid(feed):
            _complain(socket, f"Invalid subscription {_part(text, 'subscription')}")
            return
        if feed in socket.feeds:
            _complain(socket, f"Already subscribed: {_text(normal(feed))}")
            return
        if self._is_limited:
            full = self._full(socket.ip, feed)
            if full:
                _complain(socket, full)
                return
        socket.feeds.add(feed)
        self._feeds.setdefault(feed, set()).add(socket)
        self._due.setdefault(feed, self._world.now.at + interval(feed))
        socket.send(json.encode(Subscribed(SubscriptionState("subscribe", normal(feed)))))
        first = self._teller.first(feed)
        if first is not None:
            socket.send(first)

    def _full(self, ip: str, feed: Feed) -> str:
        """Return which limit one more feed would break, empty if none."""
        feeds = [one for socket in self.sockets if socket.ip == ip for one in socket.feeds]
        if len(feeds) >= FEEDS_MAX:
            return f"Cannot subscribe to more than {FEEDS_MAX} channels."
        users = {one.user for one in [*feeds, feed] if hasattr(one, "user")}
        if len(users) > USERS_MAX:
            return f"Cannot track more than {USERS_MAX} total users."
        return ""

    def _unsubscribe(self, socket: Socket, feed: Feed) -> None:
        if feed not in socket.feeds:
            _complain(socket, f"Already unsubscribed: {_text(normal(feed))}")
            return
        socket.feeds.remove(feed)
        self._drop(feed, socket)
        socket.send(json.encode(Subscribed(SubscriptionState("unsubscribe", normal(feed)))))

    def _drop(self, feed: Feed, socket: Socket) -> None:
        subscribers = self._feeds[feed]
        subscribers.discard(socket)
        if not subscribers:
            del self._feeds[feed], self._due[feed]

    # What is said.

    def tell(self, block: Block) -> None:
        """Put what a block has brought on its way."""
        now = self._world.now.at
        news = {account.address: said for account, said in block.news}
        for feed, sockets in self._feeds.items():
            frame = self._teller.on_block(feed, block, news)
            if frame is not None:
                self._post(frame, sockets)
            every = interval(feed)
            if every and now >= self._due[feed]:
                self._due[feed] = now + every
                frame = self._teller.by_clock(feed)
                if frame is not None:
                    self._post(frame, sockets)

    def _post(self, frame: bytes, sockets: set[Socket]) -> None:
        now, faults = self._world.now.at, self._faults
        for socket in sockets:
            arrives = now + self._delay.draw(self._random)
            if faults.strikes("reorders"):
                arrives = max(arrives, socket.last) + round(faults.lateness() * SECOND)
            else:
                arrives = socket.last = max(arrives, socket.last)
            for _ in range(2 if faults.strikes("duplicates") else 1):
                self._serial += 1
                heappush(self._coming, (arrives, self._serial, socket, frame))

    def flush(self) -> None:
        """Send what has arrived by now, and break what is to break."""
        now, coming = self._world.now.at, self._coming
        while coming and coming[0][0] <= now:
            _, _, socket, frame = heappop(coming)
            if socket in self.sockets:
                socket.send(frame)
        every = round(self._faults.knobs.disconnect_every_s * SECOND)
        if not every:
            self._breaks_at = 0
        elif not self._breaks_at:
            self._breaks_at = now + every
        elif now >= self._breaks_at:
            self._breaks_at = now + every
            self.break_all()

    def break_all(self) -> None:
        """Break all websockets."""
        for socket in tuple(self.sockets):
            self._faults.counts["disconnects"] += 1
            socket.close()


def _read(socket: Socket, text: str) -> ClientMessage | None:
    """Read what a client has sent, or complain of it."""
    try:
        return SENT.decode(text)
    except ValidationError:
        part = _part(text, "subscription")
        if part:
            _complain(socket, f"Invalid subscription {part}")
            return None
    except DecodeError:
        pass
    _complain(socket, f"Error parsing JSON into valid websocket request: {text}")
    return None


def _part(text: str, name: str) -> str:
    """Return a field of an object, as text; empty where there is none."""
    try:
        plain = json.decode(text)
    except DecodeError:
        return ""
    return _text(plain[name]) if isinstance(plain, dict) and name in plain else ""


def _normal(feed: Feed) -> Feed:
    """Return a feed with its user in lower case."""
    user = getattr(feed, "user", None)
    return feed if user is None else structs.replace(feed, user=user.lower())


def _text(plain: Any) -> str:
    return json.encode(plain).decode()


def _complain(socket: Socket, text: str) -> None:
    socket.send(json.encode(WireError(text)))
