"""The example bot with smoothed parameters: quieter, as far from the mid, and awake to a change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import exp, log, sqrt
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from exchange.instrument import Instrument
from exchange.market import Market, Row, RowKind
from exchange.paper.generator import GENERATED
from exchange.units import BPS, SECOND
from lifecycle.bot.glft import half_spread
from lifecycle.bot.quoter import Quoter
from lifecycle.config import SmoothingConfig
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig
from lifecycle.run.market import LoadedMarket, load_market
from spec.trace import Targets

CYCLE = 6 * SECOND
FINE = Instrument("ETH", price_unit=Decimal("0.001"))
START = log(4_000_000)
"""Of the mid, in price units of `FINE`."""
CALM = 5.0
"""Bps per square root of a minute."""


@dataclass(frozen=True)
class Cycle:
    """What one cycle estimated, smoothed and wanted."""

    raw: float
    kappa: float
    sigma: float
    volatility: int
    delta: float
    targets: Targets


def cycles(quoter: Quoter, rows: Iterable[Row], start: int = 0) -> list[Cycle]:
    """Run the bot over a market, and return its cycles after warm-up."""
    seen: list[Row] = []
    out: list[Cycle] = []
    market = Market(at=start, bid=None, ask=None)
    due = start + CYCLE
    for row in rows:
        while row.ts >= due:
            quoter.see(seen)
            seen.clear()
            targets = quoter.quote(market, 0, due)
            if targets is not None:
                kappa, sigma = quoter.smoothing.values.kappa, quoter.sigma
                assert quoter.kappa is not None
                assert quoter.delta is not None
                assert kappa is not None
                assert sigma is not None
                raw, volatility = quoter.kappa.blend, quoter.volatility
                out.append(Cycle(raw, kappa, sigma, volatility, quoter.delta, targets))
            due += CYCLE
        seen.append(row)
        if row.kind == RowKind.BBO:
            market = Market(row.ts, row.bid, row.ask, row.bid_qty, row.ask_qty)
    return out


def walk(seed: int, sigmas: Iterable[float]) -> list[Row]:
    """Return a touch each second around a random walk; `sigmas` are bps per √minute by second."""
    random = Random(seed)
    x = START
    rows = []
    for second, sigma in enumerate(sigmas):
        x += random.gauss(0, sigma / BPS / sqrt(60))
        mid = round(exp(x))
        rows.append(Row(second * SECOND, -1, RowKind.BBO, mid - 1, 1, mid + 1, 1))
    return rows


def changes(values: Iterable[float]) -> int:
    """Count the changes between neighbours."""
    return sum(a != b for a, b in pairwise(values))


@pytest.fixture(scope="module")
def generated() -> LoadedMarket:
    return load_market(MarketConfig(minutes=10), RunConfig().venue)


def test_smoothing_is_off_unless_it_is_asked_for(generated: LoadedMarket) -> None:
    plain = Quoter(QuoterConfig(), GENERATED)
    off = Quoter(QuoterConfig(), GENERATED, smoothing=SmoothingConfig(enabled=False))

    ran = cycles(plain, generated.rows())

    assert ran == cycles(off, generated.rows())
    assert all(cycle.kappa == cycle.raw for cycle in ran)
    assert all(cycle.delta == half_spread(0.1, cycle.raw) for cycle in ran)
    assert all(cycle.volatility == round(cycle.sigma * 1_000_000) for cycle in ran)


def test_smoothed_the_half_spread_hardly_ever_changes_and_stays_as_wide(
    generated: LoadedMarket,
) -> None:
    plain = cycles(Quoter(QuoterConfig(), GENERATED), generated.rows())
    quoter = Quoter(QuoterConfig(), GENERATED, smoothing=SmoothingConfig())
    smooth = cycles(quoter, generated.rows())

    assert len(smooth) == len(plain) == 90
    assert [cycle.raw for cycle in smooth] == [cycle.raw for cycle in plain]
    assert changes(cycle.delta for cycle in plain) == 89
    assert changes(cycle.delta for cycle in smooth) <= 3
    wider = fmean(c.delta for c in smooth) / fmean(c.delta for c in plain)
    assert wider == pytest.approx(1.0, abs=0.05)
    assert quoter.smoothing.suppressed["kappa"] >= 86


def test_the_half_spread_follows_the_smoothed_kappa_and_the_size_is_that_configured(
    generated: LoadedMarket,
) -> None:
    quoter = Quoter(QuoterConfig(size="0.25"), GENERATED, smoothing=SmoothingConfig())

    for cycle in cycles(quoter, generated.rows()):
        assert cycle.delta == half_spread(0.1, cycle.kappa)
        assert {target.qty for target in cycle.targets.bids + cycle.targets.asks} == {2_500}


def test_volatility_is_not_known_before_the_first_quote() -> None:
    quoter = Quoter(QuoterConfig(), FINE, smoothing=SmoothingConfig())

    quoter.see(walk(1, [CALM] * 30))

    assert quoter.sigma is not None
    assert quoter.volatility == 0


def test_volatility_is_near_that_of_the_market_and_calmer_than_its_estimate() -> None:
    quoter = Quoter(QuoterConfig(), FINE, smoothing=SmoothingConfig())

    ran = cycles(quoter, walk(1, [CALM] * 1_800))

    assert fmean(cycle.volatility for cycle in ran) / 1e6 == pytest.approx(CALM, rel=0.1)
    raw = sum(abs(b.sigma - a.sigma) for a, b in pairwise(ran))
    smooth = sum(abs(b.volatility - a.volatility) for a, b in pairwise(ran)) / 1e6
    assert smooth < raw / 2


def test_a_steady_market_is_no_regime_change() -> None:
    for seed in range(10):
        quoter = Quoter(QuoterConfig(), FINE, smoothing=SmoothingConfig())

        cycles(quoter, walk(seed, [CALM] * 600))

        assert quoter.smoothing.regime_changes == 0


def test_a_market_that_becomes_five_times_as_wild_is_one_within_half_a_minute() -> None:
    heeded = 0
    for seed in range(20):
        quoter = Quoter(QuoterConfig(), FINE, smoothing=SmoothingConfig())
        wild = cycles(quoter, walk(seed, [CALM] * 300 + [5 * CALM] * 36))
        if quoter.smoothing.regime_changes > 0:
            heeded += 1
            assert wild[-1].volatility > 2.5 * CALM * 1e6

    assert heeded >= 18


def test_one_jump_of_the_mid_is_no_regime_change_once_it_has_passed() -> None:
    quoter = Quoter(QuoterConfig(), FINE, smoothing=SmoothingConfig())

    cycles(quoter, walk(3, [CALM] * 300 + [5 * CALM] * 2 + [CALM] * 120))

    assert quoter.smoothing.regime_changes == 0


def test_switched_off_the_wildest_market_is_no_regime_change() -> None:
    quoter = Quoter(QuoterConfig(), FINE)

    cycles(quoter, walk(1, [CALM] * 300 + [20 * CALM] * 60))

    assert quoter.smoothing.regime_changes == 0


def test_on_the_main_recording_kappa_is_emitted_a_few_times_an_hour(
    recorded: Callable[[str], Path],
) -> None:
    file = MarketConfig(file=str(recorded("hl_eth_20250904")))
    market = load_market(file, RunConfig().venue)
    off = Quoter(QuoterConfig(), market.instrument)
    on = Quoter(QuoterConfig(), market.instrument, smoothing=SmoothingConfig())

    before = cycles(off, market.rows(), market.start)
    after = cycles(on, market.rows(), market.start)

    assert len(before) == len(after) == 339
    assert changes(cycle.kappa for cycle in before) == 338
    assert changes(cycle.kappa for cycle in after) <= 6
    # In 35 minutes one burst of volatility is taken for a new regime, by intent: it is one.
    assert on.smoothing.regime_changes <= 1
