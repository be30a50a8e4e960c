"""The border at which expected errors become one line: what is wrong, and what to do.

A command raises `BadInput`, or does the work that can fail for reasons of the user's inside
`explained`. Everything else is a fault of ours and keeps its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from lifecycle.cli.configuration import ConfigError, line_of

HELD: Final = 0
"""Exit code: done, and what was checked held."""
CHECK_FAILED: Final = 1
"""Exit code: a check failed."""
BAD_INPUT: Final = 2
"""Exit code: usage, or an input that cannot be used."""
INTERRUPTED: Final = 130
"""Exit code: Ctrl-C, as a shell reports it."""
PIPE_CLOSED: Final = 141
"""Exit code: whoever read our output has gone, as a shell reports it."""


class BadInput(click.ClickException):
    """Something that the user gave cannot be used; nothing has been done."""

    exit_code = BAD_INPUT


class RunFailed(click.ClickException):
    """A run has ended otherwise than it should; one line says what to do."""

    exit_code = CHECK_FAILED


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of markets and configurations into `BadInput`."""
    from exchange.recording import MarketError

    try:
        yield
    except ConfigError as error:
        text = str(error)
        # A question is already what to do.
        raise BadInput(text if text.endswith("?") else f"{text}, correct it") from error
    except MarketError as error:
        raise BadInput(f"{error}, check --market and the configuration") from error


@contextmanager
def located(file: Path | None) -> Iterator[None]:
    """Say where the configuration's file has the key that an error begins with.

    Whether a size fits is known only where the instrument is, which the file may not be.
    """
    try:
        yield
    except BadInput as error:
        line = None if file is None else line_of(file, error.message)
        if line is None:
            raise
        raise BadInput(f"{file}:{line}: {error.message}") from error


def os_line(error: OSError) -> str:
    """Say in one line which file the system refused, and why."""
    what = (error.strerror or str(error)).lower()
    if error.filename is None:
        return f"{what}, check where the output goes"
    return f"cannot use {error.filename}: {what}, check the path"
