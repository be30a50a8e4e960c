"""The venue's time in ours."""

from collections.abc import Iterator

from exchange.hyperliquid.clock import WINDOW, Bounds, Clock, Offset
from exchange.units import MILLISECOND, SECOND

AHEAD = 3 * SECOND
"""How far the venue's clock truly is ahead in these stories."""


def stamp(at: int) -> int:
    """Return what the venue stamps at a time of ours."""
    return (at + AHEAD) // MILLISECOND


def test_a_clock_never_runs_backwards() -> None:
    steps = iter([0, 5, 3, 9])
    clock = Clock(wall=lambda: 100, steady=lambda: next(steps))

    assert [clock.now(), clock.now(), clock.now()] == [105, 105, 109]


def test_a_clock_set_back_since_the_last_record_starts_at_that() -> None:
    steps: Iterator[int] = iter([0, 1])
    clock = Clock(not_before=500, wall=lambda: 100, steady=lambda: next(steps))

    assert clock.now() == 501


def test_the_quickest_message_bounds_the_offset_from_below() -> None:
    offset = Offset()
    for sent, delay in ((10, 400), (20, 90), (30, 700)):
        offset.heard(stamp(sent * SECOND), sent * SECOND + delay * MILLISECOND)

    assert offset.low == AHEAD - 90 * MILLISECOND


def test_an_event_is_told_late_rather_than_early_and_never_later_than_heard() -> None:
    offset = Offset()
    happened = 20 * SECOND
    offset.heard(stamp(10 * SECOND), 10 * SECOND + 90 * MILLISECOND)
    offset.heard(stamp(happened), happened + 700 * MILLISECOND)

    told = offset.ours(happened + AHEAD, happened + 700 * MILLISECOND)
    quicker = offset.ours(happened + AHEAD, happened + 30 * MILLISECOND)

    assert told == happened + 90 * MILLISECOND
    assert quicker == happened + 30 * MILLISECOND


def test_an_expiry_is_told_early_rather_than_late() -> None:
    offset = Offset()
    offset.heard(stamp(10 * SECOND), 10 * SECOND + 90 * MILLISECOND)

    assert offset.theirs(30 * SECOND) == 30 * SECOND + AHEAD - 90 * MILLISECOND


def test_a_question_bounds_the_offset_from_both_sides() -> None:
    offset = Offset()
    asked = 10 * SECOND
    offset.answered(asked, stamp(asked + 50 * MILLISECOND), asked + 120 * MILLISECOND)

    bounds = offset.bounds
    assert bounds.low is not None
    assert bounds.high is not None
    assert bounds.low <= AHEAD <= bounds.high
    assert bounds.high - bounds.low == 121 * MILLISECOND


def test_an_answer_of_an_earlier_block_does_not_put_the_bounds_upside_down() -> None:
    offset = Offset()
    offset.heard(stamp(9 * SECOND), 9 * SECOND + MILLISECOND)
    offset.answered(10 * SECOND, stamp(9 * SECOND), 10 * SECOND + 5 * MILLISECOND)

    assert offset.bounds == Bounds(AHEAD - MILLISECOND, AHEAD - MILLISECOND)


def test_a_bound_is_forgotten_after_two_windows() -> None:
    offset = Offset()
    slow = 500 * MILLISECOND
    offset.heard(stamp(SECOND), SECOND)
    for later in (WINDOW, 2 * WINDOW):
        offset.heard(stamp(SECOND + later), SECOND + later + slow)

    assert offset.low == AHEAD - slow


def test_without_a_stamp_nothing_is_known() -> None:
    assert Offset().bounds == Bounds(None, None)
    assert Offset().ours(5, 3) == 3
