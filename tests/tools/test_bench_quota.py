"""Seven per cent of the quota left, and nothing earned: it lasts, and nobody is absent."""

import pytest

from tools.bench.quota import main, run

MINUTES = 20.0


@pytest.mark.parametrize(("cap", "used"), [(1_000, 930), (10_000, 9_300)])
def test_what_is_left_lasts_and_both_sides_stay_quoted(cap: int, used: int) -> None:
    one = run(None, MINUTES, cap, used, earn=False)

    assert one.least > 0.9 * (cap - used)
    assert min(one.bid, one.ask) >= 0.99
    assert one.violations == 0


def test_an_empty_ledger_fills_up_again_by_what_trading_earns() -> None:
    one = run(None, MINUTES, 100, 98, earn=True)

    assert one.left > 2
    assert one.violations == 0


def test_it_says_so_where_the_ledger_was_empty(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--minutes", "5", "--passes", "1", "--cap", "10", "--used", "10"])

    assert code == 1
    assert "at worst 0" in capsys.readouterr().out
