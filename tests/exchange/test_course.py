"""The course of a market: what packets make of each level, and how far they reach."""

from exchange.columns import Columns
from exchange.market import Row
from exchange.paper.course import FAR, Course, Player
from tests.exchange.play import bbo, depth, trade

BEGINNING = [depth(0, 1, 99, 5, "S"), depth(0, 1, 98, 7, "S"), depth(0, -1, 101, 6, "S")]


def played(*rows: Row) -> Course:
    """Play some rows after the beginning, as a course of their own."""
    player = Player()
    player.play(Columns.of(BEGINNING))
    return player.play(Columns.of(rows))


def trails(course: Course) -> dict[int, tuple[list[int], list[int]]]:
    return {key: (trail.packets, trail.sizes) for key, trail in course.trails.items()}


def test_a_level_is_known_by_its_side_and_changes_packet_by_packet() -> None:
    course = played(depth(1, 1, 98, 4), depth(2, -1, 101, 9), depth(3, 1, 98, 0))

    assert trails(course) == {98: ([0, 2], [4, 0]), -101: ([1], [9])}
    assert [course.trails[98].size(packets) for packets in range(4)] == [7, 4, 4, 0]


def test_what_one_packet_does_to_a_level_is_one_change() -> None:
    course = played(trade(1, 99, 2, -1), bbo(1, 99, 1, 101, 6))

    assert trails(course) == {99: ([0], [1])}


def test_what_a_packet_undoes_is_no_change() -> None:
    course = played(depth(1, 1, 98, 4), depth(1, 1, 98, 7), depth(2, 1, 98, 8))

    assert trails(course) == {98: ([1], [8])}


def test_a_level_that_goes_and_comes_back_keeps_its_trail() -> None:
    course = played(depth(1, 1, 98, 0), depth(2, 1, 98, 3), depth(2, 1, 97, 2))

    assert trails(course) == {98: ([0, 1], [0, 3]), 97: ([1], [2])}
    assert course.trails[97].size_before == 0


def test_a_touch_takes_away_what_stood_before_it() -> None:
    course = played(bbo(1, 98, 2, 100, 1))

    assert trails(course) == {99: ([0], [0]), 98: ([0], [2]), -100: ([0], [1])}
    assert (course.bids, course.bid_qtys, course.asks, course.ask_qtys) == ([98], [2], [100], [1])
    assert (course.worst_bids, course.worst_asks) == ([98], [101])


def test_a_snapshot_clears_its_side_once_a_burst() -> None:
    course = played(depth(1, 1, 98, 7, "S"), depth(1, 1, 96, 1, "S"), bbo(2, 0, 0, 101, 6))

    assert trails(course) == {99: ([0], [0]), 96: ([0, 1], [1, 0]), 98: ([1], [0])}
    assert (course.worst_bids, course.lows) == ([96, FAR], [101, 101])
