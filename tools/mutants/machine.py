"""The loose world as a Hypothesis state machine: what happens is drawn, and shrinks to a story.

There is one rule, which draws from what can happen now: so no step is wasted, and each kind has the
share that it is given here. Rules of their own would be drawn and dropped as Hypothesis likes, and
most of its stories would be all cycles. Rare races are sought by `target`.
"""

from typing import Final

from hypothesis import strategies as st
from hypothesis import target
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.words import Side
from spec.trace import Target, Targets
from tools.mutants.loose import CONFIGS, Loose
from tools.mutants.settings import CAPABILITIES

MID: Final = 20_000
SHIFTS: Final = (0, 2, 4, 30, 100, -60, -3)
"""How far the targets move, in price units; the latch of the first level is 6."""
LEVEL_STEP: Final = 20
SHAPES: Final = ((10,), (10,), (5,), (10, 10), (11, 10), (10, 10, 10), (10, 10, 11, 10), ())
"""Sizes of a side's levels; from three on, what is sent may be in step with what is kept."""
SOON: Final[tuple[Nanos, ...]] = tuple(ms * MILLISECOND for ms in (1, 100, 300, 700))
LATE: Final[tuple[Nanos, ...]] = tuple(s * SECOND for s in (2, 5, 6, 12, 61))
AGES: Final[tuple[Nanos, ...]] = (*(0,) * 12, 30 * SECOND, 31 * SECOND, 121 * SECOND)
"""Of the market in a cycle: mostly it is fresh."""
LOST: Final = (0, 0, 0, 1, 2, 5)
"""Records that are lost with the end of a journal."""
SESSION: Final = "start000-"
WAITS: Final = (*SOON, *SOON, *SOON, *LATE)
"""Mostly not so long that what is on its way expires."""
# fmt: off
KINDS: Final = (
    *("ordinary",) * 14, *("cycle",) * 4, *("again",) * 2, *("trouble",) * 5, *("fill",) * 3,
    "wait", "gap", "crash", "halt", "meddle",
)
# fmt: on
"""What happens, each as often as it is here."""


def ladders() -> st.SearchStrategy[Targets]:
    """Draw what is wanted: up to four levels a side, around a mid that jumps."""
    return st.builds(
        _ladders,
        st.sampled_from(SHIFTS),
        st.sampled_from(SHAPES),
        st.sampled_from(SHAPES),
    )


def _ladders(shift: int, bids: tuple[int, ...], asks: tuple[int, ...]) -> Targets:
    return Targets(
        tuple(Target(MID + shift - 10 - LEVEL_STEP * k, qty) for k, qty in enumerate(bids)),
        tuple(Target(MID + shift + 10 + LEVEL_STEP * k, qty) for k, qty in enumerate(asks)),
    )


class Lifecycle(RuleBasedStateMachine):
    """Anything may happen, and every promise is kept."""

    @initialize(
        venue=st.sampled_from(sorted(CAPABILITIES)), config=st.sampled_from(("plain", *CONFIGS))
    )
    def start(self, venue: str, config: str) -> None:
        """Open the world."""
        self.world = Loose(venue, config, SESSION)

    @rule(
        kind=st.sampled_from(KINDS),
        pick=st.integers(0, 99),
        wait=st.sampled_from(WAITS),
        age=st.sampled_from(AGES),
        wanted=ladders(),
    )
    def happen(self, kind: str, pick: int, wait: Nanos, age: Nanos, wanted: Targets) -> None:
        """Let one thing happen, an ordinary one where that cannot be."""
        world = self.world
        ordinary, troubles, resting = world.ordinary(), world.troubles(), world.venue.resting()
        match kind:
            case "cycle":
                world.cycle(wanted, wait, age)
            case "again":
                world.cycle(world.targets, wait, age)
            case "wait":
                world.wait(wait)
            case "fill" if resting:
                world.fill(resting[pick % len(resting)], pick % 5)
            case "trouble" if troubles:
                troubles[pick % len(troubles)]()
            case "gap" if pick % 4 == 0:
                world.gap()
            case "crash" if pick % 4 == 0:
                world.crash(LOST[pick // 4 % len(LOST)])
            case "halt" if pick % 4 == 0:
                world.halt()
            case "meddle":
                side = Side.BUY if pick % 2 else Side.SELL
                price = MID + SHIFTS[pick % len(SHIFTS)] - side * 10
                world.meddle(side, price, 1 + pick % 12, named=pick % 3 > 0)
            case _ if ordinary:
                ordinary[pick % len(ordinary)]()
            case _:
                world.cycle(wanted, wait)

    @invariant()
    def promises_are_kept(self) -> None:
        """Ask for every invariant, and for the truth."""
        if hasattr(self, "world"):
            wrong = self.world.wrong()
            assert wrong is None, wrong

    def teardown(self) -> None:
        """Heal: what rests comes to be what is wanted."""
        if not hasattr(self, "world") or self.world.wrong() is not None:
            return
        legs = sum(len(one.legs) - 1 for one in self.world.watch.facts.orders.values())
        target(float(self.world.doubts), label="doubts")
        target(float(legs), label="legs")
        target(float(self.world.venue.trades), label="fills")
        failed = self.world.heal()
        assert failed is None, failed
