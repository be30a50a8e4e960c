"""Which nonces a signer may still use.

The venue keeps the highest nonces of each signer. A new one must be above the smallest of them,
unused, and within a window around the venue's time. A refused action has used its nonce too.

Source: Hyperliquid documentation, "Nonces and API wallets".
"""

from bisect import insort
from typing import Final

KEPT: Final = 100
DAY_MS: Final = 24 * 60 * 60 * 1000
BEHIND_MS: Final = 2 * DAY_MS
AHEAD_MS: Final = DAY_MS


class Nonces:
    """The nonces of one signer."""

    def __init__(self) -> None:
        self._kept: Final[list[int]] = []
        self._used: Final[set[int]] = set()

    def use(self, nonce: int, now_ms: int) -> str:
        """Use a nonce; return why it may not be, empty if it may.

        `now_ms` is the venue's wall-clock time. A refused nonce changes nothing.
        """
        kept = self._kept
        # Known first: the venue says duplicate even of a nonce that has become too low.
        if nonce in self._used:
            return f"Invalid nonce: duplicate nonce {nonce}"
        floor = now_ms - BEHIND_MS
        if len(kept) == KEPT:
            floor = max(floor, kept[0])
        if nonce <= floor:
            return f"Invalid nonce: nonce too low {nonce} < {floor}"
        ceiling = now_ms + AHEAD_MS
        if nonce >= ceiling:
            return f"Invalid nonce: nonce too high {nonce} > {ceiling}"
        insort(kept, nonce)
        self._used.add(nonce)
        if len(kept) > KEPT:
            del kept[0]
        return ""
