"""The best settings as a table."""

import math
from typing import Any

import pytest
from rich.console import Console

from lifecycle.run.compared import Spread
from lifecycle.sweep.columns import NUMBERS
from lifecycle.views.theme import THEME

best = pytest.importorskip("lifecycle.sweep.best", reason="pyarrow is absent")
view = pytest.importorskip("lifecycle.views.sweep")


def standing(setting: dict[str, Any], **numbers: float | None) -> Any:
    spreads = {name: Spread(0.0, 0.0, 0.0) for name in NUMBERS}
    spreads |= {name: Spread(value, value, value) for name, value in numbers.items()}
    return best.Standing(setting, {"eth": spreads}, runs=1, failed=0, violations=0, idle=0)


def shown(
    *standings: Any,
    goal: str = "calls_per_minute",
    most: int = 10,
    bounds: str = "",
    width: int = 100,
) -> str:
    asked = best.Asked(goal, False, best.bounds_of(bounds) if bounds else ())
    console = Console(width=width, no_color=True, theme=THEME)
    with console.capture() as capture:
        console.print(view.best(best.Ranking(asked, standings, standings), most))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_the_settings_that_differ_are_shown_under_their_short_names() -> None:
    text = shown(
        standing({"policy": "stable", "bands.latch_bps": 3.0, "grid.enabled": True}, fills=12),
        standing({"policy": "stable", "bands.latch_bps": None, "grid.enabled": False}),
        bounds="presence>=0,staleness_rms_bps<=2",
    )

    assert (
        text
        == """\
                      calls_per_minute   presence   staleness_rms_bps
latch_bps   enabled              least        >=0                 <=2   fills
─────────────────────────────────────────────────────────────────────────────
3           true                     0          0                   0      12
none        false                    0          0                   0       0

2 of 2 settings hold, presence>=0 in 2, staleness_rms_bps<=2 in 2"""
    )


def test_keys_that_are_the_same_in_two_tables_keep_the_table() -> None:
    text = shown(
        standing({"grid.enabled": True, "bands.enabled": True}),
        standing({"grid.enabled": False, "bands.enabled": False}),
    )

    assert "grid.enabled" in text
    assert "bands.enabled" in text


@pytest.mark.parametrize("width", [60, 40, 30])
def test_a_narrow_screen_cuts_nothing_off(width: int) -> None:
    one = standing({"policy": "stable", "bands.latch_bps": 3.0}, staleness_rms_bps=1.062)

    text = shown(one, bounds="presence>=0,staleness_rms_bps<=2,queue_kept>=0", width=width)

    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_only_the_first_are_shown() -> None:
    text = shown(standing({"a.x": 1}), standing({"a.x": 2}), most=1)

    assert "2 of 2 settings hold" in text
    assert len(text.splitlines()) == 6


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (math.inf, "∞"), (0.0, "0"), (1.23456, "1.235"), (120.0, "120")],
)
def test_a_number_is_written_in_few_digits(value: float | None, text: str) -> None:
    assert view.number(value) == text
