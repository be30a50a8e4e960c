"""What goes between the explorer and what expands a layer: a plan to it, batches back.

Apart from the expander: these are msgspec's classes, which mypyc does not make.
"""

from array import array
from typing import Final

from msgspec import Struct

from lifecycle.check.setting import Setting
from spec.invariants.promise import Broken

WORLDS_MAX: Final = 2_000
"""Worlds that one process keeps of a layer: some ten megabytes, twice."""


class Plan(Struct, frozen=True, kw_only=True):
    """How a space is explored."""

    setting: Setting
    heal_every: int
    """Convergence is tried from one in so many states, by their hashes; 0 never."""
    reading: bool
    """Orders are held against the second reading of the trace as well."""
    stop: bool
    """The first finding ends it."""
    worlds_max: int = WORLDS_MAX


class Found(Struct, frozen=True):
    """Something broken, and where."""

    parent: int
    """The place of the parent in its layer."""
    step: int
    """The index of the step among those of the parent."""
    broken: Broken
    child: int = -1
    """The candidate that must be new for it to count; -1: it counts anyway."""


class Batch(Struct):
    """What the states of a layer lead to: candidates for the next one, in the order of parents."""

    parents: "array[int]"
    """The places of their parents in the layer."""
    steps: "array[int]"
    """The indices of the steps that lead to them."""
    keys: list[int]
    """What stands for them, `lifecycle.check.canon.digest`."""
    broken: set[int]
    """The places of those that are not followed further."""
    found: list[Found]
    transitions: int
    races: set[str]
