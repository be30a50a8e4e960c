"""The canonical form of a state: what two states must share to have the same future.

* Orders, oids and fills are numbered in the order of their birth, among those that still matter.
  A closed order that nothing on its way can name again does not matter.
* A time that is compared with the clock is kept as the whole milliseconds that are left of it,
  never less than none; a time that is compared with the time of what is still unheard is kept as
  the number of such times before it.
* Of positions the difference between venue and manager is kept, unless a cap makes them matter.

A form has three parts: what is left of the budgets, the venue with what is on its way, and the
manager with the facts. A million states are made of some thousands of each, so the hash of a part
is looked up where the part was met before, and the hashes of the three are added without carry.
"""

from typing import Any, Final

from msgspec.structs import astuple

from exchange.commands import Cancel, Modify, Place, QueryOrder
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MINUTE, Nanos
from exchange.words import Alive, CancelReason, Status
from lifecycle.check.parts import Part, key_of
from lifecycle.check.world import Budgets, World
from lifecycle.core.order import Leg, Order
from spec.facts import OrderFacts
from spec.guards import is_broken
from spec.invariants.liveness import PERIODS_MAX, SNAPSHOTS_MAX
from spec.invariants.requests import refusal_pause

# Compiled, a name from another module is looked up whenever it is used; a constant is not.
_CANCEL_REJECTED: Final = CancelRejected
_CANCELLED: Final = Cancelled
_FILL: Final = Fill
_MODIFIED: Final = Modified
_MODIFY: Final = Modify
_MODIFY_REJECTED: Final = ModifyRejected
_ORDER_STATUS: Final = OrderStatus
_PLACE: Final = Place
_QUERY_ORDER: Final = QueryOrder
_REJECTED: Final = Rejected
_SNAPSHOT: Final = Snapshot

_MILLISECOND: Final = 1_000_000
_HALF: Final = _MILLISECOND // 2
_VALUES: Final[dict[str, str]] = {
    **{word: word.value for word in Status},
    **{word: word.value for word in Alive},
    **{word: word.value for word in CancelReason},
}
"""The texts of words: before Python 3.12 each access costs a function call."""
_UNNAMED: Final = -2
"""The number of an oid that is none of those that matter."""
_ABOUT_NONE: Final = frozenset({Limited, Disconnected, Reconnected})
"""Reports that name no order."""
_WITH_OID: Final = frozenset({Accepted, Modified, Cancelled, OrderStatus})
"""Reports that name an oid, fills apart."""
RATE_SEEN: Final = 64
"""No exploration sends as many requests a minute: a guard above this never speaks in it."""
ABSENCES_MAX: Final = 2
"""More absences than prove an order gone are all alike."""


class _Kept:
    """The hash of the manager's part, and the names and times that it was made with."""

    __slots__ = ("cloids", "key", "oids", "times")

    def __init__(
        self,
        cloids: dict[str | None, int],
        oids: dict[str | None, int],
        times: list[int],
        key: int,
    ) -> None:
        self.cloids = cloids
        self.oids = oids
        self.times = times
        self.key = key


class _Canon:
    """One state being put into canonical form."""

    __slots__ = ("cloids", "desk", "now", "oids", "seen", "times", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now
        self.desk = world.manager._desk  # noqa: SLF001 - The explorer looks inside.
        self.seen = world.watch.facts.seen_fills
        times = [report.at for stream in world.venue.streams for report in stream]
        times += [
            fill.at for fill in world.venue.fills if (fill.oid, fill.trade_id) not in self.seen
        ]
        self.times: list[int] = sorted(times)
        blotter = self.desk.blotter
        self.cloids: dict[str | None, int] = {None: -1}
        if len(blotter.open) == len(blotter.orders):
            for cloid in blotter.orders:
                self.cloids[cloid] = len(self.cloids)
        else:
            # Only a closed order can have stopped to matter.
            named = self._named()
            for cloid in blotter.orders:
                if cloid in named or cloid in blotter.open:
                    self.cloids[cloid] = len(self.cloids)
        self.oids: dict[str | None, int] = {None: -1}
        for one in world.venue.book:
            if one.cloid in self.cloids:
                self.oids[one.oid] = len(self.oids)

    def _named(self) -> set[str | None]:
        """Return the orders that something on its way can still name."""
        world = self.world
        venue = world.venue
        named: set[str | None] = {request.cloid for request in venue.uplink}
        for query in world.queries:
            if type(query) is _QUERY_ORDER:
                named.add(query.cloid)
        for stream in venue.streams:
            for report in stream:
                if type(report) is _SNAPSHOT:
                    named.update(row.cloid for row in report.open)
                else:
                    named.add(getattr(report, "cloid", None))
        for fill in venue.fills:
            if (fill.oid, fill.trade_id) not in self.seen:
                named.add(fill.cloid)
        for one in venue.book:
            if one.leaves:
                named.add(one.cloid)
        return named

    def left(self, at: Nanos) -> int:
        """Return how many milliseconds are left until a time, 0 where it has passed."""
        left = at - self.now + _HALF
        return left // _MILLISECOND if left > 0 else 0

    def rank(self, at: Nanos) -> int:
        """Return how much of what is unheard was before a time."""
        # There are hardly ever more than three: counted sooner than searched.
        for count, time in enumerate(self.times):
            if time >= at:
                return count
        return len(self.times)

    def oid(self, oid: str | None) -> int:
        """Return the number of an oid."""
        return self.oids.get(oid, _UNNAMED)

    def key(self) -> int:
        """Return the hash of the whole form."""
        return self.rest() ^ key_of(self.venue()) ^ self.told()

    def rest(self) -> int:
        """Return the hash of what is left of the budgets, what is wanted, and the position."""
        world = self.world
        # There are few budgets: told apart as objects.
        kept = _LEFT.get(id(world.left))
        if kept is None or kept[0] is not world.left:
            # Keeping them makes sure that no other object takes their place.
            kept = _LEFT[id(world.left)] = (world.left, {})
        about = (world.choice, self.position())
        found = kept[1].get(about)
        if found is None:
            found = kept[1][about] = key_of(("rest", astuple(world.left), *about))
        return found

    def position(self) -> int:
        """Return our position, less the venue's own where nothing depends on it."""
        position = self.desk.blotter.position
        if self.desk.settings.exposure_cap is None:
            position -= self.world.venue.position
        return position

    def told(self) -> int:
        """Return the hash of the manager and its facts, made once while they are shared.

        Names and times must be the same as when it was made; new oids are named by nobody yet.
        """
        kept = self.world.canonical
        if isinstance(kept, _Kept) and kept.cloids == self.cloids and kept.times == self.times:
            oids = self.oids
            if all(oids.get(oid) == number for oid, number in kept.oids.items()):
                return kept.key
        key = key_of(("told", self.manager(), self.facts()))
        self.world.canonical = _Kept(self.cloids, self.oids, self.times, key)
        return key

    # The venue.

    def venue(self) -> Part:
        """Return the venue's truth and what is on its way."""
        venue, cloids, oids, seen = self.world.venue, self.cloids, self.oids, self.seen
        book = []
        for one in venue.book:
            if one.cloid in cloids:
                book += [cloids[one.cloid], one.price, one.qty, one.filled, _VALUES[one.status]]
        fills = []
        for fill in venue.fills:
            if (fill.oid, fill.trade_id) not in seen:
                fills += [oids[fill.oid], fill.qty, self.rank(fill.at)]
                fills += self.age(self.desk.blotter.orders.get(fill.cloid or ""), fill.at)
        uplink = [self.request(request) for request in venue.uplink]
        if len(uplink) > 1:
            uplink.sort()
        queries = [
            cloids[query.cloid] if type(query) is _QUERY_ORDER else self.about_all(query.request)
            for query in self.world.queries
        ]
        if len(queries) > 1:
            queries.sort()
        return (
            "venue", tuple(book), tuple(fills), tuple(uplink),
            tuple([
                tuple([self.report(report) for report in stream]) if stream else 0
                for stream in venue.streams
            ]),
            # Record and venue must agree once the venue was looked at after its last change.
            tuple(queries), self.rank(venue.changed_at), venue.changed_at > self.desk.snapshot_at,
        )  # fmt: skip

    def about_all(self, request: int) -> int:
        """Return what stands for a question about all orders: after a halt a newer one is proof."""
        guards = self.desk.guards
        return -2 if guards.halted and request > guards.halted_request else -1

    def request(self, request: Place | Modify | Cancel) -> Part:
        """Return a request on its way."""
        newest = self.desk.blotter.orders[request.cloid].request_no == request.request
        number, expires = self.cloids[request.cloid], self.left(request.expires_at)
        if type(request) is _PLACE:
            return ("p", number, newest, expires, request.price, request.qty)
        if type(request) is _MODIFY:
            return ("m", number, newest, expires, request.price, request.qty)
        return ("c", number, newest, expires)

    def report(self, report: Report) -> Part:
        """Return a report that nobody has heard yet."""
        at = report.at
        kind: type = type(report)
        if type(report) is _SNAPSHOT:
            rows = [(self.oids[row.oid], row.price, row.qty) for row in report.open]
            fills = tuple([self.fill(fill) for fill in report.fills])
            retires = self.left(at + self.desk.settings.retire)
            return ("S", self.about_all(report.request), tuple(rows), fills, retires)
        if type(report) is _FILL:
            return ("F", self.rank(at), *self.fill(report))
        one: Any = report
        cloid: str | None = None if kind in _ABOUT_NONE else one.cloid
        found: list[Any] = [kind.__name__, self.rank(at), self.cloids[cloid]]
        if cloid is not None:
            order = self.desk.blotter.orders[cloid]
            status = kind is _ORDER_STATUS
            if not status and one.request:
                found.append(one.request == order.request_no)
            found += self.age(order, at)
            if status:
                found.append(order.request > 0 and order.is_past(at))
        found.append(self.oid(one.oid if kind in _WITH_OID else None))
        found += _said(report)
        return tuple(found)

    def age(self, order: Order | None, at: Nanos) -> tuple[bool, bool, int]:
        """Say of a report's time what the record can make of it.

        That is whether it is after the last absence, and after the newest evidence, and when an
        order retires that it closes.
        """
        if order is None or order.is_closed:
            return (True, True, 0)
        retires = self.left(at + self.desk.settings.retire)
        return (at >= order.absent_at, at >= order.evidence_at, retires)

    def fill(self, fill: Fill) -> Part:
        """Return a fill that is on its way, if it is news."""
        if (fill.oid, fill.trade_id) in self.seen:
            return (-3,)
        owner = self.desk.blotter.orders.get(fill.cloid or "")
        return (self.oids[fill.oid], fill.qty, self.rank(fill.at), *self.age(owner, fill.at))

    # The manager and the facts.

    def manager(self) -> Part:
        """Return the manager's whole state."""
        desk = self.desk
        settings, blotter, cloids = desk.settings, desk.blotter, self.cloids
        asked = desk.asked_open_at
        return (
            tuple([
                self.order(order) for cloid, order in blotter.orders.items() if cloid in cloids
            ]),
            tuple([cloids[cloid] for cloid in blotter.to_query]),
            tuple(sorted([self.oid(oid) for oid in blotter.strays])) if blotter.strays else 0,
            tuple(sorted([self.oid(oid) for oid in blotter.foreign])) if blotter.foreign else 0,
            desk.connected,
            desk.synced,
            self.rank(desk.blind_since),
            -1 if asked is None else self.left(asked + settings.reconcile),
            -1 if asked is None else self.left(asked + settings.timeout),
            self.rank(desk.snapshot_at),
            None if desk.grid is None else (desk.grid.step, desk.grid.bids, desk.grid.asks),
            self.ledger(),
            self.refused(desk.refusals._until),  # noqa: SLF001
            self.guards(),
        )  # fmt: skip

    def refused(self, until: dict[tuple[str | int, int, int], tuple[int, Nanos]]) -> Part:
        """Return what was refused, how often, and how long each has to rest.

        A modify of an order that no longer matters is asked for by nobody.
        """
        cloids = self.cloids
        found: list[Part] = []
        for (which, price, qty), (count, at) in until.items():
            if isinstance(which, int):
                found.append((str(which), price, qty, count, self.left(at)))
            elif which in cloids:
                found.append((cloids[which], price, qty, count, self.left(at)))
        return tuple(found)

    def guards(self) -> Part:
        """Return what the guards remember, where it can make a difference."""
        guards, settings = self.desk.guards, self.desk.settings
        most = settings.rate_max
        rate = most is not None and most <= RATE_SEEN
        if not (guards.halted or guards.refused or self.desk.adopting or rate):
            return ()
        return (
            guards.halted,
            guards.is_proven,
            self.desk.adopting,
            guards.refused,
            self.left(guards.probe_at) if guards.is_open else -1,
            tuple([self.left(at + MINUTE) for at in guards.sent]) if rate else 0,
        )

    def ledger(self) -> Part:
        """Return what is left of the quota, where there is one."""
        ledger = self.desk.ledger
        if ledger.cap is None:
            if not ledger.limited:
                return ()
            return (ledger.limited, ledger.pause, self.left(ledger.probe_at))
        return (
            ledger.requests, ledger.cancels, ledger.traded, ledger.limited, ledger.pause,
            self.left(ledger.probe_at), self.budget(),
        )  # fmt: skip

    def budget(self) -> Part:
        """Return what was spent within the window, where it can make a change wait."""
        budget = self.desk.budget
        if not budget.is_on:
            return ()
        window = []
        for bucket in budget.buckets:
            expires_at = budget.expires_at(bucket)
            if expires_at > self.now:
                window.append((self.left(expires_at), bucket[1], bucket[2], bucket[3], bucket[4]))
        return (tuple(window), budget.prepaid)

    def order(self, order: Order) -> Part:
        """Return one order with its legs."""
        settings = self.desk.settings
        legs: list[int] = []
        for leg in order.old_legs.values():
            self.leg(legs, leg)
        self.leg(legs, order.leg)
        unheard = order.known - order.filled if order.known > order.filled else 0
        if order.is_closed:
            retires = self.left(order.closed_at + settings.retire)
            return (
                int(order.phase), tuple(legs), order.filled, unheard, self.rank(order.closed_at),
                retires, order.suspect,
            )  # fmt: skip
        modified, queried = order.modified_at, order.queried_at
        asked = int(order.request)
        return (
            int(order.phase), asked, int(order.hold), tuple(legs), order.filled, unheard,
            self.rank(order.answered_at) if order.answered else -1,
            min(ABSENCES_MAX, order.absences),
            order.absent_in_snapshot,
            # A cancel leaves the goal of an older request there, which is asked for no more.
            (order.goal_price, order.goal_qty) if asked and not order.is_cancelling else 0,
            (self.left(order.expires_at), self.rank(order.expires_at)) if asked else 0,
            self.rank(order.absent_at),
            self.left(max(order.evidence_at, order.leg.ended_at) + settings.retire),
            self.rank(order.evidence_at),
            -1 if modified is None else self.left(modified + settings.modify_interval),
            self.left(queried + settings.timeout)
            if queried is not None and (order.is_in_doubt or order.absences or order.suspect)
            else -1,
            order.level, order.suspect,
        )  # fmt: skip

    def leg(self, into: list[int], leg: Leg) -> None:
        """Write one leg, each as many numbers."""
        into += [self.oid(leg.oid), leg.price, leg.qty, leg.filled, leg.reported, int(leg.ended)]

    def facts(self) -> Part:
        """Return what the trace proves, as far as it differs from the manager's own record."""
        facts, desk, cloids = self.world.watch.facts, self.desk, self.cloids
        rules = facts.rules
        refused = {thing: (n, at + refusal_pause(n)) for thing, (n, at) in facts.refused.items()}
        return (
            tuple([
                self.order_facts(order)
                for cloid, order in facts.orders.items()
                if cloid in cloids
            ]),
            facts.position - desk.blotter.position,
            facts.traded - desk.blotter.traded,
            facts.blind,
            facts.limited,
            facts.requests - desk.ledger.requests,
            facts.cancels - desk.ledger.cancels,
            -1
            if facts.asked_open_at is None
            else self.left(facts.asked_open_at + PERIODS_MAX * rules.reconcile),
            self.refused(refused) if refused else 0,
            facts.refused_in_row,
            self.left(facts.probed_at + rules.reject_pause) if is_broken(facts) else 0,
        )  # fmt: skip

    def order_facts(self, order: OrderFacts) -> Part:
        """Return the facts about one order."""
        leg = order.leg
        if order.closed:
            return (self.oid(leg.oid),)
        request, rules = order.request, self.world.watch.facts.rules
        return (
            self.oid(leg.oid), leg.price, leg.qty, leg.filled, leg.said_filled, leg.gone,
            0 if request is None else type(request).__name__, order.in_doubt,
            order.answered, order.accepted,
            order.absences if order.absences <= ABSENCES_MAX else ABSENCES_MAX + 1,
            order.snapshot_absence, order.debounced, order.stale_cycles, order.last_old_leg,
            order.lacked if order.lacked <= SNAPSHOTS_MAX else SNAPSHOTS_MAX + 1,
            order.known - order.filled if order.known > order.filled else 0,
            -1 if order.modified_at is None
            else self.left(order.modified_at + rules.modify_interval),
            self.left((order.asked_at or order.doubt_since) + PERIODS_MAX * rules.timeout)
            if order.in_doubt else 0,
        )  # fmt: skip


def _said(report: Report) -> Part:
    """Return what a report says besides names, numbers and time."""
    if type(report) is _MODIFIED:
        return (report.price, report.qty)
    if type(report) is _MODIFY_REJECTED:
        return (_VALUES[report.alive],)
    if type(report) is _CANCELLED or type(report) is _CANCEL_REJECTED or type(report) is _REJECTED:
        return (_VALUES.get(report.reason, report.reason),)
    if type(report) is _ORDER_STATUS:
        return (_VALUES[report.status], report.filled)
    return ()


_LEFT: Final[dict[int, tuple[Budgets, dict[tuple[int, int], int]]]] = {}
"""Budgets by their identity, with the hashes of what is left."""


def digest(world: World) -> int:
    """Return a number of 128 bits that stands for the state's canonical form.

    Two different states out of ten million share one with a probability under 10⁻²⁴.
    """
    return _Canon(world).key()
