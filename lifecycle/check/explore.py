"""Breadth-first exploration of every state that a setting can reach.

Breadth-first, so that the first path to a violation is a shortest one; the parent and the step of
each state are kept, so that the path can be told. A fuse raises rather than reporting success on a
space that was not exhausted.
"""

import gc
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from lifecycle.check.canon import digest
from lifecycle.check.races import RACES, races
from lifecycle.check.truth import convergence, judge, misread
from lifecycle.check.world import Setting, Step, World
from spec.invariants.base import Broken

ASSERTION: Final = "no assertion of the code fails"


class FuseError(RuntimeError):
    """The space of states is larger than allowed: nothing was proved."""


class Finding(Struct, frozen=True):
    """A broken promise, with a shortest path to it."""

    broken: Broken
    path: tuple[Step, ...]


class Explored(Struct, frozen=True):
    """What an exploration found."""

    states: int
    transitions: int
    depth: int
    seconds: float
    findings: tuple[Finding, ...]
    """The first of each invariant, the shortest first."""
    witnessed: dict[str, int]
    """The races seen, each with the length of the shortest path that shows it."""
    exhausted: bool = True
    """Nothing was left to explore; otherwise every path of `depth` steps was, and none longer."""


class Progress(Struct, frozen=True):
    """How far an exploration has come."""

    states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float


class _Explorer:
    def __init__(
        self, setting: Setting, *, fuse: int, heal_every: int, stop: bool,
        reading: bool, depth: int | None,
        tell: Callable[[Progress], None] | None,
    ) -> None:  # fmt: skip
        self.setting = setting
        self.depth_max = depth
        self.fuse = fuse
        self.heal_every = heal_every
        self.stop = stop
        self.reading = reading
        self.tell = tell
        self.number: dict[bytes, int] = {}
        self.parents: list[int] = []
        self.steps: list[Step | None] = []
        self.transitions = 0
        self.depth = 0
        self.findings: dict[str, Finding] = {}
        self.witnessed: dict[str, int] = {}
        self.started = time.perf_counter()

    def run(self) -> Explored:
        """Explore with the cyclic collector off: states hold no cycles, and there are many."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self.exhaust()
        finally:
            if collecting:
                gc.enable()

    def exhaust(self) -> Explored:
        """Explore layer by layer until nothing is new."""
        first = World(self.setting)
        self.number[digest(first)] = 0
        self.parents.append(-1)
        self.steps.append(None)
        frontier = [(0, first)]
        while frontier and not (self.stop and self.findings) and self.depth != self.depth_max:
            frontier = self.layer(frontier)
            self.depth += 1
            if self.tell is not None:
                self.tell(
                    Progress(
                        len(self.parents), self.transitions, self.depth, len(frontier),
                        time.perf_counter() - self.started,
                    )
                )  # fmt: skip
        findings = sorted(self.findings.values(), key=lambda finding: len(finding.path))
        return Explored(
            len(self.parents), self.transitions, self.depth,
            time.perf_counter() - self.started, tuple(findings), self.witnessed, not frontier,
        )  # fmt: skip

    def layer(self, frontier: list[tuple[int, World]]) -> list[tuple[int, World]]:
        """Expand every state of one depth; returns those of the next."""
        found: list[tuple[int, World]] = []
        for parent, world in frontier:
            for step in world.steps():
                self.transitions += 1
                try:
                    child = world.after(step)
                    if len(self.witnessed) < len(RACES):
                        for race in races(world, step, child):
                            self.witnessed.setdefault(race, self.depth + 1)
                    if child.is_over:
                        continue
                    state = self.enter(parent, step, child)
                except AssertionError as error:
                    # Our own fault, by the code's own word: a finding like any other.
                    broken = Broken("assertion", ASSERTION, world.now, str(error))
                    path = (*self.path(parent), step)
                    self.findings.setdefault("assertion", Finding(broken, path))
                    continue
                if state is not None:
                    found.append((state, child))
            if self.stop and self.findings:
                break
        return found

    def enter(self, parent: int, step: Step, child: World) -> int | None:
        """Give a state its number; None where it is known, or broken and not to be followed."""
        key = digest(child)
        broken = child.broken
        if self.reading and (key not in self.number or child.distrusted):
            # What is wrong with the record is followed, to see what it leads to.
            self.find(parent, step, misread(child))
        if not broken and key in self.number:
            return None
        state = len(self.parents)
        if not broken:
            broken = judge(child)
            if not broken and self.heal_every and state % self.heal_every == 0:
                broken = convergence(child)
        self.find(parent, step, broken)
        if key in self.number:
            return None
        if state >= self.fuse:
            raise FuseError(
                f"the space must have at most {self.fuse:,} states to be exhausted; allow more, "
                f"or lower the budgets"
            )
        self.number[key] = state
        self.parents.append(parent)
        self.steps.append(step)
        return None if broken else state

    def find(self, parent: int, step: Step, broken: list[Broken]) -> None:
        """Keep the first finding of each promise."""
        for one in broken:
            if one.invariant not in self.findings:
                self.findings[one.invariant] = Finding(one, (*self.path(parent), step))

    def path(self, state: int) -> tuple[Step, ...]:
        """Return the steps that lead to a state."""
        found: list[Step] = []
        while state > 0:
            step = self.steps[state]
            assert step is not None, "only the first state has no step"
            found.append(step)
            state = self.parents[state]
        return tuple(reversed(found))


def explore(
    setting: Setting,
    *,
    fuse: int = 5_000_000,
    heal_every: int = 1,
    stop: bool = False,
    reading: bool = False,
    depth: int | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Explored:
    """Explore everything that a setting can reach, or all that it can in `depth` steps.

    `heal_every`: convergence is tried from every so-maniest state, 0 never. `stop` ends at the
    first finding. `reading` also holds every order against the second reading of its trace, and
    the record against the venue's word: what is wrong is then found before it has led to anything.
    Raises FuseError where there are more than `fuse` states.
    """
    explorer = _Explorer(
        setting,
        fuse=fuse,
        heal_every=heal_every,
        stop=stop,
        reading=reading,
        depth=depth,
        tell=tell,
    )
    return explorer.run()
