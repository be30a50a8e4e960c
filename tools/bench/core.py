"""What of the core is measured: cycles of ladders, kept and moved, and reports by kind.

Each timed call needs a manager in the state that it changes, so `prepare` makes one, or takes the
one that a former call left as it was. Beside them, in the same run, what a table costs at least
(a bare dictionary) and what the same transition costs in the charts' own engine.
"""

import importlib.util
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from exchange.commands import Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted, Cancelled, Fill, Modified, Report
from exchange.units import SECOND, Nanos, Qty
from exchange.words import CancelReason
from lifecycle.compiled import IS_COMPILED
from lifecycle.config import Config, QuotaConfig, RiskConfig
from lifecycle.core.manager import OrderManager
from lifecycle.core.tables import PHASE
from spec.states import Phase, PhaseEvent
from spec.trace import Target, Targets
from tools.bench.measure import Case

INSTRUMENT: Final = Instrument("ETH", price_unit=Decimal("0.1"), lot=Decimal("0.0001"))
MID: Final = 1_000_000
RUNG: Final = 3_000
"""Distance between the levels of a ladder, in price units: 30 bps."""
SHIFT: Final = 1_400
"""A move nearer than the next rung; the size changes with it, so that nothing is kept."""
HALF_SPREAD: Final = 50
"""Of the book, in price units: no rung crosses it."""
CONFIG: Final = Config(
    quota=QuotaConfig(cap=10**9),
    # Open wide, but asked each time: 2 x 10 moves a second are more than a minute's requests.
    risk=RiskConfig(collar_bps=9_999.0, requests_per_minute=10**6),
)
BATCH: Final = 100
ORDERS: Final = 20
"""Of a ladder of 2 x 10."""
UNCHANGED_LIMIT_US: Final = 3.0 if IS_COMPILED else 20.0
MOVED_LIMIT_US: Final = 60.0 if IS_COMPILED else 300.0
LARGE_LIMIT_US: Final = 1_200.0 if IS_COMPILED else None
RECEIVE_LIMIT_US: Final = 1.0 if IS_COMPILED else 4.0
ENGINE: Final = "python-statemachine send"
ENGINE_MISSING: Final = "python-statemachine: not installed, left out (the extra charts has it)"


def ladder(levels: int, shift: int = 0, qty: Qty = 1_000) -> Targets:
    """Return a ladder of so many levels a side, moved by `shift` price units."""
    far = [RUNG // 2 + RUNG * level for level in range(levels)]
    return Targets(
        tuple(Target(MID + shift - away, qty) for away in far),
        tuple(Target(MID + shift + away, qty) for away in far),
    )


def book(now: Nanos) -> Market:
    """Return the book as seen now."""
    return Market(now, MID - HALF_SPREAD, MID + HALF_SPREAD)


class Resting:
    """A manager whose ladder rests, and a clock that it has never seen run backwards."""

    def __init__(self, levels: int) -> None:
        self.manager = OrderManager(INSTRUMENT, config=CONFIG)
        self.targets = ladder(levels)
        self.moved = ladder(levels, SHIFT, 2_000)
        self.market = book(0)
        self.now = 0
        self.oids = 0
        plan = self.manager.cycle(0, self.targets, self.market)
        for command in plan.commands:
            if isinstance(command, Place):
                self.receive(Accepted(0, command.cloid, self.oid(), command.request))

    def oid(self) -> str:
        """Return an oid that was not used before."""
        self.oids += 1
        return str(self.oids)

    def receive(self, report: Report) -> None:
        """Hand over a report now."""
        self.manager.receive(report, self.now)

    def wait(self) -> None:
        """Let a second pass, and the timers run."""
        self.now += SECOND
        self.market = book(self.now)
        self.manager.tick(self.now)

    def settle(self) -> None:
        """Answer every modify that is in flight, and have the next one go back again."""
        orders = self.manager.open_orders
        in_flight = [order for order in orders.values() if order.is_in_flight]
        assert len(in_flight) in {0, len(orders)}, f"all must move, did {len(in_flight)}"
        for order in in_flight:
            qty, price = order.goal_qty, order.goal_price
            self.receive(Modified(self.now, order.cloid, self.oid(), qty, price, order.request_no))
        if in_flight:
            self.targets, self.moved = self.moved, self.targets


def unchanged(levels: int) -> Callable[[], Callable[[], object]]:
    """Return a case's `prepare`: a cycle in which nothing has happened since the last."""
    resting = Resting(levels)

    def prepare() -> Callable[[], object]:
        resting.manager.cycle(resting.now, resting.targets, resting.market)
        return lambda: resting.manager.cycle(resting.now, resting.targets, resting.market)

    return prepare


def unchanged_after_report(levels: int) -> Callable[[], Callable[[], object]]:
    """Return a case's `prepare`: an unchanged cycle after one report came in between."""
    resting = Resting(levels)
    order = next(iter(resting.manager.open_orders.values()))

    def prepare() -> Callable[[], object]:
        assert order.oid is not None, "what rests has an oid"
        # A duplicate changes nothing, but the manager has to look again.
        resting.receive(Accepted(resting.now, order.cloid, order.oid))
        return lambda: resting.manager.cycle(resting.now, resting.targets, resting.market)

    return prepare


def moved(levels: int) -> Callable[[], Callable[[], object]]:
    """Return a case's `prepare`: a cycle that modifies every order."""
    resting = Resting(levels)

    def act() -> object:
        return resting.manager.cycle(resting.now, resting.moved, resting.market)

    def prepare() -> Callable[[], object]:
        resting.settle()
        resting.wait()
        return act

    return prepare


def receive(kind: str) -> Callable[[], Callable[[], object]]:
    """Return a case's `prepare`: a report of a kind about each of 2 x 10 orders."""

    def prepare() -> Callable[[], object]:
        resting = Resting(10)
        manager, now = resting.manager, resting.now + SECOND
        reports = _reports(kind, resting, now)
        assert len(reports) == ORDERS, f"every order must have its report, had {len(reports)}"

        def act() -> None:
            for report in reports:
                manager.receive(report, now)

        return act

    return prepare


def _reports(kind: str, resting: Resting, now: Nanos) -> list[Report]:
    """Ask for what the reports of this kind answer, and return one for each order."""
    manager = resting.manager
    orders = list(manager.open_orders.values())
    oid = resting.oid
    match kind:
        case "fill":
            return [Fill(now, o.cloid, o.oid or "", 10, o.price, "t1") for o in orders]
        case "accepted":
            plan = manager.cycle(now, ladder(20), resting.market)
            places = [command for command in plan.commands if isinstance(command, Place)]
            return [Accepted(now, c.cloid, oid(), c.request) for c in places]
        case "modified":
            manager.cycle(now, resting.moved, resting.market)
            return [
                Modified(now, o.cloid, oid(), o.goal_qty, o.goal_price, o.request_no)
                for o in orders
            ]
        case _:
            manager.cycle(now, Targets(), resting.market)
            return [Cancelled(now, o.cloid, o.oid, CancelReason.USER) for o in orders]


def bare_table() -> Callable[[], object]:
    """Return what is least: a batch of lookups in a dictionary of states and events."""
    cells = {
        (phase, event): PHASE[phase][event] for phase in map(int, Phase) for event in PhaseEvent
    }
    key = (int(Phase.RESTING), PhaseEvent.FILLED_IN_PART)

    def act() -> None:
        for _ in range(BATCH):
            cells[key]

    return act


def has_engine() -> bool:
    """Say whether the charts' own engine is installed."""
    return importlib.util.find_spec("statemachine") is not None


def chart() -> Callable[[], object]:
    """Return the same transition, a batch of it, in python-statemachine's engine."""
    from spec.charts import PhaseChart  # Not everybody who measures has the engine.

    machine = PhaseChart()
    machine.send("accepted")

    def act() -> None:
        for _ in range(BATCH):
            machine.send("filled_in_part")

    return act


def cases() -> list[Case]:
    """Return everything that is measured, the yardstick first."""
    found = [
        Case("dictionary lookup", bare_table, BATCH),
        *([Case(ENGINE, _once(chart), BATCH)] if has_engine() else []),
        Case("cycle, 2x10 unchanged", unchanged(10), limit_us=UNCHANGED_LIMIT_US),
        Case("cycle, 2x10 unchanged, after a report", unchanged_after_report(10)),
        Case("cycle, 2x1 all moved", moved(1)),
        Case("cycle, 2x10 all moved", moved(10), limit_us=MOVED_LIMIT_US),
        Case("cycle, 2x200 unchanged", unchanged(200)),
        Case("cycle, 2x200 all moved", moved(200), limit_us=LARGE_LIMIT_US),
    ]
    found += [
        Case(f"receive, {kind}", receive(kind), ORDERS, limit_us=RECEIVE_LIMIT_US)
        for kind in ("fill", "accepted", "modified", "cancelled")
    ]
    return found


def _once(make: Callable[[], Callable[[], object]]) -> Callable[[], Callable[[], object]]:
    """Prepare once for all rounds what no call changes."""
    act = make()
    return lambda: act
