"""Runs of the soak: what must hold does, and what is broken is found."""

from pathlib import Path

import pytest

from exchange.paper.faults import PLANS
from lifecycle.soak.campaign import KINDS, Limits, Soaked, play, soak
from lifecycle.soak.plan import draw
from lifecycle.soak.run import BOUND, Outcome, Run
from spec.trace import Halted, Restarted
from tools.mutants.bugs import BUGS, seeded

FIRST, LAST = 1, 30
FOUND_BY = {
    "timeout_is_failure": "V7",
    "cancel_by_cid": "truth",
    "no_dedupe": "S6",
    "no_journal": "V7",
    "replace_instead_of_modify": "S4",
}
"""Some of the seeded bugs, and what finds them within the first seeds."""


@pytest.fixture(scope="module")
def soaked() -> Soaked:
    """Play the small budget of every commit."""
    return soak(Limits(first=FIRST, last=LAST), workers=2)


def test_every_promise_holds_in_every_run(soaked: Soaked) -> None:
    assert [outcome.failure for outcome in soaked.failed] == []
    assert sorted(outcome.seed for outcome in soaked.outcomes) == list(range(FIRST, LAST + 1))


def test_every_run_converges_within_the_bound(soaked: Soaked) -> None:
    assert all(outcome.converged is not None for outcome in soaked.outcomes)
    assert all((outcome.converged or 0) <= BOUND for outcome in soaked.outcomes)


def test_everything_that_may_go_wrong_does(soaked: Soaked) -> None:
    assert [kind for kind in KINDS if not soaked.counts[kind]] == []


def test_orders_are_placed_and_filled_all_the_same(soaked: Soaked) -> None:
    assert sum(outcome.orders for outcome in soaked.outcomes) > 200
    assert sum(outcome.fills for outcome in soaked.outcomes) > 100


@pytest.mark.parametrize("plan", ["calm", "storm"])
def test_a_plan_by_name_is_soaked(plan: str) -> None:
    outcome = play(3, plan)

    assert outcome.failure is None
    planned = {kind.value for kind in PLANS[plan].kinds}
    assert {kind for kind in outcome.counts if kind in PLANS} <= planned


def test_a_run_is_the_same_for_the_same_seed(tmp_path: Path, soaked: Soaked) -> None:
    (tmp_path / "again").mkdir()
    first, second = Run(draw(5), tmp_path), Run(draw(5), tmp_path / "again")

    outcome = first.play()

    assert outcome == second.play()
    assert first.records == second.records
    # Wherever it is played.
    assert outcome in soaked.outcomes


def test_a_journal_on_disk_is_come_back_to(tmp_path: Path) -> None:
    seed = next(seed for seed in range(1, 200) if draw(seed).on_disk and draw(seed).crashes)
    run = Run(draw(seed), tmp_path)

    outcome = run.play()

    assert outcome.failure is None
    assert sum(isinstance(record, Restarted) for record in run.records) > 1
    assert any(isinstance(record, Halted) for record in run.records)
    assert list(tmp_path.glob("*.journal"))


@pytest.mark.python_core
@pytest.mark.parametrize("name", FOUND_BY)
def test_a_seeded_bug_is_found(name: str) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)

    with seeded(bug):
        found = _first_failure(range(1, 13))

    assert found is not None
    assert found.failure is not None
    assert found.failure.what == FOUND_BY[name]


def _first_failure(seeds: range) -> Outcome | None:
    for seed in seeds:
        outcome = play(seed)
        if outcome.failure is not None:
            return outcome
    return None


def test_who_is_stopped_counts_only_what_was_over() -> None:
    asked = iter([False, False, True])

    found = soak(Limits(), stopped=lambda: next(asked, True))

    assert found.outcomes == []


def test_a_soak_ends_when_enough_was_simulated() -> None:
    found = soak(Limits(simulated=1), plan="calm")

    assert len(found.outcomes) == 1
