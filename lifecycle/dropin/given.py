"""What a bot hands over when it begins, checked before anything is done with it."""

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


def check_functions(**functions: Any) -> None:
    """Check that each of these can be called; raises TypeError, by its name."""
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"{name} must be a function, was {function!r}")
