"""The views, pinned as text: what a golden file holds is what a terminal without colour shows."""

from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console, RenderableType

from exchange.units import SECOND
from exchange.words import Side
from lifecycle.run.frame import Frame, OrderRow, Presence, Summary
from lifecycle.views import before_after, live, single
from lifecycle.views.theme import THEME
from spec.states import State

GOLDEN = Path(__file__).parent / "golden"

LEGACY = Summary(
    policy="legacy",
    market="generated, seed 1",
    seconds=300.0,
    cycles=40,
    rows=12_345,
    placed=60,
    modified=0,
    cancelled=58,
    rejected=0,
    fills=0,
    filled_qty="0",
    calls=118,
    calls_per_minute=29.5,
    cancels_per_cycle=1.45,
    modify_share=0.0,
    queue_kept=0.0,
    zero_action=0.0,
    cancel_fill=None,
    presence=Presence(bid=1.0, ask=0.984),
    staleness_rms_bps=0.4,
    staleness_limit_bps=0.175,
    markout_5s_bps=None,
    position="0",
    kept={"replace": 58, "uncovered": 60},
    timeline=[(60, 0, 0, 0), (120, 8, 6, 0), (180, 26, 24, 0), (240, 42, 42, 0), (300, 60, 58, 0)],
    alerts=["180 s, spiral: 24 cancels and 0 fills in 20 cycles", "290 s, spiral: over"],
)

STABLE = Summary(
    policy="stable",
    market="generated, seed 1",
    seconds=300.0,
    cycles=40,
    rows=12_345,
    placed=4,
    modified=9,
    cancelled=1,
    rejected=0,
    fills=2,
    filled_qty="0.2000",
    calls=14,
    calls_per_minute=3.5,
    cancels_per_cycle=0.025,
    modify_share=0.9,
    queue_kept=0.886,
    zero_action=0.85,
    cancel_fill=0.5,
    presence=Presence(bid=1.0, ask=0.9996),
    staleness_rms_bps=1.1,
    staleness_limit_bps=1.5,
    markout_5s_bps=-1.25,
    position="-0.1000",
    kept={"latched": 60, "same-point": 9, "debounced": 2, "in-flight": 2, "uncovered": 4},
    timeline=[(60, 0, 0, 0), (120, 2, 0, 0), (180, 3, 0, 1), (240, 4, 1, 2), (300, 4, 1, 2)],
    kept_by={"latch": 60, "grid": 21, "same": 9, "debounce": 2, "in-flight": 2, "smoother": 31},
    suppressed={"kappa": 22, "sigma": 9, "gamma": 0, "size": 0},
)

BID = OrderRow(
    lane=0,
    cloid="0x01",
    state="latched",
    side=Side.BUY,
    level=0,
    price="4390.1",
    target="4390.4",
    qty="0.1000",
    filled="0.0000",
    drift_bps=-0.68,
    band_bps=3.0,
    ahead="12.4031",
    age_s=44.2,
    why="keep latched",
)

ASK = OrderRow(
    lane=2,
    cloid="0x02",
    state="modify-pending",
    side=Side.SELL,
    level=1,
    price="4391.9",
    target="",
    qty="0.1000",
    filled="0.0500",
    drift_bps=2.28,
    band_bps=6.0,
    ahead="",
    age_s=360.0,
    why="modify stale",
)

FRAME = Frame(
    policy="stable",
    market="generated, seed 1",
    now=126 * SECOND,
    end=300 * SECOND,
    warm=True,
    mid="4390.75",
    spread_bps=0.228,
    orders=(BID, ASK),
    position="-0.1000",
    exposure_long="0.1000",
    exposure_short="0.2000",
    headroom=0.969,
    requests_used=312,
    request_cap=10_000,
    calls_last_minute=5,
    reports=("01:58 accepted 0x01", "02:00 modified 0x02 at 4391.9", "02:04 fill 0x02 0.0500"),
    summary=STABLE,
    cycle_line="cycle 11 keep 2 (grid 1 latch 1) mod 0 place 0 cancel 0",
    window_line="11: c/f 0.5 skip 81% queue 92% present 100/90% rms 1.1bp",
    horizon_h=31.4,
)


def drawn(view: RenderableType, width: int) -> str:
    """Return a view as plain text, no spaces at the ends of lines."""
    file = StringIO()
    console = Console(width=width, file=file, color_system=None, theme=THEME)
    console.print(view)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_live_view_is_what_the_golden_text_shows(width: int) -> None:
    text = drawn(live(FRAME, width), width)

    assert text == golden(f"live_{width}")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_before_and_after_are_what_the_golden_text_shows(width: int) -> None:
    text = drawn(before_after(LEGACY, STABLE, width), width)

    assert text == golden(f"before_after_{width}")


def test_one_policy_alone_is_what_the_golden_text_shows() -> None:
    text = drawn(single(STABLE, 80), 80)

    assert text == golden("single_80")


@pytest.mark.parametrize("width", range(30, 200, 7))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = drawn(live(FRAME, width), width)

    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("height", range(8, 50, 3))
@pytest.mark.parametrize("width", [40, 80])
def test_what_is_drawn_fits_the_height_where_the_orders_do(width: int, height: int) -> None:
    lines = drawn(live(FRAME, width, height), width).splitlines()

    orders_end = 5 + 6 if width < 72 else 4 + 6
    assert len(lines) <= max(height, orders_end)


def test_a_narrower_terminal_shows_a_subset_of_the_columns() -> None:
    heads = []
    for width in range(160, 30, -1):
        line = drawn(live(FRAME, width), width).splitlines()
        head = next(text for text in line if " side " in text)
        heads.append(set(head.strip("│ ").split()))

    assert all(narrow <= wide for wide, narrow in pairwise(heads))
    assert {"side", "price"} <= heads[-1]


def test_an_order_keeps_its_lane_when_the_one_above_it_goes() -> None:
    both = drawn(live(FRAME, 80), 80).splitlines()
    alone = drawn(live(structs.replace(FRAME, orders=(ASK,)), 80), 80).splitlines()

    assert [text for text in both if " ask " in text and "4391.9" in text] == [
        text for text in alone if " ask " in text and "4391.9" in text
    ]
    row = next(index for index, text in enumerate(both) if "modify-pending" in text)
    assert "modify-pending" in alone[row]


def test_a_frame_without_anything_can_be_drawn() -> None:
    empty = structs.replace(
        STABLE,
        cycles=0,
        modify_share=None,
        queue_kept=None,
        staleness_rms_bps=None,
        staleness_limit_bps=None,
        kept={},
        timeline=[],
    )
    frame = structs.replace(
        FRAME, now=0, end=0, warm=False, mid="", orders=(), reports=(), summary=empty
    )

    text = drawn(live(frame, 80), 80)

    assert "warming up" in text


def test_the_counters_give_way_to_the_orders_on_a_low_terminal() -> None:
    text = drawn(live(FRAME, 80, 10), 80)

    assert "modify-pending" in text
    assert "quota" not in text


def test_the_newest_reports_stay_where_not_all_fit() -> None:
    text = drawn(live(FRAME, 80, 21), 80)

    assert "fill 0x02" in text
    assert "accepted 0x01" not in text


def test_an_alarm_that_is_on_stands_first_whatever_the_size() -> None:
    frame = structs.replace(FRAME, alerts=("spiral", "ask absent"))

    for width, height in ((40, 8), (80, 10), (120, 40)):
        text = drawn(live(frame, width, height), width)

        assert "spiral, ask absent" in text.splitlines()[2]


@pytest.mark.parametrize(("hours", "written"), [(0.5, "30 min"), (31.4, "31.4 h"), (100.0, "4 d")])
def test_the_horizon_is_written_in_a_unit_that_keeps_it_short(hours: float, written: str) -> None:
    text = drawn(live(structs.replace(FRAME, horizon_h=hours), 80), 80)

    assert f"{written} │" in text


def test_what_broke_is_counted_below_the_goals() -> None:
    text = drawn(single(structs.replace(STABLE, violations=3), 80), 80)

    line = next(line for line in text.splitlines() if line.startswith("invariants broken"))
    assert line.split()[-1] == "3"


def test_every_state_has_a_style() -> None:
    missing = [state for state in State if f"state.{state}" not in THEME.styles]

    assert missing == []


def test_text_with_brackets_is_shown_as_it_is() -> None:
    order = structs.replace(BID, why="[bold]no markup[/]")

    text = drawn(live(structs.replace(FRAME, orders=(order,)), 120), 120)

    assert "[bold]no markup[/]" in text


def test_a_long_run_shows_a_thinned_timeline_with_its_last_minute() -> None:
    timeline = [(60 * minute, minute, 0, 0) for minute in range(1, 36)]

    text = drawn(single(structs.replace(STABLE, timeline=timeline), 80), 80)

    times = [line.split()[0] for line in text.splitlines() if line.split()[1:2] == ["s"]]
    assert len(times) == 12
    assert times[-1] == "2100"


def test_runs_of_different_length_share_one_timeline() -> None:
    short = structs.replace(STABLE, timeline=STABLE.timeline[:2])

    text = drawn(before_after(LEGACY, short, 80), 80)

    last = next(line for line in text.splitlines() if line.startswith(" 300 s"))
    assert last.split() == ["300", "s", "60", "58", "0"]
