"""One coin of a bot of the Hyperliquid SDK: its wishes on one side, a driver on the other.

The bot's calls come in its own threads and block, as the SDK's do, until the venue has answered.
One lock guards everything; it is let go of while anything is waited for. A thread in the
background hands over what has come, runs the timers, looks at the venue, retries what had to wait,
and sends the cancels that no new order has taken the place of.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from exchange.commands import Cancel, Modify, Place
from exchange.hyperliquid.instruments import Asset
from exchange.market import Market
from exchange.reports import ModifyRejected, Rejected
from exchange.units import MILLISECOND, SECOND, Nanos, seconds
from exchange.venue import NoAnswer, Received
from exchange.words import Alive, Cloid
from lifecycle.caught import Caught
from lifecycle.config import Config
from lifecycle.core.order import Order
from lifecycle.drive.driver import Driver
from lifecycle.drive.recovery import new_session
from lifecycle.dropin.clock import Clocked
from lifecycle.dropin.converged import Converged, converged
from lifecycle.dropin.hyperliquid_sdk_book import BotBook, BotOrder
from lifecycle.dropin.hyperliquid_sdk_venue import SdkVenue
from lifecycle.dropin.keeping import Begun
from lifecycle.dropin.monotone import Monotone
from lifecycle.dropin.quoter import NotReadyError, StoppedError
from lifecycle.dropin.volatility import Volatility
from lifecycle.explain.words import REASONS
from lifecycle.journal.base import JournalError
from spec.states import Phase, Request
from spec.trace import Action, Plan, Reason

log = logging.getLogger(__name__)

FRESH: Final = SECOND
"""An order is not said to rest on evidence older than this."""
LOOK: Final = 5 * SECOND
"""Between two looks at the venue while anything rests or is wanted."""
RETRY: Final = SECOND // 2
"""Between two cycles in the background while something has to wait."""
PATIENCE: Final = 10 * SECOND
"""How long a call waits for what may not be sent now."""
READY: Final = 60 * SECOND
"""How long a call waits for the first look at the venue."""
NAP_S: Final = 0.2

PASSING: Final = frozenset(
    {
        Reason.PREDECESSOR,
        Reason.IN_FLIGHT,
        Reason.IN_DOUBT,
        Reason.BLIND,
        Reason.OWN_ORDER,
        Reason.STALE_MARKET,
        Reason.DEBOUNCED,
        Reason.REPLACE,
        Reason.WITHDRAWN,
    }
)
"""Why an order may not be sent now, and soon may be."""


class Desk:
    """Nets, sends and watches the orders of one coin; `close` ends it."""

    def __init__(
        self,
        exchange: Any,
        info: Any,
        asset: Asset,
        user: str,
        begin: Callable[[SdkVenue], Begun],
        *,
        config: Config,
        clock: Clocked,
        window: Nanos,
        cloid_type: Callable[[str], Any],
    ) -> None:
        """Start; `begin` makes the manager and opens its journal, and may refuse to."""
        self.asset: Final = asset
        self.book: Final = BotBook()
        self._clock: Final = clock
        self._window: Final = window
        self._speed: Final = float(getattr(clock, "speed", 1.0))
        self.lock: Final = threading.Condition(threading.RLock())
        self.venue: Final = SdkVenue(
            exchange, info, asset, user, clock, arrived=self._wake, cloid_type=cloid_type
        )
        try:
            begun = begin(self.venue)
        except (JournalError, OSError, ValueError):
            self.venue.stop()
            raise
        manager, self._journal = begun.manager, begun.journal
        sinks = () if self._journal is None else (self._journal.append,)
        # `Monotone` asks the venue for no more than the contract has.
        self._driver: Final = Driver(manager, Monotone(self.venue, manager), sinks)
        self.manager: Final = manager
        self._volatility: Final = Volatility(config.smoothing)
        self._answers: Final[dict[int, Rejected | ModifyRejected | NoAnswer]] = {}
        self._busy = 0
        """Calls of the bot that are under way."""
        self._called_at: Nanos = 0
        self._cycled_at: Nanos = 0
        self._look_due: Nanos = 0
        self._is_unsettled = False
        """The last cycle had to leave something as it is not wanted."""
        self._is_closed = False
        self._failure: BaseException | None = None
        for order in manager.open_orders.values():
            self.book.restored(order)
        self._driver.start(self._now(), new_session(begun.session))
        self._keeper: Final = threading.Thread(
            target=self._keep, name=f"lifecycle {asset.coin}", daemon=True
        )
        self._keeper.start()

    # What the bot does.

    @contextmanager
    def call(self) -> Iterator[None]:
        """Hold the lock for a call of the bot: meanwhile nothing deferred is sent."""
        with self.lock:
            self._check()
            self._busy += 1
            try:
                yield
            finally:
                self._busy -= 1
                self._called_at = self._now()
                self.lock.notify_all()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Send nothing deferred while the bot asks the venue something; does not hold the lock."""
        with self.lock:
            self._busy += 1
        try:
            yield
        finally:
            with self.lock:
                self._busy -= 1
                self._called_at = self._now()
                self.lock.notify_all()

    def freshen(self) -> None:
        """Look at the venue, unless that was done a moment ago.

        Raises what the SDK raised where it could not, and NotReadyError where the venue has not
        shown what rests.
        """
        until = self._now() + READY
        while self.manager.is_blind:
            failure = self.venue.question_failure
            if failure is not None:
                # It is asked again in the background.
                raise failure
            self._wait(until)
            if self._now() >= until:
                raise NotReadyError(f"the venue has not shown what rests of {self.asset.coin}")
        looked = self.venue.looked_at
        if looked is not None and self._now() - looked < FRESH:
            return
        number = self._look()
        while self.venue.looked < number:
            self._wait(None)
        if self.venue.look_failure is not None:
            raise self.venue.look_failure
        self._deliver()

    def settle(self, orders: Sequence[BotOrder]) -> None:
        """Decide, send, and wait until each of these orders rests, was refused, or is unknown."""
        for order in orders:
            order.request = 0
        self._cycle()
        until = self._now() + PATIENCE
        while pending := [one for one in orders if not self._is_settled(one)]:
            late = self._now() >= until
            for one in pending:
                if self._order(one) is None:
                    if late or one.reason not in PASSING:
                        one.error = self._refusal(one)
                elif late and one.request == 0:
                    # It is the predecessor's request of which nothing is known.
                    one.error = self._refusal(one)
                elif late:
                    one.failure = TimeoutError(
                        f"an order of {self.asset.coin} must be answered within "
                        f"{PATIENCE // SECOND} s, was not: what became of it is unknown"
                    )
            if all(self._is_settled(one) for one in pending):
                return
            if self._wait(until):
                self._cycle()

    def withdraw(self, order: BotOrder) -> None:
        """Have one order cancelled now, and wait for what becomes of it."""
        cloid = order.order
        self.book.finish(order, "canceled")
        until = self._now() + PATIENCE
        while True:
            self._cycle()
            real = None if cloid is None else self.manager.orders.get(cloid)
            if real is None or self.book.standing_for(real.cloid) is not None:
                return
            if real.is_closed:
                order.error = self.venue.texts.get(real.request_no, "")
                return
            no_answer = self._answers.get(real.request_no)
            if isinstance(no_answer, NoAnswer):
                order.failure = self.venue.failures.get(real.request_no)
                if order.failure is not None:
                    return
            if self._now() >= until:
                order.error = self.venue.texts.get(real.request_no, "")
                return
            self._wait(until)

    def converge(self) -> Converged:
        """Decide one cycle and send it; does not wait for answers."""
        self.book.drop_deferred()
        return converged(self._cycle(), self.asset.instrument)

    def flush(self, timeout_s: float) -> bool:
        """Send every deferred cancel now; False where not all were answered in time."""
        with self.call():
            self.book.drop_deferred()
            until = self._now() + round(seconds(timeout_s) * self._speed)
            while True:
                self._cycle()
                if not self._has_unwanted():
                    return True
                if self._now() >= until:
                    return False
                self._wait(until)

    def close(self, timeout_s: float) -> None:
        """Send what is deferred, and end; what the bot wants stays."""
        with self.lock:
            if self._is_closed:
                return
        call = Caught()
        with call:
            if not self.flush(timeout_s):
                log.warning("not all cancels of %s were answered in time", self.asset.coin)
        with self.lock:
            self._is_closed = True
            self.lock.notify_all()
        self.venue.stop()
        if self._journal is not None:
            self._journal.close()
        if call.error is not None:
            raise call.error

    @property
    def market(self) -> Market:
        """The book of others as it was last seen."""
        return self.venue.market()

    # What a call waits for.

    def _order(self, one: BotOrder) -> Order | None:
        return None if one.order is None else self.manager.orders.get(one.order)

    def _is_settled(self, one: BotOrder) -> bool:
        """Say whether the bot can be answered; notes what to answer."""
        if one.error or one.failure is not None or one.end:
            return True
        answer = self._answers.get(one.request)
        if isinstance(answer, NoAnswer):
            one.failure = self.venue.failures.get(one.request)
            if one.failure is None:
                one.error = "What became of the order is unknown: the answer was not understood"
            return True
        if answer is not None:
            one.error = self.venue.texts.get(one.request) or answer.reason
            failure = self.venue.failures.get(one.request)
            one.failure = failure if failure is not None else None
            return True
        order = self._order(one)
        return (
            order is not None
            and order.request is Request.IDLE
            and order.phase is Phase.RESTING
            and order.oid is not None
        )

    def _refusal(self, one: BotOrder) -> str:
        """Say why an order was not sent, as near to the venue's words as there are any."""
        asset, reason = self.asset, one.reason
        if reason is Reason.WOULD_CROSS:
            seen, text = self.market, asset.instrument.price_text
            bid, ask = (text(price) if price else "none" for price in (seen.bid, seen.ask))
            return (
                f"Post only order would have immediately matched, bbo was {bid}@{ask}. "
                f"asset={asset.id} (not sent)"
            )
        why = "nothing was decided" if reason is None else REASONS[reason]
        return f"Order was not sent: {why}. asset={asset.id}"

    def _has_unwanted(self) -> bool:
        """Say whether an order rests, or may, that stands for none of the bot's."""
        wanted = {one.order for one in self.book.live}
        return any(cloid not in wanted for cloid in self.manager.open_orders)

    # Inside, all under the lock.

    def _now(self) -> Nanos:
        return max(self._clock.now(), self._driver.manager.now)

    def _wake(self) -> None:
        with self.lock:
            self.lock.notify_all()

    def _check(self) -> None:
        if self._failure is not None:
            raise StoppedError(f"{self.asset.coin} is managed no more: {self._failure}") from (
                self._failure
            )
        if self._is_closed:
            raise StoppedError(f"{self.asset.coin} is managed no more: it was closed")

    def _wait(self, until: Nanos | None) -> bool:
        """Wait for news, and take them in; True where anything was heard, or it is time to retry.

        The lock is let go of meanwhile.
        """
        left = NAP_S if until is None else max(0.001, (until - self._now()) / SECOND / self._speed)
        heard = self._deliver()
        if not heard:
            self.lock.wait(min(left, NAP_S, RETRY / SECOND / self._speed))
            heard = self._deliver()
        self._check()
        return heard or self._now() >= self._cycled_at + RETRY

    def _deliver(self) -> bool:
        """Take in what has come; True where it was something."""
        heard: list[Received] = []
        self._driver.deliver(self._now(), heard.append)
        for received in heard:
            report = received.report
            if isinstance(report, NoAnswer):
                self._answers[report.command.request] = report
            elif isinstance(report, Rejected | ModifyRejected):
                self._answers[report.request] = report
        while len(self._answers) > 1000:
            del self._answers[next(iter(self._answers))]
        if self.book.learn(self.manager.orders):
            self._is_unsettled = True
        return bool(heard)

    def _cycle(self) -> Plan:
        self._deliver()
        now = self._now()
        targets, sides = self.book.targets()
        market = self._volatility.shown(self.market)
        plan = self._driver.cycle(now, targets, market)
        self._cycled_at = now
        requests: dict[Cloid, int] = {}
        for command in plan.commands:
            if isinstance(command, Place | Modify | Cancel):
                requests[command.cloid] = command.request
            if isinstance(command, Modify | Cancel):
                self.book.acted.add(command.cloid)
        self.book.acted.intersection_update(self.manager.orders)
        if not self.manager.is_blind:
            self.book.bind(plan.decisions, sides, self.manager.orders, requests)
        self._is_unsettled = any(one.action is not Action.KEEP for one in plan.decisions)
        return plan

    def _look(self) -> int:
        """Ask for a look at the venue."""
        believed = {}
        is_certain = True
        for order in self.manager.open_orders.values():
            if order.request is not Request.IDLE or order.oid is None:
                is_certain = False
            else:
                believed[order.oid] = order.leaves
        self._look_due = self._now() + LOOK
        return self.venue.look(believed if is_certain else None)

    def refused(self, one: BotOrder) -> None:
        """Want an order no more that was refused, or that nobody knows to rest."""
        self.book.finish(one, "rejected")
        self._is_unsettled = True

    def still_rests(self, one: BotOrder) -> bool:
        """Say whether an order whose change was refused rests as before."""
        answer = self._answers.get(one.request)
        order = self._order(one)
        dead = isinstance(answer, ModifyRejected) and answer.alive is Alive.NO
        return order is not None and not order.is_closed and not dead

    # The background.

    def _keep(self) -> None:
        call = Caught()
        with call, self.lock:
            while not self._is_closed:
                self._round()
                self.lock.notify_all()
                self.lock.wait(self._nap())
        if call.error is not None:
            log.error("%s is managed no more: %s", self.asset.coin, call.error)
            with self.lock:
                self._failure = call.error
                self.lock.notify_all()

    def _round(self) -> None:
        self._deliver()
        now = self._now()
        if self._busy == 0:
            due = self.book.deferred and now >= self._called_at + self._window
            if due:
                self.book.drop_deferred()
            waits = self._is_unsettled and now >= self._cycled_at + RETRY
            # What is deferred is neither sent nor disturbed by what else there is to do.
            if due or (waits and not self.book.deferred):
                self._cycle()
        has_any = self.manager.open_orders or self.book.live
        if has_any and now >= self._look_due and not self.venue.is_looking:
            self._look()
            if any(order.is_in_doubt for order in self.manager.open_orders.values()):
                self._look_due = now + FRESH

    def _nap(self) -> float:
        now = self._now()
        due = [self.manager.next_timer]
        if not self._busy:
            if self.book.deferred:
                due.append(self._called_at + self._window)
            if self._is_unsettled:
                due.append(self._cycled_at + RETRY)
        left = max(MILLISECOND, min(due) - now)
        return min(left / SECOND / self._speed, NAP_S)
