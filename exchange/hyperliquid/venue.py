"""Hyperliquid as a venue: live, for one market and one account.

Everything runs in one event loop. `submit` starts what it has to send and returns; what comes back,
by HTTP or on the stream, is put in one queue in the order in which it reached us, and `poll` hands
it out. So a `Driver` joins it to an order manager as it joins the paper venue; between its turns
the loop awaits `wait`.

What is where: `connection` (where the venue is, and all settings), `clock` (the venue's time in
ours), `rest` and `stream` (the two wires), `sending` (commands out, their outcomes in), `looking`
(queries), `listening` (what the stream says), `hearing` (what is said twice, said once), `sight`
(the market without our orders), `limits` (both of the venue's ledgers), `alive` (the dead man's
switch).

**What the order manager may rely on.** Every request is answered once, by the venue's answer under
its request number or by `NoAnswer`; where its nonce is then found unused, by a refusal after that.
Every fill is told once on the stream, and again by snapshots. When the stream breaks, or a message
of it is lost, `Disconnected` is said, and `Reconnected` once everything is subscribed to again:
then a snapshot must be asked for. A snapshot, and the status of an order, are evidence for the time
at which they were asked for; pushed reports for the time at which they happened, late rather than
early, never later than they were heard. All times are by `clock`, which must also be the caller's.

**What it does not do.** It enforces no quota of the account and decides nothing. It trades with an
account whose other orders it does not touch, but the dead man's switch cancels those too. It looks
at one market, and not at positions, margin or funding.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
from msgspec import Struct

from exchange.commands import Command, QueryOpen, QueryOrder, Request
from exchange.hyperliquid.alive import Switch
from exchange.hyperliquid.clock import Bounds, Clock, Offset
from exchange.hyperliquid.codec import Codec, Unmapped
from exchange.hyperliquid.codec import Said as Answer
from exchange.hyperliquid.connection import Fence, Network, Options, VenueError
from exchange.hyperliquid.hearing import Hearing
from exchange.hyperliquid.instruments import Asset, dex_index, dex_of, find_asset
from exchange.hyperliquid.limits import AddressLedger, Allowance
from exchange.hyperliquid.listening import Listener, feeds_of
from exchange.hyperliquid.looking import Looker
from exchange.hyperliquid.nonces import Nonces
from exchange.hyperliquid.rest import Rest
from exchange.hyperliquid.sending import Sender, Signer, settle_all
from exchange.hyperliquid.sight import Sight
from exchange.hyperliquid.signing import Key
from exchange.hyperliquid.stream import Stream
from exchange.hyperliquid.wire import ITEMS_MAX
from exchange.hyperliquid.wire_info import (
    GetL2Book,
    GetMeta,
    GetUserRateLimit,
    L2Book,
    PerpDexs,
)
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.reports import Disconnected, Reconnected, Report
from exchange.units import MILLISECOND, Nanos, seconds
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Outcome

log = logging.getLogger(__name__)

TASKS_MAX: Final = 200
"""Under way at once, above which nothing more is asked."""
PROBES: Final = 3
"""Questions by which the clocks are compared at the start."""


class Health(Struct, frozen=True):
    """How the venue is doing, for `doctor` and for who watches."""

    is_connected: bool
    connections: int
    """Streams made; one at least."""
    silent: Nanos
    """Since when nothing was heard on the stream."""
    clock: Bounds
    """How far the venue's clock is ahead of ours."""
    ip_weight_used: int
    """Within the last minute, of `ip_weight_max`."""
    ip_weight_max: int
    allowance: Allowance | None
    """Of the account; None where there is none or the venue has not said it."""
    fatal: str
    """Why a run must not go on to send, empty while it may."""
    switch_until: Nanos
    """When the venue cancels everything if it hears no more of us; 0: never."""
    switch_refused: str
    counts: dict[str, int]
    """What went otherwise than it should, and how often."""


class HyperliquidVenue:
    """One market at Hyperliquid, traded for one account; `async with` opens and closes it."""

    def __init__(
        self,
        network: Network,
        coin: str,
        *,
        account: str | None = None,
        key: Key | None = None,
        nonces: Nonces | None = None,
        vault: str | None = None,
        options: Options | None = None,
        clock: Clock | None = None,
        tap: Callable[[Row], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connect nowhere yet.

        `coin` is named with its dex ("ETH", "hyna:ETH"). `account` is the address whose orders
        these are, by default the vault's or the key's own; with neither it and a key only the
        market is seen. `key` and `nonces` are those of whoever signs, an agent mostly; without
        them no request is sent. `vault` is the sub-account or vault to act for. `tap` takes each
        market row as it comes, in the venue's own time. Raises ValueError for a key without nonces.
        """
        if key is not None and nonces is None:
            raise ValueError("a key must come with its nonces, was alone")
        self.clock: Final = Clock() if clock is None else clock
        """Ours: whoever calls must take the time from it."""
        self.options: Final = Options() if options is None else options
        self.account: Final = account or vault or (None if key is None else key.address)
        self.counts: Final[Counter[str]] = Counter()
        self._network: Final = network
        self._coin: Final = coin
        self._signer: Final = (
            None if key is None or nonces is None else Signer(key, nonces, network, vault)
        )
        self._tap: Final = tap
        self._offset: Final = Offset()
        self._rest: Final = Rest(network, self.clock, self.options, transport=transport)
        self._ledger: Final = AddressLedger()
        self._hearing: Final = Hearing(self.options.hold_ms * MILLISECOND)
        self._inbox: Final[deque[Received]] = deque()
        self._arrived: Final = asyncio.Event()
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._failure: BaseException | None = None
        self._parts: _Parts | None = None
        self._has_opened = False
        self._capabilities: Final = Capabilities(
            expires=self.options.fence is not Fence.NONE, batch_max=ITEMS_MAX
        )

    # Opening and closing.

    async def open(self) -> None:
        """Look up the market, compare clocks, subscribe; raises VenueError where that fails."""
        try:
            asset = await self._find_asset()
            self._parts = parts = self._make_parts(asset)
            for _ in range(PROBES):
                await self._probe()
            if self.account is not None:
                await self._ask_limits()
            since_ms = self._offset.theirs(self.clock.now()) // MILLISECOND
            stream = parts.stream = self._make_stream(self._make_listener(parts, since_ms))
            await stream.open()
            self._has_opened = True
        finally:
            if not self._has_opened:
                await self._rest.close()
        self._start(self._keep_up(stream))

    async def _find_asset(self) -> Asset:
        dex = dex_of(self._coin)
        dexes = await self._rest.ask(PerpDexs()) if dex else (None,)
        try:
            # Asked first: `meta` of a dex that is none is refused without a word.
            dex_index(dex, dexes)
            return find_asset(self._coin, await self._rest.ask(GetMeta(dex)), dexes)
        except ValueError as error:
            raise VenueError(str(error)) from error

    def _make_parts(self, asset: Asset) -> "_Parts":
        sight = Sight(self._coin, asset.instrument, self._offset, tap=self._tap)
        codec = Codec(asset, cloids=self.options.cloids, on_unmapped=_on_unmapped)
        parts = _Parts(asset, codec, sight, self._sender(codec))
        if parts.sender is not None:
            span = seconds(self.options.keep_alive_s)
            parts.switch = Switch(parts.sender.act, self._offset, span)
        if self.account is not None:
            parts.looker = Looker(
                self.account,
                codec,
                self._rest,
                self.clock,
                self._offset,
                sight,
                self.options,
                say=self._say,
                counts=self.counts,
            )
        return parts

    def _make_listener(self, parts: "_Parts", since_ms: int) -> Listener:
        return Listener(
            self.account,
            parts.codec,
            parts.sight,
            self._offset,
            self._hearing,
            since_ms=since_ms,
            hold_s=self.options.hold_ms / 1000,
            say=self._say,
            now=self.clock.now,
        )

    def _make_stream(self, listener: Listener) -> Stream:
        return Stream(
            self._network,
            feeds_of(self._coin, self.account, fast_book=self.options.fast_book),
            self.clock,
            self.options,
            heard=listener.hear,
            on_lost=self._on_lost,
            on_ready=self._on_ready,
        )

    def _sender(self, codec: Codec) -> Sender | None:
        if self._signer is None:
            return None
        return Sender(
            self._signer,
            codec,
            self._rest,
            self.clock,
            self._offset,
            self._ledger,
            self.options,
            answer=self._answer,
            counts=self.counts,
        )

    async def close(self) -> None:
        """Wait for answers that are under way, and hang up; what rests stays.

        What has come until then can still be polled.
        """
        sends = [task for task in self._tasks if task.get_name() == _SEND]
        await settle_all(sends, self.options.action_timeout_s + 1)
        await settle_all(self._tasks, 0)
        if self._parts is not None and self._parts.stream is not None:
            await self._parts.stream.close()
        await self._rest.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # The contract.

    @property
    def asset(self) -> Asset:
        """The market as the venue lists it; known once it is open."""
        return self._open_parts().asset

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules; known once it is open."""
        return self.asset.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self._capabilities

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:  # noqa: ARG002 - ours is it
        """Start to send commands; their answers come by `poll`."""
        parts = self._open_parts()
        requests = [c for c in commands if not isinstance(c, QueryOrder | QueryOpen)]
        if requests:
            self._hearing.sent(requests)
            if parts.sender is None:
                for request in requests:
                    self._answer(request, NoAnswer(request, Outcome.NOT_SENT))
            else:
                for batch, nonce in parts.sender.batches(requests):
                    self._start(parts.sender.send(batch, nonce), _SEND)
        for command in commands:
            if isinstance(command, QueryOrder | QueryOpen) and parts.looker is not None:
                if len(self._tasks) < TASKS_MAX:
                    self._start(parts.looker.look(command))
                else:
                    # Nothing gets through for long: who asked asks again.
                    self.counts["looks not taken"] += 1

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us up to `now` and was not returned yet, in order of arrival.

        Raises what a task of ours has failed with: that is no fault of the venue.
        """
        if self._failure is not None:
            raise self._failure
        inbox = self._inbox
        received: list[Received] = []
        while inbox and inbox[0].at <= now:
            received.append(inbox.popleft())
        if not inbox:
            self._arrived.clear()
        return received

    async def wait(self, timeout_s: float) -> bool:
        """Wait until there is something to poll; False if nothing has come in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def market(self, now: Nanos) -> Market:  # noqa: ARG002 - it is what has been seen
        """Return the book of others as it was last shown."""
        return self._open_parts().sight.market()

    def seen(self, now: Nanos) -> list[Row]:  # noqa: ARG002 - the same
        """Return the rows that have come since the last call; their times are by our clock."""
        return self._open_parts().sight.seen()

    # Beyond it.

    @property
    def allowance(self) -> Allowance | None:
        """The account's requests, used and allowed; None where they are not known."""
        return self._ledger.allowance

    def health(self) -> Health:
        """Return how the venue is doing."""
        parts, now = self._open_parts(), self.clock.now()
        switch, stream = parts.switch, parts.stream
        assert stream is not None, "the venue must have been opened"
        return Health(
            is_connected=stream.is_ready,
            connections=stream.connections,
            silent=now - stream.heard_at,
            clock=self._offset.bounds,
            ip_weight_used=self._rest.ledger.used(now),
            ip_weight_max=self._rest.ledger.weight_max,
            allowance=self.allowance,
            fatal="" if parts.sender is None else parts.sender.fatal,
            switch_until=0 if switch is None else switch.armed_until,
            switch_refused="" if switch is None else switch.refused,
            counts=dict(self.counts) | {"unmapped": parts.codec.unmapped},
        )

    def keep_alive(self, now: Nanos) -> None:
        """Say that all is well: the venue shall cancel everything `keep_alive_s` from now.

        To be called in every round of a healthy loop; it sends what is needed. Without
        `keep_alive_s` it does nothing.
        """
        switch, until = self._open_parts().switch, now + seconds(self.options.keep_alive_s)
        if switch is not None and switch.is_due(until):
            self._start(switch.arm(until), _SEND)

    async def disarm(self) -> None:
        """Have the venue cancel nothing by itself, after everything was withdrawn."""
        switch = self._open_parts().switch
        if switch is not None:
            await switch.disarm()

    async def ask(self, question: Any) -> Any:
        """Ask the venue anything (`wire_info`); raises VenueError."""
        return await self._rest.ask(question)

    # Tasks.

    def _open_parts(self) -> "_Parts":
        assert self._parts is not None, "the venue must have been opened"
        return self._parts

    def _start(self, work: Coroutine[Any, Any, None], name: str | None = None) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self._arrived.set()

    async def _keep_up(self, stream: Stream) -> None:
        """Ask again, now and then, for what changes slowly; and see that the stream goes on."""
        task = stream.task
        assert task is not None, "the stream was opened"
        while True:
            await asyncio.wait((task,), timeout=self.options.limits_s)
            if task.done():
                # It ends by an error of ours alone.
                task.result()
                return
            try:
                await self._probe()
                if self.account is not None:
                    await self._ask_limits()
            except VenueError as error:
                self.counts["limits not told"] += 1
                log.warning("the account's limits are not known: %s", error)

    async def _probe(self) -> None:
        """Compare clocks by a book, and take the book."""
        asked = self.clock.now()
        book: L2Book | None = await self._rest.ask(GetL2Book(self._coin))
        heard = self.clock.now()
        if book is None:
            raise VenueError(f"a coin must have a book, was {self._coin}")
        self._offset.answered(asked, book.time, heard)
        if not self._has_opened:
            self._open_parts().sight.on_book(book, heard)

    async def _ask_limits(self) -> None:
        assert self.account is not None, "only an account has limits"
        before = self._ledger.since
        limit = await self._rest.ask(GetUserRateLimit(self.account))
        self._ledger.told(limit, sent_since=self._ledger.since - before)

    # What comes.

    def _say(self, said: Report | NoAnswer) -> None:
        self._inbox.append(Received(self.clock.now(), said))
        self._arrived.set()

    def _answer(self, command: Request | None, said: Answer) -> None:
        """Take what became of a command."""
        told = [said] if command is None else self._hearing.answered(command, said)
        for one in told:
            self._say(one)

    def _on_lost(self, why: str) -> None:
        log.warning("the stream is lost: %s", why)
        self.counts["stream lost"] += 1
        self._open_parts().sight.lost()
        self._say(Disconnected(self.clock.now()))

    def _on_ready(self) -> None:
        # The first time nothing was lost that anybody had begun to listen to.
        if self._has_opened:
            self._say(Reconnected(self.clock.now()))


class _Parts:
    """What is made when the market is known."""

    __slots__ = ("asset", "codec", "looker", "sender", "sight", "stream", "switch")

    def __init__(self, asset: Asset, codec: Codec, sight: Sight, sender: Sender | None) -> None:
        self.asset: Final = asset
        self.codec: Final = codec
        self.sight: Final = sight
        self.sender: Final = sender
        self.looker: Looker | None = None
        self.switch: Switch | None = None
        self.stream: Stream | None = None


def _on_unmapped(unmapped: Unmapped) -> None:
    log.warning("not understood, said about %s: %s", unmapped.where, unmapped.text)


_SEND: Final = "hyperliquid send"
