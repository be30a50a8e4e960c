"""What a verification amounts to: which promises held, which races were seen, and whether it holds.

Plain values, made of what the explorations found; commands print them and views draw them.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from lifecycle.check.budgets import Exploration
from lifecycle.check.expand import ASSERTION
from lifecycle.check.explore import Explored, Finding, Progress
from spec.invariants.all import INVARIANTS

TRUTHS: Final = {
    "single": "no more of our orders rest than are wanted",
    "agreement": "when all is quiet, record and venue agree",
    "proof": "what is proven to rest no more does not rest",
    "reading": "every order stands as a second reading of the trace has it",
    "trust": "nothing that an honest venue says contradicts the record",
    "convergence": "without faults what is wanted comes to rest",
    "assertion": ASSERTION,
}
"""The promises that need the venue's own truth, its honesty, or the record itself."""
PROMISES: Final = {**{one.id: one.sentence for one in INVARIANTS}, **TRUTHS}
"""Every promise by its id."""
WITNESSING: Final = ("standard", "deep")
"""Budgets that must show every race: a smaller one may be too small for some."""


class Result(Struct, frozen=True):
    """How one exploration went; exactly one of the last three is not None."""

    exploration: Exploration
    explored: Explored | None = None
    stopped: Progress | None = None
    """How far it had come when the user ended it."""
    fuse: str | None = None
    """The sentence with which it gave up."""


class Verified(Struct, frozen=True):
    """How a verification went."""

    budget: str
    planned: int
    """How many explorations there should have been."""
    results: tuple[Result, ...]
    possible: tuple[str, ...]
    """The races that can happen with this configuration on these venues."""

    @property
    def states(self) -> int:
        """How many states were reached in all."""
        return sum(size.states for one in self.results if (size := one.explored or one.stopped))

    @property
    def transitions(self) -> int:
        """How many steps were taken in all."""
        return sum(
            size.transitions for one in self.results if (size := one.explored or one.stopped)
        )

    @property
    def is_whole(self) -> bool:
        """Whether every exploration came to its end."""
        done = [one for one in self.results if one.explored is not None]
        return len(done) == self.planned

    @property
    def witnessed(self) -> dict[str, int]:
        """The races seen, each with the least number of steps to it."""
        found: dict[str, int] = {}
        for one in self.results:
            for race, steps in () if one.explored is None else one.explored.witnessed.items():
                found[race] = min(steps, found.get(race, steps))
        return found

    @property
    def unseen(self) -> tuple[str, ...]:
        """The possible races that no exploration has shown."""
        return tuple(race for race in self.possible if race not in self.witnessed)

    @property
    def findings(self) -> dict[str, tuple[Exploration, Finding]]:
        """The broken promises, each with its shortest path."""
        found: dict[str, tuple[Exploration, Finding]] = {}
        for one in self.results:
            for finding in () if one.explored is None else one.explored.findings:
                invariant = finding.broken.invariant
                known = found.get(invariant)
                if known is None or len(finding.path) < len(known[1].path):
                    found[invariant] = one.exploration, finding
        return found

    @property
    def heals(self) -> bool:
        """Whether convergence was tried anywhere."""
        return any(one.exploration.heal_every for one in self.results)

    @property
    def holds(self) -> bool:
        """Whether all was explored, nothing is broken, and every race that must be was seen."""
        seen = self.budget not in WITNESSING or not self.unseen
        return self.is_whole and not self.findings and seen

    def sentence(self) -> str:
        """Return what the verification amounts to, in one line."""
        if self.findings:
            broken = ", ".join(_in_order(tuple(self.findings)))
            return f"broken: {broken}, see the shortest way to each"
        fuses = [one for one in self.results if one.fuse is not None]
        if fuses:
            return f"nothing was proved of {fuses[0].exploration.name}: {fuses[0].fuse}"
        if not self.is_whole:
            return (
                f"stopped after {self.states:,} states: nothing was proved, "
                "though nothing was found broken so far"
            )
        if not self.holds:
            return f"every promise held, but these races were not seen: {', '.join(self.unseen)}"
        return f"every promise held in each of {self.states:,} states"


def _in_order(invariants: Sequence[str]) -> list[str]:
    return [invariant for invariant in PROMISES if invariant in invariants]
