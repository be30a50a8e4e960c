"""One cycle: from matched sides to the commands that may be sent now, each with its reason.

What is wanted passes the gates in a fixed order, hard ones last, and the first that holds it back
gives the reason. Cancels and modifies go before places, so that a place never takes the room of
something that is already on the book. Where there may not be requests for all, it goes by priority:
emergencies, what is uncovered, what is stale, the rest; so a probe is spent on coverage first.

The soft quota (`lifecycle.core.budget`) holds back a change that is neither stale nor an emergency;
it leaves the order's hold as it is. A debounced modify waits for its interval only.
"""

from itertools import chain
from typing import Final

from exchange.commands import Command, Place
from exchange.market import Market
from exchange.units import Price, Qty
from exchange.words import Cloid, Side
from lifecycle.core.ahead import is_ahead, reaches
from lifecycle.core.bands import base_latch
from lifecycle.core.budget import Ration, Spending
from lifecycle.core.desk import Desk
from lifecycle.core.order import Order
from lifecycle.core.settings import MILLION
from lifecycle.core.sides import SidePlan, Want
from spec.states import Hold, HoldEvent, Request
from spec.trace import Action, Decision, Reason, Targets

# Looked up once: before Python 3.12 each access to a member of an enum costs a function call.
_CANCELLING: Final = Request.CANCELLING
_IDLE: Final = Request.IDLE
_WITHDRAW: Final = Want.WITHDRAW
_REPLACE: Final = Want.REPLACE
_WANT_MODIFY: Final = Want.MODIFY
_WANT_KEEP: Final = Want.KEEP
_ACTION_CANCEL: Final = Action.CANCEL
_ACTION_MODIFY: Final = Action.MODIFY
_ACTION_PLACE: Final = Action.PLACE
_ACTION_KEEP: Final = Action.KEEP
_ACTION_WAIT: Final = Action.WAIT
_WOULD_CROSS: Final = Reason.WOULD_CROSS
_PREDECESSOR: Final = Reason.PREDECESSOR
_SAME_POINT: Final = Reason.SAME_POINT
_OWN_ORDER: Final = Reason.OWN_ORDER
_REASON_DEBOUNCED: Final = Reason.DEBOUNCED
_IN_FLIGHT: Final = Reason.IN_FLIGHT
_WITHDRAWN: Final = Reason.WITHDRAWN
_EMERGENCY: Final = Reason.EMERGENCY
_UNCOVERED: Final = Reason.UNCOVERED
_EXPOSURE: Final = Reason.EXPOSURE
_IN_DOUBT: Final = Reason.IN_DOUBT
_REASON_LATCHED: Final = Reason.LATCHED
_LIMITED: Final = Reason.LIMITED
_BACKOFF: Final = Reason.BACKOFF
_INVALID: Final = Reason.INVALID
_REASON_REPLACE: Final = Reason.REPLACE
_REASON_MODIFY: Final = Reason.MODIFY
_STALE: Final = Reason.STALE
_GATED: Final = Reason.GATED
_QUOTA: Final = Reason.QUOTA
_FOREIGN: Final = Reason.FOREIGN
_BLIND: Final = Reason.BLIND
_DEBOUNCE: Final = HoldEvent.DEBOUNCE
_RELEASE: Final = HoldEvent.RELEASE
_LATCH: Final = HoldEvent.LATCH
_FREE: Final = Hold.FREE
_LATCHED: Final = Hold.LATCHED
_DEBOUNCED: Final = Hold.DEBOUNCED
_DECISION: Final = Decision
_SPEND_CHANGE: Final = Spending.CHANGE
_SPEND_PLACE: Final = Spending.PLACE
_SPEND_CANCEL: Final = Spending.CANCEL
_CHANGES: Final = (Want.MODIFY, Want.REPLACE)
"""What may be wanted of an order that rests and is wanted elsewhere, or in another size."""


class Round:
    """The scratch of one cycle."""

    def __init__(
        self,
        desk: Desk,
        targets: Targets,
        market: Market,
        gate: Reason | None = None,
        *,
        withdraws: bool = False,
    ) -> None:
        """Match both sides; with a `gate` nothing but emergencies, or everything, is withdrawn."""
        self.desk = desk
        self.withdrawn = gate if withdraws and gate is not None else _WITHDRAWN
        """The reason for what no target wants."""
        self.frozen = None if withdraws else gate
        """Why nothing is sent but emergency cancels, None where it may be."""
        desk.guards.look(market)
        self.factor = factor = desk.ledger.latch_factor(desk.settings)
        self.is_saving = factor > MILLION
        """The quota is low: the bands are wider for it."""
        base = base_latch(desk.settings, targets, market.volatility)
        queues = market.queues
        self.bids = SidePlan(desk, Side.BUY, targets.bids, base, factor, queues)
        self.asks = SidePlan(desk, Side.SELL, targets.asks, base, factor, queues)
        if desk.settings.post_only:
            self.bids.limit, self.asks.limit = market.ask, market.bid
        self.is_refusing = bool(desk.refusals)
        """Something was refused that may have to wait."""
        left = desk.ledger.left
        both = (self.bids, self.asks)
        most = sum(len(plan.orders) + len(plan.targets) for plan in both)
        self.is_ending = left is not None and left < most
        """The ledger may come to its end within this cycle: no order nor level has two requests."""
        self.cancels: list[Command] = []
        self.modifies: list[Command] = []
        self.places: list[Command] = []
        self.decisions: list[Decision] = []
        self.waiting: set[Cloid] = set()
        """Orders whose change waits for the soft quota."""
        self.urgent: set[Cloid] = set()
        """Orders whose change would wait for it, were they not stale."""
        if desk.settings.exposure_cap is not None:
            self._measure_risk()

    def run(self) -> tuple[Command, ...]:
        """Decide about everything; returns the commands in the order of their sending."""
        both = (self.bids, self.asks)
        if self.desk.settings.exposure_cap is not None:
            for plan in both:
                self._shed(plan)
        changes = self.bids.changes + self.asks.changes
        if changes and self.desk.budget.is_on and self.frozen is None:
            self._ration(Ration(self.desk.budget, self.desk.ledger, self.desk.now), changes)
        if self.frozen is None:
            self._clear_the_way(self.bids, self.asks)
            self._clear_the_way(self.asks, self.bids)
        if self._is_scarce():
            self._decide_by_priority()
        else:
            for plan in both:
                for i in range(len(plan.orders)):
                    self._decide(plan, i)
            for plan in both:
                self._cover(plan)
        if self.modifies:
            self.desk.budget.enter(_SPEND_CHANGE, self.desk.now, len(self.modifies))
        return (*self.cancels, *self.modifies, *self.places)

    def _is_scarce(self) -> bool:
        """Say whether there may not be requests for all that is wanted."""
        ledger = self.desk.ledger
        left = ledger.left
        if left is None or ledger.limited or not self.is_ending:
            return ledger.limited
        return left < sum(len(plan.uncovered) + plan.changes for plan in (self.bids, self.asks))

    def _decide_by_priority(self) -> None:
        """Decide about what must not wait for a request before what can."""
        emergencies, stale, rest = [], [], []
        for plan in (self.bids, self.asks):
            for i, want in enumerate(plan.wants):
                if plan.emergency[i]:
                    emergencies.append((plan, i))
                elif want in _CHANGES and plan.is_stale(i):
                    stale.append((plan, i))
                else:
                    rest.append((plan, i))
        for plan, i in emergencies:
            self._decide(plan, i)
        for plan in (self.bids, self.asks):
            self._cover(plan)
        for plan, i in (*stale, *rest):
            self._decide(plan, i)

    # The soft quota.

    def _ration(self, ration: Ration, changes: int) -> None:
        """Find which of the changes must wait; coverage and what is stale take their part first."""
        settings = self.desk.settings
        both = (self.bids, self.asks)
        uncovered = sum(len(plan.uncovered) for plan in both)
        ration.spend(_SPEND_PLACE, max(0, uncovered - self.desk.budget.prepaid))
        floor = max(settings.normal_floor, settings.low_floor)
        if not self.is_saving and ration.suffices(floor, changes):
            return
        normal: list[Cloid] = []
        low: list[Cloid] = []
        for plan in both:
            for i, want in enumerate(plan.wants):
                if want not in _CHANGES:
                    continue
                order = plan.orders[i]
                if plan.is_stale(i):
                    if self.is_saving or ration.must_wait(settings.normal_floor):
                        self.urgent.add(order.cloid)
                    ration.spend(_SPEND_CHANGE)
                elif order.hold is _DEBOUNCED:
                    ration.spend(_SPEND_CHANGE)
                else:
                    (low if plan.is_small(i) else normal).append(order.cloid)
        for floor, cloids in ((settings.normal_floor, normal), (settings.low_floor, low)):
            self.waiting.update(cloid for cloid in cloids if not ration.grants(floor))

    # Emergencies.

    def _measure_risk(self) -> None:
        amends = self.desk.blotter.amends
        position = self.desk.blotter.position
        self.bids.risk, self.asks.risk = position, -position
        blotter = self.desk.blotter
        for order in chain(blotter.open.values(), blotter.closing.values()):
            plan = self.bids if order.side > 0 else self.asks
            plan.risk += order.open_risk(amends)

    def _shed(self, plan: SidePlan) -> None:
        """Mark orders for cancelling, outermost first, until the worst case is under the cap."""
        cap = self.desk.settings.exposure_cap
        assert cap is not None, "only with a cap"
        amends = self.desk.blotter.amends
        excess = plan.risk - cap
        for order in plan.orders:
            if order.is_cancelling:
                excess -= order.open_risk(amends)
        for i in range(len(plan.orders) - 1, -1, -1):
            if excess <= 0:
                return
            if plan.orders[i].request is _IDLE:
                plan.emergency[i] = True
                plan.wants[i] = _WITHDRAW
                excess -= plan.orders[i].open_risk(amends)

    def _clear_the_way(self, plan: SidePlan, other: SidePlan) -> None:
        """Mark idle orders of the other side that a wanted price of this side would meet."""
        # Targets are best first, and so are orders.
        best = plan.uncovered[0] if plan.uncovered else len(plan.targets)
        waiting = self.waiting
        for i, want in enumerate(plan.wants):
            level = plan.levels[i]
            if level >= best or not (want is _WANT_MODIFY or want is _REPLACE):
                continue
            if not waiting or plan.orders[i].cloid not in waiting:
                best = level
        if best == len(plan.targets):
            return
        wanted = plan.target_prices[best]
        for i, price in enumerate(other.prices):
            if is_ahead(price, wanted, buys=plan.buys):
                return
            if other.orders[i].request is _IDLE:
                other.emergency[i] = True

    # Orders.

    def _decide(self, plan: SidePlan, i: int) -> None:
        order, want = plan.orders[i], plan.wants[i]
        if order.request is not _IDLE:
            reason = _IN_DOUBT if order.is_in_doubt else _IN_FLIGHT
            self._note(plan, i, _ACTION_WAIT, reason)
        elif self.frozen is not None and not plan.emergency[i]:
            self._note(plan, i, _ACTION_WAIT, self.frozen)
        elif want is _WITHDRAW:
            if plan.emergency[i]:
                reason = _EMERGENCY
            else:
                unwanted = self.desk.blotter.unwanted
                reason = _FOREIGN if order.cloid in unwanted else self.withdrawn
            self._cancel(plan, i, reason)
        elif plan.emergency[i]:
            self._emergency(plan, i)
        elif want is _WANT_KEEP:
            self._keep(plan, i)
        elif want is _WANT_MODIFY:
            self._modify(plan, i)
        else:
            self._replace(plan, i)

    def _keep(self, plan: SidePlan, i: int) -> None:
        order, level = plan.orders[i], plan.levels[i]
        same_price = plan.prices[i] == plan.target_prices[level]
        if same_price and plan.leaves[i] == plan.target_qtys[level]:
            order.hold_by(_RELEASE)
            self._note(plan, i, _ACTION_KEEP, _SAME_POINT)
        else:
            if order.hold is not _LATCHED:
                order.hold_by(_LATCH)
            self._note(plan, i, _ACTION_KEEP, _REASON_LATCHED)

    def _emergency(self, plan: SidePlan, i: int) -> None:
        """Get an order out of the way of our other side: a modify if that may be, or a cancel."""
        order, level = plan.orders[i], plan.levels[i]
        price, qty = plan.target_prices[level], plan.target_qtys[level]
        moves_away = is_ahead(order.leg.price, price, buys=plan.buys)
        interval = self._in_interval(order)
        if moves_away and not interval and self._barrier(order, plan, price, qty) is None:
            self._send_modify(plan, i, price, _EMERGENCY)
        else:
            self._cancel(plan, i, _EMERGENCY)

    def _modify(self, plan: SidePlan, i: int) -> None:
        order = plan.orders[i]
        settings = self.desk.settings
        if order.cloid in self.waiting:
            self._note(plan, i, _ACTION_WAIT, _QUOTA)
            return
        if self._in_interval(order):
            if settings.modify_drop:
                self._note(plan, i, _ACTION_WAIT, _GATED)
            else:
                order.hold_by(_DEBOUNCE)
                self._note(plan, i, _ACTION_WAIT, _REASON_DEBOUNCED)
            return
        price, barrier = self._aimed(order, plan, plan.levels[i])
        if barrier is None:
            reason = _STALE if order.cloid in self.urgent else _REASON_MODIFY
            self._send_modify(plan, i, price, reason)
        elif barrier is _EXPOSURE and plan.is_stale(i) and self.desk.ledger.can_request:
            # Both legs would count. A cancel first and a place after it keep the cap, and the
            # price true; a debounced order may only be cancelled alone, as an emergency.
            debounced = order.hold is _DEBOUNCED
            self._cancel(plan, i, _EMERGENCY if debounced else _REASON_REPLACE)
        else:
            self._note(plan, i, _ACTION_WAIT, barrier)

    def _in_interval(self, order: Order) -> bool:
        settings = self.desk.settings
        last = self.desk.modified_at if settings.modify_global else order.modified_at
        return last is not None and self.desk.now - last < settings.modify_interval

    def _replace(self, plan: SidePlan, i: int) -> None:
        level = plan.levels[i]
        if plan.orders[i].cloid in self.waiting or not self.desk.ledger.can_request:
            # Not the cancel either where its place could not follow.
            self._note(plan, i, _ACTION_WAIT, _QUOTA)
            return
        sent = self._cancel(plan, i, _REASON_REPLACE)
        if sent and self.desk.settings.place_with_cancel:
            self._place(plan, level)
        elif sent:
            self._note_level(plan, level, _PREDECESSOR)

    def _send_modify(self, plan: SidePlan, i: int, price: Price, reason: Reason) -> None:
        order, qty = plan.orders[i], plan.target_qtys[plan.levels[i]]
        if self.desk.settings.exposure_cap is not None:
            amends = self.desk.blotter.amends
            plan.risk += max(0, qty - order.leg.open_risk) if amends else qty
        plan.advance(price)
        self._note(plan, i, _ACTION_MODIFY, reason)
        self.modifies.append(self.desk.modify(order, price, qty))

    def _cancel(self, plan: SidePlan, i: int, reason: Reason) -> bool:
        ledger = self.desk.ledger
        if ledger.is_held(self.desk.now):
            self._note(plan, i, _ACTION_WAIT, _LIMITED)
            return False
        if not ledger.can_cancel:
            self._note(plan, i, _ACTION_WAIT, _QUOTA)
            return False
        self._note(plan, i, _ACTION_CANCEL, reason)
        self.cancels.append(self.desk.cancel(plan.orders[i]))
        budget, now = self.desk.budget, self.desk.now
        if reason is _REASON_REPLACE:
            budget.replace(now, len(self.desk.blotter.open))
        else:
            budget.enter(_SPEND_CANCEL, now)
        return True

    # Targets without an order.

    def _cover(self, plan: SidePlan) -> None:
        live = len(plan.orders)
        if self.desk.settings.place_with_cancel:
            live = sum(1 for order in plan.orders if order.request is not _CANCELLING)
        room = len(plan.targets) - live
        for level in plan.uncovered:
            if self.frozen is not None:
                self._note_level(plan, level, self.frozen)
            elif room <= 0:
                self._note_level(plan, level, _PREDECESSOR)
            elif self._place(plan, level):
                room -= 1

    def _place(self, plan: SidePlan, level: int) -> bool:
        price, barrier = self._aimed(None, plan, level)
        if barrier is not None:
            self._note_level(plan, level, barrier)
            return False
        qty = plan.target_qtys[level]
        plan.risk += qty
        plan.advance(price)
        command = self.desk.place(plan.side, price, qty, level)
        self.desk.budget.place(self.desk.now)
        self.places.append(command)
        self._note_level(plan, level, _UNCOVERED, command)
        return True

    # Gates.

    def _barrier(
        self, order: Order | None, plan: SidePlan, price: Price, qty: Qty
    ) -> Reason | None:
        """Return why a place (`order` None) or a modify may not be sent now, None if it may."""
        desk = self.desk
        if not desk.instrument.accepts(price, qty):
            return _INVALID
        buys = plan.buys
        if plan.limit is not None and reaches(price, plan.limit, buys=buys):
            return _WOULD_CROSS
        facing = (self.asks if plan is self.bids else self.bids).foremost
        if facing is not None and reaches(price, facing, buys=buys):
            return _OWN_ORDER
        if self.is_refusing and desk.refusals.holds(
            (plan.side if order is None else order.cloid, price, qty), desk.now
        ):
            return _BACKOFF
        if desk.settings.exposure_cap is not None and self._over_cap(order, plan, qty):
            return _EXPOSURE
        ledger = desk.ledger
        if ledger.limited and ledger.is_held(desk.now):
            return _LIMITED
        if self.is_ending and not ledger.can_request:
            return _QUOTA
        return desk.guards.barrier(price, qty, desk.now)

    def _aimed(
        self, order: Order | None, plan: SidePlan, level: int
    ) -> tuple[Price, Reason | None]:
        """Return where to send, and what forbids it: in step with the ladder, or to the target."""
        price, qty = plan.target_prices[level], plan.target_qtys[level]
        if plan.drift is not None:
            aim = plan.aims[level]
            if aim != price and self._barrier(order, plan, aim, qty) is None:
                return aim, None
        return price, self._barrier(order, plan, price, qty)

    def _over_cap(self, order: Order | None, plan: SidePlan, qty: Qty) -> bool:
        cap = self.desk.settings.exposure_cap
        assert cap is not None, "only with a cap"
        if order is not None and self.desk.blotter.amends:
            qty = max(0, qty - order.leg.open_risk)
        return qty > 0 and plan.risk + qty > cap

    # Decisions.

    def _note(self, plan: SidePlan, i: int, action: Action, reason: Reason) -> None:
        level = plan.levels[i]
        price = qty = band = 0
        if level >= 0:
            price, qty = plan.target_prices[level], plan.target_qtys[level]
            band = plan.bands[level] if plan.is_plain else plan.band(i, level)
        cloid, at, leaves = plan.orders[i].cloid, plan.prices[i], plan.leaves[i]
        self.decisions.append(
            _DECISION(cloid, plan.side, level, action, reason, at, price, leaves, qty, band)
        )

    def _note_level(
        self, plan: SidePlan, level: int, reason: Reason, sent: Place | None = None
    ) -> None:
        price, qty, band = plan.target_prices[level], plan.target_qtys[level], plan.bands[level]
        cloid, action, at, leaves = None, _ACTION_WAIT, 0, 0
        if sent is not None:
            cloid, action, at, leaves = sent.cloid, _ACTION_PLACE, sent.price, sent.qty
        self.decisions.append(
            Decision(cloid, plan.side, level, action, reason, at, price, leaves, qty, band)
        )


def blind_decisions(desk: Desk, targets: Targets) -> list[Decision]:
    """Return the decisions of a cycle in which nothing may be sent."""
    found = [
        Decision(one.cloid, one.side, -1, _ACTION_WAIT, _BLIND, one.price, 0, one.leaves, 0, 0)
        for one in desk.blotter.open.values()
    ]
    return found + target_decisions(targets, _BLIND)


def target_decisions(targets: Targets, reason: Reason) -> list[Decision]:
    """Return the decisions about targets of which none gets an order, for one reason."""
    return [
        Decision(None, side, level, Action.WAIT, reason, 0, target.price, 0, target.qty, 0)
        for side, wanted in ((Side.BUY, targets.bids), (Side.SELL, targets.asks))
        for level, target in enumerate(wanted)
    ]
