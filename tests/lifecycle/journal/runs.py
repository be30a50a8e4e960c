"""Runs to be journalled: a random life of orders, its records, and the header that replays them."""

import random

from exchange.units import SECOND
from lifecycle.core.manager import OrderManager
from lifecycle.journal import Header
from lifecycle.trace import replay
from spec.trace import Record, Target, Targets
from tools.mutants.loose import Loose
from tools.mutants.settings import INSTRUMENT

MID = 20_000


def header_of(world: Loose) -> Header:
    """Return the header of a world's journal."""
    return Header.of_now(world.session, INSTRUMENT, world.capabilities, world.config, "a test")


def a_run(records: int, seed: int = 1, config: str = "layers") -> Loose:
    """Let a world live, with fills and troubles, until it has made so many records."""
    draw = random.Random(seed)
    world = Loose("replace", config)
    while len(world.trace) < records:
        ordinary, troubles, resting = world.ordinary(), world.troubles(), world.venue.resting()
        match draw.randrange(10):
            case 0 if troubles:
                draw.choice(troubles)()
            case 1 if resting:
                world.fill(draw.choice(resting), draw.randint(1, 4))
            case 2 | 3 | 4 | 5 if ordinary:
                draw.choice(ordinary)()
            case _:
                world.cycle(quotes(draw.randint(-60, 60)), draw.randint(1, 6) * SECOND)
    return world


def quotes(shift: int) -> Targets:
    """Return two levels a side around a mid that has moved."""
    return Targets(
        (Target(MID - 10 + shift, 10), Target(MID - 30 + shift, 20)),
        (Target(MID + 10 + shift, 10), Target(MID + 30 + shift, 20)),
    )


def replayed(header: Header, records: list[Record]) -> OrderManager:
    """Return a manager rebuilt from what a journal holds."""
    manager = OrderManager(
        header.instrument,
        config=header.config,
        capabilities=header.capabilities,
        session=header.session,
    )
    return replay(manager, records)


def state(manager: OrderManager) -> tuple[object, ...]:
    """Return all that a manager shows of its state."""
    orders = [repr(order) for order in manager.orders.values()]
    return orders, manager.position, manager.next_timer, manager.is_blind, manager.headroom
