"""What a run costs and what it is worth, counted as it goes.

Everything is counted from what the order manager was told, decided and sent, cycle by cycle, by
the same definitions as the rolling ones (`lifecycle.core.churn`); only the markout needs the
market's own history. Counts begin with the run, shares with the first
quote: what comes before it is warm-up. Times are exchange times; nothing here reads a clock, so
two runs of one seed give the same numbers to the last digit.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final

from exchange.reports import Fill, ModifyRejected, Rejected, Report, Snapshot
from exchange.units import BPS, MINUTE, SECOND, Nanos, Price
from exchange.words import Cloid
from lifecycle.core.churn import count_sent, judge_rest, leaves_alone
from lifecycle.core.order import Order
from lifecycle.core.settings import MILLION
from lifecycle.run.frame import Minute, Presence
from spec.states import Phase
from spec.trace import Decision, Plan, Reason, Targets

MARKOUT: Final = 5 * SECOND
"""How long after a fill its worth is judged."""
_RESTING: Final = Phase.RESTING


@dataclass(slots=True)
class _Minute:
    """What the cycles of one minute came to."""

    calls: int = 0
    settled: int = 0
    bid: int = 0
    ask: int = 0
    distances: int = 0
    squares: int = 0

    def shown(self, end: int) -> Minute:
        """Return it as the summary has it, `end` in seconds."""
        mean = _ratio(self.squares, self.distances)
        return (
            end,
            _ratio(self.bid, self.settled),
            _ratio(self.ask, self.settled),
            None if mean is None else sqrt(mean) / MILLION,
            self.calls,
        )


class Metrics:
    """The counters of one run."""

    def __init__(self, start: Nanos, mid_at: Callable[[Nanos], int | None]) -> None:
        """Count from `start`; `mid_at` returns twice the mid at an exchange time of the past."""
        self.start = start
        self._mid_at = mid_at
        self.placed = 0
        self.modified = 0
        self.cancelled = 0
        self.rejected = 0
        self.fills = 0
        self.filled_qty = 0
        self.cycles = 0
        """With targets: those after warm-up."""
        self.quiet_cycles = 0
        """That sent nothing."""
        self.reasons: Counter[Reason] = Counter()
        """Decisions by their reason."""
        self.warm_at: Nanos | None = None
        """Time of the first targets."""
        self.timeline: list[tuple[int, int, int, int]] = []
        self._calls: deque[Nanos] = deque()
        """When the calls of the last minute were sent."""
        self._trades: set[str] = set()
        self._unsettled: tuple[Targets, tuple[Decision, ...], _Minute] | None = None
        """What the newest cycle wanted and decided, until its period is over, and its minute."""
        self._settled = 0
        """Cycles whose period is over."""
        self._bids = 0
        """Of these, those by whose end as many bids rested as were wanted."""
        self._asks = 0
        self._order_cycles = 0
        """Resting orders that the cycle wanted something of, summed over cycles."""
        self._kept = 0
        self._distances = 0
        """Orders that rested when their cycle's period was over, summed over cycles."""
        self._squares = 0
        """Of their distances, in millionths of a basis point."""
        self._bands = 0
        """Their latch half-widths, in millionths of a basis point."""
        self._minutes: list[_Minute] = []
        self._unjudged: deque[tuple[Nanos, int, Price]] = deque()
        """Fills whose markout is not due yet: when it is, side, price."""
        self._markouts = 0
        self._markout_bps = 0.0

    # What it is told.

    def pass_time(self, now: Nanos) -> None:
        """Close the minutes that have ended; what happens at the very end of one is after it."""
        while (end := self.start + MINUTE * (len(self.timeline) + 1)) <= now:
            elapsed = (end - self.start) // SECOND
            self.timeline.append((elapsed, self.placed, self.cancelled, self.fills))
        calls = self._calls
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()

    def judge(self, now: Nanos) -> None:
        """Mark the fills that are old enough to the mid; the market has been played up to now."""
        unjudged = self._unjudged
        while unjudged and unjudged[0][0] <= now:
            at, side, price = unjudged.popleft()
            twice = self._mid_at(at)
            if twice is not None:
                self._markouts += 1
                self._markout_bps += side * (twice - 2 * price) * BPS / (2 * price)

    def report(self, report: Report, orders: Mapping[Cloid, Order], now: Nanos) -> None:
        """Count a report that the manager received at `now`."""
        self.pass_time(now)
        match report:
            case Fill():
                self._fill(report, orders)
            case Snapshot():
                for fill in report.fills:
                    self._fill(fill, orders)
            case Rejected() | ModifyRejected():
                self.rejected += 1
            case _:
                pass

    def cycle(
        self, now: Nanos, targets: Targets, plan: Plan, orders: Mapping[Cloid, Order]
    ) -> None:
        """Count a cycle: `plan` is what came of `targets`, `orders` those of the manager.

        The targets are those that the bot wanted, whatever the manager's grid made of them.
        """
        self.pass_time(now)
        if self.warm_at is None:
            self.warm_at = now
        self.cycles += 1
        sent = count_sent(plan.commands)
        calls = sent.calls
        self.placed += sent.placed
        self.modified += sent.modified
        self.cancelled += sent.cancelled
        self.quiet_cycles += calls == 0
        self._calls.extend([now] * calls)
        self.reasons.update([decision.reason for decision in plan.decisions])
        for decision in plan.decisions:
            cloid = decision.cloid
            if cloid is None or decision.level < 0:
                continue
            order = orders.get(cloid)
            if order is not None and order.phase is _RESTING:
                self._order_cycles += 1
                self._kept += leaves_alone(decision)
        minute = self._minute(now)
        minute.calls += calls
        self._unsettled = targets, plan.decisions, minute

    def settle(self, resting: Mapping[Cloid, Price]) -> None:
        """Judge what the newest cycle has led to by the end of its period, if not yet done.

        That is what rests between two cycles, by cloid: presence is whether it is as many as were
        wanted, staleness how far it is from the prices that were wanted. At the cycle's own
        moment, what it sends would not show, and what the market has just done would.
        """
        if self._unsettled is None:
            return
        targets, decisions, minute = self._unsettled
        self._unsettled = None
        rest = judge_rest(targets, decisions, resting)
        self._settled += 1
        self._bids += rest.bid
        self._asks += rest.ask
        self._distances += rest.distances
        self._squares += rest.squares
        self._bands += rest.bands
        minute.settled += 1
        minute.bid += rest.bid
        minute.ask += rest.ask
        minute.distances += rest.distances
        minute.squares += rest.squares

    def _minute(self, now: Nanos) -> _Minute:
        """Return the minute that a cycle belongs to."""
        index = (now - self.start) // MINUTE
        while len(self._minutes) <= index:
            self._minutes.append(_Minute())
        return self._minutes[index]

    def _fill(self, fill: Fill, orders: Mapping[Cloid, Order]) -> None:
        if fill.trade_id in self._trades:
            return
        self._trades.add(fill.trade_id)
        self.fills += 1
        self.filled_qty += fill.qty
        side = fill.side
        if side is None and fill.cloid is not None and fill.cloid in orders:
            side = orders[fill.cloid].side
        if side is not None:
            self._unjudged.append((fill.at + MARKOUT, side, fill.price))

    # What came of it.

    @property
    def calls(self) -> int:
        """Places, modifies and cancels sent."""
        return self.placed + self.modified + self.cancelled

    @property
    def calls_last_minute(self) -> int:
        """The same over the minute before the last event."""
        return len(self._calls)

    def calls_per_minute(self, now: Nanos) -> float:
        """Return the mean rate of calls since the first quote, 0 before it."""
        if self.warm_at is None or now <= self.warm_at:
            return 0.0
        return self.calls * MINUTE / (now - self.warm_at)

    @property
    def presence(self) -> Presence:
        """Share of cycles by whose end each side had as many resting orders as wanted."""
        cycles = max(1, self._settled)
        return Presence(self._bids / cycles, self._asks / cycles)

    @property
    def modify_share(self) -> float | None:
        """Modifies among modifies and cancels."""
        return _ratio(self.modified, self.modified + self.cancelled)

    @property
    def queue_kept(self) -> float | None:
        """Share of order-cycles in which a resting order with a target was left alone."""
        return _ratio(self._kept, self._order_cycles)

    @property
    def zero_action(self) -> float:
        """Share of cycles that sent nothing, 0 where there were none."""
        return self.quiet_cycles / max(1, self.cycles)

    @property
    def cancel_fill(self) -> float | None:
        """Cancels per fill; None where it is infinite."""
        return _ratio(self.cancelled, self.fills) if self.cancelled else 0.0

    @property
    def staleness_rms_bps(self) -> float | None:
        """Root mean square distance of resting orders from the price wanted of them."""
        mean = _ratio(self._squares, self._distances)
        return None if mean is None else sqrt(mean) / MILLION

    @property
    def staleness_limit_bps(self) -> float | None:
        """Mean of half the latch band over the same order-cycles."""
        return _ratio(self._bands, 2 * MILLION * self._distances)

    @property
    def series(self) -> list[Minute]:
        """The minutes from the start to the last cycle's."""
        return [minute.shown(60 * end) for end, minute in enumerate(self._minutes, start=1)]

    @property
    def markout_bps(self) -> float | None:
        """Mean over the fills judged: how far the mid went our way from the fill price."""
        return _ratio(self._markout_bps, self._markouts)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
