"""Breadth-first exploration of every state that a setting can reach.

Breadth-first, so that the first path to a violation is a shortest one. Layer by layer the states
are expanded, here or by several workers (`lifecycle.check.workers`), and what they lead to is
numbered in the order of their parents, so that it makes no difference where that was done. Of each
state the hash of its canonical form is kept, its parent and the step that led to it: a path is told
by walking it. A fuse raises rather than reporting success on a space that was not exhausted.
"""

import gc
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from typing import Final, Protocol

from msgspec import Struct

from lifecycle.check.batch import WORLDS_MAX, Batch, Found, Plan
from lifecycle.check.canon import digest
from lifecycle.check.expand import Expander
from lifecycle.check.workers import Workers
from lifecycle.check.world import Setting, Step, World
from spec.invariants.base import Broken

SHARE_MIN: Final = 2_000
"""States of a layer for each worker: with fewer it is not worth to start them."""


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


class _Hands(Protocol):
    """What expands a layer: this process, or workers with a share each."""

    def expand(self) -> list[Batch]:
        """Expand the layer; returns one batch for each share."""

    def adopt(self, chosen: "Sequence[array[int]]") -> None:
        """Go on to what was new of each batch."""

    def close(self) -> None:
        """End what was started."""


class _Alone:
    """This process."""

    def __init__(self, expander: Expander) -> None:
        self.expander = expander

    def expand(self) -> list[Batch]:
        return [self.expander.expand()]

    def adopt(self, chosen: "Sequence[array[int]]") -> None:
        self.expander.adopt(chosen[0])

    def close(self) -> None:
        pass


class _Explorer:
    def __init__(
        self, plan: Plan, *, fuse: int, depth: int | None, jobs: int,
        tell: Callable[[Progress], None] | None,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.depth_max = depth
        self.fuse = fuse
        self.jobs = jobs
        self.tell = tell
        self.known = {digest(World(plan.setting))}
        self.parents = array("I", [0])
        self.steps = array("B", [0])
        self.transitions = 0
        self.depth = 0
        self.shares = [array("I", [0])]
        """The numbers of the states of the layer at hand, by the worker who has them."""
        self.hands: _Hands = _Alone(Expander(plan, self.known))
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
            self.hands.close()
            if collecting:
                gc.enable()

    @property
    def frontier(self) -> int:
        """How many states the layer at hand has."""
        return sum(len(share) for share in self.shares)

    def exhaust(self) -> Explored:
        """Explore layer by layer until nothing is new."""
        while self.frontier and not self.ends_early():
            self.layer()
            if self.tell is not None:
                self.tell(
                    Progress(
                        len(self.known), self.transitions, self.depth, self.frontier,
                        time.perf_counter() - self.started,
                    )
                )  # fmt: skip
        findings = sorted(self.findings.values(), key=lambda finding: len(finding.path))
        return Explored(
            len(self.known), self.transitions, self.depth, time.perf_counter() - self.started,
            tuple(findings), self.witnessed, not self.frontier,
        )  # fmt: skip

    def ends_early(self) -> bool:
        """Say whether there is a finding and that is enough, or the last depth is reached."""
        return bool(self.plan.stop and self.findings) or self.depth == self.depth_max

    def layer(self) -> None:
        """Expand every state of one depth, and go on to those of the next."""
        batches = self.hands.expand()
        new = [bytearray(len(batch.keys)) for batch in batches]
        followed = [array("I") for _ in batches]
        shares = [array("I") for _ in batches]
        for parent, step, worker, place in self.in_order(batches):
            key = batches[worker].keys[place]
            if key in self.known:
                continue
            state = len(self.known)
            if state >= self.fuse:
                raise FuseError(
                    f"the space must have at most {self.fuse:,} states to be exhausted; allow "
                    f"more, or lower the budgets"
                )
            self.known.add(key)
            self.parents.append(parent)
            self.steps.append(step)
            new[worker][place] = True
            if place not in batches[worker].broken:
                followed[worker].append(place)
                shares[worker].append(state)
        self.take_in(batches, new)
        self.depth += 1
        self.shares = shares
        if not self.ends_early():
            self.go_on(followed)

    def in_order(self, batches: Sequence[Batch]) -> Iterator[tuple[int, int, int, int]]:
        """Yield every candidate in the order of its parent's number and of its step.

        As (parent's number, step, worker, place in the worker's batch).
        """
        return merge(*(self.of(worker, batch) for worker, batch in enumerate(batches)))

    def of(self, worker: int, batch: Batch) -> Iterator[tuple[int, int, int, int]]:
        """Yield the candidates of one worker."""
        numbers = self.shares[worker]
        for place, parent in enumerate(batch.parents):
            yield numbers[parent], batch.steps[place], worker, place

    def take_in(self, batches: Sequence[Batch], new: Sequence[bytearray]) -> None:
        """Take in what the workers saw besides states."""
        found: list[tuple[int, Found]] = []
        for worker, batch in enumerate(batches):
            self.transitions += batch.transitions
            for race in sorted(batch.races):
                self.witnessed.setdefault(race, self.depth + 1)
            numbers = self.shares[worker]
            found += [
                (numbers[one.parent], one)
                for one in batch.found
                if one.child < 0 or new[worker][one.child]
            ]
        found.sort(key=lambda each: (each[0], each[1].step))
        for parent, one in found:
            if one.broken.invariant not in self.findings:
                path = bytes((*self.path(parent), one.step))
                self.findings[one.broken.invariant] = Finding(one.broken, self.walked(path))

    def go_on(self, followed: "Sequence[array[int]]") -> None:
        """Hand the next layer out, to workers from where it is worth it."""
        if isinstance(self.hands, _Alone) and self.jobs > 1:
            numbers = self.shares[0]
            if len(numbers) >= self.jobs * SHARE_MIN:
                # Every so-maniest each: neighbours are alike in what they lead to.
                self.shares = [numbers[worker :: self.jobs] for worker in range(self.jobs)]
                paths = [[self.path(state) for state in share] for share in self.shares]
                self.hands = Workers(self.plan, paths)
                return
        self.hands.adopt(followed)

    def path(self, state: int) -> bytes:
        """Return the steps that lead to a state, each as its index among those of its parent."""
        found = bytearray()
        while state > 0:
            found.append(self.steps[state])
            state = self.parents[state]
        found.reverse()
        return bytes(found)

    def walked(self, path: bytes) -> tuple[Step, ...]:
        """Return the steps of a path, by walking it."""
        world, steps = World(self.plan.setting), []
        for index in path:
            step = world.steps()[index]
            steps.append(step)
            if len(steps) < len(path):
                world = world.after(step)
        return tuple(steps)


def explore(
    setting: Setting,
    *,
    fuse: int = 5_000_000,
    heal_every: int = 1,
    stop: bool = False,
    reading: bool = False,
    depth: int | None = None,
    jobs: int = 1,
    worlds_max: int = WORLDS_MAX,
    tell: Callable[[Progress], None] | None = None,
) -> Explored:
    """Explore everything that a setting can reach, or all that it can in `depth` steps.

    `heal_every`: convergence is tried from one in so many states, 0 never. `stop` ends at the
    first finding. `reading` also holds every order against the second reading of its trace, and
    the record against the venue's word: what is wrong is then found before it has led to anything.
    `jobs` processes share the work of a large layer; what is found is the same. Each keeps the
    worlds of a layer in memory if there are `worlds_max` at the most.
    Raises FuseError where there are more than `fuse` states, WorkerDiedError where a process died.
    """
    plan = Plan(
        setting=setting,
        heal_every=heal_every,
        reading=reading,
        stop=stop,
        worlds_max=worlds_max,
    )
    return _Explorer(plan, fuse=fuse, depth=depth, jobs=jobs, tell=tell).run()
