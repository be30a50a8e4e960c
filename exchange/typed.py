"""Messages whose values are of the types that they say: checked when one is made.

Python would make a fill of half a lot, or of a number of numpy, and nobody would see it before it
moved a position and stood in a journal that can then not be read again. A number must be an int and
nothing like it (no float, no bool), an id a str, a word a member of its enum.
"""

import enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

_WORDS: Final = {
    "at": "whole nanoseconds, an int",
    "price": "a whole number of price units, an int",
    "qty": "a whole number of lots, an int",
    "filled": "a whole number of lots, an int",
}


class Typed(Struct, frozen=True):
    """A message that is checked when it is made."""

    def __post_init__(self) -> None:
        """Raise TypeError where a value is not of exactly the type of its field."""
        for name, kinds, element in _fields(type(self)):
            value = getattr(self, name)
            if type(value) not in kinds:
                raise _wrong(self, name, kinds, element)
            if element is not None and any(type(one) is not element for one in value):
                raise _wrong(self, name, kinds, element)


@cache
def _fields(kind: type[Struct]) -> tuple[tuple[str, tuple[type, ...], type | None], ...]:
    """Return the fields of a message, what the value of each may be, and of a tuple its elements.

    None is the element of what is no tuple.
    """
    return tuple((field.name, *_kinds(field.type)) for field in fields(kind))


def _kinds(wanted: Any) -> tuple[tuple[type, ...], type | None]:
    if get_origin(wanted) in {Union, UnionType}:
        return tuple(get_args(wanted)), None
    if get_origin(wanted) is tuple:
        element: type = get_args(wanted)[0]
        return (tuple,), element
    return (wanted,), None


def _wrong(told: Struct, name: str, kinds: tuple[type, ...], element: type | None) -> TypeError:
    first = kinds[0]
    if element is not None:
        must = f"a tuple of {element.__name__}s"
    elif issubclass(first, enum.Enum):
        must = f"a member of {first.__name__}"
    else:
        must = _WORDS.get(name, f"{'an' if first is int else 'a'} {first.__name__}")
    lacks = ", or None" if NoneType in kinds else ""
    value = getattr(told, name)
    return TypeError(f"{type(told).__name__}.{name} must be {must}{lacks}, was {value!r}")
