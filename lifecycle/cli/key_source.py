"""Where a key comes from: the environment, or an encrypted file. Never an option, never shown."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lifecycle.cli.errors import BadInput

if TYPE_CHECKING:
    from exchange.hyperliquid.signing import Key

KEY: Final = "LIFECYCLE_PRIVATE_KEY"
PASSWORD: Final = "LIFECYCLE_KEYSTORE_PASSWORD"  # noqa: S105 - the name of it


def take(name: str) -> str | None:
    """Return a secret of the environment, which does not have it from then on."""
    return os.environ.pop(name, None) or None


def find_key(keystore: Path | None) -> "Key | None":
    """Return the key, None where none is given; raises BadInput where one cannot be used."""
    from exchange.hyperliquid import keystore as stored
    from exchange.hyperliquid.signing import Key

    secret = take(KEY)
    if secret is not None and keystore is not None:
        raise BadInput(f"there must be one key, were two: take --keystore or {KEY} away")
    if secret is not None:
        try:
            return Key(secret)
        except ValueError as error:
            raise BadInput(f"{KEY}: {error}") from error
    if keystore is None:
        return None
    if keystore.exists() and stored.is_open_to_others(keystore):
        click.echo(f"{keystore} may be read by others, close it: chmod 600 {keystore}", err=True)
    try:
        return stored.read(keystore, password(f"password of {keystore}"))
    except stored.KeystoreError as error:
        raise BadInput(str(error)) from error


def password(prompt: str, *, confirm: bool = False) -> str:
    """Return a password, of the environment or asked for; raises BadInput where neither can be."""
    given = take(PASSWORD)
    if given is not None:
        return given
    return hidden(prompt, f"set {PASSWORD}", confirm=confirm)


def hidden(prompt: str, instead: str, *, confirm: bool = False) -> str:
    """Ask for a secret without showing it; raises BadInput where there is nobody to ask."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise BadInput(f"{prompt} must be typed at a terminal, there is none: {instead}")
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer
