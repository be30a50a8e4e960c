"""The values of the command line's options; each is refused with the rule that it breaks.

Plain functions, which click takes as types.
"""

import math

import click

from lifecycle.cli.rules import SECONDS_MAX


def positive(value: str) -> float:
    """Return a number above zero that still is one in nanoseconds; raises click.BadParameter."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number <= 0:
        raise click.BadParameter(f"must be a finite number above 0, was {value!r}")
    if number > SECONDS_MAX:
        raise click.BadParameter(f"must be at most {SECONDS_MAX}, was {value!r}")
    return number


def speed(value: str) -> float:
    """Return simulated seconds a second, `max` as infinity; raises click.BadParameter."""
    return math.inf if value == "max" else positive(value)
