"""What goes wrong on the way between clients and the served venue: how often, and how often it did.

All of it is off unless asked for. Shares are of requests or of frames, and drawn by seed.
"""

from collections import Counter
from random import Random
from typing import Final

from msgspec import Struct, structs


class Knobs(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much goes wrong.

    Raises:
        ValueError: a share is not within 0…1, or a time is negative.

    """

    latency_ms: float = 0.0
    """Added to each round trip, in the market's milliseconds."""
    lost_requests: float = 0.0
    """Share of actions whose connection closes before they arrive."""
    lost_acks: float = 0.0
    """Share of actions that are executed, and whose connection closes without an answer."""
    errors_before: float = 0.0
    """Share of requests answered by 502, and not executed."""
    errors_after: float = 0.0
    """Share of actions answered by 502, and executed."""
    too_many: float = 0.0
    """Share of requests answered by 429."""
    duplicates: float = 0.0
    """Share of frames that are sent twice."""
    reorders: float = 0.0
    """Share of frames that later ones overtake."""
    disconnect_every_s: float = 0.0
    """All websockets break so often, in the market's seconds; 0 for never."""
    lookup_lag_ms: float = 0.0
    """An order cannot be asked for by either id before it is so old, in the market's
    milliseconds: the venue says that it does not know it."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in self.__struct_fields__:
            value: float = getattr(self, name)
            high = float("inf") if name.endswith(("_ms", "_s")) else 1.0
            # Written so that NaN fails.
            if not 0.0 <= value <= high:
                raise ValueError(f"{name} must lie between 0 and {high:g}, was {value}")

    def but(self, **changes: float) -> "Knobs":
        """Return these with some changed; raises ValueError, also for a name that is none."""
        unknown = changes.keys() - set(self.__struct_fields__)
        if unknown:
            raise ValueError(f"a knob must be one of {self.__struct_fields__}, was {min(unknown)}")
        return structs.replace(self, **changes)


class Faults:
    """Draws what goes wrong, and counts it."""

    def __init__(self, knobs: Knobs, seed: int = 0) -> None:
        self.knobs = knobs
        self.counts: Final[Counter[str]] = Counter()
        self._random: Final = Random(f"faults {seed}")  # noqa: S311 - a simulation

    def strikes(self, name: str) -> bool:
        """Draw whether the fault of that name happens now; it is counted if it does."""
        share: float = getattr(self.knobs, name)
        # Nothing is drawn for what is off, so that switching it on later changes no other draw.
        if share <= 0 or self._random.random() >= share:
            return False
        self.counts[name] += 1
        return True

    def lateness(self) -> float:
        """Draw how late a reordered frame is, in seconds of the market."""
        return 0.05 + 0.45 * self._random.random()
