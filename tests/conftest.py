"""What every test may use: the Hypothesis profiles, and the way to recorded markets.

Run beside a compiled core, what needs the Python one is left out: tests that patch the core, that
inherit from it, or that put symbols where it has numbers.

The profile is chosen by LIFECYCLE_PROFILE. `ci`, the default, draws the same examples each time,
`quick` a fifth as many, which exercise as many lines; `nightly` draws new ones, and many.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from lifecycle.compiled import IS_COMPILED, core_word

ROOT: Final = Path(__file__).resolve().parent.parent
RECORDED: Final = "../shared/data"
"""Where recorded markets are, if they are; their licences keep them out of the project."""

# A slow machine is not a fault of the code: no deadlines.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=10)
settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=2000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("LIFECYCLE_PROFILE", "ci"))


PYTHON_CORE: Final = (
    "docs/test_api.py",
    "lifecycle/check/test_clone.py",
    "lifecycle/run/test_refill.py",
    "mutants",
    "proofs",
    "tools/test_frontier.py",
    "tools/test_peers.py",
)
"""Tests that need the Python core as a whole; single ones are marked `python_core`."""
collect_ignore = list(PYTHON_CORE) if IS_COMPILED else []


def pytest_report_header() -> list[str]:
    """Say which core is tested, and what that leaves out."""
    left_out = [f"not with it: {', '.join(PYTHON_CORE)}"] if IS_COMPILED else []
    return [f"core: {core_word()}", *left_out]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave single tests out that need the Python core."""
    for item in items if IS_COMPILED else ():
        if item.get_closest_marker("python_core") is not None:
            item.add_marker(pytest.mark.skip(reason="patches the core, or inherits from it"))


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Path]:
    """Return a function from a recording's name to its path; it skips where that is absent.

    A name without a suffix is a market: `recorded("hl_eth_20250904")`.
    """

    def find(name: str) -> Path:
        path = ROOT / RECORDED / (name if "." in name else f"{name}.csv.gz")
        if not path.exists():
            pytest.skip(f"the recording {name} is absent: {RECORDED}/{path.name}")
        return path

    return find
