"""Change every cell of the machines' tables to every other value, and look whether it is noticed.

    python -m tools.table_mutants [--table PHASE|REQUEST|HOLD] [--by scenarios|worlds]

Each mutant is put into the shipped core. Then the judges are asked, the cheap ones first: every
scenario of the corpus, and the exploration of some small worlds, in which every order is held
against the second reading of its trace. The comparison of tables and charts, which notices every
mutant, is not asked: the question is what the *behaviour* shows. A judge that never looks a cell
up, as the tables are shipped, cannot see what became of it and is not asked.

What nobody notices is a survivor, a missing promise; a cell that nobody looks up is dead. Two
tables here say which cells may be so and why; `spec/charts.py` says it where the cell stands. Exits
with 1 where something survives, or a cell is dead, that is not in them, or where they are wrong.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import click
from msgspec import Struct, field

from lifecycle.check.explore import FuseError, explore
from lifecycle.check.world import Budgets
from lifecycle.conform.play import play
from lifecycle.conform.reading import read_scenario, scenario_paths
from lifecycle.conform.scenario import Scenario
from lifecycle.core import order
from lifecycle.core.tables import DIVERGENCE, EXPECTED
from spec.states import Hold, HoldEvent, Phase, PhaseEvent, Request, RequestEvent
from tools.mutants.settings import setting

CORPUS: Final = Path(__file__).resolve().parent.parent / "spec" / "scenarios"
FUSE: Final = 20_000
HEAL_EVERY: Final = 50
TABLES: Final = {
    "PHASE": (Phase, PhaseEvent),
    "REQUEST": (Request, RequestEvent),
    "HOLD": (Hold, HoldEvent),
}
SCENARIOS: Final = "scenarios"
WORLDS: Final = "worlds"
FAULTS: Final = (AssertionError, KeyError, IndexError, ValueError)
"""What a core that went astray may raise."""


class Cell(NamedTuple):
    """One cell of a table."""

    table: str
    state: int
    event: int

    def __str__(self) -> str:
        """Return the cell in words."""
        states, events = TABLES[self.table]
        state, event = states(self.state).name.lower(), events(self.event).name.lower()
        return f"{self.table}[{state}][{event}]"


class Mutant(NamedTuple):
    """One changed cell."""

    table: str
    state: int
    event: int
    value: int

    @property
    def cell(self) -> Cell:
        """The cell that is changed."""
        return Cell(self.table, self.state, self.event)

    def __str__(self) -> str:
        """Return the cell and its new value in words."""
        states, _ = TABLES[self.table]
        names = {EXPECTED: "expected", DIVERGENCE: "divergence"}
        return f"{self.cell} = {names.get(self.value) or states(self.value).name.lower()}"


def _cells(table: str, states: Iterable[int], *events: int) -> list[Cell]:
    return [Cell(table, int(state), int(event)) for state in states for event in events]


_OPEN: Final = (Phase.PENDING_NEW, Phase.RESTING)
_CLOSED: Final = (Phase.FILLED, Phase.CANCELLED, Phase.REJECTED, Phase.RETIRED)
_PLACING: Final = (Request.PLACING, Request.PLACING_IN_DOUBT)
_MODIFYING: Final = (Request.MODIFYING, Request.MODIFYING_IN_DOUBT)
_CANCELLING: Final = (Request.CANCELLING, Request.CANCELLING_IN_DOUBT)
_IN_DOUBT: Final = (_PLACING[1], _MODIFYING[1], _CANCELLING[1])

NEVER_ASKED: Final[tuple[tuple[list[Cell], str], ...]] = (
    (
        _cells("PHASE", (*_OPEN, Phase.RETIRED), PhaseEvent.RETIRE),
        "only what has closed, and has not retired, is kept for its time to retire",
    ),
    (
        _cells("PHASE", _CLOSED, PhaseEvent.GONE),
        "absence is weighed for open orders only",
    ),
    (
        _cells(
            "REQUEST",
            (*_PLACING, *_MODIFYING, *_CANCELLING),
            *(RequestEvent.SEND_PLACE, RequestEvent.SEND_MODIFY, RequestEvent.SEND_CANCEL),
        ),
        "a place starts a new order, and what is not idle waits; sending all the same is our error",
    ),
    (
        _cells(
            "REQUEST",
            (Request.IDLE, *_PLACING, *_CANCELLING),
            RequestEvent.MODIFY_REFUSED_UNKNOWN,
        ),
        "the refusal of a modify that is not unanswered is an answer, whatever it says rests",
    ),
    (
        _cells("REQUEST", (Request.IDLE, *_PLACING, *_MODIFYING), RequestEvent.CANCEL_ANSWERED),
        "a cancellation answers only a cancel; else it ends the order by `closed`",
    ),
    (
        _cells("REQUEST", (Request.IDLE, *_IN_DOUBT), RequestEvent.UNANSWERED),
        "only what is in flight falls in doubt",
    ),
    (
        _cells("REQUEST", (Request.IDLE, *_PLACING), RequestEvent.DISPROVED),
        "a place that was not done ends the order; without a request there is no doubt",
    ),
    (
        _cells("HOLD", (Hold.LATCHED,), HoldEvent.LATCH),
        "what is latched already is left alone, cycle after cycle, for speed",
    ),
)
"""Cells that nobody looks up: the core asks only where the question has a meaning."""

EQUIVALENT: Final[tuple[tuple[list[Cell], str], ...]] = (
    (
        _cells("REQUEST", _CANCELLING, RequestEvent.CANCEL_ANSWERED),
        "in the same breath the order ends, and `closed` leads from every state to idle",
    ),
)
"""Cells of which only the divergence is seen: every other value comes to the same."""

_DEAD: Final = frozenset(cell for cells, _ in NEVER_ASKED for cell in cells)
_SAME: Final = frozenset(cell for cells, _ in EQUIVALENT for cell in cells)


def excused(mutant: Mutant) -> bool:
    """Say whether a mutant may survive."""
    same = mutant.cell in _SAME and mutant.value != DIVERGENCE
    return same or mutant.cell in _DEAD


def mutants(table: str) -> Iterator[Mutant]:
    """Yield every other value of every cell of a table."""
    states, _ = TABLES[table]
    for state, row in enumerate(getattr(order, table)):
        for event, cell in enumerate(row):
            same = state if cell == EXPECTED else cell
            for value in (EXPECTED, DIVERGENCE, *range(len(states))):
                # To stay is the same as to go to where it is.
                if value != cell and not (value in (state, EXPECTED) and same == state):
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


# Judges.


class _Row:
    """One row of a table that notes which of its cells are looked up."""

    def __init__(self, row: Sequence[int], cells: Sequence[Cell], seen: set[Cell]) -> None:
        self.row = row
        self.cells = cells
        self.seen = seen

    def __getitem__(self, event: int) -> int:
        self.seen.add(self.cells[event])
        return self.row[event]


def looked_up(run: Callable[[], object]) -> frozenset[Cell]:
    """Return the cells that something looks up in the shipped tables."""
    seen: set[Cell] = set()
    shipped = {table: getattr(order, table) for table in TABLES}
    for table, rows in shipped.items():
        noting = tuple(
            _Row(row, [Cell(table, state, event) for event in range(len(row))], seen)
            for state, row in enumerate(rows)
        )
        setattr(order, table, noting)
    try:
        run()
    finally:
        for table, rows in shipped.items():
            setattr(order, table, rows)
    return frozenset(seen)


class Judge(Struct, frozen=True):
    """Something that plays with the core, and says what is wrong with it."""

    kind: str
    verdict: Callable[[], str | None]
    cells: frozenset[Cell]
    """What it looks up in the shipped tables."""

    def notices(self) -> str | None:
        """Return what is wrong with the core as it is now, None where nothing is."""
        try:
            return self.verdict()
        except FuseError:
            return None
        except FAULTS as error:
            return f"{type(error).__name__}: {error}"


def _played(scenario: Scenario) -> str | None:
    failures = play(scenario).failures
    return f"{scenario.id}: {failures[0]}" if failures else None


def _explored(story: str, venue: str, budgets: Budgets) -> str | None:
    found = explore(
        setting(story, venue, budgets), fuse=FUSE, heal_every=HEAL_EVERY, stop=True, reading=True
    )
    return found.findings[0].broken.invariant if found.findings else None


WORLD_BUDGETS: Final = (
    ("stop", {"target_changes": 1, "unsent": 1}),
    ("move", {"target_changes": 1, "unsent": 1}),
    ("stop", {"target_changes": 1, "unasked": 1}),
    ("stop", {"target_changes": 1, "faults": 1}),
    ("stop", {"target_changes": 1, "fills": 1}),
    ("move", {"target_changes": 1, "early_cycles": 2}),
    ("move", {"target_changes": 1, "faults": 1}),
    ("move", {"crashes": 1, "fills": 1}),
    ("move", {"target_changes": 1, "unasked": 1}),
    ("move", {"target_changes": 1, "fills": 1}),
    ("move", {"faults": 1, "fills": 1}),
)
"""What is wanted, and how much may happen; everything else may not. Small worlds first."""


def scenario_judges() -> list[Judge]:
    """Return a judge for every scenario of the corpus."""
    plays = [partial(_played, read_scenario(path)) for path in scenario_paths([CORPUS])]
    return [Judge(SCENARIOS, one, looked_up(one)) for one in plays]


def world_judges() -> list[Judge]:
    """Return a judge for every small world, on both kinds of venue."""
    none = {"faults": 0, "target_changes": 0, "fills": 0}
    plays = [
        partial(_explored, story, venue, Budgets(**{**none, **spent}))
        for story, spent in WORLD_BUDGETS
        for venue in ("replace", "amend")
    ]
    return [Judge(WORLDS, one, looked_up(one)) for one in plays]


def judges(by: str | None = None) -> list[Judge]:
    """Return all judges, or those of one kind, the cheap ones first."""
    makers = {SCENARIOS: scenario_judges, WORLDS: world_judges}
    return [judge for kind, make in makers.items() if by in (None, kind) for judge in make()]


def noticed(mutant: Mutant, asked: Iterable[Judge]) -> tuple[str, str] | None:
    """Return which kind of judge notices a mutant, and what it says; None where none does."""
    for judge in asked:
        if mutant.cell in judge.cells:
            with planted(mutant):
                said = judge.notices()
            if said is not None:
                return judge.kind, said
    return None


class Tally(Struct):
    """What became of the mutants."""

    planted: int = 0
    by: Counter[str] = field(default_factory=Counter)
    """How many were noticed, by the kind of the judge that did first."""
    excused: int = 0
    wrong: list[str] = []
    """What should not be: survivors, dead cells, and excuses that do not hold."""

    def __str__(self) -> str:
        """Return the tally as one line."""
        found = ", ".join(f"{count} noticed by {kind}" for kind, count in self.by.items())
        return (
            f"{self.planted} mutants: {found}, {self.excused} excused; "
            f"{len(self.wrong)} should not be"
        )


def judged(
    tables: Iterable[str], asked: Sequence[Judge], tell: Callable[[str], None] = lambda _: None
) -> Tally:
    """Plant every mutant of the tables; what should not be is told at once, and kept."""
    tally = Tally()

    def wrong(text: str) -> None:
        tally.wrong.append(text)
        tell(text)

    seen = frozenset(cell for judge in asked for cell in judge.cells)
    for table in tables:
        states, events = TABLES[table]
        for cell in _cells(table, states, *events):
            if cell not in seen and cell not in _DEAD:
                wrong(f"dead: {cell}")
            if cell in seen and cell in _DEAD:
                wrong(f"said never to be asked, and asked: {cell}")
        for mutant in mutants(table):
            tally.planted += 1
            found = noticed(mutant, asked)
            if found is not None:
                tally.by[found[0]] += 1
            if excused(mutant):
                tally.excused += found is None
                if found is not None:
                    wrong(f"said to be the same, and noticed ({found[1]}): {mutant}")
            elif found is None:
                wrong(f"survives: {mutant}")
        tell(f"{table} done; {tally}")
    return tally


@click.command()
@click.option("--table", type=click.Choice(sorted(TABLES)), help="One table only.")
@click.option("--by", type=click.Choice([SCENARIOS, WORLDS]), help="One kind of judges only.")
def main(table: str | None, by: str | None) -> None:
    """Plant every mutant of the tables, and say which survive."""
    asked = judges(by)
    tally = judged(TABLES if table is None else (table,), asked, click.echo)
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
