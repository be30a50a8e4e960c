"""Traces that break the promises about hard limits and foreign orders, and neighbours that do not.

Each row as in `test_invariants`: the promise, what else is broken with it, the rules, the trace
that breaks it at its end, and one that keeps every promise.
"""

from fractions import Fraction
from typing import Final

from msgspec.structs import replace

from exchange.reports import Disconnected, ModifyRejected, OpenOrder, Rejected, Snapshot
from exchange.units import seconds
from exchange.words import Alive, Side
from spec.rules import Rules
from spec.trace import Action, Reason, Record, Reported
from tests.spec.invariants.records import (
    RULES,
    ask_open,
    cancel,
    cycle,
    decided,
    empty,
    halted,
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
)

HERE: Final = [(20_000, 10)]
THERE: Final = [(20_100, 10)]
FAR: Final = [(20_200, 10)]
SESSION: Final = "session1-"

STALE: Final = replace(RULES, market_stale=seconds(30), market_withdraw=seconds(120))
COLLARED: Final = replace(RULES, collar_bps=Fraction(50))
SIZED: Final = replace(RULES, qty_max=9)
RATED: Final = replace(RULES, rate_max=1)
BROKEN: Final = replace(RULES, rejects_max=1, reject_pause=seconds(30))
ADOPTS: Final = replace(RULES, adopts_foreign=True)
CANCELS: Final = replace(ADOPTS, cancels_foreign=True)
OURS: Final = replace(RULES, session=SESSION)

KEPT: Final = decided("a", Action.KEEP, Reason.SAME_POINT)
MOVES: Final = decided("a", Action.MODIFY, Reason.MODIFY, target=20_100)
NO_PLACE: Final = heard(1.1, Rejected(seconds(1.1), "a", "no", 1))
NO_MODIFY: Final = heard(2.1, ModifyRejected(seconds(2.1), "a", "no", Alive.YES, 2))
BLIND: Final = heard(1.5, Disconnected(seconds(1.5)))


def waits(reason: Reason, *, target: int = 20_100, level: int = 0) -> Record:
    """Return a cycle at two seconds that wants `a` elsewhere and waits, for a reason."""
    held = decided("a", Action.WAIT, reason, target=target, level=level)
    return cycle(2, [(target, 10)], held)


def goes(reason: Reason, cloid: str = "a") -> Record:
    """Return a cycle at two seconds that cancels an order, wanted or not."""
    away = decided(cloid, Action.CANCEL, reason, level=-1, target=0, target_qty=0)
    sends = [cancel(2, cloid, oid="101" if cloid == "a" else "999")]
    if reason is Reason.WITHDRAWN:
        return cycle(2, (), away, sends=sends)
    held = empty(reason if reason is Reason.HALTED else Reason.PREDECESSOR)
    return cycle(2, HERE, away, held, sends=sends)


def takes(cloid: str) -> Record:
    """Return a cycle at two seconds that cancels an order beside the place that is wanted."""
    away = decided(cloid, Action.CANCEL, Reason.WITHDRAWN, level=-1, target=0, target_qty=0)
    return cycle(2, HERE, placed(), away, sends=[cancel(2, cloid, oid="999"), place(3, at=2)])


def found(cloid: str | None, at: float = 1.5, *, age: float = 0) -> Reported:
    """Return a snapshot that lists an order which nobody here has placed."""
    row = OpenOrder("999", cloid, Side.BUY, 20_000, 10)
    return heard(at, Snapshot(seconds(at - age), (row,)))


def started(session: str = "") -> Record:
    """Return a start, with the question that it asks."""
    return restarted(1, ask_open(1), session=session)


IN_BOOK: Final = [
    cycle(1, HERE, placed(), sends=[place(1)], bid=19_999, ask=20_002),
    resting()[1],
]
"""How `a` comes to rest below an ask."""


# fmt: off
GUARDED: Final[list[tuple[str, str, Rules, list[Record], list[Record]]]] = [
    # Halted.
    ("S24", "", RULES,
     [halted(0.5), *placing()],
     [halted(0.5), cycle(1, HERE, empty(Reason.HALTED))]),
    ("S24", "V8", RULES,
     [*resting(), halted(1.5),
      cycle(2, [*THERE, *HERE], replace(KEPT, level=1), placed("b", price=20_100),
            sends=[place(2, "b", at=2, price=20_100)])],
     [*resting(), halted(1.5), goes(Reason.HALTED)]),
    ("S24", "", RULES,
     [*resting(), halted(1.5), cycle(2, THERE, MOVES, sends=[modify(2)])],
     [*resting(), halted(1.5), restarted(1.6, ask_open(2)), listed(1.7),
      cycle(2, THERE, MOVES, sends=[modify(3)])]),
    # A market seen too long ago.
    ("S24", "", STALE,
     [cycle(31.5, HERE, placed(), sends=[place(1, at=31.5)], age=30.5)],
     [cycle(31.5, HERE, placed(), sends=[place(1, at=31.5)], age=30)]),
    ("S24", "", STALE,
     [*resting(), cycle(2, THERE, MOVES, sends=[modify(2)], age=31)],
     [*resting(), cycle(2, THERE, decided("a", Action.WAIT, Reason.STALE_MARKET, target=20_100),
                        age=31)]),
    # What is sent.
    ("S25", "", COLLARED,
     [cycle(1, [(19_899, 10)], placed(price=19_899), sends=[place(1, price=19_899)],
            bid=19_999, ask=20_001)],
     [cycle(1, [(19_900, 10)], placed(price=19_900), sends=[place(1, price=19_900)],
            bid=19_999, ask=20_001)]),
    ("S25", "", COLLARED,
     placing(),
     [cycle(1, HERE, empty(Reason.COLLAR))]),
    ("S25", "", SIZED,
     placing(),
     [cycle(1, [(20_000, 9)], decided("a", Action.PLACE, Reason.UNCOVERED, qty=9, target_qty=9),
            sends=[place(1, qty=9)])]),
    ("S25", "", RATED,
     moving(),
     [*resting(), cycle(61, THERE, MOVES, sends=[modify(2, at=61), ask_open(3)])]),
    ("S25", "", RATED,
     [cycle(1, [*HERE, (19_900, 10)], placed(), placed("b", level=1, price=19_900),
            sends=[place(1), place(2, "b", price=19_900)])],
     [*resting(), cycle(2, (), decided("a", Action.CANCEL, Reason.WITHDRAWN, level=-1, target=0,
                                       target_qty=0), sends=[cancel(2)])]),
    ("S25", "", BROKEN,
     [*placing(), NO_PLACE, cycle(31, THERE, placed("b", price=20_100),
                                  sends=[place(2, "b", at=31, price=20_100)])],
     [*placing(), NO_PLACE, cycle(31.1, THERE, placed("b", price=20_100),
                                  sends=[place(2, "b", at=31.1, price=20_100)])]),
    ("S25", "", BROKEN,
     [*placing(), NO_PLACE, cycle(31.1, [*HERE, (19_900, 10)], placed("b"),
                                  placed("c", level=1, price=19_900),
                                  sends=[place(2, "b", at=31.1),
                                         place(3, "c", at=31.1, price=19_900)])],
     [*placing(), NO_PLACE, cycle(31.1, [*HERE, (19_900, 10)], placed("b"),
                                  empty(Reason.BREAKER, price=19_900, level=1),
                                  sends=[place(2, "b", at=31.1)])]),
    ("S25", "", BROKEN,
     [*moving(), NO_MODIFY, cycle(3, FAR, decided("a", Action.MODIFY, Reason.MODIFY,
                                                  target=20_200),
                                  sends=[modify(3, at=3, price=20_200)])],
     [*moving(), NO_MODIFY, cycle(3, FAR, decided("a", Action.WAIT, Reason.BREAKER,
                                                  target=20_200))]),
    # When all is to go.
    ("V8", "", RULES,
     [*resting(), halted(1.5), cycle(2, HERE, empty(Reason.HALTED),
                                     decided("a", Action.WAIT, Reason.HALTED))],
     [*resting(), halted(1.5), goes(Reason.HALTED)]),
    ("V8", "", RULES,
     [*resting(), BLIND, halted(1.6), cycle(2, HERE, empty(Reason.HALTED),
                                            decided("a", Action.WAIT, Reason.BLIND))],
     [*resting(), BLIND, halted(1.6), goes(Reason.HALTED)]),
    ("V8", "", STALE,
     [*resting(), cycle(2, HERE, KEPT, age=121)],
     [*resting(), cycle(2, HERE, KEPT, age=120)]),
    # Reasons that are only said.
    ("V9", "", COLLARED,
     [*IN_BOOK, cycle(2, [(19_900, 10)], decided("a", Action.WAIT, Reason.COLLAR, target=19_900),
                      bid=19_999, ask=20_001)],
     [*IN_BOOK, cycle(2, [(19_899, 10)], decided("a", Action.WAIT, Reason.COLLAR, target=19_899),
                      bid=19_999, ask=20_001)]),
    ("V9", "", RULES,
     [*resting(), waits(Reason.HALTED)],
     [*moving()]),
    ("V9", "", RULES,
     [*resting(), waits(Reason.SIZE)],
     [*moving()]),
    ("V9", "", STALE,
     [*resting(), waits(Reason.STALE_MARKET)],
     [*moving()]),
    ("V9", "", replace(RULES, rate_max=2),
     [*resting(), waits(Reason.RATE)],
     [*moving(), moved()[-1], cycle(3, FAR, decided("a", Action.WAIT, Reason.RATE, price=20_100,
                                                    target=20_200))]),
    ("V9", "", BROKEN,
     [*resting(), waits(Reason.BREAKER)],
     [*moving(), NO_MODIFY, cycle(3, FAR, decided("a", Action.WAIT, Reason.BREAKER,
                                                  target=20_200))]),
    ("V9", "", CANCELS,
     [*resting(), cycle(2, THERE, decided("a", Action.CANCEL, Reason.FOREIGN, target=20_100),
                        empty(Reason.PREDECESSOR, price=20_100), sends=[cancel(2)])],
     [started(), found("x"), goes(Reason.FOREIGN, "x")]),
    # Whose order it is: only what the policy takes over, when it does.
    ("S18", "", RULES,
     [started(), found("x"), takes("x")],
     [started(), found("x"), cycle(2, HERE, placed(), sends=[place(2, at=2)])]),
    ("S18", "", CANCELS,
     [found("x"), takes("x")],
     [started(), found("x"), goes(Reason.WITHDRAWN, "x")]),
    ("S18", "", ADOPTS,
     [started(), heard(1.4, Snapshot(seconds(1.4), ())), found("x"), takes("x")],
     [started(), found("x"), goes(Reason.WITHDRAWN, "x")]),
    ("S18", "", ADOPTS,
     [started(), found(None), cycle(2, (), decided("oid:999", Action.CANCEL, Reason.WITHDRAWN,
                                                   level=-1, target=0, target_qty=0),
                                    sends=[cancel(2, "oid:999", oid="998")])],
     [started(), found(None), goes(Reason.WITHDRAWN, "oid:999")]),
    ("S18", "", RULES,
     [started("short"), found("short-1"), takes("short-1")],
     [started(SESSION), found(f"{SESSION}1"), goes(Reason.WITHDRAWN, f"{SESSION}1")]),
    ("S18", "", OURS,
     [started(), found("x"), takes("x")],
     [started(), found("x"), found(f"{SESSION}1", 1.6), goes(Reason.WITHDRAWN, f"{SESSION}1")]),
    # What a halt excuses, and no more.
    ("S21", "", RULES,
     [*resting(), BLIND, goes(Reason.WITHDRAWN)],
     [*resting(), BLIND, halted(1.6), goes(Reason.HALTED)]),
    ("S5", "", RULES,
     [*moved(), cycle(2.3, FAR, decided("a", Action.WAIT, Reason.DEBOUNCED, price=20_100,
                                        target=20_200)),
      cycle(3, FAR, decided("a", Action.CANCEL, Reason.REPLACE, price=20_100, target=20_200),
            sends=[cancel(3, at=3, oid="102")])],
     [*moved(), cycle(2.3, FAR, decided("a", Action.WAIT, Reason.DEBOUNCED, price=20_100,
                                        target=20_200)),
      halted(2.4),
      cycle(3, FAR, decided("a", Action.CANCEL, Reason.HALTED, price=20_100, level=-1, target=0,
                            target_qty=0), empty(Reason.HALTED, price=20_200),
            sends=[cancel(3, at=3, oid="102")])]),
    ("S13", "S14", RULES,
     [*resting(), cycle(2, HERE, KEPT, sends=[cancel(2)])],
     [*resting(), halted(1.5), goes(Reason.HALTED)]),
]

EXCUSES: Final[list[tuple[Reason, Rules, list[Record], list[Record]]]] = [
    (Reason.HALTED, RULES,
     [halted(0.5), cycle(1, HERE, empty(Reason.HALTED))],
     [cycle(1, HERE, empty(Reason.HALTED))]),
    (Reason.STALE_MARKET, STALE,
     [cycle(40, HERE, empty(Reason.STALE_MARKET), age=31)],
     [cycle(40, HERE, empty(Reason.STALE_MARKET), age=30)]),
    (Reason.COLLAR, COLLARED,
     [cycle(1, HERE, empty(Reason.COLLAR))],
     [cycle(1, HERE, empty(Reason.COLLAR), bid=19_999, ask=20_001)]),
    (Reason.SIZE, SIZED,
     [cycle(1, HERE, empty(Reason.SIZE))],
     [cycle(1, [(20_000, 9)], empty(Reason.SIZE, qty=9))]),
    (Reason.RATE, RATED,
     [*resting(), cycle(2, [*HERE, (19_900, 10)], KEPT, empty(Reason.RATE, price=19_900, level=1))],
     [cycle(1, HERE, empty(Reason.RATE))]),
    (Reason.BREAKER, BROKEN,
     [*placing(), NO_PLACE, cycle(31, THERE, empty(Reason.BREAKER, price=20_100))],
     [*placing(), NO_PLACE, cycle(31.1, THERE, empty(Reason.BREAKER, price=20_100))]),
]
"""The reason, the rules, where it excuses an empty level, and where it is only said."""
# fmt: on
