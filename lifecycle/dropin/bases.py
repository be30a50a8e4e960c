"""What the mixins ask of the class that takes them."""

from typing import Any


def check_first(kind: type[Any], mixin: type[Any], method: str) -> None:
    """Check that no base of `kind` before the mixin brings a `method` of its own.

    Raises TypeError where one does: it would be called in the mixin's place, and nobody would say.
    """
    order = kind.__mro__
    for base in order[: order.index(mixin)]:
        if not issubclass(base, mixin) and hasattr(base, method):
            first, second = mixin.__name__, base.__name__
            raise TypeError(
                f"{first} must stand before {second} among the bases of {kind.__name__}, "
                f"was after it"
            )
