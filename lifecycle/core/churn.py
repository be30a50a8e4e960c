"""L6: what order management costs and what it is worth, counted over the last cycles.

A tracker is told each cycle what the bot wanted, what came of it, what has filled and what rests.
It sends nothing and decides nothing; it counts why orders were left alone, keeps rolling sums over
a window of cycles (each cycle costs the same, however long the window), and raises an alarm for
two diseases: a spiral, in which cancels outrun fills, and its mirror, a side that is quiet because
it is absent. While a spiral lasts, `boost` is what the smoother's deadbands should be multiplied
with.

A cycle's presence and staleness are judged when the next one is told: by then what it sent has
arrived. Both are measured against the prices that the bot wanted, not against what the grid made
of them, or a coarse grid would look fresh. All sums are integers, so that rolling never drifts.
"""

import enum
from collections import Counter, deque
from collections.abc import Mapping
from math import sqrt
from operator import add, sub
from typing import Final, NamedTuple

from exchange.commands import Cancel, Command, Modify, Place
from exchange.units import BPS, Price
from exchange.words import Cloid, Side
from lifecycle.config import ChurnConfig
from lifecycle.core.settings import MILLION
from lifecycle.core.window import Window
from spec.trace import Action, Decision, Plan, Reason, Targets

NO_FILL_CANCELS: Final = 10
"""Without a fill the ratio is infinite from the first cancel on, which is no spiral yet: it counts
as one where there is at least a cancel in so many cycles of the whole window."""


OVER: Final = ": over"
"""How the text of an alarm ends that ends; any other begins one."""


class Cause(enum.StrEnum):
    """Why an order was left as it is."""

    SAME = "same"
    """It stands where the bot wants it."""
    GRID = "grid"
    """The bot wants another price, and it falls on the order's point of the lattice."""
    LATCH = "latch"
    DEBOUNCE = "debounce"
    QUOTA = "quota"
    IN_FLIGHT = "in-flight"
    IN_DOUBT = "in-doubt"
    OTHER = "other"
    """A hard reason: the venue, the risk, or an order in the way."""
    SMOOTHER = "smoother"
    """No order: a parameter whose change was held back before any price was made of it."""


# Looking a member up in its enumeration takes longer than comparing with it.
_KEEP: Final = Action.KEEP
_WAIT: Final = Action.WAIT
_SAME_POINT: Final = Reason.SAME_POINT
_BUY: Final = Side.BUY
_SAME: Final = Cause.SAME
_GRID: Final = Cause.GRID
_OTHER: Final = Cause.OTHER
_SMOOTHER: Final = Cause.SMOOTHER
_CAUSES: Final = {
    Reason.LATCHED: Cause.LATCH,
    Reason.DEBOUNCED: Cause.DEBOUNCE,
    Reason.QUOTA: Cause.QUOTA,
    Reason.IN_FLIGHT: Cause.IN_FLIGHT,
    Reason.IN_DOUBT: Cause.IN_DOUBT,
}
_REACHED_FOR: Final = frozenset({Reason.IN_FLIGHT, Reason.IN_DOUBT})
"""Reasons to wait that say: a request of ours is under way to the order, it is not left alone."""


def leaves_alone(decision: Decision) -> bool:
    """Say whether a resting order keeps its place in the queue."""
    action = decision.action
    if action is _WAIT:
        return decision.reason not in _REACHED_FOR
    return action is _KEEP


def cause_of(decision: Decision, targets: Targets) -> Cause | None:
    """Say why a decision leaves its order as it is; None where it does not, or has no order.

    `targets` are those of the bot.
    """
    action, reason = decision.action, decision.reason
    if decision.cloid is None or (action is not _KEEP and action is not _WAIT):
        return None
    if reason is not _SAME_POINT:
        return _CAUSES.get(reason, _OTHER)
    return _SAME if wanted_price(decision, targets) == decision.price else _GRID


def wanted_price(decision: Decision, targets: Targets) -> Price:
    """Return what the bot wanted where a decision's target stands; 0 where there is none."""
    wanted, level = targets.bids if decision.side is _BUY else targets.asks, decision.level
    return wanted[level].price if 0 <= level < len(wanted) else 0


class Sent(NamedTuple):
    """How much a plan changes at the venue."""

    placed: int
    modified: int
    cancelled: int

    @property
    def calls(self) -> int:
        """Places, modifies and cancels; a query changes nothing."""
        return self.placed + self.modified + self.cancelled


_NOTHING_SENT: Final = Sent(0, 0, 0)


def count_sent(commands: tuple[Command, ...]) -> Sent:
    """Count places, modifies and cancels."""
    if not commands:
        return _NOTHING_SENT
    kinds = Counter(type(command) for command in commands)
    return Sent(kinds[Place], kinds[Modify], kinds[Cancel])


class Rest(NamedTuple):
    """What a cycle has led to by the end of its period."""

    bid: bool
    """As many bids rest as were wanted."""
    ask: bool
    distances: int
    """Orders that rest and have a target."""
    squares: int
    """Of their distances from what the bot wanted, in millionths of a basis point, summed."""
    bands: int
    """Their latch half-widths in millionths of a basis point, summed."""


_NOT_JUDGED: Final = Rest(bid=False, ask=False, distances=0, squares=0, bands=0)


def judge_rest(
    targets: Targets, decisions: tuple[Decision, ...], resting: Mapping[Cloid, Price]
) -> Rest:
    """Judge a cycle's presence and staleness by what rests when its period is over."""
    bids = asks = distances = squares = bands = 0
    prices = dict(resting)
    for decision in decisions:
        cloid = decision.cloid
        price = None if cloid is None else prices.get(cloid)
        if price is None:
            continue
        if decision.side is _BUY:
            bids += 1
        else:
            asks += 1
        wanted = wanted_price(decision, targets)
        if wanted > 0:
            distance = abs(price - wanted) * BPS * MILLION // wanted
            distances += 1
            squares += distance * distance
            bands += decision.band * BPS * MILLION // wanted
    return Rest(bids >= len(targets.bids), asks >= len(targets.asks), distances, squares, bands)


class Tally(NamedTuple):
    """The numbers of one cycle, or their sums over several."""

    cycles: int = 0
    placed: int = 0
    modified: int = 0
    cancelled: int = 0
    fills: int = 0
    quiet: int = 0
    """Cycles that sent nothing."""
    orders: int = 0
    """Resting orders with a target, summed over cycles."""
    kept: int = 0
    """Of these, those left alone."""
    judged: int = 0
    """Cycles whose period is over."""
    bid: int = 0
    """Of these, those by whose end as many bids rested as were wanted."""
    ask: int = 0
    distances: int = 0
    squares: int = 0


class Churn:
    """The tracker of one bot.

    Where the layer is switched off it counts all the same, and never raises an alarm.

    Raises:
        ValueError: the window is empty, or the boost would narrow the deadbands.

    """

    def __init__(self, config: ChurnConfig) -> None:
        if config.window < 1:
            raise ValueError(f"churn.window must be at least 1, was {config.window}")
        if config.deadband_boost < 1:
            raise ValueError(
                f"churn.deadband_boost must be at least 1, was {config.deadband_boost}"
            )
        self.config = config
        self.cycles = 0
        self._kept_by: dict[Cause, int] = {}
        self.sums = Tally()
        """Over the window."""
        self._tallies: deque[Tally] = deque()
        self._last = Tally()
        self._last_causes: list[Cause] = []
        self._unjudged: tuple[Targets, tuple[Decision, ...]] | None = None
        self._in_a_row = dict.fromkeys(("spiral", "bid absent", "ask absent"), 0)
        """For how many cycles each disease has shown."""
        self._alerts: tuple[str, ...] = ()

    def track(
        self,
        targets: Targets,
        plan: Plan,
        *,
        fills: int,
        resting: Mapping[Cloid, Price],
        suppressed: int = 0,
        early: bool = False,
    ) -> tuple[str, ...]:
        """Count a cycle; returns the alarms that it begins or ends, as text.

        An `early` cycle comes before the period of the last one is over, which is judged by what
        comes of both. To be called after the cycle. `targets` are those that the bot wanted and
        handed over, `fills` is how many came since the last call, `resting` has the price of every
        order of ours that rests now, `suppressed` says how many parameters the smoother held back.
        """
        self.cycles += 1
        rest, unjudged = _NOT_JUDGED, None if early else self._unjudged
        if unjudged is not None:
            wanted, decided = unjudged
            rest = judge_rest(wanted, decided, resting)
        self._unjudged = targets, plan.decisions
        causes: list[Cause] = []
        orders = kept = 0
        for decision in plan.decisions:
            left = cause_of(decision, targets)
            if left is not None:
                causes.append(left)
            if decision.level >= 0 and decision.cloid in resting:
                orders += 1
                kept += leaves_alone(decision)
        kept_by = self._kept_by
        for cause in causes:
            kept_by[cause] = kept_by.get(cause, 0) + 1
        self._last_causes = causes
        if suppressed:
            kept_by[_SMOOTHER] = kept_by.get(_SMOOTHER, 0) + suppressed
        sent = count_sent(plan.commands)
        quiet, judged = int(sent.calls == 0), int(unjudged is not None)
        tally = Tally(1, *sent, fills, quiet, orders, kept, judged, *rest[:4])
        self._roll(tally)
        return self._alarm()

    @property
    def kept_by(self) -> Counter[Cause]:
        """Order-cycles by what left the order alone, over the whole run."""
        return Counter(self._kept_by)

    @property
    def alerts(self) -> tuple[str, ...]:
        """The alarms that are on: `spiral`, `bid absent`, `ask absent`."""
        return self._alerts

    @property
    def boost(self) -> float:
        """What the smoother's deadbands are to be multiplied with, 1 without a spiral."""
        return self.config.deadband_boost if "spiral" in self._alerts else 1.0

    @property
    def window(self) -> Window:
        """The last cycles."""
        sums = self.sums
        calls = sums.placed + sums.modified + sums.cancelled
        mean_square = _ratio(sums.squares, sums.distances)
        return Window(
            cycles=sums.cycles,
            cancel_fill=_ratio(sums.cancelled, sums.fills) if sums.cancelled else 0.0,
            calls_fill=_ratio(calls, sums.fills) if calls else 0.0,
            skip=sums.quiet / max(1, sums.cycles),
            modify_share=_ratio(sums.modified, sums.modified + sums.cancelled),
            queue_kept=_ratio(sums.kept, sums.orders),
            bid=_ratio(sums.bid, sums.judged),
            ask=_ratio(sums.ask, sums.judged),
            staleness_rms_bps=None if mean_square is None else sqrt(mean_square) / MILLION,
        )

    def line(self) -> str:
        """Say on one line what the last cycle did, and how the window stands."""
        return f"{self.cycle_line()} | {self.window_line()}"

    def cycle_line(self) -> str:
        """Say what the last cycle did."""
        last, kept = self._last, Counter(self._last_causes)
        causes = " ".join(f"{cause} {kept[cause]}" for cause in Cause if kept[cause])
        return (
            f"cycle {self.cycles} keep {kept.total()}{f' ({causes})' if causes else ''} "
            f"mod {last.modified} place {last.placed} cancel {last.cancelled}"
        )

    def window_line(self) -> str:
        """Say how the window stands, and which alarms are on."""
        sums, window = self.sums, self.window
        ratio, rms = window.cancel_fill, window.staleness_rms_bps
        bid, ask = (_percent(part, sums.judged) for part in (sums.bid, sums.ask))
        alerts = "".join(f" {alert.upper()}" for alert in self._alerts)
        return (
            f"{sums.cycles}: c/f {'∞' if ratio is None else f'{ratio:.1f}'} "
            f"skip {_percent(sums.quiet, sums.cycles)}% "
            f"queue {_percent(sums.kept, sums.orders)}% present {bid}/{ask}% "
            f"rms {'–' if rms is None else f'{rms:.1f}'}bp{alerts}"
        )

    # Inside.

    def _roll(self, tally: Tally) -> None:
        self._last = tally
        self._tallies.append(tally)
        sums = map(add, self.sums, tally)
        if len(self._tallies) > self.config.window:
            sums = map(sub, sums, self._tallies.popleft())
        self.sums = Tally(*sums)

    def _alarm(self) -> tuple[str, ...]:
        """Look for the diseases; returns what begins or ends."""
        config, sums = self.config, self.sums
        if not config.enabled:
            return ()
        signs = {
            "spiral": (self._is_churning(), config.spiral_cycles),
            "bid absent": (self._is_absent(sums.bid), config.absence_cycles),
            "ask absent": (self._is_absent(sums.ask), config.absence_cycles),
        }
        before, alerts = self._alerts, []
        for name, (shows, cycles) in signs.items():
            self._in_a_row[name] = self._in_a_row[name] + 1 if shows else 0
            if shows and self._in_a_row[name] >= cycles:
                alerts.append(name)
        self._alerts = tuple(alerts)
        if self._alerts == before:
            return ()
        begun = tuple(f"{name}: {self._why(name)}" for name in alerts if name not in before)
        return begun + tuple(f"{name}{OVER}" for name in before if name not in alerts)

    def _is_churning(self) -> bool:
        sums, config = self.sums, self.config
        if sums.fills == 0:
            return sums.cancelled * NO_FILL_CANCELS >= config.window
        return sums.cancelled > config.spiral_ratio * sums.fills

    def _is_absent(self, present: int) -> bool:
        return present < self.config.absence_share * self.sums.judged

    def _why(self, name: str) -> str:
        sums = self.sums
        if name == "spiral":
            return f"{sums.cancelled} cancels and {sums.fills} fills in {sums.cycles} cycles"
        present = sums.bid if name == "bid absent" else sums.ask
        return f"there in {present} of {sums.judged} cycles"


def _percent(part: int, whole: int) -> str:
    """Write a share without its sign, rounded down: 100 means all."""
    return str(100 * part // whole) if whole else "–"


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
