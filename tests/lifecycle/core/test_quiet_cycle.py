"""A cycle that repeats the last decisions, as nothing has changed, decides like one that thinks."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.commands import Modify, Place
from exchange.instrument import Instrument
from exchange.market import Market, Queue
from exchange.reports import Accepted, Modified
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from lifecycle.config import BandsConfig, Config, GridConfig, QuotaConfig, RiskConfig
from lifecycle.core.manager import OrderManager
from lifecycle.core.portfolio import Cycle, Portfolio, Quote
from spec.trace import Action, Plan, Targets
from tests.story import PLAIN, Story, targets

FREE = RiskConfig(collar_bps=None, requests_per_minute=None)
LAYERED = Config(
    grid=GridConfig(min_ticks=2),
    bands=BandsConfig(latch_bps=4.0),
    quota=QuotaConfig(cap=60, wide_below=0.9, widest_below=0.1),
    risk=FREE,
)
LADDERS = (
    targets([(20_000, 10), (19_950, 10)], [(20_040, 10)]),
    targets([(20_003, 10), (19_953, 10)], [(20_041, 10)]),
    targets([(20_015, 10)], [(20_055, 10), (20_100, 10)]),
)
SEEN = st.tuples(
    st.sampled_from(LADDERS),
    st.sampled_from((0, 0, 3_000_000)),
    st.tuples(st.sampled_from((0, 5, 30)), st.sampled_from((0, 0, 20))),
    st.sampled_from(((None, None), (20_001, 20_035), (19_990, 20_002))),
)
"""What is wanted, how wild the market is, the place in each queue, and the book."""


def answer(manager: OrderManager, plan: Plan, now: Nanos) -> None:
    """Do all that was asked for."""
    for one in plan.commands:
        if isinstance(one, Place):
            manager.receive(Accepted(now, one.cloid, f"oid-{one.cloid}", one.request), now)
        elif isinstance(one, Modify):
            oid = f"oid-{one.cloid}"
            manager.receive(Modified(now, one.cloid, oid, one.qty, one.price, one.request), now)


@given(st.lists(SEEN, min_size=2, max_size=12))
def test_it_decides_as_if_it_had_no_memory_of_the_last_cycle(
    cycles: list[tuple[Targets, int, tuple[int, int], tuple[int | None, int | None]]],
) -> None:
    instrument = Instrument("A", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
    amends = Capabilities(modify_keeps_oid=True)
    quick, slow = (OrderManager(instrument, config=LAYERED, capabilities=amends) for _ in range(2))

    for number, (wanted, volatility, place, (bid, ask)) in enumerate(cycles):
        now = 6 * SECOND * number
        queues = {cloid: Queue(*place) for cloid in quick.open_orders}
        market = Market(now, bid, ask, volatility=volatility, queues=queues)
        slow._desk.quiet = None
        plan, other = (one.cycle(now, wanted, market) for one in (quick, slow))
        answer(quick, plan, now)
        answer(slow, other, now)

        assert plan == other


def test_an_order_that_has_lost_its_place_in_the_queue_is_judged_by_the_new_one() -> None:
    story = Story(replace(PLAIN, bands=BandsConfig(latch_bps=3.0)))
    [order] = story.rest([(20_008, 10)])
    wanted = targets([(20_000, 10)])
    actions = []

    for queue in (Queue(0, 10), Queue(0, 10), Queue(10, 0)):
        story.wait(6)
        market = Market(story.now, None, None, queues={order.cloid: queue})
        [found] = story.manager.cycle(story.now, wanted, market).decisions
        actions.append(found.action)

    assert actions == [Action.KEEP, Action.KEEP, Action.MODIFY]


def test_the_grid_follows_the_quota_of_the_account_also_where_another_has_spent_it() -> None:
    quick, slow = portfolio(), portfolio()
    one = Quote(targets([(20_003, 10)], [(20_096, 10)]), Market(0, None, None))

    for many in (quick, slow):
        for now in (0, 1, 2):
            accept(many, many.cycle(now, {"a": one}), now)
        for _ in range(70):
            many.managers["b"]._desk.ledger.enter(cancel=False, now=2)
    slow.managers["a"]._desk.quiet = None

    assert quick.cycle(3, {"a": one}).plans["a"] == slow.cycle(3, {"a": one}).plans["a"]
    assert quick.cycle(4, {"a": one}).plans["a"].step == 25


def portfolio() -> Portfolio:
    """Return two instruments whose grid becomes coarser as their quota is spent."""
    config = Config(
        grid=GridConfig(min_ticks=10),
        quota=QuotaConfig(cap=100, wide_below=0.1, widest_below=0.05),
        risk=FREE,
    )
    two = [Instrument(s, price_unit=Decimal("0.1"), lot=Decimal("0.01")) for s in "ab"]
    return Portfolio(two, config=config)


def accept(many: Portfolio, cycle: Cycle, now: Nanos) -> None:
    """Accept what is placed for the first instrument."""
    for batch in cycle.batches:
        for sent in batch:
            assert isinstance(sent.command, Place)
            many.receive("a", Accepted(now, sent.command.cloid, sent.command.cloid), now)
