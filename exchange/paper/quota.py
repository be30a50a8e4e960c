"""The venue's request ledgers: what is granted, what is used, what trading earns.

Hyperliquid meters requests by traded volume: an address may send so many requests in its life, and
earns one more for each unit of quote currency that it trades. Cancels have a ledger of their own
with a larger cap, so that a limited address can still take its orders off the book. A batch of n
counts n, and a refused request does not count.

Source: Hyperliquid documentation, "Rate limits and user limits", address-based limits.
"""

from dataclasses import dataclass
from typing import Final

CANCEL_EXTRA: Final = 100_000
"""Cancels are granted at most so many above the cap of requests."""


@dataclass(slots=True)
class Quota:
    """Both ledgers; without a cap nothing is refused."""

    request_cap: int | None = None
    """Requests granted before anything was traded."""
    requests_used: int = 0
    """Places and modifies that counted."""
    cancel_cap: int | None = None
    """Cancels granted before anything was traded; None follows from the requests' cap."""
    cancels_used: int = 0
    earned_units: int = 0
    """Traded volume in price units × lots."""
    units_per_request: int = 1
    """Price units × lots in one unit of quote currency; the venue sets it."""

    def __post_init__(self) -> None:
        """Check the counts."""
        for name in ("request_cap", "requests_used", "cancel_cap", "cancels_used"):
            value: int | None = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative, was {value}")

    @property
    def earned(self) -> int:
        """Return the requests that trading has earned."""
        return self.earned_units // self.units_per_request

    @property
    def requests_granted(self) -> int | None:
        """Return how many requests may be used in all, None without limit."""
        return None if self.request_cap is None else self.request_cap + self.earned

    @property
    def cancels_granted(self) -> int | None:
        """Return how many cancels may be used in all, None without limit."""
        if self.cancel_cap is not None:
            return self.cancel_cap + self.earned
        granted = self.requests_granted
        return None if granted is None else min(granted + CANCEL_EXTRA, 2 * granted)

    def take_request(self) -> bool:
        """Count one place or modify; return False, counting nothing, where none is left."""
        granted = self.requests_granted
        if granted is not None and self.requests_used >= granted:
            return False
        self.requests_used += 1
        return True

    def take_cancel(self) -> bool:
        """Count one cancel; return False, counting nothing, where none is left."""
        granted = self.cancels_granted
        if granted is not None and self.cancels_used >= granted:
            return False
        self.cancels_used += 1
        return True

    def earn(self, volume_units: int) -> None:
        """Count traded volume, in price units × lots."""
        self.earned_units += volume_units
