"""The examples for a loop of one's own run, are short, and need no more than they say."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.units import MINUTE
from lifecycle.core.manager import OrderManager
from tests.lifecycle.dropin.virtual import leap, paper

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"


def test_the_loop_without_asyncio_quotes_both_sides() -> None:
    example = runpy.run_path(str(EXAMPLES / "own_loop.py"))
    example["run"](MINUTE, 3 * MINUTE)
    manager: OrderManager = example["manager"]

    assert manager.position == example["venue"].position
    assert len(example["venue"].open_orders()) >= 1
    assert 2 <= manager.requests_used < 40


def test_the_loop_with_asyncio_quotes_and_withdraws() -> None:
    example = runpy.run_path(str(EXAMPLES / "own_loop_async.py"))
    venue = paper()
    manager: OrderManager = leap(example["quote"](venue, 20))

    assert manager.nothing_rests
    assert venue.paper.open_orders() == ()
    assert manager.position == venue.paper.position
    assert 2 <= manager.requests_used < 80


@pytest.mark.parametrize("name", ["own_loop.py", "own_loop_async.py"])
def test_an_example_is_under_40_lines(name: str) -> None:
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) < 40


def test_starting_the_core_loads_nothing_that_only_others_need() -> None:
    code = "import lifecycle, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())

    assert loaded.isdisjoint(
        {"asyncio", "click", "logging", "numpy", "rich", "sqlite3", "spec.charts"}
    )


def test_what_is_loaded_later_is_there_and_what_is_not_is_not() -> None:
    import lifecycle

    assert {"connect", "connect_sync", "CallbackVenue"} <= set(lifecycle.__all__)
    assert all(getattr(lifecycle, name) is not None for name in lifecycle.__all__)
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        lifecycle.disconnect  # noqa: B018
