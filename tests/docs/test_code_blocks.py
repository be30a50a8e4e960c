"""Every block of code in README and documentation is run, or at least held against the real thing.

Python is executed, the blocks of a page one after the other as its reader would. Commands are
parsed by the commands themselves, and run where the page asks for it. TOML is read by whoever
reads it: as a configuration, a scenario, or the columns of a foreign log. What a page has skipped
shows among the skipped tests, with its reason.
"""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from exchange.instrument import Instrument
from exchange.market import Market
from exchange.venue import Capabilities
from lifecycle import OrderManager, Target, Targets
from lifecycle.audit.mapping import Dialect, read_dialect
from lifecycle.cli import main
from lifecycle.cli.configuration import read_config
from lifecycle.config import ChurnConfig, Config
from lifecycle.conform.reading import read_scenario
from lifecycle.core.churn import Churn
from lifecycle.core.traced import TracedManager
from lifecycle.journal import Header, MemoryJournal
from lifecycle.run.config import RunConfig
from spec.trace import Record
from tests.docs.command_lines import check, command_lines, ours
from tests.docs.pages import ROOT, Block, Page, pages, read

COMMANDS: Final = frozenset({"console", "sh", "bash", "shell", ""})
"""Languages of blocks that hold commands; a block without a language may."""
NOT_OURS: Final = frozenset({"mermaid", "yaml", "text", "ini", "promql"})
"""Languages of blocks that this project does not run: drawings, and the files of others."""

SERVED: Final = "127.0.0.1:3001"
"""Where `lifecycle serve` listens if it is not told otherwise."""

PAGES: Final = pages()
BLOCKS: Final = [block for page in PAGES for block in page.blocks]
"""All of them."""


def of(*languages: str) -> list[Any]:
    return [pytest.param(b, id=b.name) for b in BLOCKS if b.language in languages]


def skip_if_asked(block: Block) -> None:
    if block.skipped is not None:
        pytest.skip(f"{block.name}: {block.skipped}")
    if block.needs is not None:
        pytest.importorskip(block.needs, reason=f"{block.name} needs {block.needs}")


# What a page may take as given.


def given(names: tuple[str, ...]) -> dict[str, Any]:
    """Return values for names, as a bot that has come so far would have them."""
    instrument = Instrument("ETH", Decimal("0.1"), Decimal("0.0001"), significant_figures=5)
    records: list[Record] = []
    manager = OrderManager(instrument, session="2f1c")
    market = Market(at=0, bid=instrument.price("2000.7"), ask=instrument.price("2000.8"))
    bid = Target(instrument.price("1999.1"), instrument.qty("0.1"))
    traced = TracedManager(OrderManager(instrument, session="2f1c"), records.append)
    traced.cycle(0, Targets((bid,), ()), market)
    everything: dict[str, Callable[[], Any]] = {
        "instrument": lambda: instrument,
        "manager": lambda: manager,
        "traced": lambda: TracedManager(manager, records.append),
        "market": lambda: market,
        "targets": lambda: Targets((bid,), ()),
        "record": lambda: records[0],
        "session": lambda: "2f1c",
        "journal": lambda: MemoryJournal(
            Header.of_now("2f1c", instrument, Capabilities(), Config())
        ),
        "churn": lambda: Churn(ChurnConfig()),
        "now": lambda: 0,
    }
    return {name: everything[name]() for name in names}


# Python.


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.path) for page in PAGES if page.python()]
)
def test_the_python_of_a_page_runs(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__page__", **given(page.given)}

    for block in page.python():
        if block.skipped is not None or block.is_served or not _has(block.needs):
            continue
        # The line numbers of a traceback are those of the page.
        source = "\n" * (block.line - 1) + block.code
        exec(compile(source, block.page, "exec"), names)  # noqa: S102


def _has(module: str | None) -> bool:
    if module is None:
        return True
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Return the address, without `http://`, of a venue that a process of its own serves."""
    command = [sys.executable, "-m", "lifecycle", "serve", "--port", "0", "--latency", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip().rpartition("http://")[2]
        finally:
            server.terminate()


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, id=p.path) for p in PAGES if any(b.is_served for b in p.python())],
)
def test_the_python_for_a_served_venue_runs(
    page: Page, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    blocks = [block for block in page.python() if block.is_served]
    for block in blocks:
        skip_if_asked(block)
    address = request.getfixturevalue("served")
    code = "\n".join(block.code for block in blocks).replace(SERVED, address)

    # In a process of its own: the threads of clients outlive their last line.
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)"],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", of("python"))
def test_python_is_skipped_for_a_reason_only(block: Block) -> None:
    skip_if_asked(block)

    compile(block.code, block.page, "exec")


# Commands.


@pytest.mark.parametrize("block", [b for b in of(*COMMANDS) if "lifecycle" in b.values[0].code])
def test_every_command_can_be_typed(block: Block) -> None:
    skip_if_asked(block)

    for words in command_lines(block.code):
        check(words)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(b.is_run for b in p.blocks)], ids=lambda p: p.path
)
def test_the_commands_that_a_page_has_run_do(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    for arguments in _to_run(page):
        result = CliRunner().invoke(main, arguments)

        assert result.exit_code == 0, f"{page.path}: {arguments}: {result.output}"


def _to_run(page: Page) -> Iterator[list[str]]:
    for block in page.blocks:
        if block.is_run:
            for words in command_lines(block.code):
                arguments = ours(words)
                if arguments is not None:
                    yield arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.path)
def test_every_command_within_a_sentence_can_be_typed(page: Page) -> None:
    for command in page.inline:
        for words in command_lines(command):
            check(words, is_whole=False)


# Files.


@pytest.mark.parametrize("block", of("toml"))
def test_every_toml_block_is_read_by_its_reader(block: Block, tmp_path: Path) -> None:
    skip_if_asked(block)
    tree = tomllib.loads(block.code)
    file = tmp_path / "block.toml"
    file.write_text(block.code, encoding="utf-8")

    if "step" in tree:
        assert read_scenario(file).title == tree["title"]
    elif "columns" in tree or "events" in tree:
        assert read_dialect(file) != Dialect()
    else:
        assert read_config(file) != RunConfig()


def test_every_json_block_is_json() -> None:
    for block in (b for b in BLOCKS if b.language == "json" and b.skipped is None):
        assert json.loads(block.code) is not None, block.name


def test_no_block_has_a_language_that_nobody_tests() -> None:
    # SQL is tested where there is a database, with the fleet's journal.
    tested = COMMANDS | NOT_OURS | {"python", "toml", "json", "sql"}

    # In braces stand the directives of the site's generator.
    languages = {b.name: b.language for b in BLOCKS if not b.language.startswith("{")}
    assert [name for name, language in languages.items() if language not in tested] == []


# The reading itself.


def test_a_page_is_read_as_it_is_written() -> None:
    page = read(
        "x.md",
        "<!-- code: given instrument, now -->\n\n"
        "* a list\n\n  ```python\n  x = 1\n    # deeper\n  ```\n\n"
        "<!-- code: skip, because it waits -->\n\n```console\nlifecycle run\n```\n"
        "<!-- code: run -->\n\nwords between\n\n```\nplain\n```\n",
    )

    assert page.given == ("instrument", "now")
    first, second, third = page.blocks
    assert (first.language, first.line, first.code) == ("python", 6, "x = 1\n  # deeper\n")
    assert second.skipped == "because it waits"
    assert (third.language, third.is_run, third.skipped) == ("", False, None)


def test_a_block_without_an_end_is_said() -> None:
    with pytest.raises(ValueError, match="must end"):
        read("x.md", "```python\nx = 1\n")
