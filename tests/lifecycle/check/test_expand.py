"""Where and how a layer is expanded makes no difference to what is found."""

from typing import Final

import pytest

from lifecycle.check import explore as explore_module
from lifecycle.check.batch import Plan
from lifecycle.check.expand import Expander
from lifecycle.check.explore import Explored, explore
from lifecycle.check.workers import WorkerDiedError, Workers
from lifecycle.check.world import Budgets, Setting
from tools.mutants.bugs import BUGS, seeded
from tools.mutants.settings import setting

FAULT: Final = Budgets(faults=1, target_changes=1, fills=0, places=1)


def here() -> Setting:
    return setting("move", "replace", FAULT)


def plan(**changes: int) -> Plan:
    return Plan(setting=here(), heal_every=1, reading=True, stop=False, **changes)


def counted(found: Explored) -> tuple[object, ...]:
    """Return all that an exploration found but for its time."""
    return (
        found.states, found.transitions, found.depth, found.findings, found.witnessed,
        found.exhausted,
    )  # fmt: skip


@pytest.fixture(scope="module")
def alone() -> Explored:
    """Return what one process finds that keeps every world of a layer."""
    return explore(here(), reading=True)


def test_worlds_that_are_made_again_lead_to_the_same(alone: Explored) -> None:
    found = explore(here(), reading=True, worlds_max=3)

    assert counted(found) == counted(alone)


def test_two_processes_find_the_same(alone: Explored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore_module, "SHARE_MIN", 5)

    found = explore(here(), reading=True, jobs=2, worlds_max=20)

    assert counted(found) == counted(alone)


@pytest.mark.python_core
def test_a_bug_is_found_the_same_shortest_way_with_worlds_made_again() -> None:
    bug = next(bug for bug in BUGS if bug.name == "cancel_by_cid")
    with seeded(bug):
        wide = explore(here(), reading=True)
        narrow = explore(here(), reading=True, worlds_max=3)

    assert wide.findings != ()
    assert counted(narrow) == counted(wide)


def test_an_expander_goes_on_from_paths() -> None:
    first = Expander(plan())
    batch = first.expand()
    first.adopt(range(len(batch.keys)))
    second = Expander.at(plan(), [bytes([step]) for step in batch.steps])

    assert second.expand().keys == first.expand().keys


def test_a_worker_that_dies_ends_the_exploration_in_one_line() -> None:
    workers = Workers(plan(), [[b""]])
    try:
        (process,) = workers.processes
        process.kill()

        with pytest.raises(WorkerDiedError, match="every worker must live to the end, one ended"):
            workers.expand()
    finally:
        workers.close()
