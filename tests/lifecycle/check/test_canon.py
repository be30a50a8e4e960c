"""What stands for a state is made of its values."""

from msgspec.structs import replace

from lifecycle.check.canon import digest
from lifecycle.check.world import Budgets, World
from tools.mutants.settings import setting


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
