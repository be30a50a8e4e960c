"""A copy has everything and shares nothing that changes: the explorer branches on copies."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec import Struct

from exchange.instrument import Instrument
from exchange.units import SECOND
from lifecycle.check import clone
from lifecycle.check.world import Budgets, World
from lifecycle.core.blotter import Blotter
from lifecycle.core.budget import Budget
from lifecycle.core.desk import Desk
from lifecycle.core.grid import Grid
from lifecycle.core.guards import Guards
from lifecycle.core.ledger import Ledger
from lifecycle.core.order import Leg, Order
from lifecycle.core.refusals import Refusals
from spec.facts import LegFacts, OrderFacts
from spec.trace import Targets
from spec.venue_model import Resting, VenueModel
from spec.witness import Witness
from tools.mutants.settings import setting

SHARED: Final = frozenset({"capabilities", "grid", "instrument", "rules", "setting", "settings"})
"""Slots of values that never change, which a copy may share; a cycle copies the grid first."""
ATOMS: Final = (int, str, type(None), frozenset, tuple, Instrument, Targets)


def slots(thing: object) -> list[str]:
    """Return every slot of an object's class and of those it inherits from."""
    return [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]


def picture(thing: Any) -> Any:
    """Return a value that is equal for equal contents, whatever the objects are."""
    if isinstance(thing, (int, str, Struct, type(None))):
        return thing
    if isinstance(thing, dict):
        return [(key, picture(value)) for key, value in thing.items()]
    if isinstance(thing, (list, deque)):
        return [picture(value) for value in thing]
    if isinstance(thing, set):
        return sorted(map(repr, thing))
    if isinstance(thing, tuple) and any(isinstance(value, list) for value in thing):
        return [picture(value) for value in thing]
    if hasattr(thing, "__dict__"):
        return {name: picture(value) for name, value in vars(thing).items()}
    if slots(thing):
        return {name: picture(getattr(thing, name)) for name in slots(thing) if name not in SHARED}
    return thing


def busy() -> World:
    """Return a world with something in every corner: legs, fills, doubts, strays, a refusal."""
    world = World(setting("move", "replace", Budgets(faults=9, target_changes=9, fills=9)))
    told = [
        ("cycle", 0, ""), ("execute", 0, "grant"), ("hear", 0, ""), ("cycle", 1, ""),
        ("execute", 0, "grant"), ("hear", 0, ""), ("fill", 1, "3"), ("hear", 2, ""),
        ("look", 0, ""), ("cycle", 0, ""), ("execute", 0, "refuse-unknown"),
        ("hear", 0, ""), ("fill", 1, "2"),
    ]  # fmt: skip
    for step in told:
        world.take(step)
    desk = world.manager._desk
    (order,) = desk.blotter.open.values()
    fill = world.venue.fills[0]
    desk.blotter.strays["77"] = {"t7": (fill, False)}
    desk.blotter.foreign["88"] = order.side
    desk.blotter.to_query[order.cloid] = order
    desk.refusals.add((order.cloid, 20_050, 10), world.now)
    desk.guards.refuse(world.now)
    desk.blotter.unwanted.add(order.cloid)
    world.watch.facts.unwanted.add(order.cloid)
    world.watch.facts.strays.append((fill, False))
    world.watch.facts.foreign["88"] = order.side
    world.watch.facts.refused[order.cloid, 20_050, 10] = (1, world.now)
    return world


def blotter(world: World) -> Blotter:
    return world.manager._desk.blotter


def first_order(world: World) -> Order:
    return next(iter(blotter(world).open.values()))


def first_facts(world: World) -> OrderFacts:
    return next(iter(world.watch.facts.orders.values()))


PARTS: Final[dict[type, tuple[Callable[[World], Any], Callable[[Any], Any]]]] = {
    Leg: (lambda world: first_order(world).leg, clone.clone_leg),
    Order: (first_order, clone.clone_order),
    Blotter: (blotter, clone.clone_blotter),
    Ledger: (lambda world: world.manager._desk.ledger, clone.clone_ledger),
    Budget: (lambda world: world.manager._desk.budget, clone.clone_budget),
    Desk: (lambda world: world.manager._desk, clone.clone_desk),
    Guards: (lambda world: world.manager._desk.guards, clone.clone_guards),
    Grid: (lambda world: world.manager._desk.grid, clone.clone_grid),
    LegFacts: (lambda world: first_facts(world).leg, clone.clone_leg_facts),
    OrderFacts: (first_facts, clone.clone_order_facts),
    Witness: (lambda world: world.watch.facts, clone.clone_facts),
    VenueModel: (lambda world: world.venue, VenueModel.clone),
    Resting: (lambda world: world.venue.book[0], Resting.clone),
}
"""How to get at one of each class, and what copies it."""


def change(thing: Any, name: str) -> None:
    """Put something else into a slot, inside of it where it holds a container."""
    value = getattr(thing, name)
    if isinstance(value, dict):
        value["changed"] = value.get("changed", SECOND)
    elif isinstance(value, (list, deque)):
        value.append(SECOND)
    elif isinstance(value, set):
        value.add("changed")
    elif name == "streams":
        value[0].append(None)
    elif isinstance(value, Leg):
        value.filled += 1
    elif isinstance(value, Ledger):
        value.requests += 1
    elif isinstance(value, Guards):
        value.sent.append(SECOND)
    elif isinstance(value, Budget):
        value.prepaid += 1
    elif isinstance(value, Refusals):
        value._until["changed", 0, 0] = (1, 1)
    elif isinstance(value, Blotter):
        value.position += 1
    else:
        assert isinstance(value, ATOMS) or name in SHARED or name == "request", name
        setattr(thing, name, "changed")


SLOTS: Final = [
    (kind, name)
    for kind in PARTS
    for part in kind.__mro__
    for name in getattr(part, "__slots__", ())
    if name not in SHARED
]


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_a_copy_has_every_slot_with_the_same_contents(kind: type) -> None:
    get, copy = PARTS[kind]
    thing = get(busy())

    other = copy(thing)

    assert type(thing) is kind
    assert [name for name in slots(thing) if not hasattr(other, name)] == []
    assert picture(other) == picture(thing)
    assert all(getattr(other, name) is getattr(thing, name) for name in SHARED & set(slots(thing)))


@pytest.mark.parametrize(
    ("kind", "name"), SLOTS, ids=[f"{kind.__name__}.{name}" for kind, name in SLOTS]
)
def test_a_change_of_a_copy_leaves_the_original_as_it_was(kind: type, name: str) -> None:
    get, copy = PARTS[kind]
    thing = get(busy())
    before = picture(thing)
    other = copy(thing)

    change(other, name)

    assert picture(other) != before
    assert picture(thing) == before


def test_a_copied_world_shares_no_state_with_its_original() -> None:
    world = busy()
    before = picture(world.manager), picture(world.watch), picture(world.venue), world.queries[:]
    other = world.clone()

    other.take(("hear", 2, ""))
    other.take(("cycle", 0, ""))

    after = picture(world.manager), picture(world.watch), picture(world.venue), world.queries
    assert after == before
    assert picture(other.manager) != before[0]


def test_a_copied_blotter_names_each_order_once() -> None:
    original = blotter(busy())

    other = clone.clone_blotter(original)

    (order,) = other.open.values()
    assert other.orders[order.cloid] is order
    assert {id(one) for one in other.by_oid.values()} == {id(order)}
    assert other.to_query[order.cloid] is order
    assert order is not original.orders[order.cloid]
