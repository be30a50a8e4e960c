"""A manager rebuilt from its trace.

The trace is the journal's content: every input, and what came of it. Because the manager is a
function of its inputs, feeding them to a new one reproduces every decision and the final state.
"""

from collections.abc import Iterable

from lifecycle.core.manager import OrderManager
from spec.trace import (
    Cycled,
    Halted,
    Plan,
    Reaction,
    Record,
    Reported,
    Restarted,
    Ticked,
    Unanswered,
)


def replay(manager: OrderManager, records: Iterable[Record]) -> OrderManager:
    """Feed a new manager the inputs of a trace; returns it in the state of the one that died.

    Raises ValueError where an output differs from the one on record: the trace was made by other
    code or with another configuration, and must not be continued.
    """
    for number, record in enumerate(records):
        reproduce(manager, record, number)
    return manager


def reproduce(manager: OrderManager, record: Record, number: int) -> None:
    """Feed a manager the input of one record; raises ValueError where it decides otherwise."""
    output, expected = step(manager, record), outcome(record)
    if output != expected:
        raise ValueError(
            f"record {number} must be reproduced by replaying it, was {expected}, is now {output}"
        )


def outcome(record: Record) -> Plan | Reaction:
    """Return what came of a record's input, by the record."""
    return record.plan if isinstance(record, Cycled) else record.reaction


def step(manager: OrderManager, record: Record) -> Plan | Reaction:
    """Feed a manager the input of one record; returns what it makes of it."""
    match record:
        case Cycled():
            return manager.cycle(record.now, record.targets, record.market)
        case Reported():
            return manager.receive(record.report, record.now)
        case Unanswered():
            return manager.unanswered(record.command, record.outcome, record.now)
        case Ticked():
            return manager.tick(record.now)
        case Restarted():
            return manager.restarted(record.now, record.session)
        case Halted():
            return manager.halt(record.now)
