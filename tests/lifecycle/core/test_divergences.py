"""What a divergence says, about which order, and that the order is then asked about."""

from typing import Final

import pytest

from exchange.commands import QueryOrder
from exchange.reports import OpenOrder, Report, Snapshot
from exchange.words import Side
from spec.trace import Divergence, Reaction
from tests.story import Story, rows

DIVERGING: Final = """
place rejected accepted:101 | rejected-accepted
place refused:alive | placing-modify_answered
place too_late | placing-cancel_refused
rest accepted:999 | accepted-under-another-oid
rest rejected | resting-rejected
rest fill:101:12 | overfill
rest fill:999:3 | fill-of-unknown-leg
rest fill:101:10 cancelled:101 | filled-cancelled
rest cancelled:999 | cancelled-under-another-oid
rest cancelled:101:replaced | replaced-without-modify
rest move moved modified:103:10:20050 | modified-to-unknown-oid
rest cancelled:101 as_was | @A listed-though-closed
rest listed:101:20050:10 | @G listed-at-another-price
rest listed:102:20050:8 | @H listed-under-another-oid
rest move moved as_was | @I listed-under-old-oid
rest status:open:-:999 | status-of-another-oid
rest status:rejected | resting-rejected
rest cancelled:101 status:open | open-though-closed
rest cancelled:101 wait:61 tick fill:101:4 | retired-filled_in_part
"""


class Listener(Story):
    """A story that remembers the last report and what came of it."""

    heard: Report
    came_of_it: Reaction

    def receive(self, report: Report) -> Reaction:
        """Hand over a report now, and keep both."""
        self.heard, self.came_of_it = report, super().receive(report)
        return self.came_of_it


@pytest.mark.parametrize(
    ("words", "label"), [pytest.param(*cells, id=cells[0]) for cells in rows(DIVERGING)]
)
def test_a_divergence_names_the_report_and_the_order(words: str, label: str) -> None:
    story = Listener()

    story.tell(words)

    expected = Divergence(label, story.orders[0].cloid, story.heard)
    assert story.came_of_it.divergences == (expected,)


def test_a_fill_of_a_stranger_diverges_without_an_order() -> None:
    story = Listener()

    story.tell("rest fill_by_oid:999:3")

    expected = Divergence("fill-of-unknown-order", None, story.heard)
    assert story.came_of_it == Reaction((), (expected,))


def test_a_row_under_two_names_diverges_about_the_one_that_its_oid_names() -> None:
    story = Listener()
    first, second = story.rest([(20_000, 10), (19_960, 10)])
    story.wait(1)

    row = OpenOrder("101", second.cloid, Side.BUY, 19_900, 3)
    story.receive(Snapshot(story.now, (row,)))

    expected = Divergence("@J listed-under-two-names", first.cloid, story.heard)
    assert story.came_of_it.divergences == (expected,)


@pytest.mark.parametrize(
    "words",
    [
        "rest accepted:999",
        "rest rejected",
        "rest fill:999:3",
        "rest cancelled:999",
        "rest cancelled:101:replaced",
        "rest move moved modified:103:10:20050",
        "rest listed:101:20050:10",
        "rest move moved as_was",
        "rest status:open:-:999",
        "rest cancelled:101 as_was",
    ],
)
def test_an_order_that_diverged_is_asked_about_by_its_present_oid(words: str) -> None:
    story = Listener()

    story.tell(words)

    order = story.orders[0]
    asked = [(q.cloid, q.oid) for q in story.came_of_it.queries if isinstance(q, QueryOrder)]
    assert asked == [(order.cloid, order.oid)]


def test_an_order_that_diverges_again_is_not_asked_about_at_once_but_after_a_timeout() -> None:
    story = Story().tell("rest accepted:999 accepted:999 accepted:999")
    assert len(story.queries()) == 1

    story.tell("wait:5 tick")

    assert [type(query) for query in story.queries()][:2] == [QueryOrder, QueryOrder]


def test_what_confirms_an_order_that_diverged_ends_the_questions() -> None:
    story = Story().tell("rest accepted:999 status:open wait:6 tick")

    assert [type(query) for query in story.queries()].count(QueryOrder) == 1


def test_a_status_about_a_leg_that_is_not_ours_leaves_the_order_resting() -> None:
    story = Story().tell("rest status:cancelled:-:999")

    assert story.told() == "resting idle 0 10@20000 101"


def test_a_status_about_an_old_leg_leaves_the_order_resting() -> None:
    story = Story().tell("rest move moved status:filled:-:101")

    assert story.told() == "resting idle 0 10@20050 102"
