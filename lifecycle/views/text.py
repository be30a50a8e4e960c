"""How numbers are written: one way for each kind, everywhere."""

from typing import Final

from exchange.units import SECOND, Nanos
from exchange.words import Side

NONE: Final = "–"
"""Written where there is no number."""
INFINITE: Final = "∞"


def share(value: float | None) -> str:
    """Write a share of 0…1 as a percentage, never rounded up to 100 % or down to 0 %."""
    if value is None:
        return NONE
    percent = round(100 * value, 1)
    if percent == 100 and value < 1:
        percent = 99.9
    if percent == 0 and value > 0:
        percent = 0.1
    return f"{percent:.1f}".removesuffix(".0") + " %"


def number(value: float | None, places: int = 1) -> str:
    """Write a number with so many decimal places."""
    if value is None:
        return NONE
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def signed(value: float | None, places: int = 1) -> str:
    """Write a number with its sign, zero without."""
    if value is None:
        return NONE
    text = number(value, places)
    return f"+{text}" if float(text) > 0 else text


def clock(at: Nanos) -> str:
    """Write a time of a run as minutes and seconds, with hours where it has any."""
    minutes, seconds = divmod(at // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def age(seconds: float) -> str:
    """Write an age in the unit that keeps it short."""
    if seconds < 100:
        return f"{seconds:.0f}s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f}m"
    return f"{seconds / 3600:.0f}h"


def hours(value: float) -> str:
    """Write hours in the unit that keeps them short."""
    if value < 1:
        return f"{60 * value:.0f} min"
    return f"{value:.1f} h" if value < 48 else f"{value / 24:.0f} d"


def side(value: Side) -> str:
    """Write the side as the book calls it."""
    return "bid" if value is Side.BUY else "ask"
