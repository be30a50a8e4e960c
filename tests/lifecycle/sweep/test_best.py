"""The best settings: medians over seeds, bounds on every market, and who is never the best."""

from typing import Any

import pytest

from lifecycle.sweep.columns import NUMBERS

best = pytest.importorskip("lifecycle.sweep.best", reason="pyarrow is absent")
view = pytest.importorskip("lifecycle.views.sweep", reason="pyarrow is absent")
tables = pytest.importorskip("lifecycle.sweep.table", reason="pyarrow is absent")

# latch, market, seed, calls a minute, presence
ROWS = (
    (2, "eth", 1, 6.0, 1.00),
    (2, "eth", 2, 8.0, 0.99),
    (2, "eth", 3, 7.0, 1.00),
    (2, "wlfi", 1, 20.0, 0.99),
    (3, "eth", 1, 4.0, 0.99),
    (3, "eth", 2, 5.0, 0.90),
    (3, "eth", 3, 4.5, 1.00),
    (3, "wlfi", 1, 16.0, 0.98),
    (5, "eth", 1, 2.0, 0.97),
    (5, "eth", 2, 2.0, 0.98),
    (5, "eth", 3, 2.0, 0.98),
    (5, "wlfi", 1, 10.0, 0.99),
)


def table(*rows: tuple[Any, ...], **changes: dict[int, Any]) -> Any:
    """Return a table of such rows; a change is a column and what it has in which row."""
    names = ("latch", "market", "seed", "calls_per_minute", "presence")
    columns: dict[str, list[Any]] = {name: [0] * len(rows) for name in (*NUMBERS, "run")}
    columns |= {"error": [None] * len(rows), "cycles": [50] * len(rows)}
    columns |= {
        name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    for name, values in changes.items():
        for row, value in values.items():
            columns[name][row] = value
    return tables.Table(("latch",), columns)


def ranked(found: Any, goal: str = "calls", bounds: str = "", *, is_most: bool = False) -> Any:
    held = best.bounds_of(bounds) if bounds else ()
    return best.ranking(found, best.Asked(best.number_named(goal), is_most, held))


def latches(ranking: Any) -> list[int]:
    return [standing.setting["latch"] for standing in ranking.best]


def test_least_is_first_or_most() -> None:
    assert latches(ranked(table(*ROWS))) == [5, 3, 2]
    assert latches(ranked(table(*ROWS), is_most=True)) == [2, 3, 5]


def test_the_number_of_a_setting_is_the_mean_over_markets_of_the_median_over_seeds() -> None:
    first = ranked(table(*ROWS)).best[-1]

    assert first.mean("calls_per_minute") == (7.0 + 20.0) / 2
    assert first.markets["eth"]["calls_per_minute"] == (7.0, 6.0, 8.0)


def test_a_bound_must_hold_on_every_market() -> None:
    ranking = ranked(table(*ROWS), bounds="presence>=0.99")

    # 5 keeps to it on wlfi alone, 3 on eth alone.
    assert latches(ranking) == [2]
    assert ranking.meeting(ranking.asked.bounds[0]) == 1
    assert ranking.best[0].worst(ranking.asked.bounds[0]) == 0.99


@pytest.mark.parametrize(
    ("bounds", "held"),
    [
        ("presence>=0.98,calls<=13", [5, 3]),
        ("presence>=0.98 , calls < 12", [5]),
        ("presence>0.98,calls<20", []),
        ("presence>0.97,calls<20", [5, 3]),
        ("calls>=inf", []),
    ],
)
def test_bounds_hold_together(bounds: str, held: list[int]) -> None:
    rows = [row if row[:2] != (3, "wlfi") else (3, "wlfi", 1, 12.0, 0.98) for row in ROWS]

    assert latches(ranked(table(*rows), bounds=bounds)) == held


@pytest.mark.parametrize("changes", [{"error": {9: "died"}}, {"violations": {9: 1}}])
def test_a_setting_with_a_failed_or_broken_run_is_never_the_best(
    changes: dict[str, dict[int, Any]],
) -> None:
    ranking = ranked(table(*ROWS, **changes))

    assert latches(ranking) == [3, 2]
    assert ranking.unsound == 1


def test_a_setting_whose_run_was_too_short_for_a_cycle_is_never_the_best() -> None:
    ranking = ranked(table(*ROWS, cycles={9: 0}))

    assert latches(ranking) == [3, 2]
    assert (ranking.idle, ranking.unsound) == (1, 0)
    assert str(view.verdict(ranking)) == "2 of 3 settings hold, 1 had runs too short for a cycle"


def test_a_seed_without_a_value_is_left_out_of_the_median() -> None:
    found = table(*ROWS, calls_per_minute={0: None})

    assert ranked(found).best[-1].markets["eth"]["calls_per_minute"].median == 7.5


def test_a_number_that_a_market_lacks_is_no_bound_kept() -> None:
    found = table(*ROWS, presence={3: None})

    assert latches(ranked(found, bounds="presence>=0.5")) == [5, 3]
    assert latches(ranked(found, goal="presence")) == [3, 5]


def test_settings_as_good_as_each_other_keep_the_order_of_the_table() -> None:
    rows = [(latch, "eth", 1, 3.0, 1.0) for latch in (8, 2, 5)]

    assert latches(ranked(table(*rows))) == [8, 2, 5]


def test_a_number_may_be_shortened_where_only_one_begins_so() -> None:
    assert best.number_named("calls") == "calls_per_minute"
    assert best.number_named("presence") == "presence"
    assert best.number_named("markout") == "markout_5s_bps"


@pytest.mark.parametrize("word", ["staleness", "cal", "policy", ""])
def test_a_name_of_several_numbers_or_of_none_is_refused(word: str) -> None:
    with pytest.raises(best.AskedError, match="a number must be one of"):
        best.number_named(word)


@pytest.mark.parametrize("text", ["", "fills", "fills=3", "fills>=x", "fills>=nan", "fills>=1,"])
def test_a_bound_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(best.AskedError, match="must be written NAME>=NUMBER"):
        best.bounds_of(text)
