"""The group of commands: finds them, and ends every expected error as one line on stderr.

A module of `lifecycle.cli.commands` is a command of the same name; it defines `command`. A
command returns its exit code, or None for done.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any, Final

import click

from lifecycle.cli import commands
from lifecycle.cli.errors import BAD_INPUT, INTERRUPTED, PIPE_CLOSED, os_line
from lifecycle.cli.gone import forget, unless_gone

COMPLETE_VARIABLE: Final = "_LIFECYCLE_COMPLETE"
"""The variable by which a shell asks for completions, as click derives it from our name."""


def version() -> str:
    """Return the installed version, or say that there is none."""
    try:
        return installed_version("order-lifecycle")
    except PackageNotFoundError:
        return "from a checkout"


class Commands(click.Group):
    """A group whose commands are the modules of a package, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        del ctx
        found = (module.name for module in pkgutil.iter_modules(commands.__path__))
        return sorted(name for name in found if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name}")
        found: click.Command = module.command
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader of our output that has gone ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            forget(sys.stdout)
            return PIPE_CLOSED
        except SystemExit as ended:
            # Rich makes of it what for us is the code of a check that failed.
            if isinstance(ended.__context__, BrokenPipeError):
                return PIPE_CLOSED
            raise
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and exit with its code; not standalone, return the code."""
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot say a character gets a question mark, not a traceback.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        extra["windows_expand_args"] = windows_expand_args
        code = self._run(args, prog_name, complete_var, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        extra: dict[str, Any],
    ) -> int:
        """Return the exit code, every expected error said."""
        try:
            result = super().main(
                args, prog_name or "lifecycle", complete_var, standalone_mode=False, **extra
            )
        except click.UsageError as error:
            return _say(_usage_line(error), error.exit_code)
        except click.ClickException as error:
            return _say(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except OSError as error:
            return _say(os_line(error), BAD_INPUT)
        return result if isinstance(result, int) else 0


def _usage_line(error: click.UsageError) -> str:
    """Return the error and where the help stands."""
    command = error.ctx.command_path if error.ctx is not None else "lifecycle"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}, see {command} --help"


def _say(line: str, code: int) -> int:
    with unless_gone():
        click.echo("lifecycle: " + " ".join(line.split()), err=True)
    return code
