"""ccxt as a live venue: one market of one exchange of `ccxt.async_support`, or of `ccxt.pro`.

    exchange = ccxt.pro.okx({"apiKey": …, "secret": …, "password": …})
    async with CcxtVenue(exchange, "ETH/USDT:USDT") as venue, connect(venue) as quoter: …

What ccxt can watch is watched (`ccxt.pro`: the book, orders, fills), the rest is asked for every
`poll_s`; open orders and fills are asked for now and then in any case. What a venue means by its
calls is in `ccxt_dialects`, as is what each exception proves; what ccxt's structures say is read in
`ccxt_reading`, requests go out in `ccxt_sending`. This module joins them.

**What is made of an answer.** A venue whose answer proves that something is done is believed. Of
one that says only that a request was received, the order is asked about until it shows what was
asked for; where it does not in time, the outcome is unknown, and the order manager asks further.
An exception is a refusal where its class says so, and an unknown outcome otherwise.

**What it does not do.** It neither makes nor closes the exchange object, which may be used beside
it, and sends one order a call: a batch that ends in an exception says nothing of its members.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Final, Self

from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder, Request
from exchange.hyperliquid.clock import Offset
from exchange.hyperliquid.hearing import Hearing
from exchange.hyperliquid.sight import Sight
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.reports import (
    Accepted,
    Cancelled,
    Disconnected,
    Fill,
    Limited,
    Modified,
    OpenOrder,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MILLISECOND, SECOND, Nanos, seconds
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import CancelReason, Cloid, Oid, Status
from lifecycle.caught import Caught
from lifecycle.config import Config
from lifecycle.dropin.ccxt_dialects import Dialect, dialect_of, proof_of
from lifecycle.dropin.ccxt_reading import ENDED, LEVELS, Reader, Told
from lifecycle.dropin.ccxt_sending import Sender
from lifecycle.dropin.clock import Clock, Clocked

log = logging.getLogger(__name__)

HOLD: Final = 300 * MILLISECOND
"""How long what is pushed of an order waits for the answer to a request about the same."""
OVERLAP_S: Final = 10.0
"""By how much questions for fills reach back further than they need to."""
BACKOFF_S: Final = 1.0
BACKOFF_S_MAX: Final = 20.0
LOOKS_LOST: Final = 3
"""So many looks that fail in a row are a broken connection."""
WATCHED: Final = 5
"""By how many times more seldom is asked for what is watched as well."""
NAMES_MAX: Final = 20_000


class CcxtVenue:
    """One market of one ccxt exchange; `async with` opens and closes it, but not the exchange."""

    def __init__(
        self,
        exchange: Any,
        symbol: str,
        *,
        dialect: Dialect | None = None,
        poll_s: float = 5.0,
        book_s: float = 1.0,
        lag_s: float = 0.5,
        timeout_s: float = 5.0,
        streams: bool = True,
        clock: Clocked | None = None,
    ) -> None:
        """Ask nothing yet.

        `symbol` is ccxt's ("ETH/USDC:USDC"). `dialect` is the venue's row, by default by the
        exchange's id; one that is in no row is never modified. Open orders and fills are asked for
        each `poll_s`, the book each `book_s`, unless they are watched; `streams` False watches
        nothing. `lag_s` is how far what the venue shows may be behind what it has done. A call is
        given up after `timeout_s`: less than `timing.request_timeout_s` tells more. Raises
        TypeError for an exchange of plain `ccxt`, whose calls block.
        """
        if not iscoroutinefunction(getattr(exchange, "load_markets", None)):
            was = f"{type(exchange).__module__}.{type(exchange).__name__}"
            raise TypeError(f"exchange must be of ccxt.pro or ccxt.async_support, was {was}")
        self.dialect: Final = dialect_of(exchange.id) if dialect is None else dialect
        self.clock: Final[Clocked] = Clock() if clock is None else clock
        self.counts: Final[Counter[str]] = Counter()
        """What went otherwise than it should, and how often."""
        self.trouble = ""
        """What went wrong last, empty where nothing did."""
        self._exchange: Final = exchange
        self._symbol: Final = symbol
        self._poll_s: Final = poll_s
        self._book_s: Final = book_s
        self._lag_s: Final = lag_s
        self._timeout_s: Final = timeout_s
        self._streams: Final = streams
        self._inbox: Final[deque[Received]] = deque()
        self._arrived: Final = asyncio.Event()
        self._hearing: Final = Hearing(HOLD)
        self._names: Final[dict[Oid, Cloid]] = {}
        self._asked_away: Final[dict[Oid, None]] = {}
        """Legs that a cancel or a modify of ours was to end."""
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._failure: BaseException | None = None
        self._failed = 0
        """Looks in a row."""
        self._opened_at: Nanos = 0
        self._fills_at: Nanos = 0
        """Up to when fills have been asked for."""
        self._reader: Reader
        """Made when the venue is opened, as the next two are."""
        self._sight: Sight
        self._sender: Sender

    async def open(self) -> None:
        """Load the market, and begin to watch or to ask; raises what ccxt raises.

        That is AuthenticationError where a credential is missing, BadSymbol for a market that is
        not there. Raises ValueError where it is not linear, or the venue lacks what is needed.
        """
        exchange, has = self._exchange, self._exchange.has
        for needed in ("createOrder", "cancelOrder", "fetchOpenOrders", "fetchMyTrades"):
            if not has.get(needed):
                raise ValueError(f"{exchange.id} must have {needed}, has not")
        exchange.check_required_credentials()
        await exchange.load_markets()
        market = exchange.market(self._symbol)
        self._reader = Reader(self.dialect, market, exchange.precisionMode)
        self._sight = Sight(self._reader.symbol, self._reader.instrument, Offset())
        self._sender = Sender(
            exchange,
            self._reader,
            self.dialect,
            self.clock,
            timeout_s=self._timeout_s,
            lag_s=self._lag_s,
            answer=self._answer,
            limited=lambda: self._say(Limited(self.clock.now())),
            counts=self.counts,
        )
        self._opened_at = self._fills_at = self.clock.now()
        # One book before anyone decides anything.
        self._on_book(await exchange.fetch_order_book(self._symbol, LEVELS))
        symbol = self._symbol
        if self._can_watch("watchOrderBook"):
            self._start(self._watch(lambda: exchange.watch_order_book(symbol), self._on_book))
        else:
            self._start(self._ask_books())
        watches = self._can_watch("watchOrders") and self._can_watch("watchMyTrades")
        if watches:
            self._start(self._watch(lambda: exchange.watch_orders(symbol), self._on_orders))
            self._start(self._watch(lambda: exchange.watch_my_trades(symbol), self._on_trades))
        self._start(self._look_again(self._poll_s * (WATCHED if watches else 1)))

    def _can_watch(self, what: str) -> bool:
        return self._streams and bool(self._exchange.has.get(what))

    async def close(self) -> None:
        """Stop watching and asking; what rests stays, and the exchange stays open.

        Requests under way are waited for.
        """
        sends = [task for task in self._tasks if task.get_name() == _SEND]
        if sends:
            await asyncio.wait(sends, timeout=self._timeout_s)
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

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
    def instrument(self) -> Instrument:
        """The market's units and rules, as ccxt has loaded them.

        Raises RuntimeError before it is open.
        """
        if not hasattr(self, "_reader"):
            raise RuntimeError("the venue must be open: async with CcxtVenue(…) as venue")
        return self._reader.instrument

    @property
    def capabilities(self) -> Capabilities:
        """How this venue's requests behave."""
        return self.dialect.capabilities

    def configure(self, config: Config) -> Config:
        """Return the configuration without modifies, where the venue has none that we know."""
        if self.dialect.modifies:
            return config
        return replace(config, modify=replace(config.modify, enabled=False))

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:  # noqa: ARG002 - ours is it
        """Begin to send, cancels first; what comes of it is told by `poll`."""
        requests = [one for one in commands if not isinstance(one, QueryOrder | QueryOpen)]
        requests.sort(key=lambda one: not isinstance(one, Cancel))
        self._hearing.sent(requests)
        for request in requests:
            if not isinstance(request, Place) and request.oid is not None:
                self._remember(self._asked_away, request.oid, None)
            self._start(self._sender.send(request), _SEND)
        for command in commands:
            if isinstance(command, QueryOpen):
                since = command.fills_since if command.fills_since > 0 else self._opened_at
                self._start(self._look(command.request, since))
            elif isinstance(command, QueryOrder):
                self._start(self._ask(command))

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us up to `now` and was not returned yet.

        Raises what a task of ours has failed with: that is no fault of the venue.
        """
        if self._failure is not None:
            raise self._failure
        received = []
        while self._inbox and self._inbox[0].at <= now:
            received.append(self._inbox.popleft())
        if not self._inbox:
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
        return self._sight.market()

    def seen(self, now: Nanos) -> list[Row]:  # noqa: ARG002 - the same
        """Return the rows that have come since the last call."""
        return self._sight.seen()

    # What requests come to.

    def _answer(self, command: Request, said: Report | NoAnswer) -> None:
        sight = self._sight
        if isinstance(said, Accepted | Modified) and not isinstance(command, Cancel):
            self._remember(self._names, said.oid, command.cloid)
            if isinstance(command, Modify) and command.oid is not None:
                sight.gone(command.oid)
            sight.rest(said.oid, command.cloid, command.side, command.price, command.qty)
        elif isinstance(said, Cancelled) and said.oid is not None:
            sight.gone(said.oid)
        for one in self._hearing.answered(command, said):
            self._say(one)

    def _say(self, said: Report | NoAnswer) -> None:
        self._inbox.append(Received(self.clock.now(), said))
        self._arrived.set()

    def _push(self, report: Report) -> None:
        for one in self._hearing.pushed(report, self.clock.now()):
            if isinstance(one, Fill):
                self._sight.on_fill(one)
            self._say(one)
        if self._hearing.holds:
            asyncio.get_running_loop().call_later(HOLD / SECOND, self._release)

    def _release(self) -> None:
        for report in self._hearing.due(self.clock.now()):
            self._say(report)

    @staticmethod
    def _remember(memory: dict[Oid, Any], oid: Oid, what: object) -> None:
        memory[oid] = what
        if len(memory) > NAMES_MAX:
            del memory[next(iter(memory))]

    # Looks.

    async def _look(self, request: int, since: Nanos, lag_s: float | None = None) -> None:
        """Look at open orders, then at fills; evidence for a while before they are asked for."""
        lag_s = self._lag_s if lag_s is None else lag_s
        asked = self.clock.now()
        await asyncio.sleep(lag_s)
        changes = self._sight.changes
        since_ms = max(0, since - seconds(OVERLAP_S)) // MILLISECOND
        with Caught() as call:
            async with asyncio.timeout(2 * self._timeout_s):
                orders = await self._exchange.fetch_open_orders(self._symbol)
                trades = await self._exchange.fetch_my_trades(self._symbol, since_ms)
            rows = tuple(self._row(order) for order in orders)
            fills = tuple(fill for trade in trades if (fill := self._fill(trade)) is not None)
        if call.error is not None:
            self._lost(call.error)
            return
        if self._failed >= LOOKS_LOST:
            self._say(Reconnected(self.clock.now()))
        self._failed = 0
        self._fills_at = max(self._fills_at, asked)
        self._sight.on_open(rows, changes)
        for fill in fills:
            # Each is told once; whoever asked gets them all.
            self._push(fill)
        self._say(Snapshot(asked, rows, fills, request))

    def _row(self, order: Told) -> OpenOrder:
        oid = str(order.get("id"))
        cloid = self._reader.cloid(order) or self._names.get(oid)
        return self._reader.row(order, cloid)

    def _fill(self, trade: Told) -> Fill | None:
        fill = self._reader.fill(trade, self.clock.now())
        if fill is None or fill.cloid is not None:
            return fill
        return replace(fill, cloid=self._names.get(fill.oid))

    async def _look_again(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._look(0, self._fills_at)

    def _lost(self, error: Exception) -> None:
        self._failed += 1
        self.counts["looks failed"] += 1
        self.trouble = f"open orders or fills: {error!r}"
        log.warning("a look at the venue has failed: %r", error)
        if self._failed == LOOKS_LOST:
            self._say(Disconnected(self.clock.now()))

    async def _ask(self, query: QueryOrder) -> None:
        """Answer what became of one order."""
        asked = self.clock.now()
        await asyncio.sleep(self._lag_s)
        if query.oid is None and not self.dialect.ask_cloid:
            # Open orders and fills name it, where it was ever on the book.
            await self._look(0, self._opened_at, 0)
            return
        with Caught() as call:
            async with asyncio.timeout(self._timeout_s):
                told = await self._sender.ask(query.oid, query.cloid)
            found = self._reader.status(told)
        if call.error is not None:
            if proof_of(call.error).is_gone:
                unknown = (query.cloid, Status.UNKNOWN_ORDER)
                self._say(OrderStatus(asked, *unknown, request=query.request))
            else:
                self.counts["questions failed"] += 1
                log.warning("a question about %s has failed: %r", query.cloid, call.error)
            return
        if found is None:
            self.counts["unclear status"] += 1
            return
        status, filled = found
        oid = told.get("id") if status is not Status.REJECTED else None
        # What a leg has filled is not what its order has, where a modify makes a new leg.
        whole = filled if self.dialect.capabilities.modify_keeps_oid else None
        self._say(
            OrderStatus(
                asked, query.cloid, status, whole, None if oid is None else str(oid), query.request
            )
        )

    # What is pushed.

    async def _watch(
        self, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], None]
    ) -> None:
        """Take what is pushed, and begin again where that breaks."""
        backoff_s = BACKOFF_S
        while True:
            with Caught() as call:
                take(await watch())
                backoff_s = BACKOFF_S
            if call.error is None:
                continue
            self.counts["streams broken"] += 1
            self.trouble = f"stream: {call.error!r}"
            log.warning("a stream has broken: %r", call.error)
            self._sight.lost()
            self._say(Disconnected(self.clock.now()))
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)
            # ccxt does not say when it has subscribed again: looks show what was missed.
            self._say(Reconnected(self.clock.now()))

    async def _ask_books(self) -> None:
        while True:
            await asyncio.sleep(self._book_s)
            with Caught() as call:
                async with asyncio.timeout(self._timeout_s):
                    book = await self._exchange.fetch_order_book(self._symbol, LEVELS)
                self._on_book(book)
            if call.error is not None:
                self.counts["books failed"] += 1
                log.warning("the book could not be had: %r", call.error)

    def _on_book(self, book: Told) -> None:
        # By our clock: a venue's stamp is of when something changed, and nothing may for long.
        now = self.clock.now()
        self._sight.on_book(self._reader.book(book, now // MILLISECOND), now)

    def _on_orders(self, orders: Sequence[Told]) -> None:
        now = self.clock.now()
        for order in orders:
            status, oid = str(order.get("status")), order.get("id")
            if oid is None or order.get("symbol") not in (None, self._symbol):
                continue
            oid = str(oid)
            cloid = self._reader.cloid(order) or self._names.get(oid)
            if status == "open" and cloid is not None:
                self._remember(self._names, oid, cloid)
                self._push(Accepted(now, cloid, oid))
            elif status in ENDED:
                self._sight.gone(oid)
                reason = ENDED[status]
                if reason is CancelReason.USER and oid not in self._asked_away:
                    reason = CancelReason.VENUE
                self._push(Cancelled(now, cloid, oid, reason))
            elif status == "rejected" and cloid in self._hearing.placing and cloid is not None:
                self._push(Rejected(now, cloid, "rejected"))

    def _on_trades(self, trades: Sequence[Told]) -> None:
        for trade in trades:
            if (fill := self._fill(trade)) is not None:
                self._push(fill)

    # Tasks.

    def _start(self, what: Coroutine[Any, Any, None], name: str = "ccxt") -> None:
        task = asyncio.create_task(what, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self._arrived.set()


_SEND: Final = "ccxt send"
