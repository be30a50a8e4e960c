"""Bugs of the hard limits, of halting and of adopting: random stories find each, and soon."""

from typing import Final

import pytest

from exchange.market import Market
from exchange.reports import Snapshot
from exchange.units import Nanos, Price, Qty
from lifecycle.check.explore import explore
from lifecycle.check.world import Budgets
from lifecycle.core import manager
from lifecycle.core.desk import Desk
from lifecycle.core.foreign import adopt
from lifecycle.core.guards import Guards
from lifecycle.core.manager import OrderManager
from spec.trace import Reason
from tools import detection
from tools.mutants.bugs import Bug, seeded
from tools.mutants.settings import setting

EXAMPLES: Final = 400

_barrier: Final = Guards.barrier
_gate: Final = Guards.gate
_looked: Final = OrderManager._looked


def _no_gate(_guards: Guards, _now: Nanos, _market: Market) -> Reason | None:
    return None


def _no_patience(guards: Guards, now: Nanos, market: Market) -> Reason | None:
    return _gate(guards, now, market) if guards.halted else None


def _never_withdraws(_guards: Guards, _now: Nanos, _market: Market) -> bool:
    return False


def _no_barrier(_guards: Guards, _price: Price, _qty: Qty, _now: Nanos) -> Reason | None:
    return None


def _always_a_breaker(guards: Guards, price: Price, qty: Qty, now: Nanos) -> Reason | None:
    return Reason.BREAKER if guards.refused else _barrier(guards, price, qty, now)


def _adopts_all(desk: Desk, snapshot: Snapshot) -> None:
    desk.proofs, before = ("",), desk.proofs
    adopt(desk, snapshot)
    desk.proofs = before


def _adopts_nothing(_desk: Desk, _snapshot: Snapshot) -> None:
    return


def _never_proven(self: OrderManager, snapshot: Snapshot) -> None:
    _looked(self, snapshot)
    self._desk.guards.is_proven = False


def _bug(name: str, owner: object, attribute: str, wrong: object) -> Bug:
    return Bug(name, name.replace("_", " "), ((owner, attribute, wrong),))


BUGS: Final = (
    _bug("a_halt_places", Guards, "gate", _no_gate),
    _bug("a_stale_market_is_quoted", Guards, "gate", _no_patience),
    _bug("a_halt_freezes_only", Guards, "withdraws", _never_withdraws),
    _bug("no_limit_of_what_is_sent", Guards, "barrier", _no_barrier),
    _bug("one_refusal_opens_the_breaker", Guards, "barrier", _always_a_breaker),
    _bug("what_is_others_is_adopted", manager, "adopt", _adopts_all),
    _bug("what_is_ours_is_left", manager, "adopt", _adopts_nothing),
    _bug("no_proof_ever", OrderManager, "_looked", _never_proven),
)
BY_THE_EXPLORER: Final = {
    "a_halt_places": "S24",
    "a_halt_freezes_only": "V8",
    "one_refusal_opens_the_breaker": "V1",
    "no_proof_ever": "convergence",
}
"""What the explorer finds broken; the others need a market that ages, a limit, or a stranger."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_stories_find_it(bug: Bug) -> None:
    assert detection.examples_to_find(bug, EXAMPLES) is not None


@pytest.mark.parametrize(
    "bug", [bug for bug in BUGS if bug.name in BY_THE_EXPLORER], ids=lambda bug: bug.name
)
def test_the_explorer_finds_what_its_world_has(bug: Bug) -> None:
    budgets = Budgets(faults=1, target_changes=0, fills=0, crashes=1, halts=1, places=1)

    with seeded(bug):
        found = explore(setting("move", "replace", budgets), fuse=5_000, stop=True)

    assert [one.broken.invariant for one in found.findings] == [BY_THE_EXPLORER[bug.name]]
