"""One order manager at one live venue, for a bot that owns its loop: `await quoter.converge(…)`.

All that decides or sends is synchronous: a cycle is decided, journaled and handed to the venue
between two awaits, so that a task that is cancelled has either done all of it or nothing. A task in
the background hands over what the venue says, runs the timers and sends the questions that come of
it; whoever waits is woken by its rounds. Places, modifies and cancels leave in `converge` only,
with two exceptions, both of which take orders off the book and add none: a halt, and the silence of
a bot that has not converged for so long that its quotes are not worth believing any more.

Times told in seconds are by the venue's clock.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar, runtime_checkable

from exchange.commands import Cancel, Modify, Place, Request
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Fill
from exchange.units import MILLISECOND, SECOND, Nanos, seconds
from exchange.venue import LiveVenue, Received
from exchange.words import Cloid
from lifecycle.caught import Caught
from lifecycle.config import Config
from lifecycle.core.churn import Churn
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.drive.driver import NOTHING_WANTED, Driver
from lifecycle.drive.recovery import Recovery
from lifecycle.drive.switch import KillSwitch
from lifecycle.dropin.clock import Clocked
from lifecycle.dropin.converged import Converged, converged
from lifecycle.dropin.given import check_seconds
from lifecycle.dropin.volatility import Volatility
from lifecycle.dropin.wanted import Quote, targets_of
from lifecycle.journal.base import JournalError
from lifecycle.observe.observer import Observer
from spec.states import Phase
from spec.states import Request as Asked
from spec.trace import Plan, Targets

log = logging.getLogger(__name__)

_T = TypeVar("_T")

LOOK: Final = 200 * MILLISECOND
"""The longest that a round waits: how soon the kill switch is seen."""
PATIENCE_S: Final = 2.0
"""A venue whose `wait` does not come back is waited for no longer, by the loop's own time."""
FLUSH_S: Final = 2.0
"""How long what is left to send may take where the quoter has failed."""


class StoppedError(RuntimeError):
    """The quoter does not run: it was left, or something has failed, which is the cause."""


class NotReadyError(TimeoutError):
    """Record and venue did not come to agree in time; nothing was placed."""


class NotWithdrawnError(TimeoutError):
    """It was not proven in time that nothing of ours rests; look at the venue."""


@runtime_checkable
class KeptAlive(Protocol):
    """A venue with a dead man's switch."""

    def keep_alive(self, now: Nanos) -> None:
        """Say that all is well."""

    async def disarm(self) -> None:
        """Have the venue cancel nothing by itself any more."""


@runtime_checkable
class Troubled(Protocol):
    """A venue that can say what goes wrong."""

    @property
    def trouble(self) -> str:
        """What went wrong last, empty where nothing did."""


@runtime_checkable
class Told(Protocol):
    """A venue that can be told of fills."""

    def heard(self, fill: object) -> None:
        """Learn of a fill."""


class Quoter:
    """Keeps what rests at a venue to what a bot wants; made by `connect`."""

    def __init__(
        self,
        venue: LiveVenue,
        driver: Driver,
        config: Config,
        clock: Clocked,
        *,
        observer: Observer | None = None,
        switch: KillSwitch | None = None,
        recovery: Recovery | None = None,
        silence_s: float | None = None,
        trouble: Callable[[], str] = str,
    ) -> None:
        """Join a venue and the driver of a manager; nothing happens before `start`.

        `trouble` is what is asked for what went wrong last where the venue does not say.
        """
        self.venue: Final = venue
        self.config: Final = config
        self.recovery: Final = recovery
        """What was restored from the journal, None where nothing was."""
        self._driver: Final = driver
        self._clock: Final = clock
        self._observer: Final = observer
        self._switch: Final = switch
        self._silence: Final = None if silence_s is None else seconds(silence_s)
        self._trouble: Final = trouble
        self._churn: Final = Churn(config.churn)
        self._volatility: Final = Volatility(config.smoothing)
        self._turn: Final = asyncio.Lock()
        self._round_done: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._last: Nanos = max(clock.now(), driver.manager.now)
        self._converged_at: Nanos | None = None
        """When the bot last said what it wants; None: it wants nothing."""
        self._fills = 0
        """Heard since the last cycle."""

    # What a bot does with it.

    async def ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the venue has said what rests, and nothing is in doubt.

        Before that converges send nothing, and say so. Raises NotReadyError after `timeout_s`,
        StoppedError where the quoter does not run.
        """
        check_seconds("timeout_s", timeout_s)
        if not await self._until(lambda: self._driver.is_agreed, timeout_s):
            trouble = self.venue.trouble if isinstance(self.venue, Troubled) else ""
            trouble = trouble or self._trouble()
            what = "is in doubt" if not self.manager.is_blind else "the venue has not shown"
            raise NotReadyError(
                f"record and venue must agree within {timeout_s:g} s, but what rests {what}"
                + (f"; last trouble: {trouble}" if trouble else "")
            )

    async def converge(
        self, bids: Iterable[Quote], asks: Iterable[Quote], *, answered: bool = False
    ) -> Converged:
        """Decide one cycle, hand what it sends to the venue, and return what was decided and why.

        `bids` and `asks` are pairs of price and size in human units, or `Target`s, in any order;
        a side left empty is withdrawn. A float is rounded (`lifecycle.dropin.wanted`). With
        `answered` it waits until each request sent is answered, or in doubt for want of an answer.

        Converges run one after the other. One that is cancelled has sent everything or nothing;
        what it has sent is looked after all the same. Raises ValueError for quotes that cannot be
        (nothing has happened then), StoppedError where the quoter does not run.
        """
        targets = targets_of(self.instrument, bids, asks)
        async with self._turn:
            self._check()
            plan = self._cycle(targets)
            if answered:
                sent = [c for c in plan.commands if isinstance(c, Place | Modify | Cancel)]
                await self._until(lambda: not any(self._is_awaited(one) for one in sent))
            return converged(plan, self.instrument)

    async def pause(self, timeout_s: float) -> bool:
        """Wait until the next converge is due: so long, or until an order is gone by itself.

        True where a level has lost its order, as by a fill, at least `orders.refill_s` after the
        last converge. Raises StoppedError where the quoter does not run.
        """
        check_seconds("timeout_s", timeout_s)
        return await self._until(lambda: self._driver.is_to_refill(self._now()), timeout_s)

    async def withdraw(self, timeout_s: float = 30.0, why: str = "asked to withdraw") -> None:
        """Halt: take everything off the book, and wait for the proof that nothing of ours rests.

        That is a look at the venue that was asked for afterwards and found nothing. The cancels are
        handed over before the first await. No converge places anything from then on. Raises
        NotWithdrawnError where there is no proof after `timeout_s`, StoppedError as `ready`.
        """
        check_seconds("timeout_s", timeout_s)
        self.halt(why)
        if not await self._until(lambda: self.manager.nothing_rests, timeout_s):
            left = self.may_rest
            raise NotWithdrawnError(
                f"it must be proven within {timeout_s:g} s that nothing rests, was not"
                + (f": may still rest: {left}" if left else ": the venue has not shown it")
                + "; look at the venue, or start again with the same journal"
            )

    def halt(self, why: str) -> None:
        """Want nothing any more: hand over the cancels of all that rests, and place nothing.

        Raises StoppedError where the quoter does not run, or cannot go on.
        """
        self._check()
        if self.manager.is_halted:
            return
        call = Caught()
        with call:
            self._kept(lambda: self._driver.halt(self._now(), why))
            self._cycle(NOTHING_WANTED)
        if call.error is not None:
            self._fail(call.error)
            self._check()

    def heard(self, fill: object) -> None:
        """Hand over a fill that the bot has heard of, as the venue's `heard` takes it.

        Raises TypeError where the venue hears of its fills by itself.
        """
        if not isinstance(self.venue, Told):
            raise TypeError(f"{type(self.venue).__name__} hears of its fills by itself")
        self.venue.heard(fill)

    # What is known.

    @property
    def instrument(self) -> Instrument:
        """The instrument's units and rules."""
        return self.venue.instrument

    @property
    def manager(self) -> OrderManager:
        """The core, to look at: orders, exposure, quota. Only the quoter may tell it anything."""
        return self._driver.manager

    @property
    def position(self) -> int:
        """Signed sum of the fills heard of, in lots."""
        return self.manager.position

    @property
    def may_rest(self) -> str:
        """What may be on the book as far as is known here, for people; empty where nothing may."""
        return ", ".join(_named(order) for order in self.manager.open_orders.values())

    @property
    def is_ready(self) -> bool:
        """Whether record and venue agree."""
        return self._driver.is_agreed

    @property
    def alarms(self) -> tuple[str, ...]:
        """What is wrong with the churn of late: a spiral, or a side that is absent."""
        return self._churn.alerts

    def market(self) -> Market:
        """Return the book as it is seen now, our orders not in it."""
        return self.venue.market(self._now())

    # Whoever made it starts and ends it.

    def start(self, session: str) -> None:
        """Ask what rests, and look after the venue from now on; `session` is new for each start."""
        now = self._now()
        if self.recovery is not None:
            self.recovery.started_at = now
        self._driver.start(now, session)
        self._round_done = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(), name="lifecycle quoter")

    async def settle(self, timeout_s: float) -> bool:
        """Wait until no request is unanswered, or so long; what rests stays."""
        return await self._until(
            lambda: not any(order.is_in_flight for order in self.manager.open_orders.values()),
            timeout_s,
        )

    async def stop(self) -> None:
        """End the background task; nothing that rests is touched."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait((task,), timeout=PATIENCE_S)
        self._wake()
        if not task.done():
            log.error("the venue's wait goes on although it was cancelled")
        elif self._failure is not None:
            await self._flush()
        elif self.manager.nothing_rests and isinstance(self.venue, KeptAlive):
            await self.venue.disarm()

    # The background.

    async def _keep(self) -> None:
        call = Caught()
        try:
            with call:
                while self._failure is None:
                    now = self._now()
                    due = min(max(self.manager.next_timer, now + MILLISECOND), now + LOOK)
                    await self._wait((due - now) / SECOND)
                    self._round()
                    self._wake()
            if call.error is not None:
                self._fail(call.error)
        finally:
            self._wake()

    async def _wait(self, timeout_s: float) -> None:
        """Wait as the venue does, but neither for ever nor without letting anybody else run."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.venue.wait(timeout_s)
        except TimeoutError:
            return
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise ConnectionError("the venue's wait was cancelled by nobody here") from error
        await asyncio.sleep(0)

    def _fail(self, error: Exception) -> None:
        """Stop, for a reason; what rests is taken off the book, as nobody looks after it now."""
        if self._failure is not None:
            return
        self._failure = error
        if isinstance(error, JournalError):
            return  # the driver has done it, without a record
        call = Caught()
        with call:
            now = self._now()
            self._driver.halt(now, f"the quoter has stopped: {error!r}")
            # By no book: the venue may have failed at showing it.
            self._driver.cycle(now, NOTHING_WANTED, Market(now, None, None))
        log.error("the quoter has stopped, what rests is withdrawn: %r", error, exc_info=error)
        if call.error is not None:
            log.error("it could not be withdrawn: %r", call.error)

    async def _flush(self) -> None:
        """Let leave what was cancelled when the quoter failed."""
        call = Caught()
        with call:
            async with asyncio.timeout(FLUSH_S):
                while True:
                    await self._wait(LOOK / SECOND)
                    self.venue.poll(self._now())
        if not isinstance(call.error, TimeoutError):
            log.warning("the venue fails while the cancels leave: %r", call.error)

    def _round(self) -> None:
        """Take in what has come, and do what is due."""
        now = self._now()
        self._driver.deliver(now, self._heard)
        if self.recovery is not None:
            self.recovery.look(self._driver, now)
        if self._volatility.is_due(now):
            self._volatility.see(self.venue.market(now))
        if isinstance(self.venue, KeptAlive):
            self.venue.keep_alive(now)
        why = None if self._switch is None else self._switch.why
        if why is not None and not self.manager.is_halted:
            log.warning("everything is withdrawn: %s", why)
            self.halt(why)
        elif self.manager.is_halted:
            if self._has_idle():
                self._cycle(NOTHING_WANTED)
        elif self._is_silent(now):
            log.warning("everything is withdrawn: the bot has not converged for too long")
            self._converged_at = None
            self._cycle(NOTHING_WANTED)

    def _is_silent(self, now: Nanos) -> bool:
        at, silence = self._converged_at, self._silence
        return at is not None and silence is not None and now > at + silence

    def _has_idle(self) -> bool:
        """Say whether a cycle of a halted manager has something to send."""
        return any(order.request is Asked.IDLE for order in self.manager.open_orders.values())

    def _heard(self, received: Received) -> None:
        self._fills += isinstance(received.report, Fill)

    # Inside.

    def _kept(self, what: Callable[[], _T]) -> _T:
        """Do what is recorded; a journal that cannot be written is the end."""
        try:
            return what()
        except JournalError as error:
            self._fail(error)
            raise

    def _cycle(self, targets: Targets) -> Plan:
        return self._kept(lambda: self._decide(targets))

    def _decide(self, targets: Targets) -> Plan:
        now = self._now()
        self._driver.deliver(now, self._heard)
        market = self._volatility.shown(self.venue.market(now))
        observer, manager = self._observer, self.manager
        if observer is None:
            plan = self._driver.cycle(now, targets, market)
        else:
            observer.look(manager, now, market, self._churn, early=False)
            with observer.cycle_timer():
                plan = self._driver.cycle(now, targets, market)
        if targets is not NOTHING_WANTED:
            self._converged_at = now
        self._track(targets, plan, now)
        return plan

    def _track(self, targets: Targets, plan: Plan, now: Nanos) -> None:
        fills, self._fills = self._fills, 0
        resting = {
            cloid: order.price
            for cloid, order in self.manager.open_orders.items()
            if order.phase is Phase.RESTING
        }
        for change in self._churn.track(
            targets, plan, fills=fills, resting=resting, suppressed=0, early=False
        ):
            log.info("%s", change)
            if self._observer is not None:
                self._observer.alert(now, change)

    def _is_awaited(self, command: Request) -> bool:
        """Say whether a request is neither answered nor in doubt so far."""
        order = self.manager.orders.get(command.cloid)
        return order is not None and order.is_in_flight and order.request_no == command.request

    async def _until(self, what: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait, round by round, until something is so; False where it is not after `timeout_s`."""
        until = None if timeout_s is None else self._now() + seconds(timeout_s)
        while True:
            self._check()
            if what():
                return True
            if until is not None and self._now() >= until:
                return False
            assert self._round_done is not None, "a quoter that runs was started"
            # Many may wait for one round, and each may be cancelled alone. Where none comes to an
            # end, time passes all the same.
            await asyncio.wait((self._round_done,), timeout=PATIENCE_S)

    def _wake(self) -> None:
        done = self._round_done
        self._round_done = asyncio.get_running_loop().create_future()
        if done is not None and not done.done():
            done.set_result(None)

    def _check(self) -> None:
        """Raise StoppedError unless the background task runs."""
        task = self._task
        if self._failure is not None:
            raise StoppedError(f"the quoter has stopped: {_said(self._failure)}") from self._failure
        if task is None or task.done():
            raise StoppedError("the quoter must run to do this: use it inside its `async with`")

    def _now(self) -> Nanos:
        self._last = max(self._last, self._clock.now(), self.manager.now)
        return self._last


def _said(error: Exception) -> str:
    """Return an error in words; what it is where those are Python's and not ours."""
    return str(error) if isinstance(error, JournalError) else f"{type(error).__name__}: {error}"


def _named(order: Order) -> Cloid:
    return f"{order.cloid} (oid {order.leg.oid})"
