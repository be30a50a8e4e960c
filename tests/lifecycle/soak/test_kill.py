"""Killed for real: SIGKILL at random moments, and nothing is lost."""

from pathlib import Path

import pytest

from exchange.paper.remote import Truth
from exchange.reports import Fill, OpenOrder
from exchange.words import Side
from lifecycle.soak.kill import campaign, differences
from lifecycle.soak.venue import House

KILLS = 10
"""A campaign; there are two, one with a venue that has faults of its own."""
QUIET = Truth(0, 0, (), (), (), dict.fromkeys(Side, 0), 0)


@pytest.mark.parametrize("faults", [False, True], ids=["honest venue", "faulty venue"])
def test_nothing_is_lost_however_often_the_process_is_killed(tmp_path: Path, faults: bool) -> None:
    killed = campaign(KILLS, 7, tmp_path, house=House(7, faults=faults))

    assert killed.wrong == []
    assert killed.kills == KILLS
    assert killed.starts == KILLS + 1
    assert killed.in_flight > 0
    assert killed.orders > 0


def test_a_campaign_leaves_the_journal_of_another_alone(tmp_path: Path) -> None:
    other = tmp_path / "kills-1.journal"
    other.write_bytes(b"of another venue")

    killed = campaign(1, 7, tmp_path)

    assert killed.wrong == []
    assert killed.journal == str(tmp_path / "kills-2.journal")
    assert other.read_bytes() == b"of another venue"


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (
            Truth(0, 5, (), (), (), QUIET.most_open, 0),
            "the position is 0 by the record, 5 in truth",
        ),
        (Truth(0, 0, (), (), ("c9",), QUIET.most_open, 0), "order c9 is unknown to the record"),
        (Truth(0, 0, (), (), (), QUIET.most_open, 2), "2 places were sent twice under one cloid"),
        (
            Truth(0, 0, (OpenOrder("1", "c1", Side.BUY, 9, 1),), (), (), QUIET.most_open, 0),
            "order c1 still rests",
        ),
        (
            Truth(0, 0, (), (), (), {Side.BUY: 3, Side.SELL: 0}, 0),
            "3 orders rested at once on the buy side",
        ),
        (
            Truth(0, 0, (), (Fill(0, "c1", "1", 1, 9, "t1"),), (), QUIET.most_open, 0),
            "fill t1 is lost",
        ),
    ],
)
def test_what_does_not_agree_is_named(truth: Truth, said: str) -> None:
    assert differences(0, {}, set(), truth) == [said]


def test_a_fill_that_was_booked_twice_is_named() -> None:
    truth = Truth(0, 0, (), (Fill(0, "c1", "1", 1, 9, "t1"),), (), QUIET.most_open, 0)

    found = differences(0, {"t1": 2, "t2": 1}, set(), truth)

    assert found == [
        "fill t1 was booked without having been",
        "fill t2 was booked without having been",
    ]
