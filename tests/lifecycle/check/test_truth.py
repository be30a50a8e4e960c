"""What must be true of a whole state: the second reading, and the word of an honest venue."""

from typing import Final

import pytest

from exchange.commands import Modify
from lifecycle.check.explore import Explored, explore
from lifecycle.check.story import tell
from lifecycle.check.told import scenario
from lifecycle.check.truth import convergence, judge, misread
from lifecycle.check.world import Budgets, Step, World
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from spec.states import Phase, PhaseEvent, State
from tools.mutants.settings import setting
from tools.table_mutants import Mutant, planted

NONE: Final = {"faults": 0, "target_changes": 0, "fills": 0}
ENDS_AS_FILLED: Final = Mutant("PHASE", Phase.RESTING, PhaseEvent.CANCELLED, Phase.FILLED)


def explored(venue: str, *, reading: bool, **budgets: int) -> Explored:
    here = setting("stop", venue, Budgets(**{**NONE, **budgets}))
    return explore(here, fuse=20_000, heal_every=0, stop=True, reading=reading)


@pytest.mark.python_core
def test_an_order_that_ends_otherwise_than_it_was_read_to_breaks_the_reading() -> None:
    with planted(ENDS_AS_FILLED):
        found = explored("replace", reading=True, target_changes=1)
        unread = explored("replace", reading=False, target_changes=1)

    (finding,) = found.findings
    assert finding.broken.invariant == "reading"
    assert "has read as cancelled, nothing unanswered" in finding.broken.what
    assert unread.findings == ()


@pytest.mark.parametrize("venue", ["replace", "amend"])
@pytest.mark.parametrize(
    "budgets",
    [{"unsent": 1, "fills": 1}, {"unsent": 1, "unasked": 1}, {"crashes": 1, "unasked": 1}],
    ids=lambda budgets: " ".join(budgets),
)
def test_the_shipped_core_is_read_as_it_stands(venue: str, budgets: dict[str, int]) -> None:
    found = explored(venue, reading=True, target_changes=1, **budgets)

    assert found.findings == ()
    assert found.exhausted


RESTS: Final = [("cycle", 0, ""), ("execute", 0, "grant"), ("hear", 0, "")]
# fmt: off
OLD_LOOKS: Final = [
    # The acknowledgement, older than the look, ends the order that has filled meanwhile.
    pytest.param(
        "amend", [("execute", 0, "grant"), ("glance", 0, ""), ("fill", 0, "10"), ("hear", 2, ""),
                  ("hear", 0, ""), ("hear", 3, "")], State.FILLED, id="filled, then acknowledged"),
    # The refusal, likewise, ends the order that the venue has cancelled meanwhile.
    pytest.param(
        "replace", [("execute", 0, "refuse"), ("glance", 0, ""), ("unasked", 0, ""),
                    ("hear", 1, ""), ("hear", 0, ""), ("hear", 3, "")], State.CANCELLED,
        id="cancelled, then refused"),
    # The look itself, older than the cancellation, shows the amendment done.
    pytest.param(
        "amend", [("execute", 0, "grant"), ("glance", 0, ""), ("unasked", 0, ""),
                  ("hear", 1, ""), ("hear", 3, "")], State.CANCELLED, id="cancelled, then shown"),
]
# fmt: on


@pytest.mark.parametrize(("venue", "steps", "ends_as"), OLD_LOOKS)
def test_a_look_from_before_the_end_of_an_order_is_no_contradiction(
    venue: str, steps: list[Step], ends_as: State
) -> None:
    budgets = Budgets(faults=2, target_changes=1, fills=1, unasked=1)
    world = World(setting("move", venue, budgets))

    for step in [*RESTS, ("cycle", 1, ""), *steps]:
        world.take(step)

    (order,) = world.manager.orders.values()
    assert order.state is ends_as
    assert judge(world) == misread(world) == []


def doubtful(patch: pytest.MonkeyPatch) -> None:
    """Contradict every acceptance."""
    advance = Order.advance

    def hesitant(order: Order, event: PhaseEvent, now: int) -> bool:
        return event is not PhaseEvent.ACCEPTED and advance(order, event, now)

    patch.setattr(Order, "advance", hesitant)


@pytest.mark.python_core
def test_an_honest_venue_that_is_not_believed_breaks_trust(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doubtful(monkeypatch)

    found = explored("replace", reading=True)

    trust = next(one for one in found.findings if one.broken.invariant == "trust")
    assert trust.broken.what == "pending_new-accepted"
    assert len(trust.path) == 3
    text = scenario(tell(setting("stop", "replace", Budgets(**NONE)), trust), "a seeded bug")
    assert "diverged" not in text


# After a halt.


def world(*steps: Step) -> World:
    """Return the world of one bid after these steps, with budgets for everything."""
    budgets = Budgets(faults=9, target_changes=9, fills=9, crashes=9, halts=9)
    found = World(setting("stop", "replace", budgets))
    for step in steps:
        found.take(step)
    return found


HALT: Final[Step] = ("halt", 0, "")


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([HALT], id="before anything"),
        pytest.param([RESTS[0], HALT], id="place on its way"),
        pytest.param([*RESTS, HALT], id="resting"),
        pytest.param([*RESTS, ("cycle", 1, ""), HALT], id="cancel on its way"),
        pytest.param([RESTS[0], ("give-up", 0, ""), HALT], id="in doubt"),
        pytest.param([*RESTS, ("gap", 0, ""), HALT], id="blind"),
        pytest.param([*RESTS, HALT, ("crash", 0, ""), HALT], id="again after a start"),
    ],
)
def test_from_a_halt_it_converges_to_nothing_resting_and_knows_that(steps: list[Step]) -> None:
    halted = world(*steps)

    assert convergence(halted) == []
    assert halted.manager.is_halted


def test_a_start_after_a_halt_lets_what_is_wanted_rest_again() -> None:
    started = world(*RESTS, HALT, ("crash", 0, ""))

    assert convergence(started) == []
    assert not started.manager.is_halted


@pytest.mark.python_core
def test_nothing_proven_where_nothing_was_looked_at_breaks_convergence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OrderManager, "nothing_rests", property(lambda _: False))

    (broken,) = convergence(world(*RESTS, HALT))

    assert broken.what == "nothing rests, and after a halt that is not taken for proven"


@pytest.mark.python_core
@pytest.mark.parametrize("steps", [RESTS, RESTS[:1]], ids=["resting", "on its way"])
def test_a_proof_beside_something_that_may_rest_is_broken(
    monkeypatch: pytest.MonkeyPatch, steps: list[Step]
) -> None:
    monkeypatch.setattr(OrderManager, "nothing_rests", property(lambda _: True))

    broken = judge(world(*steps, HALT))

    assert [one.invariant for one in broken] == ["proof"]
    assert "although nothing is taken for resting" in broken[0].what


@pytest.mark.parametrize("venue", ["replace", "amend"])
def test_a_modify_on_its_way_to_what_has_filled_is_none_that_may_rest(venue: str) -> None:
    # Found by the exploration `deep`, which took it for a broken proof: it will be refused.
    budgets = Budgets(faults=9, target_changes=9, fills=9, halts=9)
    filled = World(setting("move", venue, budgets))
    filled.take(RESTS[0])
    filled.take(RESTS[1])
    filled.take(("cycle", 0, ""))
    for step in (RESTS[2], ("cycle", 1, ""), ("fill", 0, "10"), HALT):
        filled.take(step)
    while filled.queries:
        filled.take(("look", 0, ""))

    assert [type(request) for request in filled.venue.uplink] == [Modify]
    assert filled.manager.nothing_rests
    assert judge(filled) == []


def test_a_start_has_cloids_of_its_own() -> None:
    started = world(("crash", 0, ""), ("look", 0, ""), ("cycle", 0, ""))

    assert [cloid[:9] for cloid in started.manager.orders] == ["session8-"]
