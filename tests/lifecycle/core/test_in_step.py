"""What is sent goes in step with the ladder that is kept, inside its band, or to its target."""

from decimal import Decimal
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.commands import Modify, Place
from exchange.instrument import Instrument
from exchange.reports import Accepted, Modified, ModifyRejected
from exchange.words import Alive, Side
from lifecycle.config import BandsConfig, Config, GridConfig
from lifecycle.core.desk import Desk
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.core.settings import MILLION, Settings
from lifecycle.core.sides import SidePlan, Want
from spec.states import Phase
from spec.trace import Target
from tests.story import INSTRUMENT, REPLACING, Story

TOP: Final = 20_000
RUNG: Final = 40
LEVELS: Final = 10
FIGURED: Final = Instrument(
    "FIVE", price_unit=Decimal("0.1"), lot=Decimal("0.01"), significant_figures=4
)
"""From 10000 units on, its tick is ten of them."""

Quotes = list[tuple[int, int]]
"""Price and quantity, best first."""


def config(
    *,
    latch_bps: float = 5.0,
    factors: tuple[float, ...] = (1.0,),
    adverse: float = 1.0,
    in_step: bool = True,
) -> Config:
    """Return bands alone; five basis points are ten units at 20000, and a little less below."""
    bands = BandsConfig(
        latch_bps=latch_bps, level_factors=factors, adverse_factor=adverse, in_step=in_step
    )
    return Config(grid=GridConfig(enabled=False), bands=bands)


def quotes(levels: int = LEVELS, *, shift: int = 0, side: Side = Side.BUY) -> Quotes:
    """Return a ladder, moved by so many units."""
    return [(TOP + shift - side * RUNG * level, 10) for level in range(levels)]


def matched(
    orders: Quotes,
    wanted: Quotes,
    *,
    told: Config | None = None,
    side: Side = Side.BUY,
    instrument: Instrument = INSTRUMENT,
) -> SidePlan:
    """Let the core match one side."""
    settings = Settings(told or config(), instrument)
    desk = Desk(settings, instrument, REPLACING, "0")
    for number, (price, qty) in enumerate(orders):
        order = Order(f"c{number}", side, price, qty, 0)
        order.phase = Phase.RESTING
        desk.blotter.add(order)
    targets = tuple(Target(price, qty) for price, qty in wanted)
    return SidePlan(desk, side, targets, settings.latch or 0, MILLION)


def beside(plan: SidePlan) -> list[int]:
    """Return how far the aim of each level is from its target."""
    return [aim - target.price for aim, target in zip(plan.aims, plan.targets, strict=True)]


def sent(story: Story) -> list[int]:
    """Return the prices that the last cycle sends to."""
    return [one.price for one in story.requests() if isinstance(one, (Place, Modify))]


def drifted(drift: int, level: int) -> Quotes:
    """Return what rests after all of a ladder drifted, its order at `level` out of its band."""
    rests = quotes(shift=drift)
    rests[level] = (rests[level][0] + 20, 10)
    return rests


# Where what is sent goes.


@pytest.mark.parametrize("drift", [-8, -1, 0, 3, 8])
def test_a_modify_goes_as_far_beside_its_target_as_the_ladder_has_drifted(drift: int) -> None:
    story = Story(config())
    story.rest(drifted(drift, 4))

    story.cycle(quotes())

    assert story.kinds() == ["modify"]
    assert sent(story) == [TOP - 4 * RUNG + drift]


@pytest.mark.parametrize("drift", [-8, -1, 0, 3, 8])
def test_a_place_goes_as_far_beside_its_target_as_the_ladder_has_drifted(drift: int) -> None:
    story = Story(config())
    story.rest(quotes(shift=drift)[:-1])

    story.cycle(quotes())

    assert story.kinds() == ["place"]
    assert sent(story) == [TOP - 9 * RUNG + drift]


def test_a_size_alone_is_changed_in_step_where_the_order_rests() -> None:
    story = Story(config())
    story.rest(quotes(shift=4))

    story.cycle([*quotes()[:-1], (TOP - 9 * RUNG, 20)])

    [one] = story.requests()
    assert isinstance(one, Modify)
    assert (one.price, one.qty) == (TOP - 9 * RUNG + 4, 20)


def test_the_drift_is_that_of_the_median_order() -> None:
    rests = [
        (price + drift, 10) for (price, _), drift in zip(quotes(5), (0, 2, 3, 9, 9), strict=True)
    ]

    plan = matched(rests, quotes(5))

    assert beside(plan) == [3] * 5


def test_asks_go_in_step_as_bids_do() -> None:
    rests = quotes(9, shift=5, side=Side.SELL)

    plan = matched(rests, quotes(side=Side.SELL), side=Side.SELL)

    assert beside(plan) == [5] * LEVELS


# As far as the band.


def test_an_aim_stays_inside_the_band_of_its_own_level() -> None:
    told = config(latch_bps=3.0, factors=(1.0, 2.0))

    plan = matched(quotes(9, shift=11)[1:], quotes(9), told=told)

    assert beside(plan) == [6] + [11] * 8


@pytest.mark.parametrize(
    ("side", "shift", "first"),
    [(Side.BUY, 5, 3), (Side.BUY, -5, -5), (Side.SELL, -5, -3), (Side.SELL, 5, 5)],
)
def test_an_aggressive_aim_stays_inside_the_adverse_band(
    side: Side, shift: int, first: int
) -> None:
    told = config(latch_bps=3.0, factors=(1.0, 2.0), adverse=0.5)

    plan = matched(
        quotes(9, shift=shift, side=side)[1:], quotes(9, side=side), told=told, side=side
    )

    assert beside(plan) == [first] + [shift] * 8


@pytest.mark.parametrize("side", Side)
def test_one_unit_too_aggressive_is_outside_an_adverse_band_of_none(side: Side) -> None:
    # A tenth of six units is none, of sixty it is six.
    told = config(latch_bps=3.0, factors=(1.0, 10.0), adverse=0.1)

    plan = matched(quotes(9, shift=side, side=side)[1:], quotes(9, side=side), told=told, side=side)

    assert beside(plan) == [0] + [side] * 8


@pytest.mark.parametrize("adverse", [0.1, 0.3, 1 / 3, 0.5, 0.7])
def test_the_adverse_band_of_an_aim_is_rounded_as_that_of_an_order(adverse: float) -> None:
    # At this price the latch is six units to the millionth of a basis point.
    told = config(latch_bps=5.859375, factors=(1.0, 20.0), adverse=adverse)
    wanted = [(10_240, 10), (10_140, 10), (10_040, 10)]

    aim = matched([(10_146, 10), (10_046, 10)], wanted, told=told).aims[0]
    plan = matched([(aim, 10), (10_146, 10), (10_046, 10)], wanted, told=told)

    assert plan.wants == [Want.KEEP] * 3


def test_a_price_in_step_is_one_that_the_venue_takes() -> None:
    wanted = [(20_000 - 100 * level, 10) for level in range(4)]
    rests = [(price + 14, 10) for price, _ in wanted[1:]]

    bids = matched(rests, wanted, told=config(latch_bps=10.0), instrument=FIGURED)

    assert beside(bids) == [10] * 4
    assert all(FIGURED.is_valid_price(aim) for aim in bids.aims)


def test_a_price_in_step_that_snaps_out_of_the_band_is_the_target() -> None:
    wanted = [(20_000 - 100 * level, 10) for level in range(4)]
    rests = [(price - 8, 10) for price, _ in wanted[1:]]

    plan = matched(rests, wanted, told=config(latch_bps=4.5), instrument=FIGURED)

    assert beside(plan) == [0] * 4


# To the target all the same.


def test_it_goes_to_the_target_where_in_step_would_cross_the_book() -> None:
    for ask, price in ((TOP + 5, TOP), (TOP + 6, TOP + 5)):
        story = Story(config())
        story.rest(quotes(shift=5)[1:])

        story.cycle(quotes(), ask=ask)

        assert sent(story) == [price]


def test_it_goes_to_the_target_where_in_step_would_meet_our_other_side() -> None:
    for ask, price in ((TOP + 5, TOP), (TOP + 6, TOP + 5)):
        story = Story(config())
        story.rest(quotes(shift=5)[1:], [(ask, 10)])

        story.cycle(quotes(), [(ask, 10)])

        assert sent(story) == [price]


def test_it_goes_to_the_target_where_in_step_was_refused() -> None:
    story = Story(config())
    story.rest(drifted(5, 4))
    story.cycle(quotes())
    (one,) = story.requests()
    assert sent(story) == [TOP - 4 * RUNG + 5]
    story.receive(ModifyRejected(story.now, one.cloid, "no", Alive.YES, one.request))

    story.wait(0.6)
    story.cycle(quotes())

    assert sent(story) == [TOP - 4 * RUNG]


def test_a_place_does_not_meet_what_was_sent_in_step_in_the_same_cycle() -> None:
    for ask, prices in ((TOP + 5, [TOP + 5]), (TOP + 6, [TOP + 5, TOP + 6])):
        story = Story(config())
        story.rest(quotes(shift=5)[1:])

        story.cycle(quotes(), [(ask, 10)])

        assert sent(story) == prices


def test_all_go_to_their_targets_where_rungs_would_meet() -> None:
    # The first band is two units wide, the others are nearly sixty.
    told = config(latch_bps=1.0, factors=(1.0, 30.0))
    wanted = [(price, 10) for price in (20_000, 19_970, 19_870, 19_770, 19_670)]
    rests = [[(price + drift, 10) for price, _ in wanted[2:]] for drift in (31, 32)]

    apart, meet = (matched(orders, wanted, told=told) for orders in rests)

    assert beside(apart) == [2, 31, 31, 31, 31]
    assert beside(meet) == [0] * 5


@pytest.mark.parametrize(
    ("kept", "levels", "aims"),
    [
        (0, 1, 0),
        (1, 1, 0),
        (1, 2, 0),
        (2, 2, 5),
        (2, 3, 5),
        (2, 4, 5),
        (2, 5, 0),
        (4, 10, 0),
        (5, 10, 5),
        (5, 11, 0),
    ],
)
def test_two_that_are_kept_and_half_of_the_levels_are_a_ladder(
    kept: int, levels: int, aims: int
) -> None:
    plan = matched(quotes(kept, shift=5), quotes(levels))

    assert beside(plan) == [aims] * levels


def test_nothing_is_in_step_where_that_is_off() -> None:
    plan = matched(quotes(9, shift=5), quotes(), told=config(in_step=False))

    assert plan.aims is plan.target_prices


# Whatever rests and is wanted.


@given(
    drifts=st.lists(st.integers(-30, 30), min_size=2, max_size=8),
    spare=st.integers(0, 3),
    latch=st.integers(1, 60),
    factors=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    adverse=st.sampled_from((0.0, 1 / 3, 0.5, 1.0)),
    side=st.sampled_from(Side),
    instrument=st.sampled_from((INSTRUMENT, FIGURED)),
)
def test_what_is_sent_is_in_its_band_and_in_order_and_is_not_moved_again(
    drifts: list[int],
    spare: int,
    latch: int,
    factors: list[int],
    adverse: float,
    side: Side,
    instrument: Instrument,
) -> None:
    told = config(latch_bps=latch / 2, factors=tuple(map(float, factors)), adverse=adverse)
    wanted = quotes(len(drifts) + spare, side=side)
    # Whole tens are valid prices of both instruments; a rung is four of them.
    moved = zip(wanted, drifts, strict=False)
    rests = list({price + drift // 10 * 10: 10 for (price, _), drift in moved}.items())

    plan = matched(rests, wanted, told=told, side=side, instrument=instrument)
    first, second = twice(rests, wanted, told, side, instrument)

    assert all(instrument.is_valid_price(aim) for aim in plan.aims)
    assert all(abs(away) <= band for away, band in zip(beside(plan), plan.bands, strict=True))
    assert all((one - two) * side > 0 for one, two in pairwise(plan.aims))
    assert set(first) <= set(plan.aims)
    assert second == []


def twice(
    rests: Quotes, wanted: Quotes, told: Config, side: Side, instrument: Instrument
) -> tuple[list[int], list[int]]:
    """Return the prices that a cycle sends to, and those that the next sends with all as sent."""
    story = Story(manager=OrderManager(instrument, config=told, capabilities=REPLACING))
    prices = []
    for quoted in (rests, wanted, wanted):
        ladder = sorted(quoted, reverse=side is Side.BUY)
        story.wait(6)
        story.cycle(*((ladder, ()) if side is Side.BUY else ((), ladder)))
        prices.append(sent(story))
        answer(story)
    return prices[1], prices[2]


def answer(story: Story) -> None:
    """Have each request of the last cycle granted."""
    for one in story.requests():
        if isinstance(one, Place):
            story.receive(Accepted(story.now, one.cloid, story.new_oid(), one.request))
        elif isinstance(one, Modify):
            story.receive(
                Modified(story.now, one.cloid, story.new_oid(), one.qty, one.price, one.request)
            )
