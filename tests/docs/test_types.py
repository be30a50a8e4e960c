"""The Python of every page, read by a strict type checker: its readers have one as well.

What has no types (most clients of venues), or is not installed, is Any here as it is there.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT, Page, pages

GIVEN: Final = """
from exchange.instrument import Instrument
from exchange.market import Market
from lifecycle import OrderManager, Targets
from lifecycle.core.churn import Churn
from lifecycle.core.traced import TracedManager
from lifecycle.journal.memory import MemoryJournal
from spec.trace import Record

instrument: Instrument
manager: OrderManager
traced: TracedManager
market: Market
targets: Targets
record: Record
session: str
journal: MemoryJournal
churn: Churn
now: int
"""
"""What a page may take as given, as `tests/docs/test_code_blocks.py` gives it."""
OPTIONS: Final = (
    "--strict",
    "--ignore-missing-imports",
    "--allow-subclassing-any",
    "--allow-untyped-calls",
    "--follow-imports=silent",
    # The blocks of a page go on from one another, and import what they need again.
    "--allow-redefinition",
)


def source(page: Page) -> str:
    """Return the Python of a page, each line where it stands there."""
    lines = [f"from given import {', '.join(page.given)}"] if page.given else []
    for block in (one for one in page.python() if one.skipped is None):
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    return "\n".join(lines) + "\n"


def test_every_example_is_strictly_typed(tmp_path: Path) -> None:
    (tmp_path / "given.py").write_text(GIVEN, encoding="utf-8")
    names = {}
    for page in (one for one in pages() if one.python()):
        name = page.path.replace("/", "_").replace("-", "_").removesuffix(".md") + ".py"
        (tmp_path / name).write_text(source(page), encoding="utf-8")
        names[name] = page.path

    done = subprocess.run(
        [sys.executable, "-m", "mypy", *OPTIONS, "--cache-dir", tmp_path / "cache", *names],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={"MYPYPATH": str(ROOT)},
    )  # fmt: skip

    said = done.stdout + done.stderr
    for name, path in names.items():
        said = said.replace(name, path)
    assert done.returncode == 0, said
