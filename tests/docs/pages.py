"""The code blocks of README and documentation, and what a page says about how to test them.

A page may say so in comments, which nobody sees when it is read:

    <!-- code: given instrument, manager -->   names that the page's Python takes as given
    <!-- code: skip, because … -->             the next block is not run, and why
    <!-- code: needs ccxt -->                  the next block is run where that can be imported
    <!-- code: run -->                         the next block's commands are run, not only parsed
    <!-- code: serve -->                       the next block's Python has a served venue beside it
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

_FENCE: Final = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<language>[\w{}+-]*)\s*$")
_INLINE: Final = re.compile(r"`(lifecycle (?!-)[^`]*)`")
_SAID: Final = re.compile(r"^\s*<!-- code: (?P<what>.*?) -->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    """Of its first line of code, from 1."""
    language: str
    """Empty where the fence names none."""
    code: str
    said: tuple[str, ...] = ()
    """What the comments before it say."""

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"

    @property
    def skipped(self) -> str | None:
        """Why it is not to be run, None if it is."""
        return self._said("skip, ")

    @property
    def needs(self) -> str | None:
        """The module that it needs beside the project's own dependencies."""
        return self._said("needs ")

    @property
    def is_run(self) -> bool:
        """Whether its commands are to be run."""
        return "run" in self.said

    @property
    def is_served(self) -> bool:
        """Whether it talks to a venue that `lifecycle serve` serves."""
        return "serve" in self.said

    def _said(self, start: str) -> str | None:
        for what in self.said:
            if what.startswith(start):
                return what.removeprefix(start)
        return None


@dataclass(slots=True)
class Page:
    """One page of Markdown."""

    path: str
    blocks: list[Block] = field(default_factory=list)
    given: tuple[str, ...] = ()
    inline: list[str] = field(default_factory=list)
    """Commands of `lifecycle` between backticks, with an option or an argument."""

    def python(self) -> list[Block]:
        """Return its Python blocks, which continue one another."""
        return [block for block in self.blocks if block.language == "python"]


def pages() -> list[Page]:
    """Return README and every page of the documentation, sorted."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        read(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths
    ]


def read(path: str, text: str) -> Page:
    """Read the blocks of a page; raises ValueError where a fence is never closed."""
    page = Page(path)
    said: list[str] = []
    lines = enumerate(text.splitlines(), start=1)
    for _, line in lines:
        opening = _FENCE.match(line)
        if found := _SAID.match(line):
            what = found["what"]
            if what.startswith("given "):
                names = what.removeprefix("given ")
                page.given += tuple(name.strip() for name in names.split(","))
            else:
                said.append(what)
        elif opening:
            number, code = _body(path, lines, opening)
            page.blocks.append(Block(path, number, opening["language"], code, tuple(said)))
            said = []
        elif line.strip():
            said = []
            page.inline += _INLINE.findall(line)
    return page


def _body(path: str, lines: Iterator[tuple[int, str]], opening: re.Match[str]) -> tuple[int, str]:
    """Return the number of the first line of a block, and its code."""
    first = 0
    code: list[str] = []
    for number, line in lines:
        first = first or number
        if line.strip() == opening["mark"]:
            return first, "\n".join(code) + "\n"
        code.append(line.removeprefix(opening["indent"]))
    raise ValueError(f"{path}:{first} a block of code must end, does not")
