"""The options that say which venue, which market there, and whose account."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lifecycle.cli.errors import BadInput

if TYPE_CHECKING:
    from exchange.hyperliquid.connection import Network

_F = TypeVar("_F", bound=Callable[..., Any])

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
ADDRESS_BYTES: Final = 20


def market_options(function: _F) -> _F:
    """Give a command the options --network and --coin."""
    for option in (
        click.option("--coin", metavar="COIN", help='The market, such as ETH or "dex:COIN".'),
        click.option(
            "--network",
            metavar="testnet|mainnet|URL",
            help="Where the venue is; a URL for a served one (lifecycle serve).",
        ),
    ):
        function = option(function)
    return function


def account_options(function: _F) -> _F:
    """Give a command the options --account, --vault and --keystore."""
    for option in (
        click.option(
            "--keystore",
            type=_FILE,
            metavar="FILE",
            help="The key, encrypted (lifecycle keystore); otherwise of LIFECYCLE_PRIVATE_KEY.",
        ),
        click.option(
            "--vault", metavar="ADDRESS", help="The sub-account or vault to act for, if any."
        ),
        click.option(
            "--account",
            metavar="ADDRESS",
            help="Whose orders they are, where the key is an agent's; default: the key's own.",
        ),
    ):
        function = option(function)
    return function


def network(text: str | None) -> "Network":
    """Return the network that was named; raises BadInput."""
    from exchange.hyperliquid.connection import network_of

    if text is None:
        raise BadInput("--network must be said, testnet, mainnet or a URL: try testnet first")
    try:
        return network_of(text)
    except ValueError as error:
        raise BadInput(f"--{error}") from error


def coin(text: str | None) -> str:
    """Return the coin that was named; raises BadInput."""
    if not text:
        raise BadInput("--coin must be said, such as --coin ETH")
    return text


def address(option: str, text: str | None) -> str | None:
    """Return an address in lower case, None where none was given; raises BadInput."""
    if text is None:
        return None
    digits = text.removeprefix("0x")
    try:
        size = len(bytes.fromhex(digits))
    except ValueError:
        size = 0
    if size != ADDRESS_BYTES or digits == text:
        # What was given may be a key by mistake: it is not said again.
        raise BadInput(f"{option} must be 0x and 40 hexadecimal digits, was something else")
    return text.lower()
