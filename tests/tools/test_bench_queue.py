"""The bench of the queue estimate: what it follows and counts, and that it says when it cannot."""

from pathlib import Path

import pytest

from exchange.market import Row, RowKind
from exchange.units import SECOND
from tools.bench.queue import CANDIDATES, Errors, Group, main, measure, table


def single(second: int, act: str, oid: str, price: int, qty: int) -> Row:
    return Row(second * SECOND, -1, RowKind.L3, price=price, qty=qty, side=1, oid=oid, act=act)


ROWS = [
    single(0, "A", "first", 1000, 30),
    single(1, "A", "ours", 1000, 5),
    single(2, "A", "last", 1000, 10),
    single(4, "C", "last", 1000, 10),
    single(6, "C", "first", 1000, 30),
    single(8, "C", "ours", 1000, 5),
]
NEAR = Group(is_second_half=True, is_near=True)


def test_errors_are_counted_for_as_long_as_they_stand() -> None:
    names = ("all behind us", "pro rata", "by size")
    outcome = measure(ROWS, 0, 0, {name: CANDIDATES[name] for name in names})

    behind, pro_rata, by_size = (score.by_time for score in outcome.scores[NEAR])

    # `ours` and `last` joined others; pro rata takes 7 of the 10 off `first`, for two seconds.
    assert outcome.orders[NEAR] == 2
    assert behind.mean == by_size.mean == 0.0
    assert pro_rata.weight == 7.0 + 2.0
    assert pro_rata.mean == pytest.approx(2 * (7 / 30) / 9)


def test_what_happens_between_two_looks_is_not_seen() -> None:
    outcome = measure(ROWS[:4], 0, 10 * SECOND, {"by size": CANDIDATES["by size"]})

    # `last` came and went: for two of the three seconds it was behind `ours` and nobody knew.
    assert outcome.scores[NEAR][0].by_time.mean == pytest.approx(2 * (10 / 40) / 5)


def test_an_order_far_from_the_touch_is_counted_apart() -> None:
    rows = [single(0, "A", "touch", 2000, 1), *ROWS]

    outcome = measure(rows, 0, 0, CANDIDATES)

    assert outcome.orders[Group(is_second_half=True, is_near=False)] == 2
    assert all(name in table("feed", outcome, CANDIDATES) for name in CANDIDATES)


def test_no_errors_are_none() -> None:
    assert (Errors().rms, Errors().mean) == (0.0, 0.0)


def test_without_a_recording_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([str(tmp_path / "absent.csv.gz")])

    assert code == 0
    assert "skipped: the recording" in capsys.readouterr().out
