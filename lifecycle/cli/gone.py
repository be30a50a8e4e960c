"""What is said when nobody may be there to hear it: a terminal goes away, a reader ends.

It then goes nowhere, and nothing fails for it: how a run ended is its exit code's to say.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def unless_gone() -> Iterator[None]:
    """Say something inside; what nobody can hear any more is left unsaid."""
    try:
        yield
        sys.stdout.flush()
    except OSError:
        forget(sys.stdout, sys.stderr)
    except SystemExit as ended:
        # What Rich makes of it.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        forget(sys.stdout)


def forget(*streams: TextIO) -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush is quiet."""
    for stream in streams:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            # Not a file of the system's: then nobody is left to complain.
            continue
