"""Client order ids: our text to the venue's 128 bits, and back.

Ours are hexadecimal text of 8 to 28 digits (a session's prefix and a number), the venue's are 0x
and 32 digits. Ours go out with a mark, "c10d", and zeros after it, and come back without. Anyone
else's stays what it is, unless it happens to end in the mark, as one in 65,536 does: then it looks
shorter to us, and still goes out as it came. No two of either side share one of the other's.

A name that we give to an order which has none at the venue ("oid:123") is never sent: it has a
colon, and such an order is named by its oid. Any other text is refused with a ValueError, before
anything is sent.
"""

import re
from typing import Final

from exchange.words import Cloid

MARK: Final = "c10d"
DIGITS: Final = 32
OURS_MIN: Final = 8
OURS_MAX: Final = DIGITS - len(MARK)

_OURS: Final = re.compile(f"[0-9a-f]{{{OURS_MIN},{OURS_MAX}}}")
_THEIRS: Final = re.compile(f"0x[0-9a-f]{{{DIGITS}}}")


def is_sent(cloid: Cloid) -> bool:
    """Say whether the venue knows an order by this id; the other kind names one by its oid."""
    return ":" not in cloid


def to_wire(cloid: Cloid) -> str:
    """Return what the venue is told; raises ValueError where the text is no client order id."""
    if _OURS.fullmatch(cloid):
        return "0x" + (cloid + MARK).ljust(DIGITS, "0")
    if _THEIRS.fullmatch(cloid):
        return cloid
    raise ValueError(
        f"a cloid must be {OURS_MIN} to {OURS_MAX} hexadecimal digits in lower case, or 0x and "
        f"{DIGITS}, was {cloid!r}"
    )


def from_wire(text: str) -> Cloid:
    """Return what we call an order that the venue calls so; any text has an answer."""
    text = text.lower()
    if not _THEIRS.fullmatch(text):
        return text
    ours = text[2:].rstrip("0")
    if not ours.endswith(MARK) or len(ours) < OURS_MIN + len(MARK):
        return text
    return ours[: -len(MARK)]
