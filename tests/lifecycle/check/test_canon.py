"""What stands for a state is made of its values, and states that share it share their future."""

import os
from typing import Final, TypeAlias

import pytest
from msgspec.structs import replace

from lifecycle.check.budgets import AMEND, REPLACE, Exploration, explorations
from lifecycle.check.canon import digest
from lifecycle.check.truth import is_quiet
from lifecycle.check.world import Budgets, Setting, World
from lifecycle.run.config import RunConfig
from tools.mutants.settings import setting

SPACES: Final = [
    ("move", Budgets(faults=0, target_changes=1, fills=1), 20),
    ("move", Budgets(faults=1, target_changes=1, fills=1), 7),
    ("move", Budgets(faults=0, target_changes=0, fills=0, crashes=1, unasked=1), 12),
    ("move", Budgets(faults=0, target_changes=0, fills=0, crashes=1, halts=1, places=1), 20),
]
"""What is wanted, what may happen, and the steps of the longest paths that are compared."""
STANDARD: Final = explorations(RunConfig(), "standard", (*AMEND, *REPLACE))
STATES_MAX: Final = 25_000
"""Of each `standard` space, the nearest."""
OVER: Final = -1

Future: TypeAlias = tuple[int, frozenset[str]]
"""Where a step leads, and what it breaks."""


def futures(world: World) -> dict[tuple[str, str], set[Future]]:
    """Return to which states each kind of step leads, whatever it is done to."""
    found: dict[tuple[str, str], set[Future]] = {}
    for step in world.steps():
        child = world.after(step)
        broken = frozenset(one.invariant for one in (*child.broken, *child.distrusted))
        future = OVER if child.is_over else digest(child), broken
        found.setdefault((step[0], step[2]), set()).add(future)
    return found


def judged(world: World) -> tuple[bool, bool]:
    """Say whether record and venue must agree here, and whether nothing is said to rest."""
    return is_quiet(world), world.manager.nothing_rests


def filled() -> World:
    """Return a world with an order that rests, was filled in part, and whose fill is unheard."""
    world = World(setting("move", "replace", Budgets(fills=2)))
    for step in (("cycle", 0, ""), ("execute", 0, "grant"), ("hear", 0, ""), ("fill", 0, "5")):
        world.take(step)
    return world


def test_equal_values_held_by_different_objects_have_one_digest() -> None:
    one, other = filled(), filled()
    (fill,) = other.venue.fills
    # A number of its own each, beyond those that Python makes only once.
    apart = replace(fill, price=int(str(fill.price)), oid="".join(list(fill.oid)))
    other.venue.fills[:] = [apart]
    other.venue.book[0].price = int(str(other.venue.book[0].price))

    assert other.venue.book[0].price is not one.venue.book[0].price
    assert digest(one) == digest(other)


@pytest.mark.parametrize("venue", ["replace", "amend"])
@pytest.mark.parametrize(("wanted", "budgets", "depth"), SPACES)
def test_states_of_one_digest_are_judged_alike_and_have_the_same_future(
    wanted: str, budgets: Budgets, depth: int, venue: str
) -> None:
    assert met_again(setting(wanted, venue, budgets), depth) > 0


@pytest.mark.skipif(
    os.environ.get("LIFECYCLE_PROFILE") != "nightly",
    reason="takes many minutes: LIFECYCLE_PROFILE=nightly",
)
@pytest.mark.parametrize("one", STANDARD, ids=lambda one: one.name)
def test_so_have_those_of_the_standard_budget(one: Exploration) -> None:
    assert met_again(one.setting, one.depth) > 0


def met_again(setting: Setting, depth: int | None) -> int:
    """Explore, and compare every state that is met again with the first of its digest."""
    first = World(setting)
    seen = {digest(first): (judged(first), futures(first))}
    layer, again = [first], 0
    while layer and depth != 0 and len(seen) < STATES_MAX:
        nearest, layer = layer, []
        for child in (world.after(step) for world in nearest for step in world.steps()):
            if child.is_over:
                continue
            if (key := digest(child)) in seen:
                again += 1
                assert (judged(child), futures(child)) == seen[key]
            else:
                seen[key] = judged(child), futures(child)
                layer.append(child)
        depth = None if depth is None else depth - 1
    return again
