"""Reading a whole trace: inputs, answers to queries, and what was sent.

`hear` takes in what a record says the manager was told, before its output is judged; `note` what
the manager sent, after. Absence is proof only where nothing of ours can still be on its way.
"""

from typing import Final, assert_never

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MINUTE, Nanos
from exchange.words import Outcome, Status
from spec.facts import PROOF, LegFacts, OrderFacts
from spec.pushed import PushedFacts
from spec.staleness import is_left_stale
from spec.states import State
from spec.trace import (
    Action,
    Cycled,
    Halted,
    Reason,
    Record,
    Reported,
    Restarted,
    Ticked,
    Unanswered,
)

# Members looked up once: before Python 3.12 each access costs a function call.
_DEBOUNCED: Final = Reason.DEBOUNCED
_WAIT: Final = Action.WAIT


class Witness(PushedFacts):
    """Everything that a trace proves."""

    __slots__ = ()

    def hear(self, record: Record) -> None:
        """Take in what a record says was told to the manager."""
        self.now = record.now
        if self.started_at is None:
            self.started_at = record.now
        # By type, which is exact: `isinstance` asks the class's own class, and takes ten times it.
        if type(record) is Reported:
            self._report(record.report)
        elif type(record) is Cycled or type(record) is Ticked:
            self._timed_out()
        elif type(record) is Unanswered:
            self._unanswered(record.command, record.outcome)
        elif type(record) is Restarted:
            self._started(record)
        elif type(record) is Halted:
            self.halted = True

    def _started(self, start: Restarted) -> None:
        self.connected = self.adopting = True
        self.halted = False
        if len(start.session) >= PROOF:
            self.proofs = (*self.proofs, start.session)
        self._go_blind()
        for order in self.orders.values():
            if order.request is not None:
                self._doubt(order)

    def _timed_out(self) -> None:
        """Take what is unanswered at its expiry for in doubt; timers run in ticks and cycles."""
        for order in self.orders.values():
            request = order.request
            if request is not None and not order.in_doubt and self.now >= request.expires_at:
                self._doubt(order)

    def _unanswered(self, command: Place | Modify | Cancel, outcome: Outcome) -> None:
        order = self.orders.get(command.cloid)
        if order is None or order.closed or order.request is None:
            return
        if order.request.request != command.request:
            return
        if outcome is not Outcome.NOT_SENT:
            self._doubt(order)
        elif type(command) is Place:
            self._close(order, self.now, State.REJECTED)
        else:
            self._settled(order)
            self._end_if_over(order, self.now)

    def decided(self, cycle: Cycled) -> None:
        """Take in what a cycle decided, for the promises that count cycles."""
        for decision in cycle.plan.decisions:
            order = None if decision.cloid is None else self.orders.get(decision.cloid)
            if order is None:
                continue
            if is_left_stale(self, cycle, decision):
                order.stale_cycles += 1
            else:
                order.stale_cycles = 0
            if decision.reason is _DEBOUNCED:
                order.debounced = True
            elif decision.action is not _WAIT:
                order.debounced = False

    def note(self, commands: tuple[Command, ...]) -> None:
        """Take in what the manager sent."""
        for command in commands:
            self.last_request = max(self.last_request, command.request)
            if type(command) is Place:
                self._count_sent(command)
                self.orders[command.cloid] = OrderFacts(command, self.now)
                self.requests += 1
            elif type(command) is Modify or type(command) is Cancel:
                self._count_sent(command)
                self._note_change(command)
            elif type(command) is QueryOrder:
                order = self.orders.get(command.cloid)
                if order is not None:
                    order.asked_at = self.now
            elif type(command) is QueryOpen:
                self.asked_open_at = self.now

    def _note_change(self, command: Modify | Cancel) -> None:
        order = self.orders.get(command.cloid)
        if order is None:
            return
        order.request = command
        order.cancelling = type(command) is Cancel
        order.answered = order.in_doubt = False
        order.absences = order.lacked = 0
        order.snapshot_absence = False
        if type(command) is Modify:
            order.modified_at = self.now
            self.requests += 1
        else:
            self.cancels += 1

    def _count_sent(self, command: Place | Modify | Cancel) -> None:
        if self.rules.rate_max is not None:
            self.sent_at = (*(at for at in self.sent_at if at > self.now - MINUTE), self.now)
        most = self.rules.rejects_max
        broken = most is not None and self.refused_in_row >= most
        if broken and type(command) is not Cancel:
            self.probed_at = self.now

    def _report(self, report: Report) -> None:
        if type(report) is Fill:
            self._fill(report)
        elif type(report) is Accepted or type(report) is Modified:
            self._granted(report)
        elif type(report) is Cancelled:
            self._cancelled(report)
        elif (
            type(report) is Rejected
            or type(report) is ModifyRejected
            or type(report) is CancelRejected
        ):
            self._refused(report)
        elif type(report) is Snapshot:
            self._snapshot(report)
        elif type(report) is OrderStatus:
            self._status(report)
        elif type(report) is Limited:
            self.limited = True
        elif type(report) is Disconnected:
            self.connected = False
            self._go_blind()
        elif type(report) is Reconnected:
            self.connected = True
            self._go_blind()
        else:
            assert_never(report)

    def _snapshot(self, snapshot: Snapshot) -> None:
        for fill in snapshot.fills:
            self._fill(fill)
        listed = set()
        self.foreign = {}
        for row in snapshot.open:
            order = self._owner(row.cloid, row.oid)
            if order is None:
                self.foreign[row.oid] = row.side
                continue
            listed.add(order.cloid)
            if row.cloid is not None and row.cloid != order.cloid and row.cloid in self.orders:
                listed.add(row.cloid)
                continue
            if not order.closed and snapshot.at >= order.seen_at:
                self._listed(order, row, snapshot.at)
        for order in list(self.orders.values()):
            if not order.closed and order.cloid not in listed:
                self._absent(order, snapshot.at, by_snapshot=True)
        if self.connected and snapshot.at >= self.blind_since:
            self.blind = False
            self._take_over(snapshot)

    def _take_over(self, snapshot: Snapshot) -> None:
        """Take what rests and is not on record: ours always, at a start others' by the policy."""
        takes = self.adopting and self.rules.adopts_foreign
        self.adopting = False
        for row in snapshot.open:
            if row.oid not in self.foreign:
                continue
            ours = row.cloid is not None and row.cloid.startswith(self.proofs)
            if not ours and not takes:
                continue
            cloid = row.cloid or f"oid:{row.oid}"
            taken = Place(0, cloid, row.side, row.price, row.qty, False, False, 0)
            order = self.orders[cloid] = OrderFacts(taken, snapshot.at)
            order.adopted = True
            order.leg.taken_at = snapshot.at
            del self.foreign[row.oid]
            order.request = None
            order.accepted = True
            self._named(order, order.leg, row.oid)
            if not ours and self.rules.cancels_foreign:
                self.unwanted.add(cloid)

    def _listed(self, order: OrderFacts, row: OpenOrder, at: Nanos) -> None:
        request, leg = order.request, order.leg
        amends = self.rules.capabilities.modify_keeps_oid
        moved = type(request) is Modify and row.price != leg.price
        if leg.oid is None and not moved:
            self._named(order, leg, row.oid)
            if type(request) is Modify and order.in_doubt and order.spent(at):
                self._settled(order)
        elif leg.oid is None or order.leg_of(row.oid) is None:
            if type(request) is Modify and not amends:
                self._new_leg(order, row.oid, row.price, max(request.qty, row.qty))
            else:
                # Nothing of ours explains it: the venue's word is taken.
                order.legs.append(LegFacts(None, row.price, row.qty))
                self._named(order, order.leg, row.oid)
        elif (other := order.leg_of(row.oid)) is not None and other.guessed:
            self._promoted(order, other, row, at)
        elif order.leg.oid != row.oid:
            return
        elif type(request) is Modify and amends and self._amended(order, request, row):
            leg.price, leg.qty = row.price, request.qty
            leg.gone = leg.gone and at < leg.gone_at
            self._settled(order)
            self._end_if_over(order, at)
        elif order.in_doubt and request is not None:
            if type(request) is Place:
                self._settled(order)
            elif order.spent(at):
                leg.gone = leg.gone and at < leg.gone_at
                self._settled(order)
                self._end_if_over(order, at)
        elif request is None and row.price != leg.price:
            leg.price = row.price
            if amends:
                # Nothing on record explains it, and the size is as new as the price.
                leg.qty = leg.filled + row.qty
                leg.taken_at = at
        order.accepted = True
        order.last_old_leg = False
        if type(order.request) is Place:
            self._settled(order)
        self._lacking(order, row, amends=amends)
        order.learn()
        self._see(order, at)

    @staticmethod
    def _lacking(order: OrderFacts, row: OpenOrder, *, amends: bool) -> None:
        """Take what a row has less than the record for filled."""
        current = order.leg
        lacking = current.qty - row.qty
        if order.request is not None:
            current.said_filled = max(current.said_filled, lacking)
        else:
            if amends and lacking < current.filled:
                # More rests than the record has room for: an amendment that it lacks.
                current.qty = current.filled + row.qty
            current.said_filled = max(0, current.qty - row.qty)

    def _promoted(self, order: OrderFacts, leg: LegFacts, row: OpenOrder, at: Nanos) -> None:
        """Take a leg that only a fill told of for the current one: it rests."""
        order.legs.remove(leg)
        order.legs.append(leg)
        leg.price, leg.qty, leg.taken_at = row.price, leg.filled + row.qty, at
        leg.guessed = False
        if order.in_doubt and order.spent(at):
            self._settled(order)

    @staticmethod
    def _amended(order: OrderFacts, request: Modify, row: OpenOrder) -> bool:
        leg = order.leg
        if request.price != leg.price:
            return row.price == request.price
        if request.qty > leg.qty:
            return leg.leaves < row.qty <= request.qty - leg.filled
        return row.qty != leg.leaves and row.qty <= request.qty - leg.filled

    def _absent(self, order: OrderFacts, at: Nanos, *, by_snapshot: bool) -> None:
        request = order.request
        if at <= order.seen_at:
            return
        counted = by_snapshot and order.absences > 0 and at <= order.absent_at
        if request is not None and (not order.in_doubt or at < request.expires_at):
            if by_snapshot and not counted:
                order.absent_at = at
            return
        if by_snapshot and at > order.lacked_at:
            order.lacked += 1
            order.lacked_at = at
        if not counted:
            order.absences += 1
            order.absent_at = at
        order.snapshot_absence = order.snapshot_absence or by_snapshot
        if order.absences >= 2 and order.snapshot_absence:
            self._over(order, at)

    def _status(self, report: OrderStatus) -> None:
        order = self.orders.get(report.cloid)
        if order is None or report.at < order.seen_at:
            return
        if report.oid is not None and not order.closed:
            if order.leg.oid is None:
                self._named(order, order.leg, report.oid)
            elif self._opens(order, report.oid):
                request = order.request
                assert isinstance(request, Modify), "only a modify opens a leg"
                self._new_leg(order, report.oid, request.price, request.qty)
            elif order.leg.oid != report.oid:
                return
        if order.closed:
            return
        if report.filled is not None and not order.adopted:
            # Unheard fills go to the legs in turn from the newest old one, the current one last.
            amends = self.rules.capabilities.modify_keeps_oid
            if amends and order.idle and order.filled <= report.filled < order.known:
                # What a row lacked has not filled: the order is smaller than the record has it.
                order.leg.qty -= order.known - report.filled
                order.leg.said_filled = order.known = report.filled
            order.known = max(order.known, report.filled)
            unheard = report.filled - order.filled
            for leg in (*reversed(order.legs[:-1]), order.leg):
                here = max(0, min(unheard, leg.qty - leg.filled))
                if here:
                    leg.said_filled = max(leg.said_filled, leg.filled + here)
                unheard -= here
        self._status_of_open(order, report)

    def _status_of_open(self, order: OrderFacts, report: OrderStatus) -> None:
        match report.status:
            case Status.OPEN:
                order.accepted = True
                undone = order.in_doubt and self._undone(order, report)
                if type(order.request) is Place or undone:
                    self._settled(order)
                self._see(order, report.at)
                if undone:
                    leg = order.leg
                    leg.gone = leg.gone and report.at < leg.gone_at
                    self._end_if_over(order, report.at)
            case Status.FILLED:
                if report.filled is None:
                    order.leg.said_filled = order.leg.qty
                    order.learn()
                self._close(order, report.at, State.FILLED)
            case Status.CANCELLED:
                order.leg.gone = True
                order.leg.gone_at = report.at
                if type(order.request) is Modify and not order.answered:
                    self._absent(order, report.at, by_snapshot=False)
                else:
                    self._close(order, report.at, State.CANCELLED)
            case Status.REJECTED:
                if not order.accepted:
                    self._close(order, report.at, State.REJECTED)
            case Status.UNKNOWN_ORDER:
                if order.idle and order.accepted:
                    self._over(order, report.at)
                else:
                    self._absent(order, report.at, by_snapshot=False)

    def _undone(self, order: OrderFacts, report: OrderStatus) -> bool:
        """Say whether `open` proves that the request in doubt was not done."""
        request = order.request
        if request is None or not order.spent(report.at):
            return False
        if type(request) is Cancel:
            return True
        same_leg = report.oid is not None and report.oid == order.leg.oid
        return same_leg and not self.rules.capabilities.modify_keeps_oid
