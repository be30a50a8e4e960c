"""The watch of a run: what it counts, and what it loses from sight without losing it."""

import pytest

from exchange.commands import Command
from exchange.reports import Cancelled
from exchange.units import seconds
from exchange.words import CancelReason
from lifecycle.audit.long_watch import FORGET_EVERY
from lifecycle.run.watched import BROKEN_SHOWN, Watched
from spec.trace import Action, Decision, Reason
from tests.spec.invariants.records import (
    RULES,
    ask_open,
    cancel,
    cancelling,
    cycle,
    decided,
    heard,
    place,
    placed,
    placing,
    ticked,
)

START = seconds(1)
GONE = heard(3, Cancelled(seconds(3), "a", "101", CancelReason.USER, 2))


def watched() -> Watched:
    return Watched(RULES, START)


def over() -> Watched:
    """Return a watch whose order `a` was cancelled at 3 s and has been forgotten by 200 s."""
    watch = watched()
    for record in (*cancelling(), GONE):
        watch.feed(record)
    for count in range(FORGET_EVERY):
        watch.feed(ticked(200, *([ask_open(3)] if count == 0 else [])))
    return watch


def test_what_breaks_is_counted_with_its_time_since_the_start() -> None:
    watch = watched()
    watch.feed(placing()[0])

    watch.feed(cycle(1.5, [(20_000, 10)], placed(), sends=[place(2)]))

    assert watch.violations == len(watch.broken) > 0
    assert all(line.startswith("0.50 s: ") for line in watch.broken)
    assert any(
        ": S17, cloids" in line and "cloid a was used before" in line for line in watch.broken
    )


def test_only_the_first_are_kept_as_text() -> None:
    watch = watched()

    for _ in range(BROKEN_SHOWN + 3):
        watch.feed(cycle(1, [(20_000, 10)]))

    assert watch.violations == BROKEN_SHOWN + 3
    assert len(watch.broken) == BROKEN_SHOWN


def test_an_order_that_closed_long_ago_is_lost_from_sight_without_a_complaint() -> None:
    watch = over()

    assert watch.orders_in_sight == 0
    assert watch.broken == []


@pytest.mark.parametrize(
    ("decision", "sends", "words"),
    [
        (
            placed(),
            [place(4, at=200)],
            "S17, cloids and request numbers are never used twice: cloid a was used before",
        ),
        (
            decided("a", Action.KEEP, Reason.SAME_POINT),
            [],
            "S2, no command for an order that is closed: a closed long ago, and is decided about",
        ),
        (
            decided("a", Action.CANCEL, Reason.WITHDRAWN),
            [cancel(4, at=200)],
            "S2, no command for an order that is closed: cancel of a, which closed long ago",
        ),
    ],
)
def test_its_name_must_not_come_back(decision: Decision, sends: list[Command], words: str) -> None:
    watch = over()

    watch.feed(cycle(201, [(20_000, 10)], decision, sends=sends))

    assert f"200.00 s: {words}" in watch.broken
    assert not any("S18" in line for line in watch.broken)
