"""Requests that fills have earned, as invariants know them: by their own reading of the fills.

A lot at 20000 is worth 20 in quote currency: at a hundredth of a request each, five lots earn one.
"""

from fractions import Fraction
from typing import Final

import pytest
from msgspec.structs import replace

from exchange.words import Side
from spec.invariants.all import INVARIANTS
from spec.invariants.base import Watch, watch
from spec.rules import Rules
from spec.trace import Action, Reason, Record
from spec.witness import Witness
from tests.spec.invariants.records import (
    RULES,
    cycle,
    decided,
    empty,
    filled,
    modify,
    place,
    placed,
    resting,
)

EARNING: Final = replace(RULES, quota_cap=1, cancel_cap=1, quota_earns=Fraction(1, 100))
MOVES: Final = decided("a", Action.MODIFY, Reason.MODIFY, target=20_100, qty=5)
WAITS: Final = decided("a", Action.WAIT, Reason.QUOTA, target=20_100, qty=5)


def broken(rules: Rules, trace: list[Record]) -> list[str]:
    """Return the ids of what a trace breaks."""
    return [one.invariant for one in watch(rules, INVARIANTS, trace)]


def facts_of(rules: Rules, trace: list[Record]) -> Witness:
    """Return what a trace proves."""
    follower = Watch(rules, INVARIANTS)
    for record in trace:
        follower.feed(record)
    return follower.facts


@pytest.mark.parametrize(("qty", "breaks"), [(4, ["S11"]), (5, [])])
def test_what_a_fill_has_earned_may_be_sent(qty: int, breaks: list[str]) -> None:
    moves = replace(MOVES, qty=10 - qty)
    trace = [
        *resting(), filled(2, qty),
        cycle(3, [(20_100, 10)], moves, sends=[modify(2, at=3)], position=qty),
    ]  # fmt: skip

    assert broken(EARNING, trace) == breaks


@pytest.mark.parametrize(("qty", "breaks"), [(4, []), (5, ["V1"])])
def test_a_request_earned_is_no_reason_to_leave_a_level_empty(qty: int, breaks: list[str]) -> None:
    left = 10 - qty
    kept = decided("a", Action.KEEP, Reason.SAME_POINT, qty=left, target_qty=left)
    none = empty(Reason.QUOTA, price=19_900, level=1)
    wanted = [(20_000, left), (19_900, 10)]

    trace = [*resting(), filled(2, qty), cycle(3, wanted, kept, none, position=qty)]

    assert broken(EARNING, trace) == breaks


def test_a_request_earned_is_to_be_used_for_what_is_stale() -> None:
    stale = [(20_100, 10)]
    waits = [cycle(3, stale, WAITS, position=5), cycle(4, stale, WAITS, position=5)]

    assert broken(EARNING, [*resting(), filled(2, 5), *waits]) == ["V2"]
    assert broken(
        replace(EARNING, quota_earns=Fraction(0)), [*resting(), filled(2, 5), *waits]
    ) == ([])


def test_the_last_request_may_go_to_coverage_before_it_goes_to_what_is_stale() -> None:
    rules = replace(EARNING, quota_earns=Fraction(1, 20))
    trace = resting()
    asks: list[tuple[int, int]] = []
    for n, cloid in enumerate("bcd"):
        at, price = 2 + n, 20_200 + 100 * n
        asks.append((price, 10))
        waits = replace(WAITS, qty=9 - n, target_qty=10)
        kept = [
            decided(other, Action.KEEP, Reason.IN_FLIGHT, level=level, price=there, target=there)
            for level, (other, (there, _)) in enumerate(zip("bcd", asks[:-1], strict=False))
        ]
        place_it = place(2 + n, cloid, at=at, price=price, side=Side.SELL)
        trace += [
            filled(at - 0.5, 1, trade=f"t{n}"),
            cycle(
                at, [(20_100, 10)], waits, *(replace(one, side=Side.SELL) for one in kept),
                replace(placed(cloid, level=n, price=price), side=Side.SELL),
                asks=asks, sends=[place_it], position=1 + n,
            ),
        ]  # fmt: skip

    assert broken(rules, trace) == []


def test_a_fill_earns_once_and_not_before_its_order_is_known() -> None:
    fill = filled(2, 5)
    stranger = filled(2, 5, oid="999", cloid=None)

    assert facts_of(EARNING, [*resting(), fill, fill]).requests_allowed == 2
    assert facts_of(EARNING, [*resting(), stranger]).requests_allowed == 1
    assert facts_of(EARNING, [*resting(), fill]).cancels_allowed == 2
    assert facts_of(RULES, [*resting(), fill]).requests_allowed is None
