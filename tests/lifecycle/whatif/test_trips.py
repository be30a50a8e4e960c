"""Round trips are measured from the record that sends to the record that answers."""

from exchange.commands import Cancel, Place, QueryOpen
from exchange.paper.latency import FAST_FEED, LATENCIES, NO_DELAY
from exchange.reports import Accepted, Fill, Snapshot
from exchange.units import MILLISECOND, SECOND
from exchange.words import Side
from lifecycle.whatif.trips import ENOUGH, Stopwatch

MS = MILLISECOND


def place(request: int) -> Place:
    return Place(request, f"c{request}", Side.BUY, 100, 1, True, False, SECOND)


def accepted(request: int) -> Accepted:
    return Accepted(0, f"c{request}", "1", request)


def test_where_nothing_was_measured_latencies_are_a_fast_clients() -> None:
    trips = Stopwatch().trips()

    assert trips.latency == LATENCIES["fast"]
    assert trips.push == FAST_FEED
    assert trips.measured == 0


def test_a_few_answers_give_the_median_of_a_known_shape() -> None:
    watch = Stopwatch()
    for request, trip in ((1, 100), (2, 300), (3, 200)):
        watch.sent((place(request),), request * SECOND)
        watch.heard(accepted(request), request * SECOND + trip * MS)

    trips = watch.trips()

    assert trips.measured == 3
    assert trips.latency.place.at(0.5) == 200 * MS
    assert trips.latency.cancel == LATENCIES["fast"].cancel


def test_many_answers_have_a_shape_of_their_own() -> None:
    watch = Stopwatch()
    for request in range(1, 2 * ENOUGH):
        watch.sent((place(request),), request * SECOND)
        watch.heard(accepted(request), request * SECOND + request * MS)

    found = watch.trips().latency.place

    assert (found.at(0), found.at(0.5), found.at(1)) == (MS, ENOUGH * MS, (2 * ENOUGH - 1) * MS)


def test_what_was_sent_together_counts_once() -> None:
    watch = Stopwatch()
    watch.sent((place(1), place(2), Cancel(3, "c0", None, 0), QueryOpen(4, 0)), 0)
    for request in (1, 2):
        watch.heard(accepted(request), 10 * MS)
    watch.heard(Snapshot(0, (), request=4), 20 * MS)

    trips = watch.trips()

    assert trips.measured == 2
    assert trips.latency.query.at(0.5) == 20 * MS


def test_a_fill_says_how_long_news_takes_and_a_clock_that_is_ahead_says_nothing() -> None:
    watch = Stopwatch()
    watch.heard(Fill(SECOND, "c1", "1", 1, 100, "t"), SECOND + 50 * MS)
    assert watch.trips().push.at(0.5) == 50 * MS

    late = Stopwatch()
    late.heard(Fill(SECOND, "c1", "1", 1, 100, "t"), SECOND - MS)
    assert late.trips().push == NO_DELAY


def test_an_answer_to_nothing_is_not_measured() -> None:
    watch = Stopwatch()
    watch.heard(accepted(7), SECOND)

    assert watch.trips().measured == 0
