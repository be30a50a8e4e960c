"""Whatever happens, in whatever order, every promise is kept; and what follows of that in names."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from exchange.units import MILLISECOND, SECOND
from exchange.words import Side
from spec.trace import Target, Targets
from spec.venue_model import Stream
from tools.mutants.loose import Loose
from tools.mutants.machine import Lifecycle

STEPS: Final = 40
TIMES: Final = 5
"""Examples of the state machine for each of the profile's: they are many and short stories."""


def quote(bid: int, ask: int, qty: int = 10) -> Targets:
    return Targets((Target(bid, qty),), (Target(ask, qty),))


def settled(venue: str = "replace") -> Loose:
    """Return a world in which a bid and an ask rest as wanted."""
    world = Loose(venue, "plain")
    world.cycle(quote(19_990, 20_010), SECOND)
    world._flush()
    return world


def test_every_promise_is_kept_whatever_happens() -> None:
    drawn = settings(max_examples=TIMES * settings().max_examples, stateful_step_count=STEPS)

    run_state_machine_as_test(Lifecycle, settings=drawn)


@pytest.mark.parametrize("venue", ["replace", "amend"])
@given(
    steps=st.lists(
        st.tuples(st.integers(-150, 150), st.sampled_from((50, 200, 450, 700))), max_size=15
    )
)
def test_a_debounced_modify_never_becomes_cancel_and_place(
    venue: str, steps: list[tuple[int, int]]
) -> None:
    world = settled(venue)
    placed = len(world.manager.manager.orders)

    for shift, ms in steps:
        # The ask stays away: an order in the way of the other side may be cancelled, alone.
        world.cycle(quote(19_990 + shift, 20_400), ms * MILLISECOND)
        world._flush()

    assert world.calls_after_debounce() == []
    assert len(world.manager.manager.orders) == placed
    assert world.wrong() is None


@pytest.mark.parametrize("venue", ["replace", "amend"])
@given(steps=st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), max_size=20))
def test_jitter_inside_the_band_costs_nothing_for_ever(
    venue: str, steps: list[tuple[int, int]]
) -> None:
    world = settled(venue)
    sent = len(world.venue.book)

    for bid, ask in steps:
        plan = world.cycle(quote(19_990 + bid, 20_010 + ask), 6 * SECOND)
        world._flush()
        assert [one for one in plan.commands if hasattr(one, "expires_at")] == []

    assert len(world.venue.book) == sent
    assert sorted(one.price for one in world.venue.resting()) == [19_990, 20_010]


def test_a_manager_is_rebuilt_from_its_trace_in_the_state_that_it_died_in() -> None:
    world = settled()
    world.cycle(quote(20_000, 20_020), 6 * SECOND)
    world.execute(0, world.venue.verdicts(world.venue.uplink[0])[0])
    before = [repr(one) for one in world.open_orders()]

    world.crash()

    after = [repr(one) for one in world.open_orders()]
    assert [text.split()[:4] for text in after] == [text.split()[:4] for text in before]
    assert all(one.is_in_doubt for one in world.open_orders())
    assert world.heal() is None


def test_a_repeated_fill_is_counted_once() -> None:
    world = settled()
    world.fill(world.venue.resting()[0], 2)

    world.repeat(Stream.FILLS)
    world.hear(Stream.FILLS)
    world.cycle(world.targets, SECOND)

    assert world.manager.manager.position == world.venue.position != 0
    assert world.wrong() is None


SESSION: Final = "start000-"


def started(config: str, session: str = SESSION) -> Loose:
    """Return a world in which a bid and an ask rest as wanted, under a name that proves them."""
    world = Loose("replace", config, session)
    world.cycle(quote(19_990, 20_010), SECOND)
    world._flush()
    return world


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_what_was_sent_and_is_lost_with_the_end_of_a_journal_is_ours_again(lost: int) -> None:
    world = started("plain")

    world.crash(lost)

    assert world.heal() is None
    assert len(world.venue.resting()) == 2


def test_an_order_of_another_is_never_touched_where_it_is_to_be_left() -> None:
    world = started("plain")
    world.meddle(Side.BUY, 19_900, 7, named=False)
    world.meddle(Side.SELL, 20_100, 7, named=True)

    world.crash()
    healed = world.heal()

    assert healed is None
    assert [one.qty for one in world.venue.resting()] == [10, 10, 7, 7]


@pytest.mark.parametrize("config", ["adopt", "cancel"])
def test_orders_of_others_go_where_they_are_taken_over_and_nobody_wants_them(config: str) -> None:
    world = started(config)
    world.meddle(Side.BUY, 19_900, 7, named=False)
    world.meddle(Side.SELL, 20_100, 7, named=True)

    world.crash()
    healed = world.heal()

    assert healed is None
    assert [one.qty for one in world.venue.resting()] == [10, 10]


def test_an_order_placed_by_hand_after_the_start_stays() -> None:
    world = started("cancel")
    world.crash()
    world._flush()

    world.meddle(Side.BUY, 19_900, 7, named=True)

    assert world.heal() is None
    assert 7 in [one.qty for one in world.venue.resting()]


@pytest.mark.parametrize("config", ["plain", "guards", "adopt", "cancel", "quota"])
def test_after_a_halt_nothing_rests_and_that_is_proven(config: str) -> None:
    world = started(config)
    world.cycle(quote(20_000, 20_020, 5), SECOND)

    world.halt()

    assert world.heal() is None
    assert world.manager.manager.nothing_rests
    assert world.venue.resting() == []
