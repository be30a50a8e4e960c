"""The explorer: it sees everything, the shortest way first, the same each time, or it says no."""

from typing import Final

import pytest

from lifecycle.check.explore import Explored, FuseError, Progress, explore
from lifecycle.check.races import RACES
from lifecycle.check.world import Budgets, World
from tools.mutants.bugs import BUGS, seeded
from tools.mutants.settings import setting

# Budgets by name, and what an exhaustion of them counts: (states, transitions, depth). A number
# that changes is a change of the model or of what makes two states one: edit it on purpose.
# fmt: off
BUDGETS: Final = {
    "move":        Budgets(faults=0, target_changes=1, fills=0),
    "fill":        Budgets(faults=0, target_changes=0, fills=1),
    "one fault":   Budgets(faults=1, target_changes=0, fills=0),
    "halt":        Budgets(faults=0, target_changes=0, fills=0, crashes=1, halts=1, places=1),
}
COUNTS: Final = {
    ("move",      "replace"): (80, 173, 12),
    ("move",      "amend"):   (39, 74, 10),
    ("fill",      "replace"): (226, 540, 15),
    ("fill",      "amend"):   (108, 242, 12),
    ("one fault", "replace"): (147, 351, 11),
    ("one fault", "amend"):   (147, 351, 11),
    ("halt",      "replace"): (489, 1341, 14),
    ("halt",      "amend"):   (489, 1341, 14),
}
# fmt: on
RACES_SEEN: Final = {
    "move": {"old-leg-gone-first", "old-leg-gone-last"},
    "fill": {"fill-before-ack", "old-leg-gone-first", "old-leg-gone-last"},
    "one fault": {
        "answer-after-doubt",
        "blind",
        "doubt-ended-by-look",
        "expired",
        "place-proven-gone",
    },
    "halt": {
        "answer-after-doubt",
        "blind",
        "crash-in-flight",
        "doubt-ended-by-look",
        "halt-blind",
        "halt-in-doubt",
        "halt-in-flight",
        "halt-proven",
    },
}
"""On the venue that replaces an order by a modify."""


def run(name: str, venue: str) -> Explored:
    return explore(setting("move", venue, BUDGETS[name]))


@pytest.mark.parametrize(("name", "venue"), COUNTS, ids=lambda value: value)
def test_a_tiny_space_has_so_many_states_and_no_finding(name: str, venue: str) -> None:
    found = run(name, venue)

    assert found.findings == ()
    assert (found.states, found.transitions, found.depth) == COUNTS[name, venue]


@pytest.mark.parametrize("name", BUDGETS)
def test_races_are_seen_to_happen(name: str) -> None:
    witnessed = run(name, "replace").witnessed

    assert set(witnessed) == RACES_SEEN[name]
    assert set(witnessed) <= set(RACES)
    assert min(witnessed.values()) > 1


def test_two_explorations_are_the_same() -> None:
    first, second = run("fill", "amend"), run("fill", "amend")

    assert (first.states, first.transitions, first.depth) == (
        second.states,
        second.transitions,
        second.depth,
    )
    assert first.witnessed == second.witnessed


def test_the_fuse_raises_and_proves_nothing() -> None:
    with pytest.raises(FuseError, match="at most 10 states to be exhausted; allow more"):
        explore(setting("move", "replace", BUDGETS["fill"]), fuse=10)


def test_a_space_as_large_as_the_fuse_is_exhausted() -> None:
    states = COUNTS["move", "amend"][0]

    found = explore(setting("move", "amend", BUDGETS["move"]), fuse=states)

    assert found.states == states


def test_progress_is_told_depth_by_depth() -> None:
    told: list[Progress] = []

    found = explore(setting("move", "amend", BUDGETS["move"]), tell=told.append)

    assert [one.depth for one in told] == list(range(1, found.depth + 1))
    assert (told[-1].states, told[-1].frontier) == (found.states, 0)


@pytest.mark.python_core
@pytest.mark.parametrize("name", ["cancel_by_cid", "drop_unknown_oid_fill"])
def test_a_finding_has_a_shortest_path_and_it_leads_there(name: str) -> None:
    here = setting("move", "replace", BUDGETS["fill"])
    (bug,) = (bug for bug in BUGS if bug.name == name)
    with seeded(bug):
        finding = explore(here, heal_every=0, stop=True).findings[0]
        rest = explore(here, heal_every=0).findings
        world = World(here)
        before = []
        for step in finding.path:
            before.append((step in world.steps(), tuple(world.broken)))
            world.take(step)

    assert before == [(True, ())] * len(finding.path)
    assert finding in rest
    assert len(finding.path) == min(len(one.path) for one in rest)
