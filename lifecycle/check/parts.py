"""The hash of a part of a canonical form, looked up where the part was met before."""

import marshal
from hashlib import blake2b
from typing import Any, Final, TypeAlias

Part: TypeAlias = tuple[Any, ...]

DIGEST_BYTES: Final = 16
VERSION: Final = 2
"""Of what marshal writes: later ones write as well which values are one object, so that equal forms
would have two digests."""
PARTS_MAX: Final = 20_000
"""Parts of which the hash is remembered; a part takes one or two kilobytes."""

_KEYS: Final[dict[Part, int]] = {}
"""Hashes by part."""


def key_of(part: Part) -> int:
    """Return the hash of a part, which begins with its kind."""
    found = _KEYS.get(part)
    if found is None:
        if len(_KEYS) >= PARTS_MAX:
            _KEYS.clear()
        hashed = blake2b(marshal.dumps(part, VERSION), digest_size=DIGEST_BYTES)
        found = _KEYS[part] = int.from_bytes(hashed.digest(), "little")
    return found
