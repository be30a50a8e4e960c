"""Keeping what others' code raises, whatever it is, so that what follows goes on."""

from types import TracebackType
from typing import Self


class Caught:
    """A `with` block whose exception is kept; an interrupt, and what else is no error, passes."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        """What was raised, None where nothing was."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep an error."""
        if isinstance(error, Exception):
            self.error = error
            return True
        return False
