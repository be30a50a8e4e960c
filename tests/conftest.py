"""What every test may use: the Hypothesis profiles, and the way to recorded markets.

The profile is chosen by LIFECYCLE_PROFILE. `ci`, the default, draws the same examples each time;
`nightly` draws new ones, and many.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

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
settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=2000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("LIFECYCLE_PROFILE", "ci"))


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
