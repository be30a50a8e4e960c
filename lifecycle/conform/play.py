"""Playing a scenario: the shipped order manager, one step after another.

A crash is real: the manager is thrown away and rebuilt from its trace, as from a journal. Answers
get the number of the newest request of their kind for their order. Timers that are due run before
every step's stimulus. Every invariant is checked on every record, without being asked.
"""

from collections import Counter
from typing import assert_never

from msgspec import Struct

from exchange.commands import Cancel, Command, Modify, Place
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
    OpenOrder,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import Nanos
from exchange.words import Outcome, Side
from lifecycle.conform.reading import ScenarioError
from lifecycle.conform.scenario import (
    AcceptedSaid,
    CancelledSaid,
    CancelRejectedSaid,
    CrashStimulus,
    CycleStimulus,
    DisconnectedSaid,
    Expectations,
    FillRow,
    LimitedSaid,
    ModifiedSaid,
    ModifyRejectedSaid,
    Named,
    OrderExpectation,
    ReconnectedSaid,
    RejectedSaid,
    ReportStimulus,
    Said,
    Scenario,
    SnapshotSaid,
    StatusSaid,
    Step,
    TickStimulus,
    UnansweredSaid,
)
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.rules import rules_of
from lifecycle.trace import replay
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Broken, Watch
from spec.rules import Rules
from spec.states import request_word
from spec.trace import Divergence, Plan, Reaction, Record


class Played(Struct, frozen=True):
    """How a scenario went."""

    scenario: Scenario
    failures: tuple[str, ...]
    """One line each: the step, what was expected, what was; empty where it passed."""
    trace: tuple[Record, ...]


def play(scenario: Scenario, rules: Rules | None = None) -> Played:
    """Play a scenario to its first failing step, with every invariant watching.

    The invariants judge by `rules`, or by what the scenario's own configuration promises. Raises
    ScenarioError where the manager cannot be told what a step says.
    """
    return _Player(scenario, rules).run()


class _NotPlacedError(Exception):
    """A step names an order that was not placed."""


class _UntoldError(Exception):
    """The manager refuses to be told what a step says."""


class _Player:
    def __init__(self, scenario: Scenario, rules: Rules | None) -> None:
        self.scenario = scenario
        self.trace: list[Record] = []
        self.broken: list[Broken] = []
        """The promises broken since the step began."""
        try:
            self.manager = TracedManager(self._new_manager(), self.record)
        except ValueError as error:
            raise ScenarioError(f"{scenario.path}: header: config: {error}") from error
        if rules is None:
            rules = rules_of(scenario.config, scenario.instrument, scenario.capabilities)
        self.watch = Watch(rules, INVARIANTS)
        self.cloids: dict[str, str] = {}
        """Our orders by the names of the story."""
        self.requests: dict[tuple[str, type], Place | Modify | Cancel] = {}
        """The newest request of each kind, by cloid."""
        self.sent: Counter[str] = Counter()
        self.diverged: list[Divergence] = []
        self.reasons: dict[str, str] = {}

    def _new_manager(self) -> OrderManager:
        scenario = self.scenario
        return OrderManager(
            scenario.instrument, config=scenario.config, capabilities=scenario.capabilities
        )

    def record(self, record: Record) -> None:
        """Keep a record, and let every invariant judge it."""
        self.trace.append(record)
        self.broken += self.watch.feed(record)

    def run(self) -> Played:
        failures: list[str] = []
        for number, step in enumerate(self.scenario.steps, 1):
            self.sent.clear()
            self.diverged.clear()
            self.broken.clear()
            try:
                self.stimulate(step)
                found = self.compare(step.expected)
            except _NotPlacedError as error:
                found = [str(error)]
            except _UntoldError as error:
                raise ScenarioError(f"{self.scenario.path}: step {number}: {error}") from error
            found += [
                f"{broken.invariant} must hold ({broken.sentence}): {broken.what}"
                for broken in self.broken
            ]
            failures = [f"step {number} (at {step.at / 1e9:g} s): {text}" for text in found]
            if failures:
                break
        return Played(self.scenario, tuple(failures), tuple(self.trace))

    # Stimuli.

    def stimulate(self, step: Step) -> None:
        now = step.at
        self.take(self.manager.tick(now))
        match step.stimulus:
            case CycleStimulus() as cycle:
                market = Market(now, cycle.bid, cycle.ask)
                try:
                    plan = self.manager.cycle(now, cycle.targets, market)
                except ValueError as error:
                    raise _UntoldError(str(error)) from error
                self.planned(plan)
            case ReportStimulus(said):
                for one in said:
                    self.say(one, now)
            case TickStimulus():
                pass
            case CrashStimulus():
                self.manager.manager = replay(self._new_manager(), self.trace)
                self.take(self.manager.restarted(now))
            case _ as unreachable:
                assert_never(unreachable)

    def planned(self, plan: Plan) -> None:
        for decision in plan.decisions:
            if decision.cloid is not None:
                self.reasons[decision.cloid] = decision.reason.value
        self.count(plan.commands)
        for side, letter in ((Side.BUY, "b"), (Side.SELL, "a")):
            places = [
                command
                for command in plan.commands
                if isinstance(command, Place) and command.side is side
            ]
            for place in sorted(places, key=lambda place: -place.side * place.price):
                number = sum(1 for name in self.cloids if name[0] == letter) + 1
                self.cloids[f"{letter}{number}"] = place.cloid

    def take(self, reaction: Reaction) -> None:
        self.count(reaction.queries)
        self.diverged += reaction.divergences

    def count(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            if isinstance(command, (Place, Modify, Cancel)):
                self.requests[command.cloid, type(command)] = command
                self.sent[type(command).__name__.lower()] += 1
            else:
                self.sent["query"] += 1

    def say(self, said: Said, now: Nanos) -> None:
        if isinstance(said, UnansweredSaid):
            kind = {"place": Place, "modify": Modify, "cancel": Cancel}[said.command]
            command = self.requests.get((self.cloid(said.order) or "", kind))
            if command is None:
                raise _NotPlacedError(f"no {said.command} was sent for {said.order.name}")
            self.take(self.manager.unanswered(command, Outcome.TIMEOUT, now))
        else:
            self.take(self.manager.receive(self.report(said, now), now))

    def cloid(self, named: Named) -> str | None:
        if named.name is None:
            return named.cloid
        if named.name not in self.cloids:
            raise _NotPlacedError(f"{named.name} was never placed")
        return self.cloids[named.name]

    def owner(self, named: Named) -> str:
        """Return the cloid, looked up by oid where a report names its order by that alone."""
        cloid = self.cloid(named)
        if cloid is not None:
            return cloid
        for order in self.manager.manager.orders.values():
            if named.oid is not None and order.leg_of(named.oid) is not None:
                return order.cloid
        return f"oid:{named.oid}"

    def answer(self, named: Named, kind: type[Place | Modify | Cancel]) -> tuple[str, int]:
        """Return the cloid, and the number of the newest request of a kind, 0 without one."""
        cloid = self.owner(named)
        command = self.requests.get((cloid, kind))
        return cloid, 0 if command is None else command.request

    def report(self, said: Said, now: Nanos) -> Report:
        match said:
            case AcceptedSaid(order, oid):
                cloid, request = self.answer(order, Place)
                return Accepted(now, cloid, oid, request)
            case RejectedSaid(order, reason):
                cloid, request = self.answer(order, Place)
                return Rejected(now, cloid, reason, request)
            case FillRow():
                return self.fill(said, now)
            case ModifiedSaid(order, oid, qty, price):
                cloid, request = self.answer(order, Modify)
                return Modified(now, cloid, oid, qty, price, request)
            case ModifyRejectedSaid(order, reason, alive):
                cloid, request = self.answer(order, Modify)
                return ModifyRejected(now, cloid, reason, alive, request)
            case CancelledSaid(order, gone, why):
                return Cancelled(now, self.cloid(order), gone, why)
            case CancelRejectedSaid(order, reason):
                cloid, request = self.answer(order, Cancel)
                return CancelRejected(now, cloid, reason, request)
            case UnansweredSaid():
                raise AssertionError("unanswered is not a report")
            case LimitedSaid():
                return Limited(now)
            case DisconnectedSaid():
                return Disconnected(now)
            case ReconnectedSaid():
                return Reconnected(now)
            case SnapshotSaid():
                return self.snapshot(said)
            case StatusSaid(order, status, filled):
                return OrderStatus(now, self.owner(order), status, filled)
            case _ as unreachable:
                assert_never(unreachable)

    def fill(self, row: FillRow, at: Nanos) -> Fill:
        return Fill(at, self.cloid(row.order), row.oid, row.qty, row.price, row.trade_id)

    def snapshot(self, said: SnapshotSaid) -> Snapshot:
        rows = tuple(
            OpenOrder(row.oid, self.cloid(row.order), row.side, row.price, row.qty)
            for row in said.open
        )
        fills = tuple(self.fill(row, said.taken_at) for row in said.fills)
        return Snapshot(said.taken_at, rows, fills)

    # Expectations.

    def compare(self, expected: Expectations) -> list[str]:
        found: list[str] = []
        self.compare_sent(expected, found)
        for name, wanted in expected.orders.items():
            self.compare_order(name, wanted, found)
        manager = self.manager.manager
        long, short = manager.exposure
        qty = self.scenario.instrument.qty_text
        live = Counter(order.side for order in manager.open_orders.values())
        rows = (
            ("position", expected.position, manager.position, qty),
            ("exposure.long", expected.long, long, qty),
            ("exposure.short", expected.short, short, qty),
            ("live.bids", expected.live_bids, live[Side.BUY], str),
            ("live.asks", expected.live_asks, live[Side.SELL], str),
        )
        for what, number, was, text in rows:
            if number is not None and number != was:
                found.append(f"{what} must be {text(number)}, was {text(was)}")
        if len(self.diverged) not in expected.diverged:
            allowed = " or ".join(str(count) for count in expected.diverged)
            labels = ", ".join(divergence.label for divergence in self.diverged) or "none"
            found.append(f"diverged must be {allowed}, was {len(self.diverged)} ({labels})")
        for name, reason in expected.reasons.items():
            last = self.reasons.get(self.cloid(Named(name=name)) or "", "none")
            if last != reason:
                found.append(f"reason.{name} must be {reason}, was {last}")
        return found

    def compare_sent(self, expected: Expectations, found: list[str]) -> None:
        sent = self.sent
        if expected.sent is not None:
            for kind in ("place", "modify", "cancel"):
                wanted = expected.sent.get(kind, 0)
                if sent[kind] != wanted:
                    found.append(f"sent.{kind} must be {wanted}, was {sent[kind]}")
            wanted_queries = expected.sent.get("query")
            if wanted_queries is not None and sent["query"] != wanted_queries:
                found.append(f"sent.query must be {wanted_queries}, was {sent['query']}")
        for kind, most in (expected.sent_max or {}).items():
            if sent[kind] > most:
                found.append(f"sent.{kind} must be at most {most}, was {sent[kind]}")
        for kind, least in (expected.sent_min or {}).items():
            if sent[kind] < least:
                found.append(f"sent.{kind} must be at least {least}, was {sent[kind]}")

    def compare_order(self, name: str, wanted: OrderExpectation, found: list[str]) -> None:
        order = self.manager.manager.orders[self.cloid(Named(name=name)) or ""]
        instrument = self.scenario.instrument
        if wanted.state is not None and order.state.value not in wanted.state:
            found.append(f"{name}.state must be {' or '.join(wanted.state)}, was {order.state}")
        rows = (
            ("filled", wanted.filled, order.filled, instrument.qty_text),
            ("leaves", wanted.leaves, order.leaves, instrument.qty_text),
            ("price", wanted.price, order.price, instrument.price_text),
        )
        for what, number, was, text in rows:
            if number is not None and number != was:
                found.append(f"{name}.{what} must be {text(number)}, was {text(was)}")
        request = request_word(order.request)
        if wanted.request is not None and request != wanted.request:
            found.append(f"{name}.request must be {wanted.request}, was {request}")
