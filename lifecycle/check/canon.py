"""The canonical form of a state: what two states must share to have the same future.

* Orders, oids and fills are numbered in the order of their birth, among those that still matter.
  A closed order that nothing on its way can name again does not matter.
* A time that is compared with the clock is kept as the whole milliseconds that are left of it,
  never less than none; a time that is compared with the time of a look that is still unheard is
  kept as the number of such looks before it.
* Of positions the difference between venue and manager is kept, unless a cap makes them matter.
"""

import marshal
from bisect import bisect_left
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from exchange.commands import Cancel, Modify, Place, QueryOpen
from exchange.reports import (
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MINUTE, Nanos
from lifecycle.check.world import World
from lifecycle.core.order import Leg, Order
from spec.facts import OrderFacts
from spec.invariants.liveness import PERIODS_MAX, SNAPSHOTS_MAX
from spec.invariants.requests import refusal_pause
from spec.venue_model import Stream

_MILLISECOND: Final = 1_000_000
_HALF: Final = _MILLISECOND // 2
DIGEST_BYTES: Final = 16
RATE_SEEN: Final = 64
"""No exploration sends as many requests a minute: a guard above this never speaks in it."""
ABSENCES_MAX: Final = 2
"""More absences than prove an order gone are all alike."""


class _Kept(NamedTuple):
    """The manager's part of a canonical form, and the names and looks that it was made with."""

    cloids: dict[str | None, int]
    oids: dict[str | None, int]
    looks: list[int]
    parts: tuple[Any, ...]


class _Canon:
    """One state being put into canonical form."""

    __slots__ = ("cloids", "desk", "looks", "now", "oids", "seen", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now
        self.desk = world.manager._desk  # noqa: SLF001 - The explorer looks inside.
        self.seen = world.watch.facts.seen_fills
        self.looks = [look.at for look in world.venue.streams[Stream.LOOKS]]
        blotter = self.desk.blotter
        # Only a closed order can have stopped to matter.
        named = self._named() if len(blotter.open) < len(blotter.orders) else blotter.open.keys()
        self.cloids: dict[str | None, int] = {None: -1}
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
        named.update(getattr(query, "cloid", None) for query in world.queries)
        for stream in venue.streams:
            for report in stream:
                if isinstance(report, Snapshot):
                    named.update(row.cloid for row in report.open)
                else:
                    named.add(getattr(report, "cloid", None))
        for fill in venue.fills:
            if (fill.oid, fill.trade_id) not in self.seen:
                named.add(fill.cloid)
        named.update(one.cloid for one in venue.book if one.leaves)
        return named

    def left(self, at: Nanos) -> int:
        """Return how many milliseconds are left until a time, 0 where it has passed."""
        left = at - self.now + _HALF
        return left // _MILLISECOND if left > 0 else 0

    def rank(self, at: Nanos) -> int:
        """Return how many of the unheard looks were before a time."""
        return bisect_left(self.looks, at) if self.looks else 0

    def state(self) -> tuple[Any, ...]:
        world = self.world
        left = world.left
        position = self.desk.blotter.position
        if self.desk.settings.exposure_cap is None:
            position -= world.venue.position
        return (
            left.faults, left.target_changes, left.crashes, left.unasked, left.fills,
            left.places, left.early_cycles, left.unsent, left.halts, world.choice, position,
            self.venue(),
            *self.told(),
        )  # fmt: skip

    def told(self) -> tuple[Any, ...]:
        """Return what is canonical of the manager and its facts, made once while they are shared.

        Names and looks must be the same as when it was made; new oids are named by nobody yet.
        """
        kept = self.world.canonical
        if isinstance(kept, _Kept) and kept.cloids == self.cloids and kept.looks == self.looks:
            oids = self.oids
            if all(oids.get(oid) == number for oid, number in kept.oids.items()):
                return kept.parts
        parts = (self.manager(), self.facts())
        self.world.canonical = _Kept(self.cloids, self.oids, self.looks, parts)
        return parts

    def venue(self) -> tuple[Any, ...]:
        venue, cloids, oids = self.world.venue, self.cloids, self.oids
        return (
            [
                (cloids[one.cloid], one.price, one.qty, one.filled, one.status.value)
                for one in venue.book
                if one.cloid in cloids
            ],
            [
                (oids[fill.oid], fill.qty)
                for fill in venue.fills
                if (fill.oid, fill.trade_id) not in self.seen
            ],
            sorted([self.request(request) for request in venue.uplink]),
            [[self.report(report) for report in stream] for stream in venue.streams],
            sorted(
                -1 if isinstance(query, QueryOpen) else cloids[query.cloid]
                for query in self.world.queries
            ),
            self.rank(venue.changed_at),
        )

    def request(self, request: Place | Modify | Cancel) -> tuple[Any, ...]:
        newest = self.desk.blotter.orders[request.cloid].request_no == request.request
        number, expires = self.cloids[request.cloid], self.left(request.expires_at)
        if isinstance(request, Cancel):
            return ("c", number, newest, expires)
        kind = "p" if isinstance(request, Place) else "m"
        return (kind, number, newest, expires, request.price, request.qty)

    def report(self, report: Report) -> tuple[Any, ...]:
        if isinstance(report, Snapshot):
            rows = [(self.oids[row.oid], row.price, row.qty) for row in report.open]
            return ("S", rows, [self.fill(fill) for fill in report.fills])
        if isinstance(report, Fill):
            return ("F", self.rank(report.at), *self.fill(report))
        cloid = getattr(report, "cloid", None)
        found: list[Any] = [type(report).__name__, self.rank(report.at), self.cloids[cloid]]
        if cloid is not None:
            order = self.desk.blotter.orders[cloid]
            request = getattr(report, "request", 0)
            if request and not isinstance(report, OrderStatus):
                found.append(request == order.request_no)
            found.append(report.at >= order.absent_at)
            if isinstance(report, OrderStatus):
                found.append(order.is_past(report.at))
        found.append(self.oids.get(getattr(report, "oid", None), -2))
        found += _said(report)
        return tuple(found)

    def fill(self, fill: Fill) -> tuple[Any, ...]:
        if (fill.oid, fill.trade_id) in self.seen:
            return (-3,)
        return (self.oids[fill.oid], fill.qty)

    def manager(self) -> tuple[Any, ...]:
        desk = self.desk
        settings, blotter = desk.settings, desk.blotter
        asked = desk.asked_open_at
        return (
            [self.order(order) for cloid, order in blotter.orders.items() if cloid in self.cloids],
            [self.cloids[cloid] for cloid in blotter.to_query],
            sorted(self.oids.get(oid, -2) for oid in blotter.strays),
            sorted(self.oids.get(oid, -2) for oid in blotter.foreign),
            desk.connected,
            desk.synced,
            self.rank(desk.blind_since),
            -1 if asked is None else self.left(asked + settings.reconcile),
            -1 if asked is None else self.left(asked + settings.timeout),
            self.rank(desk.snapshot_at),
            None if desk.grid is None else (desk.grid.step, desk.grid.bids, desk.grid.asks),
            self.ledger(),
            [
                (self.cloids.get(str(thing[0]), str(thing[0])), *thing[1:], count, self.left(until))
                for thing, (count, until) in desk.refusals._until.items()  # noqa: SLF001
            ],
            self.guards(),
        )

    def guards(self) -> tuple[Any, ...]:
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
            [self.left(at + MINUTE) for at in guards.sent] if rate else 0,
        )

    def ledger(self) -> tuple[Any, ...]:
        ledger = self.desk.ledger
        limited = (ledger.limited, ledger.pause, self.left(ledger.probe_at))
        if ledger.cap is None:
            return limited if ledger.limited else ()
        return (ledger.requests, ledger.cancels, ledger.traded, *limited, self.budget())

    def budget(self) -> tuple[Any, ...]:
        budget = self.desk.budget
        if not budget.is_on:
            return ()
        window = [
            (self.left(budget.expires_at(bucket)), *bucket[1:])
            for bucket in budget.buckets
            if budget.expires_at(bucket) > self.now
        ]
        return (window, budget.prepaid)

    def order(self, order: Order) -> tuple[Any, ...]:
        settings = self.desk.settings
        legs = [self.leg(leg) for leg in order.old_legs.values()]
        legs.append(self.leg(order.leg))
        if order.phase > 1:
            retires = self.left(order.closed_at + settings.retire)
            unheard = max(0, order.known - order.filled)
            return (
                int(order.phase), legs, order.filled, unheard, self.rank(order.closed_at), retires,
            )  # fmt: skip
        modified, queried = order.modified_at, order.queried_at
        in_doubt = order.is_in_doubt
        return (
            int(order.phase), int(order.request), int(order.hold), legs, order.filled,
            max(0, order.known - order.filled),
            self.rank(order.answered_at) if order.answered else -1,
            min(order.absences, ABSENCES_MAX), order.absent_in_snapshot,
            (order.goal_price, order.goal_qty, self.left(order.expires_at),
             self.rank(order.expires_at)) if order.request else 0,
            self.rank(order.absent_at) if order.absences or order.request else 0,
            self.rank(order.evidence_at),
            -1 if modified is None else self.left(modified + settings.modify_interval),
            self.left(queried + settings.timeout)
            if queried is not None and (in_doubt or order.absences or order.suspect) else -1,
            order.level, order.suspect,
        )  # fmt: skip

    def leg(self, leg: Leg) -> tuple[Any, ...]:
        return (
            self.oids.get(leg.oid, -2), leg.price, leg.qty, leg.filled, leg.reported, leg.ended,
        )  # fmt: skip

    def facts(self) -> tuple[Any, ...]:
        facts = self.world.watch.facts
        return (
            [
                self.order_facts(order)
                for cloid, order in facts.orders.items()
                if cloid in self.cloids
            ],
            facts.position - self.desk.blotter.position,
            facts.traded - self.desk.blotter.traded,
            facts.blind,
            facts.limited,
            facts.requests - self.desk.ledger.requests,
            facts.cancels - self.desk.ledger.cancels,
            -1
            if facts.asked_open_at is None
            else self.left(facts.asked_open_at + PERIODS_MAX * facts.rules.reconcile),
            [
                (
                    self.cloids.get(str(thing[0]), str(thing[0])),
                    *thing[1:],
                    count,
                    self.left(at + refusal_pause(count)),
                )
                for thing, (count, at) in facts.refused.items()
            ]
            if facts.refused
            else 0,
            facts.refused_in_row,
            self.left(facts.probed_at + facts.rules.reject_pause) if facts.refused_in_row else 0,
        )

    def order_facts(self, order: OrderFacts) -> tuple[Any, ...]:
        leg = order.leg
        if order.closed:
            return (self.oids.get(leg.oid, -2),)
        request, rules = order.request, self.world.watch.facts.rules
        return (
            self.oids.get(leg.oid, -2), leg.price, leg.qty, leg.filled, leg.said_filled, leg.gone,
            None if request is None else type(request).__name__, order.in_doubt,
            order.answered, order.accepted, min(order.absences, ABSENCES_MAX + 1),
            order.snapshot_absence, order.debounced, order.stale_cycles, order.last_old_leg,
            min(order.lacked, SNAPSHOTS_MAX + 1), max(0, order.known - order.filled),
            -1 if order.modified_at is None
            else self.left(order.modified_at + rules.modify_interval),
            self.left((order.asked_at or order.doubt_since) + PERIODS_MAX * rules.timeout)
            if order.in_doubt else 0,
        )  # fmt: skip


def _said(report: Report) -> tuple[Any, ...]:
    """Return what a report says besides names, numbers and time."""
    match report:
        case Modified():
            return (report.price, report.qty)
        case ModifyRejected():
            return (report.alive.value,)
        case Cancelled() | CancelRejected() | Rejected():
            return (str(report.reason),)
        case OrderStatus():
            return (report.status.value, report.filled)
        case _:
            return ()


def digest(world: World) -> bytes:
    """Return 16 bytes that stand for the state's canonical form.

    Two different states out of ten million share them with a probability under 10⁻²⁴.
    """
    # Version 2 writes every value out; later ones refer to objects seen before, so that equal
    # values would have two forms.
    return blake2b(marshal.dumps(_Canon(world).state(), 2), digest_size=DIGEST_BYTES).digest()
