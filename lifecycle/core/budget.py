"""L5, the soft part: which changes wait although the ledger would still allow them.

What is left of the requests shall last for the horizon. So a rolling window may spend its part of
what is left, a small reserve for coverage apart, and all that was earned within the window. That
is split by decision: changes of what rests, places for what is uncovered, cancels of what is not
wanted. A change is one decision whether it is a modify or a replacement, whose cancel prepays the
place that follows.

Only changes that are neither stale nor an emergency ever wait. Coverage, what is stale and
emergencies spend, and never wait; nor does a withdrawal, because an order that nobody wants must
go. So lending goes one way: places and cancels lend the changes what they leave of their shares,
and what they overdraw is not taken from the changes' own.

Without a cap nothing is counted. Where the ledger's hard end only is kept to (`quota.enabled =
false`), nothing waits here, and what is spent is counted for the report alone.
"""

import enum
from typing import Final, TypeAlias

from exchange.units import Nanos
from lifecycle.core.ledger import Ledger
from lifecycle.core.settings import MILLION, Settings

RESERVE: Final = 10_000
"""Share of what is granted that only coverage, stale orders and emergencies may use, in
millionths."""
RESERVE_MIN: Final = 10
"""Requests that it is at least: a side is covered a few times over."""
BUCKETS: Final = 10
"""Into so many parts the window is divided; what is older leaves it part by part."""


class Spending(enum.IntEnum):
    """What a decision spends, or a fill brings."""

    CHANGE = 0
    """A modify, or a replacement: a cancel and the place that follows it."""
    PLACE = 1
    CANCEL = 2
    EARNED = 3


_CHANGE: Final = Spending.CHANGE

Bucket: TypeAlias = tuple[Nanos, int, int, int, int]
"""Since when, and how much of each `Spending` from then on for one part of the window."""


class Budget:
    """What was spent and earned lately."""

    __slots__ = ("buckets", "prepaid", "settings", "started_at")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.buckets: list[Bucket] = []
        """Oldest first, none longer ago than the window and one part of it."""
        self.prepaid = 0
        """Places to come of replacements whose cancel was sent."""
        self.started_at: Nanos | None = None
        """When the first was entered; for the report alone."""

    @property
    def is_on(self) -> bool:
        """Whether changes may have to wait."""
        return self.settings.saving and self.settings.quota_cap is not None

    @property
    def span(self) -> Nanos:
        """The length of one part of the window."""
        return max(1, self.settings.window // BUCKETS)

    def expires_at(self, bucket: Bucket) -> Nanos:
        """Return when the last that a bucket may have counted has left the window."""
        return bucket[0] + self.span + self.settings.window

    def enter(self, what: Spending, now: Nanos, count: int = 1) -> None:
        """Count what is spent, or earned, now."""
        if self.settings.quota_cap is None:
            return
        if self.started_at is None:
            self.started_at = now
        span = self.span
        gone = now - span - self.settings.window
        if self.buckets and self.buckets[0][0] <= gone:
            self.buckets = [bucket for bucket in self.buckets if bucket[0] > gone]
        buckets = self.buckets
        last = (now, 0, 0, 0, 0)
        if buckets and now < buckets[-1][0] + span:
            last = buckets.pop()
        counts = list(last)
        counts[1 + what] += count
        buckets.append((counts[0], counts[1], counts[2], counts[3], counts[4]))

    def place(self, now: Nanos) -> None:
        """Count a place that is sent now, unless it is prepaid."""
        if self.prepaid:
            self.prepaid -= 1
        else:
            self.enter(Spending.PLACE, now)

    def replace(self, now: Nanos, orders: int) -> None:
        """Count a replacement whose cancel is sent now; so many `orders` may be replaced."""
        if self.settings.quota_cap is None:
            return
        # Cancels that are refused prepay nothing more: no order has two successors.
        if self.prepaid < orders:
            self.prepaid += 1
            self.enter(Spending.CHANGE, now)

    def within(self, now: Nanos) -> tuple[int, int, int, int]:
        """Return how much of each `Spending` the window has seen."""
        changes = places = cancels = earned = 0
        gone = now - self.span - self.settings.window
        for since, changed, placed, cancelled, more in self.buckets:
            if since > gone:
                changes += changed
                places += placed
                cancels += cancelled
                earned += more
        return changes, places, cancels, earned

    def horizon(self, left: int, now: Nanos) -> Nanos | None:
        """Return how long `left` requests last as the window went; None: they never end."""
        changes, places, _, earned = self.within(now)
        net = changes + places - earned
        if left == 0:
            return 0
        if self.started_at is None or net <= 0:
            return None
        elapsed = min(self.settings.window, now - self.started_at)
        return left * max(elapsed, self.span) // net


class Ration:
    """What one cycle may spend; used up while it decides."""

    __slots__ = ("_headroom", "_room", "_settings", "_spendable", "_spent")

    def __init__(self, budget: Budget, ledger: Ledger, now: Nanos) -> None:
        assert ledger.cap is not None, "without a cap nothing is rationed"
        changes, places, cancels, earned = budget.within(now)
        granted = ledger.cap + ledger.earned
        self._settings = budget.settings
        self._headroom = ledger.headroom
        self._spendable = spendable(budget.settings, granted, granted - ledger.requests, earned)
        self._spent = [changes, places, cancels]
        self._room = room_for_changes(self._settings, self._spendable, *self._spent)

    def spend(self, what: Spending, count: int = 1) -> None:
        """Take decisions that do not wait."""
        self._spent[what] += count
        if what is _CHANGE:
            self._room -= count
        elif count:
            self._room = room_for_changes(self._settings, self._spendable, *self._spent)

    def must_wait(self, floor: int) -> bool:
        """Say whether a change must wait that has this floor of headroom, in millionths."""
        return self._headroom < floor or self._room <= 0

    def suffices(self, floor: int, count: int) -> bool:
        """Say whether none of so many changes must wait, at this floor or a lower one."""
        return self._headroom >= floor and self._room >= count

    def grants(self, floor: int) -> bool:
        """Take one change unless it must wait; returns whether it was taken."""
        if self.must_wait(floor):
            return False
        self.spend(_CHANGE)
        return True


def spendable(settings: Settings, granted: int, left: int, earned: int) -> int:
    """Return how many decisions a window may make.

    `granted` requests are granted in all, `left` of them not used, `earned` within the window.
    A horizon or a window of nothing asks for no thrift.
    """
    reserve = max(RESERVE_MIN, granted * RESERVE // MILLION)
    free = max(0, left - reserve)
    if settings.horizon == 0 or settings.window == 0:
        return free
    return min(free, free * settings.window // settings.horizon + earned)


def room_for_changes(
    settings: Settings, total: int, changes: int, places: int, cancels: int
) -> int:
    """Return how many more changes the window has room for; below 0: overdrawn.

    `total` decisions may be made in all, and so many of each kind were. Changes have their own
    share, whatever the others have overdrawn, and what the others have left of theirs.
    """
    whole = settings.modify_share + settings.place_share + settings.cancel_share
    if whole == 0:
        return 0
    granted = total * settings.modify_share
    granted += max(0, total * settings.place_share - places * whole)
    granted += max(0, total * settings.cancel_share - cancels * whole)
    return granted // whole - changes
