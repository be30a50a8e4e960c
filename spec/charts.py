"""The three machines of an order, declared: the only place where a transition is written down.

`tools.compile_charts` turns these charts into the tables of `lifecycle.core.tables` and into
`docs/states.md`; the core never imports this module. Every (state, event) cell has one answer:

* a transition to another state: *next*;
* an internal self-transition (`stays`): *expected, no change*;
* nothing: *divergence*. The record and the report cannot both be true, or, for an event that we
  raise ourselves, our code is wrong.

Charts carry no guards, no actions and no eventless transitions: what depends on data was made a
different event before the chart is asked (`lifecycle.core.classify`).

Some cells are never asked, because of what the core asks and when; the comments say which and why.
`tools.table_mutants` holds that against what is looked up in all scenarios and in small worlds.
"""

from statemachine import State, StateChart
from statemachine.transition_list import TransitionList

from spec.states import Hold, Phase, Request


class Chart(StateChart[object]):
    """A strict chart: unknown events and errors are raised, configurations change at once."""

    allow_event_without_transition = False
    enable_self_transition_entries = False
    atomic_configuration_update = True
    catch_errors_as_events = False


def stays(*states: State) -> TransitionList:
    """Declare that the event is expected in each of `states` and changes nothing."""
    transitions = TransitionList()
    for state in states:
        transitions = transitions | state.to(state, internal=True)
    return transitions


class PhaseChart(Chart):
    """The venue's side of an order."""

    pending_new = State(initial=True, value=Phase.PENDING_NEW)
    resting = State(value=Phase.RESTING)
    filled = State(value=Phase.FILLED)
    cancelled = State(value=Phase.CANCELLED)
    rejected = State(value=Phase.REJECTED)
    # Only retired is final: a closed order still has late fills and duplicates to expect.
    retired = State(final=True, value=Phase.RETIRED)

    # A cancellation or a fill may overtake the acceptance, which then changes nothing.
    # After a rejection it is a divergence: something may rest that we believe never did.
    accepted = pending_new.to(resting) | stays(resting, filled, cancelled)

    # A fill proves that the order came on the book. A late one counts and re-opens nothing.
    filled_in_part = pending_new.to(resting) | stays(resting, filled, cancelled)
    filled_whole = filled.from_(pending_new, resting) | stays(filled, cancelled)

    # A whole fill and a cancellation of the same leg exclude each other.
    # Some venues refuse a place and report it cancelled as well.
    cancelled_ = cancelled.from_(pending_new, resting) | stays(cancelled, rejected)
    # Refused after it rested or filled: cannot be. After a cancellation: one fact, two channels.
    rejected_ = pending_new.to(rejected) | stays(cancelled, rejected)

    # A leg's end never ends the order; a leg of an order that was never accepted cannot end.
    leg_ended = stays(resting, filled, cancelled)

    # Absence says closed, not how. What was never accepted is taken never to have rested, so that
    # a late acceptance or fill is a divergence. Of closed orders never asked: absence is weighed
    # for open ones only.
    gone = pending_new.to(rejected) | resting.to(cancelled) | stays(filled, cancelled, rejected)

    # Only what has closed and not retired waits for its time: of the others never asked.
    retire = retired.from_(filled, cancelled, rejected)


class RequestChart(Chart):
    """Our side of an order: the one request that may be unanswered."""

    idle = State(initial=True, value=Request.IDLE)
    placing = State(value=Request.PLACING)
    placing_in_doubt = State(value=Request.PLACING_IN_DOUBT)
    modifying = State(value=Request.MODIFYING)
    modifying_in_doubt = State(value=Request.MODIFYING_IN_DOUBT)
    cancelling = State(value=Request.CANCELLING)
    cancelling_in_doubt = State(value=Request.CANCELLING_IN_DOUBT)

    # One request at a time: sending while another is unanswered is our error. So it is never asked
    # but of idle orders: a place starts a new one, and a cycle lets what is not idle wait.
    send_place = idle.to(placing)
    send_modify = idle.to(modifying)
    send_cancel = idle.to(cancelling)

    # A second answer answers nothing. The place of an order that we modify or cancel has been
    # answered or proven before, so its acknowledgement may still come.
    place_answered = idle.from_(placing, placing_in_doubt) | stays(
        idle, modifying, modifying_in_doubt, cancelling, cancelling_in_doubt
    )

    # Before the place was answered no modify was sent: such an answer is a divergence. Whether a
    # refusal leaves something unknown is asked while a modify is unanswered only; any other is
    # given as `modify_answered`.
    modify_answered = idle.from_(modifying, modifying_in_doubt) | stays(
        idle, cancelling, cancelling_in_doubt
    )
    modify_refused_unknown = modifying.to(modifying_in_doubt) | stays(
        modifying_in_doubt, idle, cancelling, cancelling_in_doubt
    )

    # An unsolicited cancellation ends the order by `closed`; it never answers another request, so
    # this is asked of cancels only. And it ends the order in the same breath: from whichever state
    # this leads to, `closed` leads to idle, so that only a divergence would be seen.
    cancel_answered = idle.from_(cancelling, cancelling_in_doubt) | stays(idle)
    # Refused is not gone: the order may or may not rest, so its cancel stays in doubt.
    cancel_refused = cancelling.to(cancelling_in_doubt) | stays(
        cancelling_in_doubt, idle, modifying, modifying_in_doubt
    )

    # Unknown is never failed: waiting longer changes nothing. Asked of what is in flight only: of
    # what is idle or in doubt already, never.
    unanswered = (
        placing.to(placing_in_doubt)
        | modifying.to(modifying_in_doubt)
        | cancelling.to(cancelling_in_doubt)
        | stays(placing_in_doubt, modifying_in_doubt, cancelling_in_doubt, idle)
    )

    # Evidence that it was not done ends a doubt; a place that was not done ends the order (`gone`
    # or `rejected`), so of placing, and of idle, this is never asked.
    disproved = idle.from_(modifying, modifying_in_doubt, cancelling, cancelling_in_doubt)

    closed = idle.from_(
        placing,
        placing_in_doubt,
        modifying,
        modifying_in_doubt,
        cancelling,
        cancelling_in_doubt,
    ) | stays(idle)


class HoldChart(Chart):
    """The policy's side: why an order is kept as it is."""

    free = State(initial=True, value=Hold.FREE)
    latched = State(value=Hold.LATCHED)
    debounced = State(value=Hold.DEBOUNCED)

    latch = latched.from_(free, debounced) | stays(latched)
    debounce = debounced.from_(free, latched) | stays(debounced)
    release = free.from_(latched, debounced) | stays(free)
