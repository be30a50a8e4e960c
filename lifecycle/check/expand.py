"""Expanding the states of one layer: what each leads to, and what is broken on the way.

An expander has the states of a layer, all of them or one worker's share, in the order of their
numbers. It tries every step from each, and returns those that lead to what it does not know. The
explorer says which of these are new; they are the next layer.

A world takes some kilobytes. So worlds are kept of a layer only while they are few; of the states
of a larger layer the way from there is kept, five bytes a state and layer, and a world is made
again when its turn comes. States stand in the order of their parents: each world on the way is made
once a layer.
"""

from array import array
from collections.abc import Container, Sequence
from typing import Final

from lifecycle.check.batch import Batch, Found, Plan
from lifecycle.check.canon import digest
from lifecycle.check.races import races
from lifecycle.check.truth import convergence, judge, misread
from lifecycle.check.world import Step, World
from spec.invariants.base import Broken

ASSERTION: Final = "no assertion of the code fails"
_NONE: Final[frozenset[int]] = frozenset()


class _Way:
    """How the states of a layer come from those of the layer before."""

    __slots__ = ("parents", "steps")

    def __init__(self, parents: Sequence[int], steps: Sequence[int]) -> None:
        self.parents = array("I", parents)
        self.steps = array("B", steps)


class Expander:
    """The states of one layer, and what is needed to expand them."""

    __slots__ = (
        "_at",
        "_base",
        "_batch",
        "_choices",
        "_fresh",
        "_heal_every",
        "_known",
        "_made",
        "_plan",
        "_reading",
        "_size",
        "_ways",
        "_worlds_max",
    )

    def __init__(self, plan: Plan, known: Container[int] = _NONE) -> None:
        """Start with the first state; what is `known` by its key is not told of again."""
        self._plan = plan
        self._reading = plan.reading
        self._heal_every = plan.heal_every
        self._worlds_max = plan.worlds_max
        self._known = known
        self._base: list[World] = [World(plan.setting)]
        """The worlds of the last layer of which they were kept."""
        self._ways: list[_Way] = []
        """How the layers since come from it."""
        self._size = 1
        self._at: list[int] = []
        """For each layer since, of which state a world is at hand."""
        self._made: list[World] = []
        """That world."""
        self._choices: list[tuple[World, list[Step]] | None] = []
        """The world that the last one came of, and what could happen in it."""
        self._batch: Batch | None = None
        self._fresh: list[World] = []
        """The worlds of the candidates, while they are few."""

    @classmethod
    def at(cls, plan: Plan, paths: Sequence[bytes]) -> "Expander":
        """Return an expander of the states to which these paths lead, all of one length.

        A path is the index of each step among those that could be taken.
        """
        expander = cls(plan)
        worlds = []
        trail = [World(plan.setting)]
        last = b""
        for path in paths:
            # Neighbours share most of their ways.
            shared = 0
            while shared < len(last) and path[shared] == last[shared]:
                shared += 1
            del trail[shared + 1 :]
            for index in path[shared:]:
                world = trail[-1]
                trail.append(world.after(world.steps()[index]))
            worlds.append(trail[-1])
            last = path
        expander._base = worlds
        expander._size = len(worlds)
        return expander

    def expand(self) -> Batch:
        """Try every step from every state; returns what they lead to."""
        batch = self._batch = Batch(array("I"), array("B"), [], set(), [], 0, set())
        here: set[int] = set()
        self._fresh = []
        for place in range(self._size):
            self._expand(place, self._world(len(self._ways), place), batch, here)
            if batch.found and self._plan.stop:
                break
        return batch

    def _expand(self, place: int, world: World, batch: Batch, here: set[int]) -> None:
        """Try every step from one state."""
        steps = world.steps()
        batch.transitions += len(steps)
        for index, step in enumerate(steps):
            try:
                child = world.after(step)
                shown = races(world, step, child)
                if shown:
                    batch.races.update(shown)
                if not child.is_over:
                    self._enter(place, index, child, batch, here)
            except AssertionError as error:
                # Our own fault, by the code's own word: a finding like any other.
                broken = Broken("assertion", ASSERTION, world.now, str(error))
                batch.found.append(Found(place, index, broken))

    def _enter(self, place: int, index: int, child: World, batch: Batch, here: set[int]) -> None:
        """Take in what a step leads to, and judge it where it is not known."""
        key = digest(child)
        new = key not in here and key not in self._known
        candidate = len(batch.keys) if new else -1
        # What is wrong with the record is followed, to see what it leads to.
        read = misread(child) if self._reading and (new or child.distrusted) else []
        broken = child.broken
        if new and not broken:
            broken = judge(child)
            if not broken and self._heal_every and key % self._heal_every == 0:
                broken = convergence(child)
        for one in read:
            anyway = bool(child.distrusted)
            batch.found.append(Found(place, index, one, -1 if anyway else candidate))
        for one in broken:
            batch.found.append(Found(place, index, one, -1 if child.broken else candidate))
        if not new:
            return
        here.add(key)
        if broken:
            batch.broken.add(candidate)
        batch.parents.append(place)
        batch.steps.append(index)
        batch.keys.append(key)
        if candidate < self._worlds_max:
            self._fresh.append(child)
        elif candidate == self._worlds_max:
            self._fresh = []

    def adopt(self, chosen: Sequence[int]) -> None:
        """Go on to the next layer: the candidates of the last batch at these places."""
        batch = self._batch
        assert batch is not None, "only what was expanded leads to a layer"
        if len(batch.keys) <= self._plan.worlds_max:
            self._base = [self._fresh[place] for place in chosen]
            self._ways = []
        else:
            parents, steps = batch.parents, batch.steps
            way = _Way([parents[place] for place in chosen], [steps[place] for place in chosen])
            self._ways.append(way)
        self._at = [-1] * len(self._ways)
        self._made = self._base[:1] * len(self._ways)
        self._choices = [None] * len(self._ways)
        self._size = len(chosen)
        self._fresh = []
        self._batch = None

    def _world(self, layer: int, place: int) -> World:
        """Return the world of a state, so many layers after the one whose worlds are kept."""
        if layer == 0:
            return self._base[place]
        here = layer - 1
        if self._at[here] != place:
            way = self._ways[here]
            parent = self._world(here, way.parents[place])
            choices = self._choices[here]
            if choices is None or choices[0] is not parent:
                # Its neighbours come of the same one.
                choices = self._choices[here] = (parent, parent.steps())
            self._made[here] = parent.after(choices[1][way.steps[place]])
            self._at[here] = place
        return self._made[here]
