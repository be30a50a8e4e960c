"""Mutants of the tables: all of them are planted, one at a time, and taken out again."""

from lifecycle.core import order
from lifecycle.core.tables import DIVERGENCE, EXPECTED
from spec.states import Phase, PhaseEvent
from tools.table_mutants import Mutant, mutants, noticed, planted

NEVER_ACCEPTED = Mutant("PHASE", Phase.PENDING_NEW, PhaseEvent.ACCEPTED, EXPECTED)


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


def test_an_order_that_is_never_taken_for_resting_is_noticed() -> None:
    assert noticed(NEVER_ACCEPTED) is not None


def test_a_mutant_is_named_in_words() -> None:
    mutant = Mutant("PHASE", Phase.RESTING, PhaseEvent.GONE, DIVERGENCE)

    assert str(mutant) == "PHASE[resting][gone] = divergence"
