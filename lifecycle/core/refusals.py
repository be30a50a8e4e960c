"""What the venue refused, and when the same may be asked again.

A command that repeats a refused one needs new evidence or a pause. The pause starts at a second,
doubles with each refusal of the same thing and ends at a minute; another price or size is another
thing. Memory is bounded: what was refused longest ago is forgotten first.
"""

from typing import Final, TypeAlias

from exchange.units import SECOND, Nanos, Price, Qty
from exchange.words import Cloid

PAUSE: Final = SECOND
PAUSE_MAX: Final = 60 * SECOND
REMEMBERED_MAX: Final = 256

Thing: TypeAlias = tuple[Cloid | int, Price, Qty]
"""What was asked for: the order of a modify or the side of a place, the price and the size."""


class Refusals:
    """Refused things, each with how often and until when it rests."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[Thing, tuple[int, Nanos]] = {}

    def __bool__(self) -> bool:
        """Say whether anything is remembered."""
        return bool(self._until)

    def add(self, thing: Thing, now: Nanos) -> None:
        """Note one refusal."""
        count = self._until.pop(thing, (0, 0))[0] + 1
        pause = min(PAUSE << min(count - 1, 16), PAUSE_MAX)
        self._until[thing] = (count, now + pause)
        if len(self._until) > REMEMBERED_MAX:
            del self._until[next(iter(self._until))]

    def forget(self, thing: Thing) -> None:
        """Note that the thing was accepted."""
        if self._until:
            self._until.pop(thing, None)

    def holds(self, thing: Thing, now: Nanos) -> bool:
        """Say whether the thing must wait still."""
        if not self._until:
            return False
        found = self._until.get(thing)
        return found is not None and now < found[1]
