"""Keys at rest: an encrypted file, in the format that wallets and Ethereum clients use.

A key comes out of here as a `Key`, which does not show it. No error says anything of what was in
the file, or of the password.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

from eth_account import Account

from exchange.hyperliquid.signing import KEY_BYTES, Key

MODE: Final = 0o600
OTHERS: Final = 0o077
"""Permissions of anybody but the owner."""


class KeystoreError(ValueError):
    """A keystore cannot be used; one line that names the file and what to do."""


def read(path: Path, password: str) -> Key:
    """Return the key in a file; raises KeystoreError."""
    stored = _stored(path)
    secret = _decrypted(stored, password)
    if secret is None:
        raise KeystoreError(
            f"{path} must be a keystore that the password opens, was not: wrong password, or "
            "another kind of file"
        )
    return Key(secret)


def is_open_to_others(path: Path) -> bool:
    """Say whether anybody but the owner may read or write the file."""
    return os.name == "posix" and bool(path.stat().st_mode & OTHERS)


def write(path: Path, secret: str, password: str) -> str:
    """Encrypt a key into a new file that only the owner may read; returns its address.

    Raises KeystoreError where there is a file already, and ValueError where it is no key.
    """
    address = Key(secret).address
    raw = bytes.fromhex(secret.strip().removeprefix("0x"))
    text = json.dumps(Account.encrypt(raw, password))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise KeystoreError(f"{path} must be a new file, was not: {why}") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
    return address


def new_secret() -> str:
    """Return a key that nobody has ever had."""
    return "0x" + bytes(Account.create().key).hex()


def _stored(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_bytes())
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise KeystoreError(f"{path} must be readable, was not: {why}") from error
    except ValueError:
        # What stands there instead may be the bare key: it is not quoted.
        stored = None
    if not isinstance(stored, dict) or "crypto" not in {key.lower() for key in stored}:
        raise KeystoreError(
            f"{path} must be an encrypted keystore, was not: make one with lifecycle keystore"
        )
    return stored


def _decrypted(stored: dict[str, Any], password: str) -> str | None:
    """Return the secret, None where it cannot be had: errors on the way may quote either."""
    try:
        raw = bytes(Account.decrypt(stored, password))
    except (ValueError, KeyError, TypeError, NotImplementedError, AttributeError):
        return None
    return raw.hex() if len(raw) == KEY_BYTES else None
