"""What a comparison says of its runs: medians, differences seed by seed, minutes."""

import math
from typing import Any

from msgspec import structs

from lifecycle.run.compare import Entrant, Job, Outcome
from lifecycle.run.compared import (
    MEASURES,
    Minute,
    Spread,
    boards,
    contributions,
    spread,
    standing,
)
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.policies import ABLATION, LAYERS
from tests.summaries import RUN


def run(**changes: Any) -> Summary:
    return structs.replace(RUN, **changes)


def outcome(name: str, seed: int, file: str | None = None, **changes: Any) -> Outcome:
    config = RunConfig(market=MarketConfig(file=file, seed=seed))
    return Outcome(Job(Entrant(name, "stable"), config), summary=run(**changes))


def test_a_spread_is_of_the_values_that_are_there() -> None:
    assert spread([3.0, None, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0)
    assert spread([None, None]) == Spread(None, None, None)
    assert spread([]) == Spread(None, None, None)


def test_cancels_over_no_fill_are_infinite_not_absent() -> None:
    found = standing("stable", [(1, run(cancel_fill=None)), (2, run(cancel_fill=0.0))])

    assert found.measures["cancel_fill"] == Spread(math.inf, 0.0, math.inf)


def test_a_run_without_changes_has_no_modify_share_and_the_others_do() -> None:
    found = standing("stable", [(1, run(modify_share=None)), (2, run(modify_share=0.5))])

    assert found.measures["modify_share"] == Spread(0.5, 0.5, 0.5)


def test_broken_invariants_are_summed_and_named_with_their_seed() -> None:
    found = standing("stable", [(1, run(violations=2, broken=["a", "b"])), (2, run()), (3, run())])

    assert found.violations == 2
    assert found.broken == ("seed 1, a", "seed 1, b")


def test_minutes_are_means_over_the_seeds_that_have_one() -> None:
    one = run(series=[(60, None, None, None, 0), (120, 1.0, 0.5, 2.0, 4)])
    other = run(series=[(60, 1.0, 1.0, 1.0, 2), (120, 0.5, 0.5, None, 8), (180, 1.0, 1.0, 3.0, 1)])

    found = standing("stable", [(1, one), (2, other)])

    assert found.minutes == (
        Minute(60, 1.0, 1.0, 1.0, 1.0),
        Minute(120, 0.75, 0.5, 2.0, 6.0),
        Minute(180, 1.0, 1.0, 3.0, 1.0),
    )


def test_a_board_keeps_the_order_of_the_runs() -> None:
    outcomes = [
        outcome("b", 2, "x.csv", market="x.csv"),
        outcome("b", 1, "x.csv", market="x.csv"),
        outcome("a", 2, "x.csv", market="x.csv"),
        outcome("a", 1, None, market="generated, seed 1"),
    ]

    found = boards(outcomes)

    assert [board.market for board in found] == ["x.csv", "generated"]
    assert [one.entrant for one in found[0].standings] == ["b", "a"]
    assert [seed for seed, _ in found[0].standings[0].runs] == [2, 1]
    assert found[0].minutes == 5.0


def test_what_was_not_played_is_left_out() -> None:
    played = outcome("a", 1)
    never = structs.replace(outcome("b", 1), summary=None)
    absent = structs.replace(outcome("a", 1, "x.csv"), summary=None)

    found = boards([played, never, absent])

    assert [board.market for board in found] == ["generated"]
    assert [one.entrant for one in found[0].standings] == ["a"]


def test_contributions_need_the_whole_ablation() -> None:
    standings = [standing(name, [(1, RUN)]) for name in ABLATION]

    assert [one.layer for one in contributions(standings)] == list(LAYERS)
    assert contributions(standings[1:]) == ()


def test_a_contribution_is_the_median_of_the_differences_seed_by_seed() -> None:
    # The medians do not differ; each seed does, and mostly by -9.
    calls = {
        "legacy": {1: 10.0, 2: 20.0, 3: 30.0},
        "only-smoothing": {1: 20.0, 2: 11.0, 3: 21.0},
    }
    standings = [
        standing(
            name,
            [
                (seed, run(calls_per_minute=calls.get(name, {}).get(seed, 5.0)))
                for seed in (1, 2, 3)
            ],
        )
        for name in ABLATION
    ]

    smoothing = contributions(standings)[0]

    assert smoothing.alone["calls_per_minute"] == -9.0
    assert smoothing.in_order["calls_per_minute"] == -15.0
    assert smoothing.last["calls_per_minute"] == 0.0
    assert set(smoothing.alone) == {measure.key for measure in MEASURES}


def test_what_is_infinite_before_and_after_has_not_changed() -> None:
    standings = [standing(name, [(1, run(cancel_fill=None))]) for name in ABLATION]

    assert contributions(standings)[0].alone["cancel_fill"] == 0.0
