"""A paper venue in another process: it lives on when its client is killed.

Server and client speak over one connection on this machine, message by message: a length, then
MessagePack. The client drives the venue's time, as whoever holds a venue in process does. When a
client's connection ends, with or without a word, the venue waits for the next one, to which it is
a venue that has lost its client (`PaperVenue.new_client`).

There is no authority and no encryption: it listens on 127.0.0.1 alone.
"""

import socket
import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.paper.venue import PaperVenue
from exchange.reports import Fill, OpenOrder
from exchange.units import Nanos, Qty
from exchange.venue import Capabilities, Received
from exchange.words import Cloid, Side

_T = TypeVar("_T")

HOST: Final = "127.0.0.1"
_LENGTH: Final = struct.Struct("<I")


class Hello(Struct, frozen=True, tag="hello"):
    """A new client is there."""


class Submit(Struct, frozen=True, tag="submit"):
    """As `Venue.submit`; nothing comes back."""

    commands: tuple[Command, ...]
    now: Nanos


class Poll(Struct, frozen=True, tag="poll"):
    """As `Venue.poll`."""

    now: Nanos


class Look(Struct, frozen=True, tag="look"):
    """Ask for the market as it is seen."""

    now: Nanos


class AskTruth(Struct, frozen=True, tag="truth"):
    """Ask for what the venue knows and no client does."""


class Stop(Struct, frozen=True, tag="stop"):
    """End the venue."""


Message: TypeAlias = Hello | Submit | Poll | Look | AskTruth | Stop


class Welcome(Struct, frozen=True):
    """Where the client is."""

    instrument: tuple[str, Decimal, Decimal, Decimal, int]
    """Its values."""
    capabilities: Capabilities
    now: Nanos
    """How late it is at the venue; no earlier time may be named."""


class Truth(Struct, frozen=True):
    """What is so, whatever anybody was told."""

    now: Nanos
    position: int
    open: tuple[OpenOrder, ...]
    fills: tuple[Fill, ...]
    known: tuple[Cloid, ...]
    """Every order that ever reached the venue."""
    most_open: dict[Side, int]
    """The most orders that ever rested at one moment, by side."""
    repeated: int
    """Places refused because their cloid was taken."""


_MESSAGE: Final = Decoder(Message)
_WELCOME: Final = Decoder(Welcome)
_RECEIVED: Final = Decoder(list[Received])
_MARKET: Final = Decoder(Market)
_TRUTH: Final = Decoder(Truth)


class RemoteVenue:
    """The client: a venue like any other."""

    def __init__(self, port: int, timeout_s: float = 30.0) -> None:
        """Connect; raises OSError where nothing listens."""
        self._wire = _Wire(socket.create_connection((HOST, port), timeout=timeout_s))
        self._wire.send(Hello())
        welcome = self._wire.receive(_WELCOME)
        self.instrument: Final = Instrument(*welcome.instrument)
        self.capabilities: Final = welcome.capabilities
        self.now: Final = welcome.now

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Send commands; their answers come by `poll`."""
        self._wire.send(Submit(tuple(commands), now))

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us up to `now` and was not returned yet."""
        self._wire.send(Poll(now))
        return self._wire.receive(_RECEIVED)

    def market(self, now: Nanos) -> Market:
        """Return the book visible at `now`."""
        self._wire.send(Look(now))
        return self._wire.receive(_MARKET)

    def truth(self) -> Truth:
        """Return what is so."""
        self._wire.send(AskTruth())
        return self._wire.receive(_TRUTH)

    def stop(self) -> None:
        """End the venue's process."""
        self._wire.send(Stop())
        self.close()

    def close(self) -> None:
        """Leave; the venue goes on."""
        self._wire.close()


def serve(venue: PaperVenue, listener: socket.socket) -> None:
    """Serve one client after the other until one says stop."""
    now: Nanos = 0
    clerk = _Clerk(venue)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = _Wire(connection)
        try:
            while True:
                message = wire.receive(_MESSAGE)
                if isinstance(message, Stop):
                    return
                if isinstance(message, Hello):
                    venue.new_client(now)
                    wire.send(Welcome(venue.instrument.values, venue.capabilities, now))
                    continue
                now = max(now, getattr(message, "now", 0))
                clerk.answer(message, wire)
        except (EOFError, ConnectionError):
            # Killed in the middle of a word: what it has not said has not been said.
            pass
        finally:
            wire.close()


class _Clerk:
    """Answers a client, and keeps count of what rests."""

    def __init__(self, venue: PaperVenue) -> None:
        self.venue = venue
        self.most: dict[Side, int] = dict.fromkeys(Side, 0)

    def answer(self, message: Message, wire: "_Wire") -> None:
        venue = self.venue
        match message:
            case Submit():
                venue.submit(message.commands, message.now)
            case Poll():
                received = venue.poll(message.now)
                self._count()
                wire.send(received)
            case Look():
                wire.send(venue.market(message.now))
            case AskTruth():
                wire.send(self._truth())
            case Hello() | Stop():
                raise AssertionError("answered by the server's loop")

    def _count(self) -> None:
        resting = self.venue.open_orders()
        for side in Side:
            here: Qty = sum(order.side is side for order in resting)
            self.most[side] = max(self.most[side], here)

    def _truth(self) -> Truth:
        venue = self.venue
        return Truth(
            now=venue.now,
            position=venue.position,
            open=venue.open_orders(),
            fills=venue.fills,
            known=venue.known,
            most_open=self.most,
            repeated=venue.repeated,
        )


class _Wire:
    """Messages over a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._encode = Encoder().encode

    def send(self, message: object) -> None:
        body = self._encode(message)
        self._connection.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self, decoder: Decoder[_T]) -> _T:
        """Return the next message; raises EOFError where there will be none."""
        size = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        return decoder.decode(self._exactly(size))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._connection.recv(size - len(parts))
            if not part:
                raise EOFError("the other side has gone")
            parts += part
        return bytes(parts)

    def close(self) -> None:
        self._connection.close()
