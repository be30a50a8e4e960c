"""The displayed state: one word for every combination of the three machines, by precedence."""

import itertools
from typing import Final, TypeAlias

import pytest

from spec.states import (
    CLOSED_PHASES,
    IN_DOUBT_REQUESTS,
    Hold,
    HoldEvent,
    Phase,
    PhaseEvent,
    Request,
    RequestEvent,
    State,
    displayed,
    request_word,
)

Combination: TypeAlias = tuple[Phase, Request, Hold]

COMBINATIONS: Final[list[Combination]] = list(itertools.product(Phase, Request, Hold))

# The design's list: each word, and the members of any machine that say it; the first one is shown.
PRECEDENCE: Final = (
    ("retired", {"RETIRED"}),
    ("filled", {"FILLED"}),
    ("cancelled", {"CANCELLED"}),
    ("rejected", {"REJECTED"}),
    ("in-doubt", {"PLACING_IN_DOUBT", "MODIFYING_IN_DOUBT", "CANCELLING_IN_DOUBT"}),
    ("cancelling", {"CANCELLING"}),
    ("modify-pending", {"MODIFYING"}),
    ("pending-new", {"PENDING_NEW"}),
    ("debounced", {"DEBOUNCED"}),
    ("latched", {"LATCHED"}),
    ("resting", {"RESTING"}),
)


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda c: "-".join(m.name for m in c))
def test_every_combination_shows_the_first_word_that_fits(combination: Combination) -> None:
    names = {member.name for member in combination}
    expected = next(word for word, members in PRECEDENCE if members & names)

    assert displayed(*combination) == expected


def test_the_states_stand_in_their_order_of_precedence() -> None:
    assert [state.value for state in State] == [word for word, _ in PRECEDENCE]


def test_every_displayed_state_is_shown_by_some_combination() -> None:
    shown = {displayed(*combination) for combination in COMBINATIONS}

    assert shown == set(State)


def test_an_order_shows_as_closed_exactly_when_its_phase_is_closed() -> None:
    closed_words = {State.RETIRED, State.FILLED, State.CANCELLED, State.REJECTED}

    for phase, request, hold in COMBINATIONS:
        assert (displayed(phase, request, hold) in closed_words) == (phase in CLOSED_PHASES)


def test_a_possibly_live_order_shows_its_doubt_whatever_its_hold() -> None:
    for phase, request, hold in COMBINATIONS:
        if phase not in CLOSED_PHASES and request in IN_DOUBT_REQUESTS:
            assert displayed(phase, request, hold) is State.IN_DOUBT


def test_every_request_has_a_word_of_its_own() -> None:
    words = [request_word(request) for request in Request]

    assert len(set(words)) == len(Request)
    assert all(words)


def test_a_request_word_ends_in_a_question_mark_exactly_while_in_doubt() -> None:
    for request in Request:
        assert request_word(request).endswith("?") == (request in IN_DOUBT_REQUESTS)


@pytest.mark.parametrize("members", [Phase, PhaseEvent, Request, RequestEvent, Hold, HoldEvent])
def test_the_values_are_dense_from_zero(members: type[Phase]) -> None:
    assert [int(member) for member in members] == list(range(len(members)))
