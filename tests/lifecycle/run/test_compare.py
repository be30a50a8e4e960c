"""Runs side by side: their order, that it does not matter where they are played, and failures."""

import os
from pathlib import Path

import pytest
from msgspec import structs

from exchange.recording import COLUMNS
from lifecycle.config import TimingConfig
from lifecycle.run.compare import (
    SWEEP_BPS,
    Job,
    Outcome,
    compare,
    entrants,
    jobs_of,
    play,
    sweep,
)
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig
from lifecycle.run.frame import Summary

CONFIG = RunConfig(market=MarketConfig(minutes=1.5), timing=TimingConfig(cycle_s=3.0))
BOTH = entrants(["legacy", "stable"])


def crash_at_seed_2(job: Job) -> Summary | None:
    """Take the process along; must be importable by the workers."""
    if job.seed == 2:
        os._exit(3)
    return play(job)


def fail_at_seed_2(job: Job) -> Summary | None:
    if job.seed == 2:
        raise ZeroDivisionError
    return play(job)


def names(jobs: list[Job]) -> list[tuple[str | None, str, int]]:
    return [(job.market, job.entrant.name, job.seed) for job in jobs]


def test_jobs_are_ordered_by_market_then_policy_then_seed() -> None:
    jobs = jobs_of(CONFIG, BOTH, ["eth.csv", None], [3, 4])

    assert names(jobs) == [
        ("eth.csv", "legacy", 3),
        ("eth.csv", "legacy", 4),
        ("eth.csv", "stable", 3),
        ("eth.csv", "stable", 4),
        (None, "legacy", 3),
        (None, "legacy", 4),
        (None, "stable", 3),
        (None, "stable", 4),
    ]


def test_a_policy_asked_for_twice_runs_once() -> None:
    assert entrants(["stable", "legacy", "stable"]) == entrants(["stable", "legacy"])


def test_a_sweep_is_the_stable_policy_with_other_bands_and_nothing_else() -> None:
    config = structs.replace(CONFIG, bands=structs.replace(CONFIG.bands, stale_bps=5.0))

    jobs = jobs_of(config, sweep(), [None], [1])

    assert [job.config.bands.latch_bps for job in jobs] == list(SWEEP_BPS)
    for job in jobs:
        assert job.entrant.policy == "stable"
        # A stale band inside the latch would have no meaning.
        assert job.config.bands.stale_bps is None
        assert structs.replace(job.config, bands=config.bands) == config


def test_one_process_or_two_give_the_same_numbers_in_the_same_order() -> None:
    jobs = jobs_of(CONFIG, BOTH, [None], [1, 2])
    told: list[Outcome] = []

    alone = compare(jobs, workers=1)
    beside = compare(jobs, workers=2, tell=told.append)

    assert alone == beside
    assert [outcome.job for outcome in beside] == jobs
    assert sorted(map(repr, told)) == sorted(map(repr, beside))
    summaries = [outcome.summary for outcome in alone]
    assert [s.policy for s in summaries if s is not None] == ["legacy"] * 2 + ["stable"] * 2
    assert [s.market for s in summaries if s is not None] == [
        "generated, seed 1",
        "generated, seed 2",
    ] * 2


def test_a_run_of_a_comparison_is_the_run_that_is_played_alone() -> None:
    [job] = jobs_of(CONFIG, entrants(["stable"]), [None], [2])

    [outcome] = compare([job])

    assert outcome == Outcome(job, summary=play(job))


def test_a_run_that_fails_takes_no_other_with_it() -> None:
    jobs = jobs_of(CONFIG, entrants(["stable"]), [None], [1, 2, 3])

    outcomes = compare(jobs, play=fail_at_seed_2)

    assert [outcome.summary is not None for outcome in outcomes] == [True, False, True]
    assert outcomes[1].error == "ZeroDivisionError"
    assert not outcomes[1].is_input


def test_a_run_that_takes_its_process_with_it_fails_alone() -> None:
    jobs = jobs_of(CONFIG, entrants(["stable"]), [None], [1, 2])

    outcomes = compare(jobs, workers=2, play=crash_at_seed_2)

    assert [outcome.summary is not None for outcome in outcomes] == [True, False]
    assert "process died" in outcomes[1].error


def test_a_market_that_cannot_be_used_is_an_error_of_the_input(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(",".join(COLUMNS) + "\n1,1,wild,,,,,,,,,\n")
    jobs = jobs_of(CONFIG, entrants(["stable"]), [str(broken), str(tmp_path / "absent.csv")], [1])

    outcomes = compare(jobs)

    assert [outcome.is_input for outcome in outcomes] == [True, True]
    assert "broken.csv" in outcomes[0].error
    assert "absent.csv" in outcomes[1].error


def test_a_configuration_without_meaning_for_the_market_is_an_error_of_the_input() -> None:
    config = structs.replace(CONFIG, quoter=QuoterConfig(size="0.123456789"))

    [outcome] = compare(jobs_of(config, entrants(["stable"]), [None], [1]))

    assert outcome.is_input
    assert "0.123456789" in outcome.error


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_is_played_once_the_user_has_ended_it(workers: int) -> None:
    jobs = jobs_of(CONFIG, BOTH, [None], [1, 2])

    outcomes = compare(jobs, workers=workers, stopped=lambda: True)

    assert outcomes == [Outcome(job) for job in jobs]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_over_before_the_end_stays(workers: int) -> None:
    year = structs.replace(CONFIG, market=MarketConfig(minutes=500_000))
    jobs = [
        *jobs_of(CONFIG, entrants(["stable"]), [None], [1]),
        *jobs_of(year, BOTH, [None], [1, 2]),
    ]
    over: list[Outcome] = []

    outcomes = compare(jobs, workers=workers, stopped=lambda: bool(over), tell=over.append)

    assert outcomes[0].summary is not None
    assert outcomes[1:] == [Outcome(job) for job in jobs[1:]]
