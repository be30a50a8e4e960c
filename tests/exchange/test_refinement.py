"""The paper venue is a refinement of the venue model: whatever it says, the model may say.

What the explorer proves of an order manager against the model then holds against the paper venue.
Commands are drawn at random, as an order manager may send them: one unanswered request per order.
"""

from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen, QueryOrder
from exchange.market import Row
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.reports import (
    Accepted,
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
from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.venue import Capabilities, NoAnswer
from exchange.words import CancelReason, Side
from tests.exchange.explain import Run, streams, unexplained
from tests.exchange.play import AMEND, INSTRUMENT, REPLACE, bbo, trade

VENUES: Final = {"replace": REPLACE, "amend": AMEND}
SEEDS: Final = range(6)
END: Final = 30 * SECOND
MID: Final = 1_000


def market(random: Random) -> list[Row]:
    """Return half a minute of a touch that wanders, with trades at it and through it."""
    rows: list[Row] = []
    mid = MID
    for at in range(0, END, 200 * MILLISECOND):
        mid += random.choice((-2, -1, 0, 0, 0, 1, 2))
        rows.append(bbo(at, mid - 2, random.randint(1, 60), mid + 2, random.randint(1, 60)))
        if random.random() < 0.4:
            side = random.choice((1, -1))
            price = mid + side * random.randint(2, 4)
            rows.append(trade(at + 1, price, random.randint(1, 80), side))
    return rows


class Trader:
    """Sends whatever it may, and remembers what the venue says."""

    def __init__(self, seed: int, capabilities: Capabilities) -> None:
        self.random = Random(f"commands {seed}")
        rows = market(Random(f"market {seed}"))
        self.venue = PaperVenue(
            INSTRUMENT, rows, latency=LATENCIES["fast"], capabilities=capabilities, seed=seed
        )
        self.number = 0
        self.commands: list[Command] = []
        self.reports: list[Report] = []
        self.sides: dict[str, Side] = {}
        self.oids: dict[str, str] = {}
        self.waiting: set[str] = set()
        """Orders with an unanswered request."""

    def run(self) -> Run:
        """Trade to the end, and hear what is said after."""
        for now in range(SECOND, END, 150 * MILLISECOND):
            self.hear(now)
            sent = [self.draw(now) for _ in range(self.random.choice((0, 0, 1, 1, 2, 3)))]
            self.commands += sent
            self.venue.submit(sent, now)
        self.hear(END + 10 * SECOND)
        return Run(tuple(self.commands), tuple(self.reports))

    def hear(self, now: Nanos) -> None:
        """Take in what has arrived."""
        for received in self.venue.poll(now):
            report = received.report
            if isinstance(report, NoAnswer):
                continue
            self.reports.append(report)
            if isinstance(report, (Accepted, Modified)):
                self.oids[report.cloid] = report.oid
            if getattr(report, "request", 0) and not isinstance(report, (OrderStatus, Snapshot)):
                self.waiting.discard(getattr(report, "cloid", ""))

    def draw(self, now: Nanos) -> Command:
        """Draw the next command."""
        random = self.random
        self.number += 1
        number = self.number
        idle = [cloid for cloid in self.sides if cloid not in self.waiting]
        kind = random.choice(("place", "modify", "modify", "cancel", "query", "open"))
        # Some expire on their way, some are for orders that are long gone.
        expires_at = now + random.choice((100 * MILLISECOND, 5 * SECOND, 5 * SECOND))
        if kind == "open":
            return QueryOpen(number, max(0, now - random.choice((1, 100)) * SECOND))
        if kind == "query":
            return QueryOrder(number, random.choice([*self.sides, "stranger"]), None)
        if kind == "place" or not idle:
            side = random.choice((Side.BUY, Side.SELL))
            cloid = f"c{number}"
            self.sides[cloid] = side
            self.waiting.add(cloid)
            qty = random.randint(1, 40)
            return Place(number, cloid, side, self.price(side), qty, True, False, expires_at)
        cloid = random.choice(idle[-6:])
        self.waiting.add(cloid)
        oid = random.choice((None, self.oids.get(cloid)))
        if kind == "cancel":
            return Cancel(number, cloid, oid, expires_at)
        side, qty = self.sides[cloid], random.randint(1, 60)
        price = self.price(side)
        return Modify(number, cloid, oid, side, price, qty, True, False, expires_at)

    def price(self, side: Side) -> int:
        """Draw a price, now and then one that crosses."""
        return MID - side * self.random.randint(-2, 12)


Runs = dict[tuple[str, int], Run]
"""By venue and seed."""


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Trade everywhere once."""
    found = {}
    for name, capabilities in VENUES.items():
        for seed in SEEDS:
            found[name, seed] = Trader(seed, capabilities).run()
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", VENUES)
def test_a_run_of_the_paper_venue_is_a_path_of_the_model(name: str, seed: int, runs: Runs) -> None:
    assert unexplained(runs[name, seed], amends=name == "amend") is None


@pytest.mark.parametrize("name", VENUES)
def test_each_stream_keeps_its_order(name: str, runs: Runs) -> None:
    for seed in SEEDS:
        for stream in streams(runs[name, seed].reports):
            times = [report.at for report in stream]
            assert times == sorted(times)


@pytest.mark.parametrize("name", VENUES)
def test_the_runs_have_something_of_everything(name: str, runs: Runs) -> None:
    reports = [report for seed in SEEDS for report in runs[name, seed].reports]
    kinds = {type(report) for report in reports}
    reasons = {
        report.reason for report in reports if isinstance(report, (Rejected, CancelRejected))
    }
    alive = {str(report.alive) for report in reports if isinstance(report, ModifyRejected)}

    assert kinds >= {
        Accepted, Rejected, Fill, Modified, ModifyRejected, Cancelled, CancelRejected, Snapshot,
        OrderStatus,
    }  # fmt: skip
    assert reasons >= {"expired", "post_only", "too_late"}
    assert alive >= {"true", "false"}


Lie = Callable[[Report], list[Report]]
"""What is said in place of a report."""


def tampered(run: Run, kind: type[Report], change: Lie) -> Run:
    """Return the run with something else in place of the middle report of a kind."""
    places = [i for i, report in enumerate(run.reports) if isinstance(report, kind)]
    i = places[len(places) // 2]
    reports = [*run.reports[:i], *change(run.reports[i]), *run.reports[i + 1 :]]
    return Run(run.commands, tuple(reports))


def but(**values: object) -> Lie:
    """Return the lie that says all the same, but for these fields."""
    return lambda said: [replace(said, **values)]


def worse(said: Report) -> list[Report]:
    """Fill beyond the limit."""
    assert isinstance(said, Fill), "only fills have such a price"
    side = Side.BUY if said.side is None else said.side
    return [replace(said, price=said.price + 50 * side)]


def gone(said: Report) -> list[Report]:
    """Push the end of a leg that nothing has replaced."""
    assert isinstance(said, Accepted), "what has just come on the book"
    return [said, Cancelled(said.at, said.cloid, said.oid, CancelReason.REPLACED)]


# What an honest venue never says: each is a report changed in the middle of an honest run.
# fmt: off
LIES: Final[dict[str, tuple[type[Report], Lie]]] = {
    "a fill of more than rests":    (Fill,     but(qty=1_000)),
    "a fill at a worse price":      (Fill,     worse),
    "a fill of a stranger":         (Fill,     but(oid="1")),
    "an answer to another request": (Accepted, but(request=999_999)),
    "an answer given twice":        (Modified, lambda said: [said, said]),
    "no answer":                    (Modified, lambda _said: []),
    "another price":                (Modified, but(price=1)),
    "an old oid again":             (Modified, but(oid="1000001")),
    "a snapshot without its rows":  (Snapshot, but(open=())),
    "an end that was not":          (Accepted, gone),
}
# fmt: on


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_not_explained(lie: str, runs: Runs) -> None:
    assert unexplained(tampered(runs["replace", 1], *LIES[lie]), amends=False)
