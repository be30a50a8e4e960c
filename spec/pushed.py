"""What pushed reports and answers to requests prove; the first half of reading a trace.

The rules of evidence are those of the scenario format; see `spec.facts`.
"""

from exchange.commands import Cancel, Modify, Place
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    Modified,
    ModifyRejected,
    Rejected,
)
from exchange.units import Price, Qty
from exchange.words import Alive, CancelReason, Cloid
from spec.facts import Facts, LegFacts, OrderFacts
from spec.states import State


class PushedFacts(Facts):
    """Facts that take in what a venue says of itself."""

    __slots__ = ()

    def _fill(self, fill: Fill) -> None:
        if (fill.oid, fill.trade_id) in self.seen_fills:
            return
        self.seen_fills.add((fill.oid, fill.trade_id))
        order = self._owner(fill.cloid, fill.oid)
        if order is None:
            side = fill.side if fill.side is not None else self.foreign.get(fill.oid)
            self.strays.append((fill, side is not None))
            if side is not None:
                self.position += fill.qty * side
            return
        if order.leg.oid is None:
            self._named(order, order.leg, fill.oid)
        elif self._opens(order, fill.oid):
            request = order.request
            assert isinstance(request, Modify), "only a modify opens a leg"
            self._new_leg(order, fill.oid, request.price, request.qty)
        leg = order.leg_of(fill.oid)
        if leg is None:
            leg = LegFacts(fill.oid, fill.price, fill.qty)
            leg.guessed = True
            order.legs.insert(-1, leg)
            self.owners[fill.oid] = order
        self._count(order, leg, fill)
        order.accepted = True
        order.last_old_leg = leg is not order.leg
        if type(order.request) is Place:
            self._settled(order)
        if not order.closed:
            self._see(order, fill.at)
        self._end_if_over(order, fill.at)

    def _granted(self, report: Accepted | Modified) -> None:
        self.limited = False
        self.refused_in_row = 0
        order = self._owner(report.cloid, report.oid)
        if order is None:
            return
        if type(report) is Modified:
            self._modified(order, report)
            return
        if order.leg.oid is None:
            self._named(order, order.leg, report.oid)
        elif self._opens(order, report.oid):
            request = order.request
            assert isinstance(request, Modify), "only a modify opens a leg"
            self._new_leg(order, report.oid, request.price, request.qty)
        elif order.leg_of(report.oid) is None:
            return
        self.refused.pop((order.side, order.leg.price, order.leg.qty), None)
        if order.closed:
            return
        order.accepted = True
        order.last_old_leg = order.leg_of(report.oid) is not order.leg
        if type(order.request) is Place:
            self._settled(order)
        self._see(order, report.at)
        self._end_if_over(order, report.at)

    def _modified(self, order: OrderFacts, report: Modified) -> None:
        request = order.request
        amends = self.rules.capabilities.modify_keeps_oid
        mine = type(request) is Modify and report.request in (0, request.request)
        if order.closed:
            return
        wanted = report.qty
        if self.rules.capabilities.qty_is_total:
            wanted -= order.leg.filled
        self.refused.pop((order.cloid, report.price, wanted), None)
        if mine and amends:
            assert request is not None, "mine"
            goal = type(request) is Modify and (report.price, report.qty) == (
                request.price,
                request.qty,
            )
            if report.request == 0 and not goal:
                return
            order.leg.price, order.leg.qty = report.price, report.qty
            if report.at >= order.leg.gone_at:
                order.leg.gone = False
            self._settled(order)
        elif mine and order.leg_of(report.oid) is None:
            self._new_leg(order, report.oid, report.price, report.qty)
        elif not amends and order.leg.oid == report.oid:
            order.leg.price, order.leg.qty = report.price, report.qty
            if mine and request is not None and report.request == request.request:
                # The venue has kept the oid.
                order.leg.gone = False
                self._settled(order)
        else:
            return
        order.last_old_leg = False
        self._see(order, report.at)
        self._end_if_over(order, report.at)

    def _refused(self, report: Rejected | ModifyRejected | CancelRejected) -> None:
        order = self.orders.get(report.cloid)
        if order is None or order.closed:
            return
        request = order.request
        if request is None or report.request not in (0, request.request):
            return
        if type(report) is Rejected and type(request) is Place:
            self._count_refusal()
            self._remember_refusal((order.side, request.price, request.qty))
            self._close(order, report.at, State.REJECTED)
        elif type(report) is CancelRejected and type(request) is Cancel:
            order.answered = True
            order.answered_at = report.at
            self._doubt(order)
        elif type(report) is ModifyRejected and type(request) is Modify:
            if not order.answered:
                self._count_refusal()
            self._modify_refused(order, request, report)

    def _count_refusal(self) -> None:
        self.refused_in_row += 1
        most = self.rules.rejects_max
        if most is not None and self.refused_in_row >= most:
            self.probed_at = self.now

    def _modify_refused(self, order: OrderFacts, request: Modify, report: ModifyRejected) -> None:
        over = order.leg.gone or order.leg.filled >= order.leg.qty
        if report.alive is Alive.UNKNOWN and not over:
            order.answered = True
            order.answered_at = report.at
            self._doubt(order)
            return
        self._settled(order)
        if report.alive is Alive.YES and not over:
            qty = request.qty
            if self.rules.capabilities.qty_is_total:
                qty -= order.leg.filled
            self._remember_refusal((order.cloid, request.price, qty))
            self._see(order, report.at)
        else:
            filled = order.leg.filled >= order.leg.qty
            self._close(order, report.at, State.FILLED if filled else State.CANCELLED)

    def _remember_refusal(self, thing: tuple[Cloid | int, Price, Qty]) -> None:
        count = self.refused.get(thing, (0, 0))[0]
        self.refused[thing] = (count + 1, self.now)

    def _cancelled(self, report: Cancelled) -> None:
        if report.reason is CancelReason.USER:
            self.limited = False
        order = self._owner(report.cloid, report.oid)
        if order is None:
            return
        if report.oid is not None and order.leg.oid is None:
            self._named(order, order.leg, report.oid)
        if order.closed:
            return
        if report.oid is not None and self._opens(order, report.oid):
            request = order.request
            assert isinstance(request, Modify), "only a modify opens a leg"
            self._new_leg(order, report.oid, request.price, request.qty)
            if report.reason is CancelReason.REPLACED:
                return
        leg = order.leg_of(report.oid)
        order.last_old_leg = leg is not order.leg
        if leg is not order.leg or leg is None:
            return
        if report.reason is CancelReason.REPLACED and type(order.request) is not Modify:
            return
        leg.gone = True
        leg.gone_at = report.at
        self._end_if_over(order, report.at)
