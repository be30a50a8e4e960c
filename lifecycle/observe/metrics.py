"""Metrics for Prometheus, by its official client (the extra `metrics`).

An exporter is told the records that the journal is told, and counts. What no record says is looked
up in the manager (`look`), best right before each cycle: what the cycle before has sent has arrived
by then, so that is when its presence and staleness are judged. Each exporter has a registry of its
own; two bots in one process have two exporters, on two ports.

What was counted once is not counted again after a restart, if the records of the journal go
through `remember` first.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from math import inf, sqrt
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Final, assert_never, get_args
from wsgiref.simple_server import WSGIServer

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import CancelRejected, ModifyRejected, Rejected, Report
from exchange.units import SECOND, Nanos
from exchange.words import Cloid, Outcome, Side
from lifecycle.core.churn import Rest, count_sent, judge_rest, leaves_alone
from lifecycle.core.manager import OrderManager
from lifecycle.core.settings import MILLION
from lifecycle.observe.follow import SIDE_WORDS, Fills, package_version
from lifecycle.observe.table import METRICS, Kind, Row
from spec.invariants.all import INVARIANTS
from spec.states import CLOSED_PHASES, Hold, Phase, displayed
from spec.states import Request as RequestState
from spec.trace import (
    Cycled,
    Decision,
    Halted,
    Record,
    Reported,
    Restarted,
    Targets,
    Ticked,
    Unanswered,
)

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

# fmt: off
BUCKETS: Final = {
    "lifecycle_journal_append_seconds":
        (5e-6, 1e-5, 2e-5, 3e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 0.1, 1.0),
    "lifecycle_cycle_seconds":
        (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5, 1.0),
}
# fmt: on
ALARMS: Final = ("spiral", "bid absent", "ask absent")
HOUR: Final = 3600.0
"""In seconds."""
PORT_MAX: Final = 65535

_OPEN_STATES: Final = tuple(
    dict.fromkeys(
        displayed(phase, request, hold)
        for phase in Phase
        if phase not in CLOSED_PHASES
        for request in RequestState
        for hold in Hold
    )
)
_DOUBTS: Final = {
    RequestState.PLACING_IN_DOUBT: "place",
    RequestState.MODIFYING_IN_DOUBT: "modify",
    RequestState.CANCELLING_IN_DOUBT: "cancel",
}


def _tags(union: object) -> tuple[str, ...]:
    return tuple(str(kind.__struct_config__.tag) for kind in get_args(union))


# The values of labels that are known beforehand, by metric. Decisions have too many.
_KNOWN: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("lifecycle_records_total", "kind"): _tags(Record),
    ("lifecycle_commands_total", "kind"): _tags(Command),
    ("lifecycle_reports_total", "kind"): _tags(Report),
    ("lifecycle_rejects_total", "request"): tuple(_DOUBTS.values()),
    ("lifecycle_doubts_total", "request"): tuple(_DOUBTS.values()),
    ("lifecycle_unanswered_total", "outcome"): tuple(outcome.value for outcome in Outcome),
    ("lifecycle_fills_total", "side"): tuple(SIDE_WORDS.values()),
    ("lifecycle_filled_quantity_total", "side"): tuple(SIDE_WORDS.values()),
    ("lifecycle_filled_notional_total", "side"): tuple(SIDE_WORDS.values()),
    ("lifecycle_violations_total", "invariant"): tuple(one.id for one in INVARIANTS),
    ("lifecycle_present_cycles_total", "side"): ("buy", "sell"),
}


class MetricsError(ValueError):
    """Metrics cannot be had as asked for; the text is one line that says what to do."""


class MetricsExporter:
    """The metrics of one order manager.

    Raises:
        MetricsError: the extra `metrics` is not installed.

    """

    def __init__(
        self, instrument: Instrument, *, policy: str = "stable", session: str = ""
    ) -> None:
        try:
            import prometheus_client
        except ImportError as error:
            raise MetricsError(
                "metrics need an extra: pip install 'order-lifecycle[metrics]'"
            ) from error
        self.registry: CollectorRegistry = prometheus_client.CollectorRegistry()
        """Ours alone; for those who serve metrics in their own way."""
        self._labels = instrument.symbol, policy
        self._lot = float(instrument.lot)
        self._unit = float(instrument.price_unit)
        self._families = {row.name: self._family(row) for row in METRICS}
        self._verbs: dict[tuple[str, ...], Callable[[float], None]] = {}
        self._shown: dict[tuple[str, ...], float] = {}
        """What the gauges show."""
        self._fills = Fills()
        self._resting: dict[Cloid, int] = {}
        """Prices of what rested at the last look."""
        self._unjudged: tuple[Targets, tuple[Decision, ...]] | None = None
        """What the newest cycle wanted and decided."""
        self._rest: Rest | None = None
        """What it had led to by the last look."""
        self._doubts: set[tuple[Cloid, int]] = set()
        """Requests that were in doubt at the last look."""
        info = prometheus_client.Info(
            "lifecycle_session",
            "Session and version of what runs.",
            ("instrument", "policy"),
            registry=self.registry,
        )
        self._info: Info = info.labels(*self._labels)
        self._name_session(session)
        self._begin_at_zero()

    # What it is told.

    def feed(self, record: Record) -> None:
        """Count what a record says."""
        self._count("lifecycle_records_total", str(type(record).__struct_config__.tag))
        self._count_fills(record)
        match record:
            case Cycled():
                self._cycle(record)
                return
            case Reported():
                self._report(record.report)
            case Unanswered():
                self._count("lifecycle_unanswered_total", record.outcome.value)
            case Restarted():
                self._set("lifecycle_halted", 0)
                if record.session:
                    self._name_session(record.session)
            case Halted():
                self._set("lifecycle_halted", 1)
            case Ticked():
                pass
            case _ as unreachable:
                assert_never(unreachable)
        self._commands(record.reaction.queries)
        divergences = len(record.reaction.divergences)
        if divergences:
            self._count("lifecycle_divergences_total", amount=divergences)

    def remember(self, record: Record) -> None:
        """Learn from a record without counting: it was counted before a restart."""
        self._fills.feed(record)

    def violated(self, invariant: str) -> None:
        """Count a broken invariant, by its id."""
        self._count("lifecycle_violations_total", invariant)

    def forwarded(self, behind: int) -> None:
        """Note how many records the fleet's journal does not have yet."""
        self._set("lifecycle_unforwarded_records", behind)

    def timed(self, append: Callable[[Record], None]) -> Callable[[Record], None]:
        """Return `append`, a journal's, with its time taken."""
        observe = self._verb("lifecycle_journal_append_seconds")

        def timed_append(record: Record) -> None:
            start = perf_counter()
            append(record)
            observe(perf_counter() - start)

        return timed_append

    @contextmanager
    def cycle_timer(self) -> Iterator[None]:
        """Take the time of a cycle, which runs inside."""
        start = perf_counter()
        yield
        self._verb("lifecycle_cycle_seconds")(perf_counter() - start)

    def look(
        self,
        manager: OrderManager,
        now: Nanos,
        market: Market,
        *,
        alarms: Iterable[str] = (),
        early: bool = False,
    ) -> None:
        """Read the gauges; to be called before each cycle, when reports have been delivered.

        `alarms` are those that are on (`Churn.alerts`). An `early` cycle comes before the period
        of the last one is over, which is then not judged.
        """
        self._look_at_orders(manager)
        self._judge(early=early)
        long, short = manager.exposure
        self._set("lifecycle_position", manager.position * self._lot)
        self._set("lifecycle_exposure", long * self._lot, "long")
        self._set("lifecycle_exposure", short * self._lot, "short")
        self._set("lifecycle_headroom_ratio", manager.headroom)
        horizon_h = manager.quota_horizon_h(now)
        horizon = inf if horizon_h is None else horizon_h * HOUR
        self._set("lifecycle_quota_horizon_seconds", horizon)
        self._set("lifecycle_blind", manager.is_blind)
        self._set("lifecycle_halted", manager.is_halted)
        self._set("lifecycle_market_age_seconds", (now - market.at) / SECOND)
        if market.bid is not None and market.ask is not None:
            self._set("lifecycle_mid", (market.bid + market.ask) * self._unit / 2)
        on = frozenset(alarms)
        for alarm in ALARMS:
            self._set("lifecycle_alarm", alarm in on, alarm)

    # How it is had.

    def text(self) -> str:
        """Return all metrics in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry).decode()

    def serve(self, port: int, addr: str = "127.0.0.1") -> "MetricsServer":
        """Serve the metrics over HTTP, from a thread; port 0 takes one that is free.

        There is no password: let no address be open to the world. Raises MetricsError where the
        port cannot be had.
        """
        from prometheus_client import start_http_server

        if not 0 <= port <= PORT_MAX:
            raise MetricsError(f"the port for metrics must be 0 to {PORT_MAX}, was {port}")
        try:
            server, thread = start_http_server(port, addr, registry=self.registry)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise MetricsError(
                f"the port for metrics must be free, was {port} on {addr}: {why}, choose another"
            ) from error
        return MetricsServer(server, thread)

    # Inside: what records say.

    def _cycle(self, record: Cycled) -> None:
        plan, wanted = record.plan, record.wanted
        self._count("lifecycle_cycles_total")
        if count_sent(plan.commands).calls == 0:
            self._count("lifecycle_quiet_cycles_total")
        self._commands(plan.commands)
        taken = Tally((decision.action, decision.reason) for decision in plan.decisions)
        for (action, reason), count in taken.items():
            self._count("lifecycle_decisions_total", action.value, reason.value, amount=count)
        chances = [
            leaves_alone(decision)
            for decision in plan.decisions
            if decision.level >= 0 and decision.cloid in self._resting
        ]
        self._count("lifecycle_order_cycles_total", amount=len(chances))
        self._count("lifecycle_order_cycles_kept_total", amount=sum(chances))
        self._set("lifecycle_wanted_orders", len(wanted.bids), "buy")
        self._set("lifecycle_wanted_orders", len(wanted.asks), "sell")
        self._set("lifecycle_position", plan.position * self._lot)
        self._set("lifecycle_grid_step", plan.step * self._unit)
        self._settle()
        # By what the bot wanted, or a coarse grid would look fresh.
        self._unjudged = record.targets, plan.decisions

    def _commands(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._count("lifecycle_commands_total", str(type(command).__struct_config__.tag))

    def _report(self, report: Report) -> None:
        self._count("lifecycle_reports_total", str(type(report).__struct_config__.tag))
        match report:
            case Rejected():
                self._count("lifecycle_rejects_total", "place")
            case ModifyRejected():
                self._count("lifecycle_rejects_total", "modify")
            case CancelRejected():
                self._count("lifecycle_rejects_total", "cancel")
            case _:
                pass

    def _count_fills(self, record: Record) -> None:
        for fill, side in self._fills.feed(record):
            qty = fill.qty * self._lot
            self._count("lifecycle_fills_total", SIDE_WORDS[side])
            self._count("lifecycle_filled_quantity_total", SIDE_WORDS[side], amount=qty)
            notional = fill.price * self._unit * qty
            self._count("lifecycle_filled_notional_total", SIDE_WORDS[side], amount=notional)

    # Inside: what a look shows.

    def _look_at_orders(self, manager: OrderManager) -> None:
        orders = manager.open_orders.values()
        states = Tally((order.side, order.state) for order in orders)
        for side in Side:
            for state in _OPEN_STATES:
                count = states[side, state]
                self._set("lifecycle_open_orders", count, SIDE_WORDS[side], state.value)
        self._resting = {o.cloid: o.price for o in orders if o.phase is Phase.RESTING}
        doubts = {(o.cloid, o.request_no): o.request for o in orders if o.is_in_doubt}
        for doubt, request in doubts.items():
            if doubt not in self._doubts:
                self._count("lifecycle_doubts_total", _DOUBTS[request])
        self._doubts = set(doubts)

    def _judge(self, *, early: bool) -> None:
        """Judge what the newest cycle has led to so far."""
        if self._unjudged is None or early:
            self._rest = None
            return
        self._rest = rest = judge_rest(*self._unjudged, self._resting)
        self._set("lifecycle_presence", rest.bid, "buy")
        self._set("lifecycle_presence", rest.ask, "sell")
        distances = rest.distances
        if distances:
            self._set("lifecycle_staleness_bps", sqrt(rest.squares / distances) / MILLION)
            limit = rest.bands / (2 * MILLION * distances)
            self._set("lifecycle_staleness_limit_bps", limit)

    def _settle(self) -> None:
        """Count the verdict on a cycle whose period is over."""
        rest, self._rest = self._rest, None
        if rest is not None:
            self._count("lifecycle_judged_cycles_total")
            self._count("lifecycle_present_cycles_total", "buy", amount=rest.bid)
            self._count("lifecycle_present_cycles_total", "sell", amount=rest.ask)

    # Inside: the client.

    def _name_session(self, session: str) -> None:
        self._info.info({"session": session, "version": package_version()})

    def _family(self, row: Row) -> "Counter | Gauge | Histogram":
        from prometheus_client import Counter, Gauge, Histogram

        labels = ("instrument", "policy", *row.labels)
        match row.kind:
            case Kind.COUNTER:
                return Counter(row.name, row.meaning, labels, registry=self.registry)
            case Kind.GAUGE:
                return Gauge(row.name, row.meaning, labels, registry=self.registry)
            case Kind.HISTOGRAM:
                buckets = BUCKETS[row.name]
                return Histogram(
                    row.name, row.meaning, labels, registry=self.registry, buckets=buckets
                )
            case _ as unreachable:
                assert_never(unreachable)

    def _begin_at_zero(self) -> None:
        """Begin every series whose labels are known, or its first event would be no increase."""
        for row in METRICS:
            for labels in product(*(_KNOWN.get((row.name, label), ()) for label in row.labels)):
                self._verb(row.name, *labels)

    def _verb(self, name: str, *labels: str) -> Callable[[float], None]:
        """Return what a series is told a number by: `inc`, `set` or `observe`."""
        key = name, *labels
        verb = self._verbs.get(key)
        if verb is None:
            from prometheus_client import Counter, Gauge

            child = self._families[name].labels(*self._labels, *labels)
            if isinstance(child, Counter):
                verb = child.inc
            else:
                verb = child.set if isinstance(child, Gauge) else child.observe
            self._verbs[key] = verb
        return verb

    def _count(self, name: str, *labels: str, amount: float = 1) -> None:
        self._verb(name, *labels)(amount)

    def _set(self, name: str, value: float, *labels: str) -> None:
        key = name, *labels
        # Most gauges stand still most of the time, and setting one takes a lock.
        if self._shown.get(key) != value:
            self._shown[key] = value
            self._verb(*key)(value)


class MetricsServer:
    """Metrics that are being served."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self.port = server.server_port
        self._server = server
        self._thread = thread

    def close(self) -> None:
        """Stop serving, and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
