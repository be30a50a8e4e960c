"""Mutants of the tables: all are planted, one at a time, and what the core then does shows each."""

from typing import Final

import pytest
from click.testing import CliRunner

from lifecycle.core import order
from lifecycle.core.tables import DIVERGENCE, EXPECTED
from spec.states import Phase, PhaseEvent, Request, RequestEvent
from tools import table_mutants
from tools.table_mutants import (
    EQUIVALENT,
    NEVER_ASKED,
    SCENARIOS,
    TABLES,
    WORLDS,
    Cell,
    Judge,
    Mutant,
    excused,
    judged,
    judges,
    looked_up,
    mutants,
    noticed,
    planted,
)

NEVER_ACCEPTED: Final = Mutant("PHASE", Phase.PENDING_NEW, PhaseEvent.ACCEPTED, EXPECTED)
NOT_TAKEN_BACK: Final = Mutant("REQUEST", Request.MODIFYING, RequestEvent.DISPROVED, EXPECTED)
WHAT_SCENARIOS_CANNOT_SAY: Final = {
    Cell("REQUEST", Request.MODIFYING, RequestEvent.DISPROVED),
    Cell("REQUEST", Request.CANCELLING, RequestEvent.DISPROVED),
}
"""A scenario has no word for a request that never left the process; the worlds have."""


@pytest.fixture(scope="module")
def scenarios() -> list[Judge]:
    return judges(SCENARIOS)


@pytest.fixture
def small_worlds(monkeypatch: pytest.MonkeyPatch) -> list[Judge]:
    """Return the smallest worlds with a request that is never sent."""
    monkeypatch.setattr(table_mutants, "WORLD_BUDGETS", table_mutants.WORLD_BUDGETS[:2])
    return judges(WORLDS)


def test_every_cell_of_a_table_has_its_mutants() -> None:
    found = list(mutants("PHASE"))

    assert {(one.state, one.event) for one in found} == {
        (state, event) for state in Phase for event in PhaseEvent
    }
    assert all(vars(order)["PHASE"][one.state][one.event] != one.value for one in found)


def test_a_mutant_is_planted_in_the_shipped_core_and_taken_out_again() -> None:
    before = vars(order)["PHASE"]

    with planted(NEVER_ACCEPTED):
        inside = vars(order)["PHASE"][Phase.PENDING_NEW][PhaseEvent.ACCEPTED]

    assert inside == EXPECTED
    assert vars(order)["PHASE"] is before


def test_every_mutant_is_noticed_and_no_cell_is_dead_that_is_not_said_to_be(
    scenarios: list[Judge], small_worlds: list[Judge]
) -> None:
    tally = judged(TABLES, [*scenarios, *small_worlds])

    assert tally.wrong == []
    assert tally.planted == 945
    assert tally.by[SCENARIOS] + tally.by[WORLDS] + tally.excused == tally.planted


def test_scenarios_leave_only_what_they_have_no_word_for(scenarios: list[Judge]) -> None:
    left = [
        mutant
        for table in TABLES
        for mutant in mutants(table)
        if not excused(mutant) and noticed(mutant, scenarios) is None
    ]

    assert {mutant.cell for mutant in left} == WHAT_SCENARIOS_CANNOT_SAY


def test_a_world_notices_by_the_second_reading(small_worlds: list[Judge]) -> None:
    assert noticed(NOT_TAKEN_BACK, small_worlds) == (WORLDS, "reading")


def test_a_judge_that_never_looks_a_cell_up_is_not_asked(scenarios: list[Judge]) -> None:
    asked = [judge for judge in scenarios if NEVER_ACCEPTED.cell not in judge.cells]

    assert asked
    assert noticed(NEVER_ACCEPTED, asked) is None
    assert noticed(NEVER_ACCEPTED, scenarios) is not None


def test_looking_up_is_noted_in_the_shipped_tables_and_leaves_them_alone() -> None:
    before = dict(vars(order))

    cells = looked_up(lambda: vars(order)["PHASE"][Phase.RESTING][PhaseEvent.GONE])

    assert cells == {Cell("PHASE", Phase.RESTING, PhaseEvent.GONE)}
    assert {table: vars(order)[table] for table in TABLES} == {
        table: before[table] for table in TABLES
    }


def test_an_excuse_that_does_not_hold_is_wrong_and_so_is_a_dead_cell() -> None:
    dead = NEVER_ASKED[0][0][0]
    same = EQUIVALENT[0][0][0]
    judge = Judge("a liar", lambda: "always wrong", frozenset({dead, same}))
    told: list[str] = []

    tally = judged(["PHASE", "REQUEST"], [judge], told.append)

    assert f"said never to be asked, and asked: {dead}" in tally.wrong
    assert f"said to be the same, and noticed (always wrong): {same} = expected" in tally.wrong
    assert "dead: PHASE[pending_new][accepted]" in tally.wrong
    assert "survives: PHASE[pending_new][accepted] = expected" in tally.wrong
    assert set(tally.wrong) < set(told)


def test_the_exit_code_says_whether_something_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_mutants, "judges", lambda _: [])

    result = CliRunner().invoke(table_mutants.main, ["--table", "HOLD"])

    assert result.exit_code == 1
    assert "survives: HOLD[free][latch] = expected" in result.output


def test_no_excuse_is_given_twice_and_each_has_its_reason() -> None:
    cells = [cell for group in (NEVER_ASKED, EQUIVALENT) for some, _ in group for cell in some]

    assert len(cells) == len(set(cells))
    assert all(len(reason) > 20 for group in (NEVER_ASKED, EQUIVALENT) for _, reason in group)


def test_a_mutant_is_named_in_words() -> None:
    mutant = Mutant("PHASE", Phase.RESTING, PhaseEvent.GONE, DIVERGENCE)

    assert str(mutant) == "PHASE[resting][gone] = divergence"
