"""Each promise has a trace that breaks it, and a neighbour that keeps it: every other as well."""

from collections.abc import Sequence
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.reports import (
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Reconnected,
    Rejected,
    Snapshot,
)
from exchange.units import seconds
from exchange.words import CancelReason, Side
from spec.invariants.all import INVARIANTS
from spec.invariants.base import watch
from spec.rules import Rules
from spec.trace import Action, Decision, Reason, Record
from tests.spec.invariants.guarded import EXCUSES, GUARDED
from tests.spec.invariants.records import (
    RULES,
    ask,
    ask_open,
    cancel,
    cancelling,
    cycle,
    decided,
    empty,
    filled,
    given_up,
    heard,
    listed,
    modify,
    moved,
    moving,
    place,
    placed,
    placing,
    restarted,
    resting,
    ticked,
)

HERE: Final = [(20_000, 10)]
THERE: Final = [(20_100, 10)]
FAR: Final = [(20_200, 10)]
CAPPED: Final = replace(RULES, exposure_cap=15)
IN_STEP: Final = replace(RULES, in_step=True)

KEPT: Final = decided("a", Action.KEEP, Reason.SAME_POINT)
MOVES: Final = decided("a", Action.MODIFY, Reason.MODIFY, target=20_100)
IN_DOUBT: Final = decided("a", Action.WAIT, Reason.IN_DOUBT, level=-1, target=0, target_qty=0)
GOES: Final = decided("a", Action.CANCEL, Reason.WITHDRAWN, level=-1, target=0, target_qty=0)
GONE: Final = heard(2, Cancelled(seconds(2), "a", "101", CancelReason.MARGIN))
NO_CANCEL: Final = heard(2.1, CancelRejected(seconds(2.1), "a", "unknown", 2), ask(3))
NO_PLACE: Final = heard(1.1, Rejected(seconds(1.1), "a", "no", 1))
BROKEN: Final = heard(1, Disconnected(seconds(1)))
STRAY: Final = heard(2, Fill(seconds(2), None, "999", 8, 20_000, "t9", Side.BUY))


def there(action: Action, reason: Reason, *, oid_price: int = 20_100, target: int) -> Decision:
    """Return a decision about `a` when it has moved to 20100."""
    return decided("a", action, reason, price=oid_price, target=target)


DEBOUNCED: Final = there(Action.WAIT, Reason.DEBOUNCED, target=20_200)

# Promise, what else is broken with it, the rules, the trace that breaks it, one that keeps it.
# fmt: off
TRACES: Final[list[tuple[str, str, Rules, list[Record], list[Record]]]] = [
    ("S1", "", RULES,
     [*placing(), cycle(2, THERE, decided("a", Action.WAIT, Reason.IN_FLIGHT, target=20_100),
                        sends=[replace(modify(2), oid=None)])],
     moving()),
    ("S1", "", RULES,
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2), modify(3)])],
     moving()),
    ("S2", "", RULES,
     [*resting(), GONE, cycle(3, HERE, placed("b"),
                              sends=[cancel(2, at=3), place(3, "b", at=3)])],
     cancelling()),
    ("S2", "", RULES,
     [*resting(), GONE, cycle(3, HERE, KEPT)],
     [*resting(), GONE, cycle(3, HERE, placed("b"), sends=[place(2, "b", at=3)])]),
    ("S3", "", RULES,
     [*cancelling(), NO_CANCEL, cycle(3)],
     [*cancelling(), NO_CANCEL, cycle(3, (), IN_DOUBT)]),
    ("S3", "", RULES,
     [*cancelling(), NO_CANCEL, cycle(3, HERE, KEPT)],
     [*cancelling(), NO_CANCEL, cycle(3, (), IN_DOUBT)]),
    ("S4", "", RULES,
     [*resting(), cycle(2, THERE, decided("a", Action.KEEP, Reason.LATCHED, target=20_100),
                        placed("b", price=20_100), sends=[place(2, "b", price=20_100)])],
     [*resting(), cycle(2, [*THERE, *HERE], decided("a", Action.KEEP, Reason.SAME_POINT, level=1),
                        placed("b", price=20_100), sends=[place(2, "b", price=20_100)])]),
    ("S5", "", RULES,
     [*moved(), cycle(2.3, FAR, DEBOUNCED),
      cycle(3, FAR, there(Action.CANCEL, Reason.REPLACE, target=20_200), sends=[cancel(3, at=3)])],
     [*moved(), cycle(2.3, FAR, DEBOUNCED),
      cycle(3, FAR, there(Action.CANCEL, Reason.EMERGENCY, target=20_200),
            sends=[cancel(3, at=3)])]),
    ("S6", "", CAPPED,
     moving(),
     [*resting(), cycle(2, [(20_100, 5)], decided("a", Action.MODIFY, Reason.MODIFY,
                                                  target=20_100, target_qty=5),
                        sends=[modify(2, qty=5)])]),
    ("S7", "", RULES,
     [*resting(), filled(2, 4), cycle(3, HERE, decided("a", Action.KEEP, Reason.LATCHED, qty=6))],
     [*resting(), filled(2, 4), filled(2.1, 4),
      cycle(3, HERE, decided("a", Action.KEEP, Reason.LATCHED, qty=6), position=4)]),
    ("S8", "", RULES,
     [*moved(), filled(3, 2), cycle(4, (), position=2)],
     [*moved(), filled(3, 2),
      cycle(4, THERE, there(Action.KEEP, Reason.SAME_POINT, target=20_100), position=2)]),
    ("S9", "", RULES,
     [*resting(), cycle(2, HERE, KEPT, decided("b", Action.PLACE, Reason.UNCOVERED, side=Side.SELL,
                                               price=19_990, target=19_990),
                        asks=[(19_990, 10)], sends=[place(2, "b", price=19_990, side=Side.SELL)])],
     [*resting(), cycle(2, HERE, KEPT, decided("b", Action.PLACE, Reason.UNCOVERED, side=Side.SELL,
                                               price=20_010, target=20_010),
                        asks=[(20_010, 10)], sends=[place(2, "b", price=20_010, side=Side.SELL)])]),
    ("S10", "", RULES,
     [cycle(1, HERE, placed(), sends=[place(1)], ask=20_000)],
     [cycle(1, HERE, placed(), sends=[place(1)], ask=20_001)]),
    ("S10", "", RULES,
     [cycle(1, [(900, 10)], placed(price=900), sends=[place(1, price=900)])],
     [cycle(1, [(1_000, 10)], placed(price=1_000), sends=[place(1, price=1_000)])]),
    ("S10", "", RULES,
     [cycle(1, HERE, placed(), sends=[place(1, qty=0)])],
     placing()),
    ("S10", "", RULES,
     [cycle(1, [(-20_000, 10)], placed(price=-20_000), sends=[place(1, price=-20_000)])],
     placing()),
    ("S11", "", replace(RULES, quota_cap=3, quota_used=2),
     moving(),
     resting()),
    ("S11", "", replace(RULES, cancel_cap=0),
     cancelling(),
     moving()),
    ("S12", "", RULES,
     [*placing(), NO_PLACE, cycle(1.5, HERE, placed("b"), sends=[place(2, "b")])],
     [*placing(), NO_PLACE, cycle(2.2, HERE, placed("b"), sends=[place(2, "b")])]),
    ("S13", "S14", RULES,
     [*resting(), cycle(2, HERE, KEPT, sends=[modify(2, price=20_000)])],
     [*resting(), cycle(2, HERE, KEPT)]),
    ("S14", "", RULES,
     [*resting(), cycle(2, [(20_006, 10)], decided("a", Action.MODIFY, Reason.MODIFY,
                                                   target=20_006),
                        sends=[modify(2, price=20_006)])],
     [*resting(), cycle(2, [(20_007, 10)], decided("a", Action.MODIFY, Reason.MODIFY,
                                                   target=20_007),
                        sends=[modify(2, price=20_007)])]),
    ("S15", "", RULES,
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2, reduce_only=True)])],
     moving()),
    ("S15", "", RULES,
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2, side=Side.SELL)])],
     moving()),
    ("S16", "", RULES,
     [*moving(), cycle(2.5, HERE, KEPT)],
     [*moving(), cycle(2.5, HERE, decided("a", Action.WAIT, Reason.IN_FLIGHT))]),
    ("S16", "", RULES,
     [*moving(), cycle(2.5)],
     [*moving(), cycle(2.5, (), replace(IN_DOUBT, reason=Reason.IN_FLIGHT))]),
    ("S17", "", RULES,
     [*resting(), cycle(2, [*HERE, (19_900, 10)], KEPT, placed("b", level=1, price=19_900),
                        sends=[place(1, "b", price=19_900)])],
     [*resting(), cycle(2, [*HERE, (19_900, 10)], KEPT, placed("b", level=1, price=19_900),
                        sends=[place(2, "b", price=19_900)])]),
    ("S17", "", IN_STEP,
     [*resting(), cycle(2, [*HERE, (19_999, 10)], KEPT, placed("a", level=1, price=19_999),
                        sends=[place(2, "a", price=19_999)])],
     resting()),
    ("S18", "", RULES,
     [*resting(), cycle(2, (), GOES, sends=[cancel(2, "stranger")])],
     cancelling()),
    ("S18", "", RULES,
     [*resting(), cycle(2, (), GOES, sends=[cancel(2, oid="999")])],
     [*resting(), cycle(2, (), GOES, sends=[cancel(2, oid=None)])]),
    ("S19", "", RULES,
     [*moved(), cycle(3, HERE, KEPT)],
     [*moved(), cycle(3, THERE, there(Action.KEEP, Reason.SAME_POINT, target=20_100))]),
    ("S20", "", RULES,
     [*placing(), given_up(1.5, place(1), ask(2)), cycle(2)],
     [*placing(), given_up(1.5, place(1), ask(2)), cycle(2, (), IN_DOUBT)]),
    ("S21", "", RULES,
     [BROKEN, cycle(2, HERE, placed(), sends=[place(1, at=2)])],
     [BROKEN, cycle(2, HERE, empty(Reason.BLIND))]),
    ("S21", "", RULES,
     [BROKEN, heard(2, Reconnected(seconds(2)), ask_open(1)), heard(3, Snapshot(seconds(1.9), ())),
      cycle(4, HERE, placed(), sends=[place(2, at=4)])],
     [BROKEN, heard(2, Reconnected(seconds(2)), ask_open(1)), heard(3, Snapshot(seconds(2.5), ())),
      cycle(4, HERE, placed(), sends=[place(2, at=4)])]),
    ("S21", "", RULES,
     [*resting(), restarted(2, ask_open(2)), cycle(3, (), GOES, sends=[cancel(3, at=3)])],
     [*resting(), restarted(2, ask_open(2)), listed(2.5),
      cycle(3, (), GOES, sends=[cancel(3, at=3)])]),
    ("S22", "", RULES,
     [cycle(1, HERE, placed(price=19_994), sends=[place(1, price=19_994)],
            points=[(19_994, 10)], step=4)],
     [cycle(1, HERE, placed(), sends=[place(1)], points=HERE, step=4)]),
    ("S22", "V1", RULES,
     [cycle(1, HERE, points=[(20_000, 9)], step=4)],
     placing()),
    ("S23", "", RULES,
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2, price=20_101)])],
     moving()),
    ("S23", "", RULES,
     [cycle(1, HERE, decided("a", Action.PLACE, Reason.UNCOVERED, price=19_999),
            sends=[place(1, price=19_999)])],
     placing()),
    ("S23", "", IN_STEP,
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2, price=20_107)])],
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2, price=20_106)])]),
    ("S23", "", IN_STEP,
     [cycle(1, HERE, decided("a", Action.PLACE, Reason.UNCOVERED, price=19_993),
            sends=[place(1, price=19_993)])],
     [cycle(1, HERE, decided("a", Action.PLACE, Reason.UNCOVERED, price=19_994),
            sends=[place(1, price=19_994)])]),
    ("V1", "", RULES,
     [cycle(1, HERE)],
     placing()),
    ("V2", "", RULES,
     [*resting(), *(cycle(at, [(20_013, 10)], decided("a", Action.KEEP, Reason.LATCHED,
                                                      target=20_013)) for at in (2, 3))],
     [*resting(), *(cycle(at, [(20_012, 10)], decided("a", Action.KEEP, Reason.LATCHED,
                                                      target=20_012)) for at in (2, 3))]),
    ("V2", "", RULES,
     [*resting(), *(cycle(at, FAR, decided("a", Action.WAIT, Reason.QUOTA, target=20_200))
                    for at in (2, 3))],
     [*resting(), cycle(2, THERE, decided("a", Action.WAIT, Reason.QUOTA, target=20_100)),
      cycle(3, THERE, MOVES, sends=[modify(2, at=3)])]),
    ("V3", "", RULES,
     [*moved(), cycle(2.5, FAR, DEBOUNCED)],
     [*moved(), cycle(2.4, FAR, DEBOUNCED)]),
    ("V4", "", RULES,
     [*moving(), given_up(2.5, modify(2), ask(3)), moved()[-1],
      cycle(3, THERE, there(Action.WAIT, Reason.IN_DOUBT, target=20_100))],
     [*moving(), given_up(2.5, modify(2), ask(3)),
      cycle(3, THERE, decided("a", Action.WAIT, Reason.IN_DOUBT, target=20_100))]),
    ("V5", "", RULES,
     [*cancelling(), NO_CANCEL, listed(3), cycle(4, (), IN_DOUBT)],
     [*cancelling(), NO_CANCEL, listed(3), cycle(4, (), GOES, sends=[cancel(4, at=4)])]),
    ("V6", "", CAPPED,
     [*resting(), STRAY, cycle(3, HERE, KEPT, position=8)],
     [*resting(), STRAY, cycle(3, HERE, decided("a", Action.CANCEL, Reason.EMERGENCY), position=8,
                               sends=[cancel(2, at=3)])]),
    ("V6", "", RULES,
     [*resting(), cycle(2, HERE, KEPT,
                        replace(empty(Reason.OWN_ORDER, price=19_990), side=Side.SELL),
                        asks=[(19_990, 10)])],
     [*resting(), cycle(2, (), GOES,
                        replace(empty(Reason.OWN_ORDER, price=19_990), side=Side.SELL),
                        asks=[(19_990, 10)], sends=[cancel(2)])]),
    ("V7", "", RULES,
     [*placing(), given_up(1.5, place(1))],
     [*placing(), given_up(1.5, place(1), ask(2))]),
    ("V7", "", RULES,
     [*placing(), given_up(1.5, place(1), ask(2)), cycle(11.5, (), IN_DOUBT)],
     [*placing(), given_up(1.5, place(1), ask(2)), cycle(11.5, (), IN_DOUBT, sends=[ask(3)])]),
    ("V7", "", RULES,
     [*resting(), cycle(121, HERE, KEPT)],
     [*resting(), ticked(61, ask_open(2)), cycle(121, HERE, KEPT)]),
]
# fmt: on


ALL: Final = [*TRACES, *GUARDED]


def broken(rules: Rules, trace: Sequence[Record]) -> list[str]:
    """Return the ids of what a trace breaks, each once, in order."""
    found = watch(rules, INVARIANTS, trace)
    return list(dict.fromkeys(one.invariant for one in found))


def test_all_promises_are_there_in_order() -> None:
    ids = [invariant.id for invariant in INVARIANTS]

    assert sorted(ids) == sorted(
        [f"S{number}" for number in range(1, 26)] + [f"V{number}" for number in range(1, 10)]
    )
    assert len(set(ids)) == len(ids)


def test_a_promise_is_one_sentence_without_its_full_stop() -> None:
    sentences = [invariant.sentence for invariant in INVARIANTS]

    assert len(set(sentences)) == len(sentences)
    assert [text for text in sentences if text[-1] in ".!?" or not 10 < len(text) < 80] == []


def test_a_promise_judges_every_record_or_cycles_or_those_that_send() -> None:
    ways = [(one.on_record, one.on_cycle, one.on_send) for one in INVARIANTS]

    assert all(sum(way is not None for way in one) == 1 for one in ways)


def test_every_promise_has_its_traces() -> None:
    assert {row[0] for row in ALL} == {one.id for one in INVARIANTS}


@pytest.mark.parametrize(
    ("name", "also", "rules", "breaks"),
    [pytest.param(*row[:4], id=f"{row[0]}-{number}") for number, row in enumerate(ALL)],
)
def test_a_trace_breaks_its_promise_and_is_told_so_at_its_end(
    name: str, also: str, rules: Rules, breaks: list[Record]
) -> None:
    found = watch(rules, INVARIANTS, breaks)

    assert [one.invariant for one in found] == [name, *also.split()]
    assert found[0].now == breaks[-1].now
    assert found[0].sentence == next(one.sentence for one in INVARIANTS if one.id == name)
    assert found[0].what


@pytest.mark.parametrize(
    ("rules", "keeps"),
    [pytest.param(row[2], row[4], id=f"{row[0]}-{number}") for number, row in enumerate(ALL)],
)
def test_its_neighbour_keeps_them_all(rules: Rules, keeps: list[Record]) -> None:
    assert broken(rules, keeps) == []


# Reasons for leaving a level empty: where each is true, and where it is only said.
# fmt: off
REASONS: Final[list[tuple[Reason, Rules, list[Record], list[Record]]]] = [
    (Reason.LIMITED, RULES,
     [heard(1, Limited(seconds(1))), cycle(2, HERE, empty(Reason.LIMITED))],
     [cycle(2, HERE, empty(Reason.LIMITED))]),
    (Reason.BLIND, RULES,
     [BROKEN, cycle(2, HERE, empty(Reason.BLIND))],
     [cycle(2, HERE, empty(Reason.BLIND))]),
    (Reason.QUOTA, replace(RULES, quota_cap=1),
     [*resting(), GONE, cycle(3, HERE, empty(Reason.QUOTA))],
     [cycle(2, HERE, empty(Reason.QUOTA))]),
    (Reason.PREDECESSOR, RULES,
     [*cancelling(), cycle(3, HERE, replace(IN_DOUBT, reason=Reason.IN_FLIGHT),
                           empty(Reason.PREDECESSOR))],
     [cycle(2, HERE, empty(Reason.PREDECESSOR))]),
    (Reason.EXPOSURE, CAPPED,
     [*resting(), cycle(2, [*HERE, (19_900, 10)], KEPT,
                        empty(Reason.EXPOSURE, price=19_900, level=1))],
     [cycle(2, HERE, empty(Reason.EXPOSURE))]),
    (Reason.BACKOFF, RULES,
     [*placing(), NO_PLACE, cycle(1.5, HERE, empty(Reason.BACKOFF))],
     [*placing(), NO_PLACE, cycle(1.5, THERE, empty(Reason.BACKOFF, price=20_100))]),
    (Reason.WOULD_CROSS, RULES,
     [cycle(1, HERE, empty(Reason.WOULD_CROSS), ask=20_000)],
     [cycle(1, HERE, empty(Reason.WOULD_CROSS), ask=20_001)]),
    (Reason.OWN_ORDER, RULES,
     [*cancelling(), cycle(3, (), replace(IN_DOUBT, reason=Reason.IN_FLIGHT),
                           replace(empty(Reason.OWN_ORDER, price=20_000), side=Side.SELL),
                           asks=HERE)],
     [*cancelling(), cycle(3, (), replace(IN_DOUBT, reason=Reason.IN_FLIGHT),
                           replace(empty(Reason.OWN_ORDER, price=20_001), side=Side.SELL),
                           asks=[(20_001, 10)])]),
    (Reason.INVALID, RULES,
     [cycle(1, [(900, 10)], empty(Reason.INVALID, price=900))],
     [cycle(1, [(1_000, 10)], empty(Reason.INVALID, price=1_000))]),
]
# fmt: on
SOFT: Final = sorted(set(Reason) - {row[0] for row in (*REASONS, *EXCUSES)})


@pytest.mark.parametrize(
    ("rules", "true", "untrue"), [pytest.param(*row[1:], id=row[0]) for row in (*REASONS, *EXCUSES)]
)
def test_a_hard_reason_excuses_only_where_it_is_true(
    rules: Rules, true: list[Record], untrue: list[Record]
) -> None:
    assert (broken(rules, true), broken(rules, untrue)) == ([], ["V1"])


@pytest.mark.parametrize("reason", SOFT)
def test_a_soft_reason_never_excuses_an_empty_level(reason: Reason) -> None:
    assert broken(RULES, [cycle(1, HERE, empty(reason))]) == ["V1"]


LEGACY: Final = replace(RULES, legacy=True)


@pytest.mark.parametrize("name", ["S4", "S5", "V2"])
def test_the_legacy_policy_is_exempt(name: str) -> None:
    traces = [row[3] for row in TRACES if row[0] == name]

    assert [broken(LEGACY, trace) for trace in traces] == [[]] * len(traces)
