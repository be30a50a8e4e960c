"""Change every cell of the machines' tables to every other value, and look whether it is noticed.

`python -m tools.table_mutants [--table PHASE|REQUEST|HOLD]` puts each mutant into the shipped core
and explores some small worlds with it. What nothing notices is a survivor: a missing promise, or a
cell that no honest venue can reach. The comparison of tables and charts, which notices every one,
is not asked: the question is what the *behaviour* shows. Takes many minutes; exits 1 where a
mutant survives.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import click

from lifecycle.check.explore import FuseError, explore
from lifecycle.check.world import Budgets
from lifecycle.core import order
from lifecycle.core.tables import DIVERGENCE, EXPECTED
from spec.states import Hold, HoldEvent, Phase, PhaseEvent, Request, RequestEvent
from tools.mutants.settings import setting

FUSE: Final = 20_000
TABLES: Final = {
    "PHASE": (Phase, PhaseEvent),
    "REQUEST": (Request, RequestEvent),
    "HOLD": (Hold, HoldEvent),
}


def _worlds() -> list[tuple[str, str, Budgets]]:
    none = {"faults": 0, "target_changes": 0, "fills": 0}
    return [
        (story, venue, Budgets(**{**none, **spent}))
        for story, venue, spent in (
            ("move", "replace", {"target_changes": 1, "fills": 1}),
            ("stop", "replace", {"target_changes": 1, "fills": 1}),
            ("move", "replace", {"target_changes": 1, "unasked": 1}),
            ("stop", "replace", {"target_changes": 1, "unasked": 1}),
            ("stop", "replace", {"target_changes": 1, "faults": 1}),
            ("move", "replace", {"target_changes": 1, "faults": 1}),
            ("move", "replace", {"crashes": 1, "fills": 1}),
            ("move", "replace", {"faults": 1, "fills": 1}),
            ("move", "replace", {"target_changes": 1, "early_cycles": 2}),
        )
    ]


class Mutant(NamedTuple):
    """One changed cell."""

    table: str
    state: int
    event: int
    value: int

    def __str__(self) -> str:
        """Return the cell and its new value in words."""
        states, events = TABLES[self.table]
        names = {EXPECTED: "expected", DIVERGENCE: "divergence"}
        value = names.get(self.value) or states(self.value).name.lower()
        state, event = states(self.state).name.lower(), events(self.event).name.lower()
        return f"{self.table}[{state}][{event}] = {value}"


def mutants(table: str) -> Iterator[Mutant]:
    """Yield every other value of every cell of a table."""
    states, _ = TABLES[table]
    for state, row in enumerate(getattr(order, table)):
        for event, cell in enumerate(row):
            same = state if cell == EXPECTED else cell
            for value in (EXPECTED, DIVERGENCE, *range(len(states))):
                # To stay is the same as to go to where it is.
                if value != cell and not (value == state and same == state):
                    yield Mutant(table, state, event, value)


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Run with the mutant in the shipped core."""
    table = getattr(order, mutant.table)
    rows = [list(row) for row in table]
    rows[mutant.state][mutant.event] = mutant.value
    setattr(order, mutant.table, tuple(tuple(row) for row in rows))
    try:
        yield
    finally:
        setattr(order, mutant.table, table)


def noticed(mutant: Mutant) -> str | None:
    """Return what notices a mutant, None where nothing does."""
    with planted(mutant):
        for story, venue, budgets in _worlds():
            try:
                found = explore(setting(story, venue, budgets), fuse=FUSE, heal_every=1, stop=True)
            except FuseError:
                continue
            except (KeyError, IndexError, ValueError) as error:
                return type(error).__name__
            if found.findings:
                return found.findings[0].broken.invariant
    return None


@click.command()
@click.option("--table", type=click.Choice(sorted(TABLES)), help="One table only.")
def main(table: str | None) -> None:
    """Plant every mutant of the tables, and say which survive."""
    survivors, planted_count = [], 0
    for name in TABLES if table is None else (table,):
        for mutant in mutants(name):
            planted_count += 1
            by = noticed(mutant)
            if by is None:
                survivors.append(mutant)
                click.echo(f"survives: {mutant}")
    click.echo(f"{planted_count} mutants, {len(survivors)} survive")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
