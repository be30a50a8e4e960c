"""The order manager: a function of what it is told, from targets and reports to commands.

No I/O, no clock, no randomness. Time is an argument and never runs backwards. The caller sends
what `cycle` returns and hands every report to `receive`; `receive`, `unanswered` and `tick` return
queries only, so that places, modifies and cancels leave in cycles. Whatever was asked for, a
request ends by evidence: no answer is a doubt, never a failure.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Final, Self, get_args

from exchange.commands import Cancel, Modify, Place, Query
from exchange.instrument import Instrument
from exchange.market import Market
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
from exchange.units import MINUTE, Nanos, Qty
from exchange.venue import Capabilities
from exchange.words import Alive, CancelReason, Cloid, Outcome, Side
from lifecycle.config import STABLE, Config
from lifecycle.core import evidence, reports
from lifecycle.core.account import Account
from lifecycle.core.desk import Desk
from lifecycle.core.foreign import adopt
from lifecycle.core.inputs import (
    check_made_of,
    check_market,
    check_now,
    check_request,
    check_session,
    check_targets,
)
from lifecycle.core.order import Order
from lifecycle.core.plan import Round, blind_decisions, target_decisions
from lifecycle.core.settings import MILLION, Settings
from lifecycle.core.timers import run_timers
from spec.states import Request, RequestEvent
from spec.trace import Action, Divergence, Plan, Reaction, Targets

CANCEL_REPLACE: Final = Capabilities()
"""The default: a modify is a cancel and a place in one request."""

_NOTHING: Final = Reaction()
_NO_TARGETS: Final = Targets()
# Compiled, a name from another module is looked up whenever it is used; a constant is not.
_ACCEPTED: Final = Accepted
_CANCELLED: Final = Cancelled
_FILL: Final = Fill
_MODIFIED: Final = Modified
_RECONNECTED: Final = Reconnected
# Looked up once: before Python 3.12 each access costs a function call.
_KEEP: Final = Action.KEEP
_YES: Final = Alive.YES
_USER: Final = CancelReason.USER
_VENUE: Final = CancelReason.VENUE
_IDLE: Final = Request.IDLE
_HOUR: Final = 60 * MINUTE
_REPORTS: Final[frozenset[type]] = frozenset(get_args(Report))


class OrderManager:
    """Keeps, modifies, places and cancels the resting orders of one instrument."""

    __slots__ = ("_desk",)

    def __new__(cls, *_: object, **__: object) -> Self:
        """Leave the rest to `__init__`; a copy does without it (`lifecycle.check.clone`)."""
        return super().__new__(cls)

    def __init__(
        self,
        instrument: Instrument,
        *,
        config: Config = STABLE,
        capabilities: Capabilities = CANCEL_REPLACE,
        session: str = "0",
        account: Account | None = None,
    ) -> None:
        """Start with nothing resting.

        `session` is the prefix of every cloid and must differ between runs on one account, and
        between its instruments. `account` is the quota where it is shared with other instruments
        (`lifecycle.core.portfolio`).
        Raises ValueError where the configuration has no meaning for this instrument, and TypeError
        for what is none of these.
        """
        check_made_of(instrument, capabilities, session)
        settings = Settings(config, instrument)
        self._desk = Desk(settings, instrument, capabilities, session, account)

    # What it is told.

    def cycle(self, now: Nanos, targets: Targets, market: Market) -> Plan:
        """Decide what to send so that what rests comes to what is wanted.

        Targets are best first on each side, without two at one price, bids below asks. Raises
        ValueError where they are not, where time runs backwards, or where the market is a day ahead
        of it, and TypeError for what is not in units: a price, size or time that is no int; nothing
        has happened then.
        """
        desk = self._desk
        if now < desk.now:
            raise _backwards(now, desk)
        grid, quiet = desk.grid, desk.quiet
        if quiet is not None and (
            now >= desk.due_at
            or now - market.at > desk.guards.patience
            or market.volatility != desk.volatility
            or market.queues != desk.queues
            or (desk.is_sharing and desk.ledger.latch_factor(desk.settings) != desk.factor)
        ):
            quiet = None
        if (
            quiet is not None
            and quiet[0] == targets
            # Others may have spent of what makes the lattice coarser.
            and (grid is None or grid.is_still(targets, market, desk.ledger.headroom))
        ):
            desk.now = now
            return quiet[2]
        check_now(now)
        check_market(market, now)
        if grid is None:
            check_targets(targets)
            wanted, snapped, step = targets, None, 0
        else:
            headroom = desk.ledger.headroom
            if not grid.is_still(targets, market, headroom):
                check_targets(targets)
                grid.snap(targets, market, headroom)
            wanted = snapped = grid.wanted
            step = grid.step
        position = desk.blotter.position
        desk.now = now
        if quiet is not None and quiet[1] == wanted:
            plan = Plan((), quiet[2].decisions, position, snapped, step)
            desk.quiet = (targets, wanted, plan)
            return plan
        queries = run_timers(desk)
        desk.quiet = None
        guards = desk.guards
        if desk.is_blind and not guards.halted:
            decisions = tuple(blind_decisions(desk, wanted))
            return Plan(queries, decisions, position, snapped, step)
        gate = guards.gate(now, market)
        withdraws = gate is not None and guards.withdraws(now, market)
        these = _NO_TARGETS if withdraws else wanted
        this = Round(desk, these, market, gate, withdraws=withdraws)
        commands = this.run()
        if gate is not None and withdraws:
            this.decisions += target_decisions(wanted, gate)
        decisions = tuple(this.decisions)
        if not commands and all(decision.action is _KEEP for decision in decisions):
            desk.quiet = (targets, wanted, Plan((), decisions, position, snapped, step))
            desk.volatility = market.volatility
            # A copy: whose mapping this is may change it, and it is compared with what was seen.
            desk.queues = dict(market.queues)
            desk.factor = this.factor
        return Plan((*commands, *queries), decisions, position, snapped, step)

    def check(self, now: Nanos, targets: Targets, market: Market) -> None:
        """Raise ValueError or TypeError as `cycle` would; nothing happens."""
        desk = self._desk
        self._check_time(now)
        check_market(market, now)
        if desk.quiet is None or desk.quiet[0] != targets:
            check_targets(targets)

    def receive(self, report: Report, now: Nanos) -> Reaction:
        """Learn what the venue says happened.

        Raises ValueError where time runs backwards, and TypeError for a time that is no int, or for
        what is no report; nothing has happened then.
        """
        desk = self._desk
        blotter = desk.blotter
        if now < desk.now:
            raise _backwards(now, desk)
        if type(now) is not int or type(report) not in _REPORTS:
            check_now(now)
            raise TypeError(f"report must be one of exchange.reports, was {report!r}")
        desk.now = now
        desk.quiet = None
        traded, rested = blotter.traded, desk.guards.halted and bool(blotter.open)
        self._apply(report)
        if blotter.traded != traded:
            desk.earn()
        reaction = _NOTHING
        if blotter.to_query or blotter.divergences:
            reaction = self._reaction()
        if rested and not blotter.open:
            # We are halted and the last one is gone: a look from now on is the proof.
            return Reaction((*reaction.queries, desk.query_open()), reaction.divergences)
        if type(report) is _RECONNECTED:
            # What was said meanwhile is lost: ask for the whole picture at once.
            return Reaction((*reaction.queries, desk.query_open()), reaction.divergences)
        return reaction

    def unanswered(
        self, command: Place | Modify | Cancel, outcome: Outcome, now: Nanos
    ) -> Reaction:
        """Learn that a request will get no answer: what became of it is unknown.

        Only `Outcome.NOT_SENT` is definite. A repetition changes nothing. Raises ValueError where
        time runs backwards, and TypeError for what is no request or no outcome.
        """
        desk = self._desk
        self._check_time(now)
        check_request(command, outcome)
        desk.now = now
        desk.quiet = None
        order = desk.blotter.orders.get(command.cloid)
        if order is None or order.is_closed or order.request_no != command.request:
            return _NOTHING
        if outcome is Outcome.NOT_SENT:
            self._not_sent(order, command)
        elif order.request is not _IDLE and not order.is_in_doubt:
            order.ask(RequestEvent.UNANSWERED)
            desk.blotter.query(order)
        return self._reaction()

    def tick(self, now: Nanos) -> Reaction:
        """Let time pass: run the timers that are due."""
        desk = self._desk
        self._check_time(now)
        desk.now = now
        queries = run_timers(desk)
        return Reaction(queries) if queries else _NOTHING

    def restarted(self, now: Nanos, session: str = "") -> Reaction:
        """Learn that the process has started, perhaps on the journal of one that died.

        All that was in flight is in doubt, and nothing is sent until a snapshot has come. What that
        lists and is not on record is treated by `orders.foreign`. `session` is the prefix of every
        cloid from now on, unless it is empty: the end of a journal may be lost, and its last cloids
        with it. A halt ends here.
        """
        desk = self._desk
        self._check_time(now)
        check_session(session)
        desk.now = now
        desk.start(session)
        desk.connected = True
        desk.quiet = None
        self._go_blind(now)
        for order in desk.blotter.open.values():
            if order.is_in_flight:
                order.ask(RequestEvent.UNANSWERED)
            if order.is_in_doubt:
                desk.blotter.query(order)
        return Reaction((*desk.query_orders(), desk.query_open()))

    def halt(self, now: Nanos) -> Reaction:
        """Want nothing any more: every cycle from now on withdraws what rests, and places nothing.

        Blind or not: of a stream that is broken we cannot wait for what it says. It lasts until
        `restarted`.
        """
        desk = self._desk
        self._check_time(now)
        desk.now = now
        desk.quiet = None
        desk.guards.halt(desk.requests)
        desk.due(now)
        return _NOTHING

    # What it knows.

    @property
    def is_halted(self) -> bool:
        """Whether everything is withdrawn and nothing placed."""
        return self._desk.guards.halted

    @property
    def nothing_rests(self) -> bool:
        """Whether it is proven that nothing of ours rests.

        That is, we are halted, believe nothing open, and a look that was asked for since the halt
        and is newer than the last of our orders has found none.
        """
        return self._desk.guards.is_proven and not self._desk.blotter.open

    @property
    def orders(self) -> Mapping[Cloid, Order]:
        """Every order by cloid, retired ones included; not to be changed."""
        return self._desk.blotter.orders

    @property
    def open_orders(self) -> Mapping[Cloid, Order]:
        """The possibly-live orders by cloid, in the order of their placing; not to be changed."""
        return self._desk.blotter.open

    @property
    def position(self) -> int:
        """Signed sum of all fills, in lots."""
        return self._desk.blotter.position

    @property
    def exposure(self) -> tuple[Qty, Qty]:
        """Worst case (long, short) in lots, if everything possibly live were to fill."""
        blotter = self._desk.blotter
        long, short = blotter.position, -blotter.position
        for order in chain(blotter.open.values(), blotter.closing.values()):
            risk = order.open_risk(blotter.amends)
            if order.side is Side.BUY:
                long += risk
            else:
                short += risk
        return max(0, long), max(0, short)

    @property
    def headroom(self) -> float:
        """Unused share of the request quota, 0…1."""
        return self._desk.ledger.headroom / MILLION

    @property
    def requests_used(self) -> int:
        """Places and modifies entered in the ledger, with what was used before."""
        return self._desk.ledger.requests

    def quota_horizon_h(self, now: Nanos) -> float | None:
        """Return in how many hours the request quota ends as it was used and earned of late.

        None: never, or there is no limit.
        """
        left = self._desk.ledger.left
        horizon = None if left is None else self._desk.budget.horizon(left, now)
        return None if horizon is None else horizon / _HOUR

    @property
    def is_blind(self) -> bool:
        """Whether nothing is sent because the stream broke and no snapshot has come since."""
        return self._desk.is_blind

    @property
    def foreign_orders(self) -> int:
        """Open orders of the account that are not ours, by the last snapshot."""
        return len(self._desk.blotter.foreign)

    @property
    def now(self) -> Nanos:
        """The newest time that it was told; no earlier one may follow."""
        return self._desk.now

    @property
    def next_timer(self) -> Nanos:
        """When `tick` has something to do at the earliest."""
        return self._desk.due_at

    # Inside.

    def _check_time(self, now: Nanos) -> None:
        check_now(now)
        if now < self._desk.now:
            raise _backwards(now, self._desk)

    def _reaction(self) -> Reaction:
        desk = self._desk
        blotter = desk.blotter
        queries: tuple[Query, ...] = desk.query_orders()
        divergences: tuple[Divergence, ...] = tuple(blotter.divergences)
        blotter.divergences.clear()
        return Reaction(queries, divergences)

    def _apply(self, report: Report) -> None:
        desk = self._desk
        blotter = desk.blotter
        # By type, which is exact: `isinstance` asks the class's own class, and takes ten times it.
        # The frequent ones come first.
        if type(report) is _FILL:
            reports.on_fill(blotter, report)
        elif type(report) is _ACCEPTED:
            reports.on_accepted(blotter, report)
            self._granted(report)
        elif type(report) is _MODIFIED:
            reports.on_modified(blotter, report)
            self._granted(report)
        elif type(report) is _CANCELLED:
            reports.on_cancelled(blotter, report)
            if report.reason is _USER:
                desk.ledger.accept()
        elif type(report) is Rejected:
            self._refused(report, blotter.orders.get(report.cloid))
            reports.on_rejected(blotter, report)
        elif type(report) is ModifyRejected:
            self._refused(report, blotter.orders.get(report.cloid))
            reports.on_modify_rejected(blotter, report)
        elif type(report) is CancelRejected:
            reports.on_cancel_rejected(blotter, report)
        elif type(report) is Snapshot:
            evidence.on_snapshot(blotter, report)
            self._synced(report)
            self._looked(report)
        elif type(report) is OrderStatus:
            evidence.on_order_status(blotter, report)
        elif type(report) is Limited:
            desk.ledger.refuse(desk.now)
        elif type(report) is Disconnected:
            desk.connected = False
            self._go_blind(desk.now)
        elif type(report) is _RECONNECTED:
            desk.connected = True
            self._go_blind(desk.now)
        else:
            raise AssertionError(f"every report must be applied, was {report!r}")

    def _go_blind(self, now: Nanos) -> None:
        self._desk.synced = False
        self._desk.blind_since = now

    def _synced(self, snapshot: Snapshot) -> None:
        desk = self._desk
        desk.snapshot_at = max(desk.snapshot_at, snapshot.at)
        if desk.connected and snapshot.at >= desk.blind_since:
            desk.synced = True

    def _looked(self, snapshot: Snapshot) -> None:
        """Take over what rests and is not on record; take the look as proof when we end."""
        desk = self._desk
        guards, blotter = desk.guards, desk.blotter
        recent = desk.connected and snapshot.at >= desk.blind_since
        if recent and (desk.adopting or blotter.foreign):
            adopt(desk, snapshot)
        if guards.halted and snapshot.request > guards.halted_request:
            newest = max((order.closed_at for order in blotter.closing.values()), default=0)
            if snapshot.at >= newest:
                # What is listed and not foreign is ours, whatever the record says of it.
                ours = any(row.oid not in blotter.foreign for row in snapshot.open)
                guards.is_proven = not (blotter.open or ours)

    def _granted(self, report: Accepted | Modified) -> None:
        """Note that the venue takes requests, and this very thing."""
        desk = self._desk
        if desk.ledger.limited:
            desk.ledger.accept()
        if desk.guards.refused:
            desk.guards.accept()
        order = desk.blotter.orders.get(report.cloid) if desk.refusals else None
        if order is not None:
            leg = order.leg
            desk.refusals.forget((order.side, leg.price, leg.qty))
            desk.refusals.forget((order.cloid, leg.price, leg.leaves))

    def _refused(self, report: Rejected | ModifyRejected, order: Order | None) -> None:
        """Remember what was refused, so that it is not repeated without a pause."""
        if order is None or not reports.answers(order, report.request):
            return
        refusals, guards, now = self._desk.refusals, self._desk.guards, self._desk.now
        if isinstance(report, Rejected):
            if order.is_placing:
                guards.refuse(now)
                refusals.add((order.side, order.leg.price, order.leg.qty), now)
        elif order.is_modifying:
            if not order.answered:
                guards.refuse(now)
            if report.alive is _YES:
                qty = order.goal_qty
                if self._desk.qty_is_total:
                    qty -= order.leg.filled
                refusals.add((order.cloid, order.goal_price, qty), now)

    def _not_sent(self, order: Order, command: Place | Modify | Cancel) -> None:
        """Take a request back that never left this process."""
        desk = self._desk
        if isinstance(command, Place):
            rejected = Rejected(desk.now, order.cloid, "not sent", command.request)
            reports.on_rejected(desk.blotter, rejected)
        elif order.request is not _IDLE:
            order.ask(RequestEvent.DISPROVED)
            ended = Cancelled(desk.now, order.cloid, order.leg.oid, _VENUE)
            desk.blotter.settle(order, ended)


def _backwards(now: Nanos, desk: Desk) -> ValueError:
    return ValueError(f"now must not run backwards, was {now} after {desk.now}")
