"""Findings of seeded bugs: told, and written as scenarios that fail while the bug is there."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Cancelled, Fill
from lifecycle.check.explore import Finding, explore
from lifecycle.check.story import breaks, tell, write
from lifecycle.check.truth import HEALED_CYCLES_MAX
from lifecycle.check.world import Budgets, Setting, Step, World, near_timers
from lifecycle.config import STABLE, ModifyConfig
from lifecycle.conform.play import play
from lifecycle.conform.reading import VENUES, read_scenario
from lifecycle.core import order as order_module
from lifecycle.core import reports
from lifecycle.core.blotter import Blotter
from lifecycle.core.order import Leg, Order
from lifecycle.core.tables import PHASE
from spec.invariants.base import Broken
from spec.states import Phase, PhaseEvent, Request, RequestEvent
from spec.trace import Target, Targets

STEPS = 60
PLACED = "b1 0.10 at 2000.0"
STANDS = "0.10 at 2000.0, position 0.00"

Bug = Callable[[pytest.MonkeyPatch], None]


def setting(venue: str, budgets: Budgets) -> Setting:
    """One bid, which may move out of its band."""
    bids = [Targets((Target(price, 10),)) for price in (20_000, 20_020)]
    return Setting(
        instrument=Instrument("T", price_unit=Decimal("0.1"), lot=Decimal("0.01")),
        capabilities=VENUES[venue],
        config=near_timers(STABLE),
        choices=tuple(bids),
        market=Market(0, 19_000, 21_000),
        budgets=budgets,
    )


def fills_count_twice(patch: pytest.MonkeyPatch) -> None:
    """Forget which trades were counted."""
    book = Blotter.book

    def forgetful(
        blotter: Blotter, order: Order, leg: Leg, fill: Fill, *, counted: bool = False
    ) -> bool:
        (leg.booked or set()).discard(fill.trade_id)
        return book(blotter, order, leg, fill, counted=counted)

    patch.setattr(Blotter, "book", forgetful)


def changed(
    table: tuple[tuple[int, ...], ...], row: int, column: int, cell: int
) -> tuple[tuple[int, ...], ...]:
    """Return a table with one other cell."""
    rows = [list(one) for one in table]
    rows[row][column] = cell
    return tuple(tuple(one) for one in rows)


def unknown_is_failed(patch: pytest.MonkeyPatch) -> None:
    """Take a place that is not answered for one that was refused."""
    ask = Order.ask

    def hasty(order: Order, event: RequestEvent) -> bool:
        if event is RequestEvent.UNANSWERED and order.request is Request.PLACING:
            order.advance(PhaseEvent.REJECTED, order.placed_at)
        return ask(order, event)

    patch.setattr(Order, "ask", hasty)


def a_part_is_the_whole(patch: pytest.MonkeyPatch) -> None:
    """Close an order at its first fill."""
    table = changed(PHASE, Phase.RESTING, PhaseEvent.FILLED_IN_PART, Phase.FILLED)
    patch.setattr(order_module, "PHASE", table)


def a_replaced_leg_ends_the_order(patch: pytest.MonkeyPatch) -> None:
    """Take the end of an old leg for the end of the order."""
    handler = reports.on_cancelled

    def hasty(blotter: Blotter, report: Cancelled) -> None:
        order = blotter.find(report.cloid, report.oid)
        if order is not None and order.is_modifying:
            order.ask(RequestEvent.MODIFY_ANSWERED)
            blotter.advance(order, PhaseEvent.CANCELLED, report)
        handler(blotter, report)

    patch.setattr(reports, "on_cancelled", hasty)


def found(setting: Setting, invariant: str = "") -> Finding:
    """Return the first finding, or that of one promise."""
    findings = explore(setting, fuse=20_000, heal_every=0, stop=not invariant).findings
    return next(one for one in findings if one.broken.invariant.startswith(invariant))


REPEATS = Budgets(faults=1, target_changes=0, fills=1, places=1)
FILLS = Budgets(faults=0, target_changes=0, fills=1, places=2)
MOVES = Budgets(faults=0, target_changes=1, fills=0, places=2)
LOSES = Budgets(faults=1, target_changes=0, fills=0, places=2)
CASES = [
    pytest.param(fills_count_twice, "cancel-replace", REPEATS, id="fills count twice"),
    pytest.param(fills_count_twice, "amend", FILLS, id="fills count twice, amending"),
    pytest.param(a_part_is_the_whole, "amend", FILLS, id="a part is the whole"),
    pytest.param(a_replaced_leg_ends_the_order, "cancel-replace", MOVES, id="a leg is the order"),
    pytest.param(unknown_is_failed, "cancel-replace", LOSES, id="unknown is failed"),
    pytest.param(unknown_is_failed, "amend", LOSES, id="unknown is failed, amending"),
]


@pytest.mark.python_core
@pytest.mark.parametrize(("bug", "venue", "budgets"), CASES)
def test_the_scenario_of_a_bug_fails_while_the_bug_is_there_and_passes_without(
    bug: Bug, venue: str, budgets: Budgets, tmp_path: Path
) -> None:
    here = setting(venue, budgets)
    with pytest.MonkeyPatch.context() as patch:
        bug(patch)
        finding = found(here)
        written = write(tell(here, finding), tmp_path, "a seeded bug")
        with_bug = breaks(written.path, finding.broken.invariant)

    without = play(read_scenario(written.path))

    assert written.path.name == f"{finding.broken.invariant}.toml"
    assert written.replays
    assert with_bug
    assert without.failures == ()


@pytest.mark.python_core
def test_a_surplus_order_becomes_a_place_that_must_not_be_sent(tmp_path: Path) -> None:
    here = setting("cancel-replace", MOVES)
    with pytest.MonkeyPatch.context() as patch:
        a_replaced_leg_ends_the_order(patch)
        placed = found(here, "S4")
        # The surplus place arrives while the replaced order rests.
        path = (*placed.path, ("execute", 0, "grant"))
        surplus = Broken("single", "no more rest than are wanted", 0, "2 of our orders rest")
        written = write(tell(here, Finding(surplus, path)), tmp_path, "a seeded bug")

    without = play(read_scenario(written.path))

    assert "sent_max = { place = 0 }" in written.path.read_text()
    assert written.replays
    assert without.failures == ()


def test_what_never_comes_to_rest_is_told_with_the_cycles_in_which_it_does_not(
    tmp_path: Path,
) -> None:
    moves = Budgets(faults=0, target_changes=2, fills=0, places=1)
    quick = setting("amend", moves)
    # Longer than convergence waits: an order that was modified once stays where it is.
    patient = replace(quick.config, modify=ModifyConfig(min_interval_ms=100_000))
    here = replace(quick, config=patient)
    finding = explore(here, stop=True).findings[0]

    story = tell(here, finding)
    written = write(story, tmp_path, "a patient configuration")

    assert finding.broken.invariant == "convergence"
    assert len(story.lines) > len(finding.path) + HEALED_CYCLES_MAX
    assert written.replays


@pytest.mark.python_core
def test_a_story_has_a_line_a_step_and_ends_with_the_broken_promise() -> None:
    here = setting("cancel-replace", REPEATS)
    with pytest.MonkeyPatch.context() as patch:
        a_part_is_the_whole(patch)
        path = (
            ("cycle", 0, ""), ("execute", 0, "grant"), ("hear", 0, ""), ("fill", 0, "5"),
            ("repeat", 2, ""),
        )  # fmt: skip
        broken = Broken("S7", "each fill counts once", 0, "it did not")
        lines = _steps(tell(here, Finding(broken, path)).text())

    assert lines[: len(path)] == [
        f"a cycle: bid 0.10 at 2000.0 wanted  → sends place {PLACED}; b1 pending-new {STANDS}",
        "the venue: takes place b1 0.10 at 2000.0",
        "heard: accepted b1 (oid 1)  → b1 resting 0.10 at 2000.0, position 0.00",
        "the venue: 0.05 of b1 (oid 1) fills",
        "heard, twice: fill b1 (oid 1) 0.05 at 2000.0  → nothing open, position 0.05",
    ]
    assert lines[-1] == "broken: S7, each fill counts once: it did not"


def _steps(lines: list[str]) -> list[str]:
    return [line.partition(" s  ")[2] or line for line in lines]


@pytest.mark.parametrize("venue", VENUES)
def test_a_scenario_can_say_everything_that_the_explorer_does(venue: str, tmp_path: Path) -> None:
    budgets = Budgets(faults=6, target_changes=1, crashes=1, unasked=1, fills=2, places=2)
    here = setting(venue, budgets)
    world = World(here)
    path: list[Step] = []
    kinds = ["gap", "crash", "repeat", "give-up", "glance", "unasked", "drop", "lose", "fill"]
    # Whatever is asked for first and can happen, happens; else what comes first of all.
    while len(path) < STEPS:
        steps = world.steps()
        wanted = kinds[-1] if len(path) % 4 == 3 and kinds else ""
        step = next((one for one in steps if one[0] == wanted), None)
        if step is None:
            order = {"hear": 0, "execute": 1, "look": 2, "cycle": 3}
            step = min(steps, key=lambda one: order.get(one[0], 9))
        else:
            kinds.pop()
        world.take(step)
        path.append(step)

    story = tell(here, Finding(Broken("S1", "told only", 0, "nothing"), tuple(path)))
    written = write(story, tmp_path, "a walk")

    assert read_scenario(written.path).steps
    assert not written.replays
    assert written.path.read_text().startswith("# Played as a scenario")


def test_a_halt_is_told_and_stands_as_a_comment_in_the_scenario(tmp_path: Path) -> None:
    here = setting("cancel-replace", Budgets(faults=0, fills=0, halts=1, crashes=1, places=1))
    steps: tuple[Step, ...] = (("cycle", 0, ""), ("halt", 0, ""), ("crash", 0, ""))
    finding = Finding(Broken("S0", "nothing is", 0, "it is"), steps)

    story = tell(here, finding)
    written = write(story, tmp_path, "a test")

    assert "the kill switch: all that rests is to go" in story.text()[1]
    text = written.path.read_text(encoding="utf-8")
    assert ": halted, told to" in text
    assert not written.replays
    assert play(read_scenario(written.path)).failures == ()
