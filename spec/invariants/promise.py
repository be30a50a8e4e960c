"""What an invariant is, and how it says that it is broken.

Apart from what watches a trace, which can be compiled: mypyc does not make these classes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from exchange.units import Nanos
from exchange.words import Cloid
from spec.trace import Cycled, Record
from spec.witness import Witness


class Broken(Struct, frozen=True):
    """An invariant that a record broke."""

    invariant: str
    sentence: str
    now: Nanos
    what: str
    cloid: Cloid | None = None


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise."""

    id: str
    sentence: str
    on_cycle: Callable[[Witness, Cycled], str | None] | None = None
    """Judges a cycle's plan by the facts, its commands not yet noted."""
    on_send: Callable[[Witness, Cycled], str | None] | None = None
    """The same, for a promise that only a plan with requests can break."""
    on_record: Callable[[Witness, Record], str | None] | None = None
    """Judges any record, likewise."""
