"""The example bot on the generated market: it warms up, it quotes, and it jitters as recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

import pytest

from exchange.market import Market, Row, RowKind
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.units import BPS, MINUTE, SECOND
from lifecycle.bot.quoter import Quoter
from lifecycle.run.config import QuoterConfig
from spec.trace import Targets

CYCLE = 6 * SECOND


@dataclass(frozen=True)
class Cycle:
    """What one cycle saw, wanted and estimated."""

    now: int
    market: Market
    targets: Targets | None
    kappa: float | None
    delta: float | None
    sigma: float | None


def cycles(quoter: Quoter, seed: int, minutes: int, position: int = 0) -> Iterator[Cycle]:
    """Run the bot over a generated market."""
    rows: list[Row] = []
    market = Market(at=0, bid=None, ask=None)
    due = CYCLE
    for row in generate(GeneratorConfig(), seed):
        while row.ts >= due:
            quoter.see(rows)
            rows.clear()
            targets = quoter.quote(market, position, due)
            kappa = None if quoter.kappa is None else quoter.kappa.blend
            yield Cycle(due, market, targets, kappa, quoter.delta, quoter.sigma)
            due += CYCLE
        if row.ts >= minutes * MINUTE:
            return
        rows.append(row)
        if row.kind == RowKind.BBO:
            market = Market(row.ts, row.bid, row.ask, row.bid_qty, row.ask_qty)


def test_nothing_is_wanted_or_estimated_before_the_warm_up_is_over() -> None:
    quoter = Quoter(QuoterConfig(warmup_s=60.0), GENERATED)

    ran = list(cycles(quoter, 1, 2))

    assert [cycle.targets is None for cycle in ran] == [True] * 9 + [False] * 11
    assert [cycle.kappa is None for cycle in ran] == [True] * 9 + [False] * 11


def test_a_market_with_an_empty_side_is_not_quoted() -> None:
    quoter = Quoter(QuoterConfig(warmup_s=0.0), GENERATED)
    quoter.see([Row(0, -1, RowKind.BBO, 19_999, 1, 20_001, 1)])

    assert quoter.quote(Market(at=1, bid=None, ask=20_001), 0, 1) is None
    assert quoter.quote(Market(at=1, bid=19_999, ask=None), 0, 1) is None
    assert quoter.quote(Market(at=1, bid=19_999, ask=20_001), 0, 1) is not None


def test_a_bot_that_has_seen_nothing_is_not_warm_however_late_it_is() -> None:
    quoter = Quoter(QuoterConfig(), GENERATED)

    assert not quoter.is_warm(MINUTE * 60)


def test_quotes_stand_a_half_spread_from_the_mid() -> None:
    quoter = Quoter(QuoterConfig(), GENERATED)
    for cycle in cycles(quoter, 2, 5):
        if cycle.targets is None:
            continue
        assert cycle.market.bid is not None
        assert cycle.market.ask is not None
        assert cycle.delta is not None
        mid = (cycle.market.bid + cycle.market.ask) / 2

        (bid,), (ask,) = cycle.targets.bids, cycle.targets.asks

        assert bid.qty == ask.qty == 1_000
        assert 0 <= mid * (1 - cycle.delta) - bid.price < 1
        assert 0 <= ask.price - mid * (1 + cycle.delta) < 1
        assert 6.5 < cycle.delta * BPS < 11


def test_a_ladder_has_as_many_levels_as_configured() -> None:
    quoter = Quoter(QuoterConfig(levels=5, level_step_bps=0.1), GENERATED)
    last = list(cycles(quoter, 1, 2))[-1]

    assert last.targets is not None
    assert [t.price - last.targets.bids[0].price for t in last.targets.bids] == [0, -1, -2, -3, -4]
    assert [t.price - last.targets.asks[0].price for t in last.targets.asks] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("position", "bids", "asks"), [(10_000, 0, 1), (-10_000, 1, 0)])
def test_at_full_inventory_only_the_reducing_side_is_quoted(
    position: int, bids: int, asks: int
) -> None:
    quoter = Quoter(QuoterConfig(inventory_max="1.0"), GENERATED)
    last = list(cycles(quoter, 1, 2, position))[-1]

    assert last.targets is not None
    assert (len(last.targets.bids), len(last.targets.asks)) == (bids, asks)


@pytest.fixture(scope="module")
def runs() -> list[list[Cycle]]:
    """Return the cycles after warm-up of five minutes, for ten seeds."""
    return [
        [c for c in cycles(Quoter(QuoterConfig(), GENERATED), seed, 5) if c.targets is not None]
        for seed in range(1, 11)
    ]


def test_kappa_hovers_and_jitters_like_the_recorded_one(runs: list[list[Cycle]]) -> None:
    kappas = [[cycle.kappa for cycle in run if cycle.kappa is not None] for run in runs]
    means = [fmean(run) for run in kappas]
    changes = [abs(b / a - 1) for run in kappas for a, b in pairwise(run)]

    assert all(1_050 < mean < 1_300 for mean in means)
    assert 1_120 < fmean(means) < 1_230
    assert 0.004 < median(changes) < 0.014
    assert fmean(0.002 < change < 0.025 for change in changes) > 0.7


def test_most_cycles_want_a_price_beyond_the_legacy_tolerance(runs: list[list[Cycle]]) -> None:
    bids = [[c.targets.bids[0].price for c in run if c.targets is not None] for run in runs]
    moved = [abs(b - a) / a * BPS > 0.35 for run in bids for a, b in pairwise(run)]

    assert 0.68 < fmean(moved) < 0.85


def test_sigma_is_near_the_volatility_of_the_market(runs: list[list[Cycle]]) -> None:
    sigmas = [run[-1].sigma for run in runs if run[-1].sigma is not None]

    assert len(sigmas) == len(runs)
    assert 2.5 < median(sigmas) < 5.0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (QuoterConfig(gamma=0.0), "gamma must be positive and finite, was 0.0"),
        (QuoterConfig(levels=0), "levels must be at least 1, was 0"),
        (QuoterConfig(skew_bps=-1.0), "skew_bps must be finite and not negative, was -1.0"),
        (QuoterConfig(size="0"), "quoter.size must be positive, was 0 lots"),
        (QuoterConfig(size="0.00001"), "quoter.size must be a multiple of 0.0001, was 0.00001"),
        (
            QuoterConfig(inventory_max="-1"),
            "quoter.inventory_max must be positive, was -10000 lots",
        ),
    ],
)
def test_a_configuration_out_of_range_is_refused(config: QuoterConfig, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Quoter(config, GENERATED)
