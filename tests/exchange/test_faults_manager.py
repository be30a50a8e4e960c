"""An order manager against a venue that fails: nothing is promised in vain, and all ends well.

Each run has a phase in which anything goes wrong and one in which nothing does any more. Through
both the invariants are watched; at the end the record is the venue's truth.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.commands import Command
from exchange.market import Row
from exchange.paper.faults import PLANS, FaultPlan, Faults, Kind, mix
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.units import MILLISECOND, MINUTE, SECOND, Nanos
from exchange.venue import NoAnswer
from exchange.words import Side
from lifecycle.config import STABLE
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.rules import rules_of
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Broken, Watch
from spec.states import Request
from spec.trace import Record, Target, Targets
from tests.exchange.play import AMEND, INSTRUMENT, REPLACE, bbo, trade

VENUES: Final = {"replace": REPLACE, "amend": AMEND}
HEALED: Final = 3 * MINUTE
CALM: Final = 5 * MINUTE
"""When the market stops, and the bot with it."""
END: Final = 7 * MINUTE
CYCLE: Final = 6 * SECOND
STEP: Final = 50 * MILLISECOND
MID: Final = 10_000


def market(seed: int) -> list[Row]:
    """Return a touch that wanders, with trades at it and through it, and that stands at the end."""
    random = Random(f"market {seed}")
    rows: list[Row] = []
    mid = MID
    for at in range(SECOND, END, 250 * MILLISECOND):
        if at < CALM:
            mid += random.choice((-3, -1, 0, 0, 0, 1, 3))
        rows.append(bbo(at, mid - 4, random.randint(1, 60), mid + 4, random.randint(1, 60)))
        if at < CALM and random.random() < 0.2:
            side = random.choice((1, -1))
            price = mid + side * random.randint(4, 12)
            rows.append(trade(at + 1, price, random.randint(1, 60), side))
    return rows


@dataclass
class Run:
    """What came of one run."""

    manager: OrderManager
    venue: PaperVenue
    faults: Faults
    trace: list[Record] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    @property
    def unresolved(self) -> list[str]:
        """Return the orders whose request is in flight or in doubt."""
        orders = self.manager.open_orders.values()
        return [order.cloid for order in orders if order.request is not Request.IDLE]

    @property
    def believed(self) -> list[tuple[str, str | None, Side, int, int]]:
        """Return the open orders as the manager has them."""
        orders = self.manager.open_orders.values()
        return sorted((o.cloid, o.oid, o.side, o.price, o.leaves) for o in orders)

    @property
    def true(self) -> list[tuple[str | None, str | None, Side, int, int]]:
        """Return the open orders as the venue has them."""
        rows = self.venue.open_orders()
        return sorted((row.cloid or "", row.oid, row.side, row.price, row.qty) for row in rows)


class Trader:
    """The loop around an order manager, by hand."""

    def __init__(self, plan: FaultPlan, seed: int, name: str = "replace") -> None:
        capabilities = VENUES[name]
        faults = Faults(plan, seed)
        venue = PaperVenue(
            INSTRUMENT,
            market(seed),
            latency=LATENCIES["fast"],
            capabilities=capabilities,
            seed=seed,
            faults=faults,
        )
        manager = OrderManager(INSTRUMENT, config=STABLE, capabilities=capabilities)
        self.run = Run(manager, venue, faults)
        self.watch = Watch(rules_of(STABLE, INSTRUMENT, capabilities), INVARIANTS)
        self.told = TracedManager(manager, self.note)
        self.random = Random(f"targets {seed}")

    def note(self, record: Record) -> None:
        """Keep a record, and judge it."""
        self.run.trace.append(record)
        self.run.broken += self.watch.feed(record)

    def go(self, until: Nanos = END, *, kills: float = 0.0) -> Run:
        """Trade to the end, and die at this share of the moments of the first phase."""
        for now in range(SECOND, until, STEP):
            if now < HEALED and self.random.random() < kills:
                self.run.venue.new_client(now)
                self.send(self.told.restarted(now).queries, now)
            self.hear(now)
            if self.run.manager.next_timer <= now:
                self.send(self.told.tick(now).queries, now)
            if now % CYCLE == 0 and now < CALM:
                self.cycle(now)
        return self.run

    def hear(self, now: Nanos) -> None:
        """Hand over what has arrived."""
        for received in self.run.venue.poll(now):
            report = received.report
            if isinstance(report, NoAnswer):
                reaction = self.told.unanswered(report.command, report.outcome, received.at)
            else:
                reaction = self.told.receive(report, received.at)
            self.send(reaction.queries, received.at)

    def cycle(self, now: Nanos) -> None:
        """Want two orders on each side, around a mid that jitters."""
        seen = self.run.venue.market(now)
        if seen.bid is None or seen.ask is None:
            return
        mid = (seen.bid + seen.ask) // 2 + self.random.randint(-4, 4)
        qty = self.random.randint(8, 12)
        bids = tuple(Target(mid - away, qty) for away in (6, 16))
        asks = tuple(Target(mid + away, qty) for away in (6, 16))
        self.send(self.told.cycle(now, Targets(bids, asks), seen).commands, now)

    def send(self, commands: tuple[Command, ...], now: Nanos) -> None:
        """Send commands."""
        if commands:
            self.run.venue.submit(commands, now)


def assert_held(run: Run) -> None:
    """Assert that nothing was broken, and that all has ended well."""
    assert run.broken == []
    assert run.unresolved == []
    assert run.believed == run.true
    assert run.manager.position == run.venue.position


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("label", PLANS)
def test_a_manager_survives_each_kind_of_fault_and_agrees_in_the_end(label: str, name: str) -> None:
    run = Trader(replace(PLANS[label], until=HEALED), 1, name).go()

    assert_held(run)


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("seed", range(10))
def test_a_manager_survives_a_random_mix_of_faults(seed: int, name: str) -> None:
    run = Trader(mix(seed, until=HEALED), seed, name).go()

    assert_held(run)


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("label", ["calm", "storm"])
def test_a_manager_that_dies_and_comes_back_agrees_in_the_end(label: str, name: str) -> None:
    for seed in range(3):
        run = Trader(replace(PLANS[label], until=HEALED), seed, name).go(kills=0.005)

        assert_held(run)


def test_the_runs_see_every_kind_of_fault() -> None:
    counts: Counter[Kind] = Counter()
    for seed in range(4):
        counts += Trader(replace(PLANS["storm"], until=HEALED), seed).go(HEALED).faults.counts

    assert set(counts) == set(Kind)


def test_a_run_is_the_same_for_the_same_seed() -> None:
    plan = replace(PLANS["storm"], until=MINUTE)
    first, second, other = (Trader(plan, seed).go(MINUTE) for seed in (3, 3, 4))

    assert first.trace == second.trace
    assert first.faults.counts == second.faults.counts
    assert first.trace != other.trace
