"""`lifecycle keystore`: put a key into an encrypted file."""

from pathlib import Path
from typing import Final

import click

from lifecycle.cli import key_source
from lifecycle.cli.errors import HELD, BadInput

PASSWORD_MIN: Final = 8

EPILOG: Final = f"""\b
Examples:
  lifecycle keystore agent.json            asks for a key and a password
  lifecycle keystore agent.json --new      makes a key, and says its address
  lifecycle run --venue hyperliquid --keystore agent.json --account 0x...

\b
Make an agent's key with --new, and approve its address on the venue's page "API":
an agent can trade, and cannot withdraw.

\b
Without a terminal the key is taken from {key_source.KEY}, and the password from
{key_source.PASSWORD}.
"""


@click.command("keystore", epilog=EPILOG)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--new", "is_new", is_flag=True, help="Make a new key instead of asking for one.")
def command(file: Path, *, is_new: bool) -> int:
    """Put a private key into FILE, encrypted by a password.

    FILE must not exist yet. It is in the format of wallets and Ethereum clients, and readable by
    you alone. Prints the key's address, and never the key.
    """
    from lifecycle.cli.needs import needs_hyperliquid

    with needs_hyperliquid("keystore"):
        from exchange.hyperliquid import keystore

    if file.exists():
        raise BadInput(f"{file} must be a new file, it exists: choose another name")
    if is_new:
        secret = keystore.new_secret()
    else:
        instead = f"set {key_source.KEY}"
        secret = key_source.take(key_source.KEY) or key_source.hidden("private key", instead)
    password = key_source.password("new password", confirm=True)
    if len(password) < PASSWORD_MIN:
        raise BadInput(f"a password must have {PASSWORD_MIN} characters at least, had fewer")
    try:
        address = keystore.write(file, secret, password)
    except ValueError as error:
        raise BadInput(str(error)) from error
    click.echo(address)
    return HELD
