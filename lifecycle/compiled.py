"""Says which core runs: the one compiled by mypyc, or the same source as plain Python."""

from typing import Final

from lifecycle.core import manager

IS_COMPILED: Final = not (manager.__file__ or "").endswith(".py")
"""The results are the same; the compiled core is several times faster."""


def core_word() -> str:
    """Return it in words, for people."""
    return "compiled core" if IS_COMPILED else "pure Python core"
