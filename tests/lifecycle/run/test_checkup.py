"""What the doctor makes of what it finds, where no venue needs to be asked."""

import pytest

pytest.importorskip("httpx", reason="needs the extra hyperliquid")
pytest.importorskip("eth_account", reason="needs the extra hyperliquid")

from exchange.hyperliquid.clock import Offset
from exchange.units import MILLISECOND, SECOND, Nanos
from lifecycle.run.checkup import Verdict, clock_finding

NOW: Nanos = 1_700_000_000 * SECOND


@pytest.mark.parametrize(
    ("ahead_ms", "verdict", "words"),
    [
        (0, Verdict.OK, "0 ms behind ours, give or take 1"),
        (-78, Verdict.OK, "78 ms behind ours"),
        (5_000, Verdict.WARN, "5000 ms ahead of ours"),
        (-200_000_000, Verdict.FAIL, "200000000 ms behind ours"),
    ],
)
def test_a_clock_is_judged_by_how_far_off_it_is(
    ahead_ms: int, verdict: Verdict, words: str
) -> None:
    offset = Offset()
    offset.answered(NOW, NOW // MILLISECOND + ahead_ms, NOW + MILLISECOND)

    found = clock_finding(offset)

    assert found.verdict is verdict
    assert words in found.what


def test_a_clock_of_which_nothing_is_known_is_not_judged_well() -> None:
    assert clock_finding(Offset()).verdict is Verdict.WARN
