"""The goals, at their edges, and how numbers are written."""

from typing import Any

import pytest
from msgspec import structs

from exchange.units import SECOND
from lifecycle.run.frame import Presence
from lifecycle.views import text
from lifecycle.views.goals import GOALS
from tests.summaries import RUN

GOOD = structs.replace(
    RUN,
    market="m",
    rows=1,
    placed=2,
    fills=1,
    filled_qty="0.1",
    calls=12,
    calls_per_minute=3.0,
    queue_kept=0.9,
    zero_action=0.9,
    cancel_fill=1.0,
    presence=Presence(bid=1.0, ask=1.0),
    staleness_rms_bps=1.0,
    markout_5s_bps=None,
)


def held(key: str, **changes: Any) -> bool | None:
    goal = next(goal for goal in GOALS if goal.key == key)
    return goal.holds(structs.replace(GOOD, **changes))


def test_a_good_run_holds_every_goal() -> None:
    assert all(goal.holds(GOOD) for goal in GOALS)


@pytest.mark.parametrize(
    ("key", "changes", "wanted"),
    [
        ("calls_per_minute", {"calls_per_minute": 5.0}, True),
        ("calls_per_minute", {"calls_per_minute": 5.1}, False),
        ("cancels_per_cycle", {"cancels_per_cycle": 0.5}, False),
        ("modify_share", {"modify_share": 0.8}, False),
        ("modify_share", {"modify_share": None}, None),
        ("queue_kept", {"queue_kept": 0.801}, True),
        ("queue_kept", {"queue_kept": None}, None),
        ("cancel_fill", {"cancel_fill": 2.0}, False),
        ("cancel_fill", {"cancel_fill": None}, False),
        ("cancel_fill", {"cancel_fill": 0.0}, True),
        ("zero_action", {"zero_action": 0.8}, False),
        ("presence_bid", {"presence": Presence(bid=0.99, ask=0.0)}, True),
        ("presence_ask", {"presence": Presence(bid=1.0, ask=0.989)}, False),
        ("staleness", {"staleness_rms_bps": 1.5}, True),
        ("staleness", {"staleness_rms_bps": 1.51}, False),
        ("staleness", {"staleness_limit_bps": None}, None),
    ],
)
def test_a_goal_is_held_up_to_its_edge(
    key: str, changes: dict[str, Any], wanted: bool | None
) -> None:
    assert held(key, **changes) is wanted


def test_a_run_that_ended_before_its_first_cycle_is_not_judged() -> None:
    nothing = structs.replace(
        GOOD, cycles=0, modify_share=None, queue_kept=None, staleness_rms_bps=None
    )

    assert [goal.holds(nothing) for goal in GOALS] == [None] * len(GOALS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.00001, "0.1 %"),
        (0.886, "88.6 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value: float | None, written: str) -> None:
    assert text.share(value) == written


def test_numbers_have_no_negative_zero() -> None:
    assert text.number(-0.04) == "0.0"
    assert text.signed(-0.04) == "0.0"
    assert text.signed(0.06) == "+0.1"
    assert text.signed(-0.06) == "-0.1"


def test_a_clock_shows_hours_where_there_are_any() -> None:
    assert text.clock(126 * SECOND) == "02:06"
    assert text.clock(3_726 * SECOND) == "1:02:06"


def test_an_age_stays_short() -> None:
    assert [text.age(s) for s in (0.4, 99.4, 360.0, 90_000.0)] == ["0s", "99s", "6m", "25h"]
