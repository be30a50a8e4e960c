"""`lifecycle completion`: the script by which a shell completes commands and options."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from lifecycle.cli.group import COMPLETE_VARIABLE

SHELLS: Final = ("bash", "zsh", "fish")

EPILOG: Final = """\b
Examples:
  lifecycle completion bash > ~/.local/share/bash-completion/completions/lifecycle
  lifecycle completion zsh > ~/.zfunc/_lifecycle
  lifecycle completion fish > ~/.config/fish/completions/lifecycle.fish

\b
For this shell only:
  eval "$(lifecycle completion bash)"
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete commands, options and their values.

    A new shell reads it from the places in the examples. In zsh the folder must be in fpath, and
    compinit be run after that.
    """
    root = ctx.find_root()
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(root.command, {}, "lifecycle", COMPLETE_VARIABLE).source())
