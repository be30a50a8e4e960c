"""The compiled tables are the charts: every cell and random walks beside the library's engine.

python-statemachine is the slow reference interpreter here; what the compiler reads off the
classes, the engine finds out by running them.
"""

from collections.abc import Iterable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statemachine.exceptions import TransitionNotAllowed

from lifecycle.core.tables import DIVERGENCE, EXPECTED, HOLD, PHASE, REQUEST
from spec.charts import Chart
from spec.states import CLOSED_PHASES, IN_DOUBT_REQUESTS, Phase, PhaseEvent, Request, RequestEvent
from tools.compile_charts import SOURCES, Source, compile_chart

TABLES: Final = {"PHASE": PHASE, "REQUEST": REQUEST, "HOLD": HOLD}
CELLS: Final = [
    pytest.param(source, state, event, id=f"{source.name}-{state.name}-{event.name}")
    for source in SOURCES
    for state in source.states
    for event in source.events
]
by_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


def event_ids(source: Source) -> list[str]:
    """Return the chart's event ids in the order of the event's numbers."""
    events: Any = source.chart.events
    ids = {str(event.id).removesuffix("_").upper(): str(event.id) for event in events}
    return [ids[member.name] for member in source.events]


def engine_answer(chart: Chart, event_id: str) -> int:
    """Send an event to a running chart; return its answer as a cell of a table says it."""
    before = int(chart.current_state_value)
    try:
        chart.send(event_id)
    except TransitionNotAllowed:
        assert int(chart.current_state_value) == before
        return DIVERGENCE
    after = int(chart.current_state_value)
    return EXPECTED if after == before else after


@pytest.mark.parametrize(("source", "state", "event"), CELLS)
def test_every_cell_is_what_the_engine_answers(source: Source, state: int, event: int) -> None:
    chart = source.chart(start_value=source.states(state))

    answer = engine_answer(chart, event_ids(source)[event])

    assert TABLES[source.name][state][event] == answer


@by_source
@given(data=st.data())
def test_the_engine_and_the_table_walk_together(source: Source, data: st.DataObject) -> None:
    events = data.draw(st.lists(st.sampled_from(source.events), max_size=25))
    table, ids, chart = TABLES[source.name], event_ids(source), source.chart()
    state = int(chart.current_state_value)

    for event in events:
        answer = table[state][event]
        assert engine_answer(chart, ids[event]) == answer
        state = answer if answer >= 0 else state
        assert int(chart.current_state_value) == state


@by_source
def test_a_committed_table_is_what_the_compiler_reads(source: Source) -> None:
    assert TABLES[source.name] == compile_chart(source).cells


@by_source
def test_a_table_has_a_row_for_each_state_and_a_cell_for_each_event(source: Source) -> None:
    rows = TABLES[source.name]

    assert len(rows) == len(source.states)
    assert {len(row) for row in rows} == {len(source.events)}


def reachable(table: Iterable[tuple[int, ...]], start: int) -> set[int]:
    """Return the states that some sequence of events leads to."""
    rows = list(table)
    seen, frontier = {start}, [start]
    while frontier:
        for answer in rows[frontier.pop()]:
            if answer >= 0 and answer not in seen:
                seen.add(answer)
                frontier.append(answer)
    return seen


@by_source
def test_every_state_is_reachable_from_the_initial_one(source: Source) -> None:
    initial = int(source.chart().current_state_value)

    assert reachable(TABLES[source.name], initial) == {int(state) for state in source.states}


@pytest.mark.parametrize("phase", sorted(CLOSED_PHASES))
def test_a_closed_phase_leads_nowhere_but_to_retired(phase: Phase) -> None:
    assert reachable(PHASE, phase) <= {phase, Phase.RETIRED}


def test_everything_that_reaches_a_retired_order_is_a_divergence() -> None:
    assert set(PHASE[Phase.RETIRED]) == {DIVERGENCE}


def test_a_fill_after_a_cancellation_is_expected_and_changes_nothing() -> None:
    for event in (PhaseEvent.FILLED_IN_PART, PhaseEvent.FILLED_WHOLE):
        assert PHASE[Phase.CANCELLED][event] == EXPECTED


def test_a_command_is_sent_by_an_idle_order_only() -> None:
    sends = (RequestEvent.SEND_PLACE, RequestEvent.SEND_MODIFY, RequestEvent.SEND_CANCEL)

    for request in Request:
        for event in sends:
            assert (REQUEST[request][event] >= 0) == (request is Request.IDLE)


@pytest.mark.parametrize("request_", sorted(IN_DOUBT_REQUESTS))
def test_waiting_never_ends_a_doubt(request_: Request) -> None:
    assert REQUEST[request_][RequestEvent.UNANSWERED] == EXPECTED
    assert REQUEST[request_][RequestEvent.CLOSED] == Request.IDLE
