"""What a bot hands over when it begins, checked before anything is done with it."""

from math import isfinite
from typing import Any

from lifecycle.config import Config


def check_config(config: Any) -> None:
    """Check that it is a configuration, and neither the name of one nor its tables.

    Raises TypeError.
    """
    if not isinstance(config, Config):
        raise TypeError(
            f"config must be a Config, as lifecycle.cli.configuration.read_config(Path(…)) reads "
            f"from a file, was {config!r}"
        )


def check_venue(venue: Any) -> None:
    """Check that it is a venue that one can wait for; raises TypeError."""
    for needed in ("submit", "poll", "wait", "market"):
        if not callable(getattr(venue, needed, None)):
            raise TypeError(f"venue must be one (it has submit, poll, wait, market), was {venue!r}")


def check_functions(**functions: Any) -> None:
    """Check that each of these can be called; raises TypeError, by its name."""
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"{name} must be a function, was {function!r}")


def check_seconds(name: str, value: Any, *, is_positive: bool = False) -> None:
    """Check that this is a time in seconds; raises TypeError, and ValueError for what is none.

    One that has passed already is waited for no longer, where `is_positive` does not forbid it.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, was {value!r}")
    if not isfinite(value) or (is_positive and value <= 0):
        raise ValueError(f"{name} must be finite{' and positive' * is_positive}, was {value!r}")


def check_is(name: str, value: object, kind: Any, example: str, *, or_none: bool = True) -> None:
    """Check that this is of its type, or perhaps None; raises TypeError."""
    if not isinstance(value, kind) and not (or_none and value is None):
        raise TypeError(f"{name} must be {example}{', or None' * or_none}, was {value!r}")
