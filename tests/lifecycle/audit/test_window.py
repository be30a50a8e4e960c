"""Moments, as people say them."""

import pytest

from exchange.units import SECOND
from lifecycle.audit.window import Moment, read_moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("90", 90), ("1.5", 1.5), ("90s", 90), ("250ms", 0.25), ("1h30m", 5400),
        ("2h", 7200), ("12:34.5", 754.5), ("1:02:03", 3723), ("1m0.5s", 60.5),
    ],
)  # fmt: skip
def test_a_time_since_the_beginning_has_many_spellings(text: str, seconds: float) -> None:
    moment = read_moment(text)

    assert moment == Moment(round(seconds * SECOND), is_absolute=False)
    assert moment.resolve(7) == 7 + round(seconds * SECOND)


@pytest.mark.parametrize(
    "text", ["2025-09-04T12:00:01.5Z", "2025-09-04 14:00:01.500+02:00", "2025-09-04T12:00:01.5"]
)
def test_an_iso_time_is_of_the_calendar(text: str) -> None:
    moment = read_moment(text)

    assert moment == Moment(1_756_987_201_500_000_000, is_absolute=True)
    assert moment.resolve(7) == moment.at


@pytest.mark.parametrize("text", ["", "noon", "1x", "-5", "1:2:3:4", "h"])
def test_anything_else_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time since the beginning"):
        read_moment(text)
