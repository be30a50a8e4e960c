"""Every Hypothesis strategy of the tests: numbers, one side of a cycle, and lifecycle inputs.

Inputs are abstract: a step names an order by its number, and whoever drives a manager with it
turns it into a report about that order as it stands by then. So a random sequence is mostly about
orders that exist, and wrong often enough.
"""

from typing import Final

from hypothesis import strategies as st
from msgspec import Struct

from spec.trace import Target

CENTRE: Final = 10_000
"""Prices are drawn around this, in price units: a basis point is one unit."""

KINDS: Final = (
    "cycle", "cycle", "cycle", "cycle", "tick", "wait", "accepted", "accepted", "rejected", "fill",
    "fill", "modified", "modified", "refused", "cancelled", "cancelled", "too_late", "unanswered",
    "unsent", "status", "snapshot", "snapshot", "limited", "disconnected", "reconnected", "restart",
)  # fmt: skip
"""What may happen; cycles, and reports that go well, oftener than the rest."""


class OneSide(Struct, frozen=True):
    """What rests on one side, what is wanted there, and what may stand for what."""

    orders: tuple[tuple[int, int], ...]
    """(price, leaves), from the touch outwards."""
    targets: tuple[Target, ...]
    latch_bps: int
    level_factors: tuple[int, ...]
    max_bps: int | None
    """How far one modify may go; None: any distance."""


class Step(Struct, frozen=True):
    """One thing that happens, in the abstract."""

    kind: str
    order: int
    """Which of the orders so far, counted modulo their number."""
    qty: int
    price: int
    leg: int
    """Which oid the venue names: one of a few for each order."""
    trade: int
    ago_ms: int
    """How long before now the venue said, or saw, it."""
    ms: int
    """Time that passes before."""
    choice: int
    """Selects among the words of a kind."""
    bids: tuple[Target, ...]
    asks: tuple[Target, ...]


def prices(spread: int = 50) -> st.SearchStrategy[int]:
    """Draw prices around the centre."""
    return st.integers(CENTRE - spread, CENTRE + spread)


def ladder(
    side: int, most: int, prices: st.SearchStrategy[int]
) -> st.SearchStrategy[tuple[Target, ...]]:
    """Draw targets of a side (+1 bids, -1 asks), best first, each price once."""
    sizes = st.integers(1, 12)
    return st.dictionaries(prices, sizes, max_size=most).map(
        lambda found: tuple(
            Target(price, found[price]) for price in sorted(found, key=lambda price: -side * price)
        )
    )


def one_side(side: int, reach: st.SearchStrategy[int | None]) -> st.SearchStrategy[OneSide]:
    """Draw at most four orders and four targets of a side."""
    orders = st.lists(st.tuples(prices(), st.integers(1, 12)), max_size=4)
    return st.builds(
        OneSide,
        orders=orders.map(lambda found: tuple(sorted(found, key=lambda order: -side * order[0]))),
        targets=ladder(side, 4, prices()),
        latch_bps=st.integers(0, 30),
        level_factors=st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple),
        max_bps=reach,
    )


def steps(most: int = 40) -> st.SearchStrategy[list[Step]]:
    """Draw a sequence of things that happen."""
    step = st.builds(
        Step,
        kind=st.sampled_from(KINDS),
        order=st.integers(0, 7),
        qty=st.integers(1, 12),
        price=prices(20),
        leg=st.integers(0, 2),
        trade=st.integers(0, 5),
        ago_ms=st.sampled_from((0, 0, 0, 200, 3_000)),
        ms=st.sampled_from((0, 10, 300, 500, 2_000, 6_000)),
        choice=st.integers(0, 6),
        bids=ladder(1, 3, st.integers(CENTRE - 20, CENTRE - 1)),
        asks=ladder(-1, 3, st.integers(CENTRE + 1, CENTRE + 20)),
    )
    return st.lists(step, min_size=1, max_size=most)


class Churned(Struct, frozen=True):
    """One cycle of a bot with one order a side, as a churn tracker is told of it."""

    bid: int
    """What the bot wants."""
    ask: int
    resting: dict[str, int]
    """What rests, by cloid: `b` is the bid, `a` the ask."""
    reasons: tuple[str, str]
    """Those of the decisions about the two orders."""
    sent: tuple[int, int, int]
    """Places, modifies and cancels."""
    fills: int
    suppressed: int


def churned() -> st.SearchStrategy[Churned]:
    """Draw cycles; decisions and commands need not go together."""
    reasons = st.sampled_from(
        ("same-point", "latched", "debounced", "quota", "in-flight", "in-doubt", "modify", "blind")
    )
    few = st.integers(0, 3)
    return st.builds(
        Churned,
        bid=st.integers(CENTRE - 20, CENTRE - 1),
        ask=st.integers(CENTRE + 1, CENTRE + 20),
        resting=st.dictionaries(st.sampled_from("ab"), prices(20), max_size=2),
        reasons=st.tuples(reasons, reasons),
        sent=st.tuples(few, few, few),
        fills=few,
        suppressed=few,
    )
