"""Before and after: the legacy policy behaves like the bot that was recorded, stable does not.

The recording: five minutes, 60 placed, 58 cancelled, no fill, 40 calls a minute. It is one draw
of a distribution, so it is compared with the distribution over seeds.
"""

from statistics import median

import pytest

from lifecycle.run.frame import Summary
from tools.bench.recording import SEEDS, figures, measure, table


@pytest.fixture(scope="module")
def legacy() -> list[Summary]:
    return measure("legacy", range(1, SEEDS + 1))


@pytest.fixture(scope="module")
def stable() -> list[Summary]:
    return measure("stable", range(1, SEEDS + 1))


@pytest.mark.parametrize(
    ("figure", "least", "most"),
    [
        ("placed", 50, 70),
        ("placed but not cancelled", 2, 4),
        ("modified", 0, 0),
        ("fills", 0, 1),
        ("calls a minute", 25, 45),
        ("placed in the first minute", 0, 0),
    ],
)
def test_the_median_legacy_run_is_like_the_recording(
    legacy: list[Summary], figure: str, least: float, most: float
) -> None:
    _, middle, _ = figures(legacy)[figure]

    assert least <= middle <= most, f"{figure}\n{table(legacy)}"


def test_no_legacy_run_places_anything_in_the_first_minute(legacy: list[Summary]) -> None:
    assert figures(legacy)["placed in the first minute"] == (0, 0, 0), table(legacy)


def test_stable_makes_a_fraction_of_the_calls_on_every_market(
    legacy: list[Summary], stable: list[Summary]
) -> None:
    pairs = zip(legacy, stable, strict=True)
    shares = [after.calls / before.calls for before, after in pairs]

    assert median(shares) < 0.2, table(stable)
    assert max(shares) < 0.5, table(stable)


def test_stable_is_not_quiet_by_absence(stable: list[Summary]) -> None:
    found = figures(stable)

    assert found["bid present"][1] >= 0.97, table(stable)
    assert found["ask present"][1] >= 0.97, table(stable)


def test_stable_is_not_quiet_by_staleness(stable: list[Summary]) -> None:
    found = figures(stable)

    assert found["staleness, bps"][1] <= found["half the latch, bps"][1], table(stable)
