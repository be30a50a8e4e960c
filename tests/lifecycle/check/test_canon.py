"""What stands for a state is made of its values, and states that share it share their future."""

from typing import Final

import pytest
from msgspec.structs import replace

from lifecycle.check.canon import digest
from lifecycle.check.truth import is_quiet
from lifecycle.check.world import Budgets, World
from tools.mutants.settings import setting

SPACES: Final = [
    ("move", Budgets(faults=0, target_changes=1, fills=1), 20),
    ("move", Budgets(faults=1, target_changes=1, fills=1), 7),
    ("move", Budgets(faults=0, target_changes=0, fills=0, crashes=1, unasked=1), 12),
    ("move", Budgets(faults=0, target_changes=0, fills=0, crashes=1, halts=1, places=1), 20),
]
"""What is wanted, what may happen, and the steps of the longest paths that are compared."""
OVER: Final = -1


def futures(world: World) -> dict[tuple[str, str], set[int]]:
    """Return to which states each kind of step leads, whatever it is done to."""
    found: dict[tuple[str, str], set[int]] = {}
    for step in world.steps():
        child = world.after(step)
        found.setdefault((step[0], step[2]), set()).add(OVER if child.is_over else digest(child))
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
    first = World(setting(wanted, venue, budgets))
    seen = {digest(first): (judged(first), futures(first))}
    layer, again = [first], 0
    for _ in range(depth):
        children = [world.after(step) for world in layer for step in world.steps()]
        layer = []
        for child in children:
            if child.is_over:
                continue
            if (key := digest(child)) in seen:
                again += 1
                assert (judged(child), futures(child)) == seen[key]
            else:
                seen[key] = judged(child), futures(child)
                layer.append(child)

    assert again > 0
