"""Digests of what a run is a function of besides its settings: our own code, and the market's file.

A version does not say enough: a checkout changes under it, and two machines may have the same one
of different days.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Final

import exchange
import lifecycle
import spec

WITHOUT_EFFECT: Final = (
    "exchange/hyperliquid",
    *(
        f"lifecycle/{package}"
        for package in (
            "check",
            "cli",
            "conform",
            "dropin",
            "explain",
            "soak",
            "views",
            "whatif",
        )
    ),
)
"""Packages that no run imports, so that a change of theirs changes none."""


def version() -> str:
    """Return the installed version; empty in a checkout."""
    try:
        return installed_version("order-lifecycle")
    except PackageNotFoundError:
        return ""


@cache
def code_digest() -> str:
    """Return the digest of the code that plays a run."""
    digest = hashlib.sha256()
    for name, path in _sources():
        digest.update(f"{name}\n".encode())
        # Git may have changed the line ends of one machine's checkout.
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


@cache
def file_digest(path: str) -> str:
    """Return the digest of a file as it was when this process first asked; raises OSError."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    for package in (exchange, spec, lifecycle):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            name = f"{package.__name__}/{path.relative_to(root).as_posix()}"
            if not name.startswith(tuple(f"{folder}/" for folder in WITHOUT_EFFECT)):
                yield name, path
