"""The served venue in a process of its own, for tests of commands that need a venue."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AT_ONCE = ("--latency", "none", "--feed", "none")
"""So that a test need not wait."""
KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
"""A key that everybody knows: it is in the documentation of a library."""
ADDRESS = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23"


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """Serve a generated market; yields where."""
    arguments = [sys.executable, "-m", "lifecycle", "serve", "--port", "0", "--admin", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "http" in said, said
            yield said[said.index("http") :].strip()
        finally:
            process.terminate()
            process.communicate(timeout=20)


def truth(url: str) -> dict[str, Any]:
    """Return what the server knows."""
    with urllib.request.urlopen(f"{url}/admin/truth", timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


def account(url: str, address: str = ADDRESS) -> dict[str, Any]:
    """Return what the server knows of an account."""
    accounts = truth(url)["accounts"]
    found: dict[str, Any] = {name.lower(): one for name, one in accounts.items()}[address]
    return found
