"""Any venue in four functions: `open_orders`, `place`, `modify`, `cancel`, sync or async.

    def open_orders() -> Iterable[Resting | dict]      all of ours that rests
    def place(order: Ticket) -> str | int | None       the venue's id of the new order
    def modify(order: Ticket) -> str | int | None      its id from now on; None: as before
    def cancel(order: Named) -> bool | None            False: it was not there any more

and, where there are such: `fills(since_s: float) -> Iterable[Filled | dict]`, every execution since
a time, in seconds since 1970, and `order(order: Named) -> Found | dict | None`, what became of
one, None where the venue has never heard of it.

**What is made of an answer.** What returns is accepted. `Refused` is refused, `NotSent` never left:
these are definite. Any other exception, a timeout above all, is unknown: the order is in doubt, and
no other takes its place until a look at the venue has shown what became of it. A `place` that
returns None has named no order, and is unknown as well.

**How certain it is.** Calls are made one at a time, in their order, so that a look is never taken
while a request is under way. An order that two looks lack is gone, and so is one in doubt that two
looks lack after its request's expiry (`timing.request_timeout_s`): give your functions a timeout
that is shorter. Where rows carry our `cloid`, an order in doubt is found by that. Where they do
not, it is found by side, price and size among the rows that were not there before, which is
evidence and no proof: nobody should place the same by hand. Without `fills` (or calls of `heard`)
what has filled is seen by what is left of an order, and an order that is gone may have been filled
or cancelled: nothing else is lost by that, but the position stays 0, and there is no exposure cap.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder, Request
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Modified,
    ModifyRejected,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MINUTE, SECOND, Nanos, seconds
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import Alive, CancelReason, Oid, Status
from lifecycle.caught import Caught
from lifecycle.config import Config
from lifecycle.core.order import Order
from lifecycle.dropin.calls import NotSent, Refused, Worker, outcome_of
from lifecycle.dropin.clock import Clock, Clocked
from lifecycle.dropin.given import check_functions, check_is, check_seconds
from lifecycle.dropin.names import Names
from lifecycle.dropin.rows import (
    Filled,
    Found,
    Named,
    Resting,
    Ticket,
    read_fill,
    read_found,
    read_row,
    read_touch,
    ticket_of,
)
from lifecycle.dropin.wanted import Number

log = logging.getLogger(__name__)

__all__ = ["CallbackVenue", "Filled", "Found", "Named", "NotSent", "Refused", "Resting", "Ticket"]

Function: TypeAlias = Callable[..., Any]

BY_CALLS: Final = Capabilities(expires=False, cancel_by_cloid=False, batch_max=1)
"""What is assumed of a venue: a modify is a cancel and a place in one, and may lose both."""

FINISH_S: Final = 5.0
"""How long a call that is under way is waited for at the end."""
LOOKS_LOST: Final = 3
"""So many looks that fail in a row are a broken connection."""
OVERLAP: Final = MINUTE
"""So much earlier than the last look are fills asked for: the venue may tell them late."""


class CallbackVenue:
    """A live venue behind functions; see the module for what they take and return."""

    def __init__(
        self,
        instrument: Instrument,
        *,
        open_orders: Function,
        place: Function,
        modify: Function | None,
        cancel: Function,
        fills: Function | Literal["heard"] | None = None,
        order: Function | None = None,
        touch: Callable[[], tuple[Number | None, Number | None] | None] | None = None,
        capabilities: Capabilities = BY_CALLS,
        poll_s: float = 5.0,
        lag_s: float = 0.5,
        threads: bool = True,
        clock: Clocked | None = None,
    ) -> None:
        """Take the functions; none is called before a quoter is connected.

        `modify` None: orders are cancelled and placed again. `fills` is a function, or "heard"
        where `heard` is told of each. `touch` returns best bid and ask as they are seen now, and
        must return at once; without it no collar is held, and nothing is known that a post-only
        price might cross. Each `poll_s` the venue is looked at, `lag_s` after that is decided: so
        far what it shows may lag behind. `threads`: functions that are not async are called in a
        thread of their own, one at a time; otherwise in the loop, which waits for them. Raises
        TypeError for what cannot be called so, and for what is no instrument.
        """
        check_functions(open_orders=open_orders, place=place, cancel=cancel)
        given = {"modify": modify, "order": order, "touch": touch}
        check_functions(**{name: one for name, one in given.items() if one is not None})
        if not (fills is None or fills == "heard" or callable(fills)):
            raise TypeError(f'fills must be a function, "heard" or None, was {fills!r}')
        check_is("capabilities", capabilities, Capabilities, "Capabilities", or_none=False)
        check_is("clock", clock, Clocked, "a Clock, which has now()")
        check_seconds("poll_s", poll_s, is_positive=True)
        check_seconds("lag_s", lag_s)
        if inspect.iscoroutinefunction(touch):
            raise TypeError("touch must return at once, was async: return what was heard last")
        if not isinstance(instrument, Instrument):
            raise TypeError(f"instrument must be an Instrument, was {instrument!r}")
        self.instrument: Final = instrument
        self.capabilities: Final = capabilities
        self.clock: Final = Clock() if clock is None else clock
        self.trouble = ""
        """What went wrong last, empty where nothing did."""
        self._touch_trouble = ""
        self._open_orders: Final = open_orders
        self._place: Final = place
        self._modify: Final = modify
        self._cancel: Final = cancel
        self._fills: Final = fills if callable(fills) else None
        self._tells_fills: Final = fills is not None
        self._order: Final = order
        self._touch: Final = touch
        self._poll: Final = seconds(poll_s)
        self._lag_s: Final = lag_s
        self._threads: Final = threads
        self._worker: Worker | None = None
        self._queue: Final[deque[Command]] = deque()
        self._inbox: Final[deque[Received]] = deque()
        self._names: Final = Names()
        self._arrived: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._looked_at: Nanos = 0
        self._opened_at: Final[Nanos] = self.clock.now()
        self._failed = 0
        """Looks in a row."""

    def configure(self, config: Config) -> Config:
        """Return the configuration without what these functions cannot do.

        Raises ValueError where an exposure cap is set and no fills are told.
        """
        if config.risk.exposure_cap is not None and not self._tells_fills:
            raise ValueError(
                "risk.exposure_cap must not be set where no fills are told: give fills=…, or "
                'fills="heard" and call heard'
            )
        if self._modify is None:
            config = replace(config, modify=replace(config.modify, enabled=False))
        if self._touch is None:
            config = replace(config, risk=replace(config.risk, collar_bps=None))
        return config

    def restored(self, orders: Iterable[Order]) -> None:
        """Learn of the orders of a journal: what became of those in doubt is to be seen."""
        self._names.restored(tuple(orders), self.clock.now())

    # The contract.

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:  # noqa: ARG002 - ours is it
        """Start to call; what comes of it is told by `poll`."""
        if self._arrived is None:
            self._arrived = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            self._worker = Worker("venue calls") if self._threads else None
        self._queue.extend(commands)
        self._start()

    def poll(self, now: Nanos) -> list[Received]:
        """Return what has reached us up to `now` and was not returned yet."""
        work = self._work
        if work is not None and work.done():
            work.result()
        received = []
        while self._inbox and self._inbox[0].at <= now:
            received.append(self._inbox.popleft())
        if not self._inbox and self._arrived is not None:
            self._arrived.clear()
        return received

    async def wait(self, timeout_s: float) -> bool:
        """Wait until there is something to poll; looks are taken meanwhile."""
        assert self._arrived is not None, "a quoter asks before it waits"
        if self.clock.now() >= self._looked_at + self._poll:
            self._looked_at = self.clock.now()
            self._queue.append(QueryOpen(0, 0))
            self._start()
        speed = getattr(self.clock, "speed", 1.0)
        try:
            async with asyncio.timeout(timeout_s / speed):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def market(self, now: Nanos) -> Market:
        """Return the touch as the bot sees it, nothing where it does not tell or has failed to."""
        bid = ask = None
        if self._touch is not None:
            call = Caught()
            with call:
                bid, ask = read_touch(self._touch(), self.instrument)
            trouble = "" if call.error is None else f"touch: {call.error!r}"
            if trouble not in {"", self._touch_trouble}:
                self.trouble = trouble
                log.warning("no book is known, %s", trouble)
            self._touch_trouble = trouble
        return Market(now, bid, ask)

    def seen(self, now: Nanos) -> list[Row]:  # noqa: ARG002 - there are none
        """Return no rows: they are the bot's affair."""
        return []

    def heard(self, fill: object) -> None:
        """Learn of a fill, a `Filled` or a mapping like it; from any thread, once or more often."""
        told = read_fill(fill, self.instrument, self.clock.now())
        if self._loop is None:
            raise ValueError("a fill must be told to a venue that is connected, was before")
        self._loop.call_soon_threadsafe(self._say, told)

    async def finish(self) -> None:
        """Wait for the call that is under way; only cancels follow it."""
        # Nobody waits for the answers, but what is to go shall go.
        cancels = [command for command in self._queue if isinstance(command, Cancel)]
        self._queue.clear()
        self._queue.extend(cancels)
        if self._work is not None:
            _, late = await asyncio.wait((self._work,), timeout=FINISH_S)
            if late:
                self._queue.clear()
                log.error("a call of the venue has not returned in %g s, and is left", FINISH_S)
                self._work.cancel()
                await asyncio.wait((self._work,), timeout=1)
        if self._worker is not None:
            self._worker.close()
        self._arrived = self._loop = self._work = self._worker = None

    # Calls, one after the other.

    def _start(self) -> None:
        if self._work is None or self._work.done():
            if self._work is not None:
                self._work.result()
            self._work = asyncio.create_task(self._drain(), name="venue calls")

    async def _drain(self) -> None:
        queue = self._queue
        while queue:
            command = queue.popleft()
            if isinstance(command, QueryOrder) and self._order is not None:
                await self._ask(command)
            elif isinstance(command, QueryOrder | QueryOpen):
                await self._look(self._together(command))
            else:
                await self._send(command)

    def _together(self, query: QueryOpen | QueryOrder) -> QueryOpen:
        """Return one question for all that are asked in a row: one look answers them."""
        queue, request = self._queue, query.request
        since = query.fills_since if isinstance(query, QueryOpen) else 0
        while queue and isinstance(queue[0], QueryOpen | QueryOrder):
            if isinstance(queue[0], QueryOrder) and self._order is not None:
                break
            other = queue.popleft()
            request = max(request, other.request)
            if isinstance(other, QueryOpen):
                since = min(since, other.fills_since) or max(since, other.fills_since)
        return QueryOpen(request, since)

    async def _send(self, command: Request) -> None:
        if 0 < command.expires_at <= self.clock.now():
            self._unknown(command, NotSent("it has expired while others were under way"))
            return
        order = ticket_of(command, self.instrument)
        function = {Place: self._place, Modify: self._modify, Cancel: self._cancel}[type(command)]
        assert function is not None, "modifies are off where there is no function for them"
        self._names.sending(command, self.clock.now())
        answer, error = await self._call(function, order)
        now = self.clock.now()
        if isinstance(error, Refused):
            self._names.settled(command, None)
            self._say(_refused(command, error, now))
        elif error is not None:
            self._unknown(command, error)
        else:
            self._took(command, answer, now)

    def _took(self, command: Request, answer: object, now: Nanos) -> None:
        if isinstance(command, Cancel):
            if answer is False:
                self._say(CancelRejected(now, command.cloid, "too late", command.request))
            else:
                gone = (command.cloid, command.oid, CancelReason.USER, command.request)
                self._say(Cancelled(now, *gone))
            return
        as_before = command.oid if isinstance(command, Modify) and answer is None else None
        oid = _oid_of(answer) or as_before
        if oid is None:
            # To take something else for an id, or for "as before", would be to lose the order.
            what = type(command).__name__.lower()
            self._unknown(command, ValueError(f"{what} must return the order's id, was {answer!r}"))
            return
        self._names.settled(command, oid)
        request = command.request
        if isinstance(command, Place):
            self._say(Accepted(now, command.cloid, oid, request))
        else:
            self._say(Modified(now, command.cloid, oid, command.qty, command.price, request))

    def _unknown(self, command: Request, error: BaseException) -> None:
        outcome = outcome_of(error)
        self.trouble = f"{type(command).__name__.lower()}: {error!r}"
        log.warning("%s %s: %s, %r", type(command).__name__, command.cloid, outcome, error)
        if isinstance(error, NotSent):
            self._names.settled(command, None)
        self._say(NoAnswer(command, outcome))

    # Looks.

    async def _look(self, query: QueryOpen) -> None:
        """Look at all open orders, and at what has filled; evidence for when it was asked for."""
        asked = self._looked_at = self.clock.now()
        await asyncio.sleep(self._lag_s / getattr(self.clock, "speed", 1.0))
        rows, error = await self._call(self._open_orders)
        if error is None and self._fills is not None:
            since = query.fills_since or self._names.looked_at or self._opened_at
            told, error = await self._call(self._fills, max(0, since - OVERLAP) / SECOND)
        else:
            told = ()
        if error is None:
            error = await self._tell_look(rows, told, asked, query.request)
        if error is not None:
            self._lost(error)

    async def _tell_look(self, rows: object, told: object, asked: Nanos, request: int) -> Any:
        """Tell what a look has shown; returns why it could not be read, None where it was."""

        async def read() -> Snapshot:
            return self._snapshot(rows, told, asked, request)

        # What cannot be read is a look that has failed: half a list would prove orders gone.
        snapshot, error = await self._call(read)
        if error is None:
            if self._failed >= LOOKS_LOST:
                self._say(Reconnected(self.clock.now()))
            self._failed = 0
            self._say(snapshot)
        return error

    def _snapshot(self, rows: Any, told: Any, asked: Nanos, request: int) -> Snapshot:
        if rows is None:
            raise TypeError("open_orders must return what rests, [] if nothing does, was None")
        listed = [read_row(row, self.instrument) for row in rows]
        fills = tuple(read_fill(one, self.instrument, asked) for one in told)
        return Snapshot(asked, self._names.named(listed, asked), fills, request)

    def _lost(self, error: BaseException) -> None:
        self._failed += 1
        self.trouble = f"open orders or fills: {error!r}"
        log.warning("a look at the venue has failed: %r", error, exc_info=error)
        if self._failed == LOOKS_LOST:
            self._say(Disconnected(self.clock.now()))

    async def _ask(self, query: QueryOrder) -> None:
        assert self._order is not None, "only where there is a function for it"
        asked = self.clock.now()
        await asyncio.sleep(self._lag_s / getattr(self.clock, "speed", 1.0))
        answer, error = await self._call(self._order, ticket_of(query, self.instrument))

        async def read() -> OrderStatus:
            return self._status(query, answer, asked)

        status, error = (None, error) if error is not None else await self._call(read)
        if status is not None:
            self._say(status)
            return
        self.trouble = f"order: {error!r}"
        log.warning("a question about %s has failed: %r", query.cloid, error, exc_info=error)

    def _status(self, query: QueryOrder, answer: object, asked: Nanos) -> OrderStatus:
        if answer is None:
            return OrderStatus(asked, query.cloid, Status.UNKNOWN_ORDER, request=query.request)
        status, filled, oid = read_found(answer, self.instrument)
        return OrderStatus(asked, query.cloid, status, filled, oid or query.oid, query.request)

    # Inside.

    async def _call(self, function: Function, *arguments: object) -> tuple[Any, Any]:
        """Call, and return the result and what was raised instead of it, one of them None."""
        task = asyncio.ensure_future(self._invoke(function, arguments))
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            return None, asyncio.CancelledError("the function has cancelled itself")
        error = task.exception()
        return (None, error) if error is not None else (task.result(), None)

    async def _invoke(self, function: Function, arguments: tuple[object, ...]) -> Any:
        if self._worker is None or inspect.iscoroutinefunction(function):
            answer = function(*arguments)
        else:
            answer = await asyncio.wrap_future(self._worker.call(function, *arguments))
        return await answer if inspect.isawaitable(answer) else answer

    def _say(self, said: Report | NoAnswer) -> None:
        self._inbox.append(Received(self.clock.now(), said))
        assert self._arrived is not None, "nothing is said before anything was asked"
        self._arrived.set()


def _refused(command: Request, refusal: Refused, now: Nanos) -> Report:
    what = (now, command.cloid, refusal.reason)
    if isinstance(command, Place):
        return Rejected(*what, command.request)
    if isinstance(command, Cancel):
        return CancelRejected(*what, command.request)
    alive = {None: Alive.UNKNOWN, True: Alive.YES, False: Alive.NO}[refusal.rests]
    return ModifyRejected(*what, alive, command.request)


def _oid_of(answer: object) -> Oid | None:
    """Return the id in what a function has returned: itself, or in a mapping."""
    if isinstance(answer, Mapping):
        answer = next((answer[key] for key in ("oid", "id") if key in answer), None)
    is_id = isinstance(answer, str | int) and not isinstance(answer, bool) and answer != ""
    return str(answer) if is_id else None
