"""Copies of a manager and of the facts about it: the explorer branches on every step.

A copy shares only values. Written out field by field, because a million states are copied; a test
compares every class with what is copied here, so that a new field cannot be forgotten.
"""

from lifecycle.core.blotter import Blotter
from lifecycle.core.budget import Budget
from lifecycle.core.desk import Desk
from lifecycle.core.grid import Grid
from lifecycle.core.guards import Guards
from lifecycle.core.ledger import Ledger
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Leg, Order
from lifecycle.core.refusals import Refusals
from spec.facts import LegFacts, OrderFacts
from spec.witness import Witness


class _Guards(Guards):
    """A blank one to copy into: to begin anew reads the settings, which takes longer."""

    __slots__ = ()

    def __init__(self) -> None:
        pass


def clone_leg(leg: Leg) -> Leg:
    """Return a copy of a leg."""
    other = Leg(leg.oid, leg.price, leg.qty)
    other.booked = None if leg.booked is None else leg.booked.copy()
    other.ended = leg.ended
    other.ended_at = leg.ended_at
    other.is_guess = leg.is_guess
    other.filled = leg.filled
    other.reported = leg.reported
    other.taken_at = leg.taken_at
    return other


def clone_order(order: Order) -> Order:
    """Return a copy of an order with its legs."""
    other = Order(order.cloid, order.side, 0, 0, 0)
    other.absences = order.absences
    other.absent_at = order.absent_at
    other.absent_in_snapshot = order.absent_in_snapshot
    other.answered = order.answered
    other.answered_at = order.answered_at
    other.closed_at = order.closed_at
    other.evidence_at = order.evidence_at
    other.expires_at = order.expires_at
    other.filled = order.filled
    other.is_adopted = order.is_adopted
    other.known = order.known
    other.goal_price = order.goal_price
    other.goal_qty = order.goal_qty
    other.hold = order.hold
    other.level = order.level
    other.modified_at = order.modified_at
    other.phase = order.phase
    other.placed_at = order.placed_at
    other.queried_at = order.queried_at
    other.reduce_only = order.reduce_only
    other.request = order.request
    other.request_no = order.request_no
    other.suspect = order.suspect
    other.unheard = order.unheard
    other.leg = clone_leg(order.leg)
    other.old_legs = {oid: clone_leg(leg) for oid, leg in order.old_legs.items()}
    return other


def clone_blotter(blotter: Blotter) -> Blotter:
    """Return a copy of a record of orders."""
    other = Blotter(amends=blotter.amends)
    orders = {cloid: clone_order(order) for cloid, order in blotter.orders.items()}
    other.orders = orders
    other.open = {cloid: orders[cloid] for cloid in blotter.open}
    other.closing = {cloid: orders[cloid] for cloid in blotter.closing}
    other.by_oid = {oid: orders[order.cloid] for oid, order in blotter.by_oid.items()}
    other.position = blotter.position
    if blotter.strays:
        other.strays = {oid: fills.copy() for oid, fills in blotter.strays.items()}
    if blotter.foreign:
        other.foreign = blotter.foreign.copy()
    if blotter.unwanted:
        other.unwanted = blotter.unwanted.copy()
    if blotter.to_query:
        other.to_query = {cloid: orders[cloid] for cloid in blotter.to_query}
    if blotter.divergences:
        other.divergences = blotter.divergences.copy()
    other.traded = blotter.traded
    return other


def clone_ledger(ledger: Ledger) -> Ledger:
    """Return a copy of a ledger."""
    other = Ledger.__new__(Ledger)
    other.cancel_cap = ledger.cancel_cap
    other.cancels = ledger.cancels
    other.cap = ledger.cap
    other.earned = ledger.earned
    other.limited = ledger.limited
    other.pause = ledger.pause
    other.probe_at = ledger.probe_at
    other.rate = ledger.rate
    other.requests = ledger.requests
    other.traded = ledger.traded
    return other


def clone_budget(budget: Budget) -> Budget:
    """Return a copy of what was spent lately."""
    other = Budget(budget.settings)
    other.buckets = budget.buckets.copy()
    other.prepaid = budget.prepaid
    other.started_at = budget.started_at
    return other


def clone_guards(guards: Guards) -> Guards:
    """Return a copy of what the guards remember."""
    other = _Guards()
    other.settings = guards.settings
    other.halted = guards.halted
    other.halted_request = guards.halted_request
    other.highest = guards.highest
    other.is_proven = guards.is_proven
    other.lowest = guards.lowest
    other.patience = guards.patience
    other.probe_at = guards.probe_at
    other.refused = guards.refused
    other.seen = guards.seen
    other.sent = guards.sent.copy()
    return other


def clone_grid(grid: Grid) -> Grid:
    """Return a copy of the lattice and its held points."""
    other = Grid(grid.settings, grid.instrument)
    other.asks = grid.asks
    other.bids = grid.bids
    other.epoch = grid.epoch
    other.raw = grid.raw
    other.step = grid.step
    other.wanted = grid.wanted
    return other


def clone_desk(desk: Desk) -> Desk:
    """Return a copy of a manager's whole state."""
    other = Desk.__new__(Desk)
    other.adopting = desk.adopting
    other.asked_open_at = desk.asked_open_at
    other.blind_since = desk.blind_since
    other.capabilities = desk.capabilities
    other.connected = desk.connected
    other.due_at = desk.due_at
    other.factor = desk.factor
    # Shared: only a cycle changes it, and takes a copy before.
    other.grid = desk.grid
    other.instrument = desk.instrument
    other.modified_at = desk.modified_at
    other.now = desk.now
    other.proofs = desk.proofs
    other.qty_is_total = desk.qty_is_total
    other.queues = desk.queues.copy() if desk.queues else {}
    other.quiet = desk.quiet
    other.requests = desk.requests
    other.session = desk.session
    other.settings = desk.settings
    other.snapshot_at = desk.snapshot_at
    other.synced = desk.synced
    other.volatility = desk.volatility
    other.blotter = clone_blotter(desk.blotter)
    other.ledger = other.earnings = clone_ledger(desk.ledger)
    other.budget = clone_budget(desk.budget)
    refusals = Refusals()
    refusals._until = desk.refusals._until.copy()  # noqa: SLF001 - The explorer looks inside.
    other.refusals = refusals
    other.guards = clone_guards(desk.guards)
    return other


def own_grid(manager: OrderManager) -> None:
    """Give a manager a grid of its own, that a cycle may change."""
    desk = manager._desk  # noqa: SLF001
    if desk.grid is not None:
        desk.grid = clone_grid(desk.grid)


def clone_manager(manager: OrderManager) -> OrderManager:
    """Return a copy of a manager in the same state."""
    other = OrderManager.__new__(type(manager))
    other._desk = clone_desk(manager._desk)  # noqa: SLF001
    return other


def clone_leg_facts(leg: LegFacts) -> LegFacts:
    """Return a copy of the facts about a leg."""
    other = LegFacts(leg.oid, leg.price, leg.qty)
    other.filled = leg.filled
    other.gone = leg.gone
    other.gone_at = leg.gone_at
    other.guessed = leg.guessed
    other.said_filled = leg.said_filled
    other.taken_at = leg.taken_at
    return other


def clone_order_facts(order: OrderFacts) -> OrderFacts:
    """Return a copy of the facts about an order."""
    other = OrderFacts.__new__(OrderFacts)
    other.absences = order.absences
    other.absent_at = order.absent_at
    other.accepted = order.accepted
    other.adopted = order.adopted
    other.answered = order.answered
    other.answered_at = order.answered_at
    other.asked_at = order.asked_at
    other.cancelling = order.cancelling
    other.cloid = order.cloid
    other.closed = order.closed
    other.closed_at = order.closed_at
    other.debounced = order.debounced
    other.doubt_since = order.doubt_since
    other.ended_as = order.ended_as
    other.filled = order.filled
    other.in_doubt = order.in_doubt
    other.known = order.known
    other.lacked = order.lacked
    other.lacked_at = order.lacked_at
    other.last_old_leg = order.last_old_leg
    other.modified_at = order.modified_at
    other.reduce_only = order.reduce_only
    other.request = order.request
    other.seen_at = order.seen_at
    other.side = order.side
    other.snapshot_absence = order.snapshot_absence
    other.stale_cycles = order.stale_cycles
    other.legs = [clone_leg_facts(leg) for leg in order.legs]
    return other


def clone_facts(facts: Witness) -> Witness:
    """Return a copy of the facts of a trace."""
    other = Witness.__new__(Witness)
    other.adopting = facts.adopting
    other.halted = facts.halted
    other.probed_at = facts.probed_at
    other.proofs = facts.proofs
    other.refused_in_row = facts.refused_in_row
    other.sent_at = facts.sent_at
    other.stale_least = facts.stale_least
    # A new empty one is made sooner than a copy of one.
    other.unwanted = facts.unwanted.copy() if facts.unwanted else set()
    other.asked_open_at = facts.asked_open_at
    other.blind = facts.blind
    other.blind_since = facts.blind_since
    other.cancels = facts.cancels
    other.connected = facts.connected
    other.last_request = facts.last_request
    other.limited = facts.limited
    other.now = facts.now
    other.position = facts.position
    other.requests = facts.requests
    other.rules = facts.rules
    other.started_at = facts.started_at
    other.traded = facts.traded
    orders = {cloid: clone_order_facts(order) for cloid, order in facts.orders.items()}
    other.orders = orders
    other.owners = {oid: orders[order.cloid] for oid, order in facts.owners.items()}
    other.seen_fills = facts.seen_fills.copy() if facts.seen_fills else set()
    other.strays = facts.strays.copy() if facts.strays else []
    other.foreign = facts.foreign.copy() if facts.foreign else {}
    other.refused = facts.refused.copy() if facts.refused else {}
    return other
