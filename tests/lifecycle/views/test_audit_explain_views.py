"""The views of audits and of orders' lives, pinned as text."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from exchange.units import SECOND
from exchange.words import Side
from lifecycle.audit.audited import Audited, Difference, Read, Violation
from lifecycle.explain.life import Life, Row
from lifecycle.explain.numbers import Numbers
from lifecycle.explain.story import OrderLine, Orders
from lifecycle.journal import Damage
from lifecycle.views.audit import audit
from lifecycle.views.explain import life, orders
from lifecycle.views.moments import calendar, moment
from lifecycle.views.theme import THEME
from spec.states import State
from spec.trace import Action, Decision, Reason

GOLDEN = Path(__file__).parent / "golden"
START = 1_756_987_200 * SECOND
LOT = Decimal("0.0001")

BROKEN = Audited(
    source="bot.journal",
    about=(("instrument", "ETH"), ("version", "0.1.0"), ("note", "with [brackets]")),
    notes=("2 lines were out of order, and sorted by time",),
    read=Read(14_532, 14_400, 120, 20, 31, 2, 9, 1, 1, START, START + 86_000 * SECOND, 3),
    since=START + 3600 * SECOND,
    promises=(
        ("S1", "one unanswered request per order"),
        ("S4", "a place only while fewer orders may live than targets"),
        ("S5", "a debounced modify never becomes cancel and place"),
    ),
    excused={"S5": "it has no decisions, so no order is known as debounced"},
    counts={"S4": 3},
    violations=(
        Violation(
            "S4", "…", START + 7_200_250_000_000, "0x2f", "2 placed beside 1 possibly live", 7
        ),
        Violation("S4", "…", START + 7_206_250_000_000, None, "1 placed beside 2 possibly live", 9),
        Violation("S4", "…", START + 7_212_250_000_000, "0x30", "1 placed beside 2", 11),
    ),
    damage=Damage(14_532, "record 14532 of bot.journal", "its checksum does not fit"),
    replayed=True,
    difference=Difference(12, START + 60 * SECOND, "position: 1", "position: 2"),
)
HELD = Audited(
    source="other.csv",
    numbered="line",
    read=Read(20, 9, 10, 5, 0, 4, 2, 0, 0, 0, 24 * SECOND, 0),
    promises=(("S1", "one unanswered request per order"),),
    counts={},
    violations=(),
)

ORDERS = Orders(
    source="bot.journal",
    first_at=START,
    last_at=START + 600 * SECOND,
    records=140,
    orders=(
        OrderLine(
            cloid="3f9a00c1d200000001", side=Side.BUY, placed_at=START + 60 * SECOND,
            ended_at=START + 351 * SECOND, state=State.FILLED, legs=2, fills=2, filled=1000,
            cycles=58, kept=57, modified=1, why=((Reason.LATCHED, 43), (Reason.SAME_POINT, 14)),
        ),
        OrderLine(
            cloid="3f9a00c1d20000000f", side=Side.SELL, placed_at=START + 351 * SECOND,
            ended_at=None, state=State.LATCHED, legs=1, fills=0, filled=0, cycles=0, kept=0,
            modified=0, why=(),
        ),
    ),
)  # fmt: skip

NUMBERS = Numbers(
    drift=-8, drift_bps=-4.0, drift_ticks=-8.0, is_adverse=True, band=18, band_bps=9.0,
    base_bps=3.0, level_factor=2.0, quota_factor=1.5, queue_factor=1.25, adverse_factor=0.8,
    stale=36, stale_bps=18.0, ahead=12_000, behind=3000, headroom=0.274, interval_left=250_000_000,
    qty=600, target_qty=1000,
)  # fmt: skip
KEPT = Decision("0x2f", Side.SELL, 1, Action.KEEP, Reason.LATCHED, 19_992, 20_000, 600, 1000, 18)
LIFE = Life(
    source="bot.journal",
    cloid="3f9a00c1d200000001",
    side=Side.SELL,
    first_at=START,
    price_unit="0.1",
    lot="0.0001",
    rows=(
        Row(
            record=3, at=START + 6 * SECOND, until=START + 6 * SECOND, before=None,
            after=State.PENDING_NEW,
            words=("placed: a target had no order", "place sent: sell 0.1000 at 2000.1, request 1"),
        ),
        Row(
            record=4, at=START + 6_080_000_000, until=START + 6_080_000_000,
            before=State.PENDING_NEW, after=State.RESTING, words=("accepted as oid 771",),
        ),
        Row(
            record=5, at=START + 12 * SECOND, until=START + 60 * SECOND, count=9,
            before=State.RESTING, after=State.LATCHED, decision=KEPT, numbers=NUMBERS,
            drift_bps_min=-4.0, drift_bps_max=1.5,
            words=("kept: what is wanted is inside its band",),
        ),
    ),
)  # fmt: skip


def drawn(view: RenderableType, width: int) -> str:
    """Return a view as plain text, no spaces at the ends of lines."""
    file = StringIO()
    console = Console(width=width, file=file, color_system=None, theme=THEME)
    console.print(view)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 100])
def test_an_audit_is_what_the_golden_text_shows(width: int) -> None:
    assert drawn(audit(BROKEN, width, 2), width) == golden(f"audit_{width}")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_orders_are_what_the_golden_text_shows(width: int) -> None:
    assert drawn(orders(ORDERS, LOT, width), width) == golden(f"orders_{width}")


@pytest.mark.parametrize("width", [40, 60, 110])
def test_a_life_is_what_the_golden_text_shows(width: int) -> None:
    assert drawn(life(LIFE, width), width) == golden(f"life_{width}")


@pytest.mark.parametrize("width", range(40, 140, 9))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for view in (audit(BROKEN, width), orders(ORDERS, LOT, width), life(LIFE, width)):
        assert max(map(len, drawn(view, width).splitlines())) <= width


def test_an_audit_that_held_says_so_last_and_lists_nothing() -> None:
    text = drawn(audit(HELD, 80), 80)

    assert text.endswith("judged 1 of 1 promises: held\n")
    assert "violations" not in text
    assert "9 commands, 10 reports" in text


def test_no_violation_is_listed_where_none_is_asked_for() -> None:
    text = drawn(audit(BROKEN, 80, 0), 80)

    assert "the first" not in text
    assert "broken 3×" in text


def test_without_orders_one_line_is_enough() -> None:
    none = Orders(source="a", first_at=0, last_at=0, records=7, orders=())

    assert drawn(orders(none, LOT, 80), 80) == "0 orders of a: none was placed in 7 records\n"


def test_moments_are_written_to_the_millisecond() -> None:
    assert [moment(at) for at in (0, 61_234_000_000, 3_661_001_000_000, -1_500_000_000)] == [
        "00:00.000",
        "01:01.234",
        "1:01:01.001",
        "-00:01.500",
    ]


def test_only_a_time_since_1970_is_of_the_calendar() -> None:
    assert calendar(START + 5_000_000) == "2025-09-04T12:00:00.005Z"
    assert calendar(5 * SECOND) == ""
