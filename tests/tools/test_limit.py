"""The limit on a random walk, and how near to it the order manager comes.

The walk's lengths are in steps of a cycle. `tools.bench.walk` has no market, no fills and no
delays: what is left is the rule.
"""

from decimal import Decimal
from itertools import cycle, islice

import pytest

from exchange.commands import Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted
from exchange.units import SECOND
from lifecycle.bot.glft import half_spread, ladder, rounded
from lifecycle.config import Config, GridConfig, SmoothingConfig
from lifecycle.core.desk import FOREVER
from lifecycle.core.manager import OrderManager
from lifecycle.core.smoothing import Smoothing
from tools.bench.limit import CONTINUOUS, Limit, frontier, optimum, rate_at
from tools.bench.walk import walk, with_latch

COSTS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 25.0, 50.0, 100.0)
LATCHES = (0.3, 0.6, 1.0, 1.5, 2.0, 3.0)
CYCLES = 3_000
SEED = 1
KAPPAS = (1169.0, 1176.0, 1194.0, 1169.0)
"""As recorded: the jitter that cost forty calls a minute."""
ETH = Instrument("ETH", price_unit=Decimal("0.1"), lot=Decimal("0.0001"), significant_figures=5)


@pytest.fixture(scope="module")
def limits() -> list[Limit]:
    return frontier(COSTS)


def test_rate_times_mean_square_comes_to_a_sixth_as_the_cycle_becomes_short() -> None:
    products = [optimum(cost).product for cost in (1.0, 30.0, 1000.0)]

    assert products == sorted(products)
    assert products[-1] == pytest.approx(CONTINUOUS, rel=0.04)
    assert products[-1] < CONTINUOUS


def test_the_best_rule_acts_on_nearly_everything_when_a_call_is_nearly_free() -> None:
    assert optimum(0.0001).rate == pytest.approx(1.0, abs=0.1)


def test_a_dearer_call_is_made_less_often(limits: list[Limit]) -> None:
    assert [limit.rate for limit in limits] == sorted((x.rate for x in limits), reverse=True)
    assert [limit.rms for limit in limits] == sorted(x.rms for x in limits)


def test_a_ladder_that_may_shift_costs_less_than_its_orders_one_by_one() -> None:
    single = optimum(10.0)

    ladder_limit = optimum(10.0, orders=10, rung=1.4)

    assert ladder_limit.rms <= single.rms * 1.05
    assert ladder_limit.rate < 10 * single.rate / 5


@pytest.mark.parametrize(("cost", "orders", "rung"), [(0.0, 1, None), (1.0, 0, None), (1, 2, -1)])
def test_what_is_not_positive_is_refused(cost: float, orders: int, rung: float | None) -> None:
    with pytest.raises(ValueError, match="must be positive, was"):
        optimum(cost, orders=orders, rung=rung)


@pytest.mark.parametrize("latch", LATCHES)
def test_one_order_is_within_a_tenth_of_the_limit(latch: float, limits: list[Limit]) -> None:
    walked = walk(with_latch(latch, grid=False), latch, cycles=CYCLES, seed=SEED)

    best = rate_at(limits, walked.rms)
    assert best is not None
    assert walked.rate <= 1.10 * best


def test_a_ladder_is_within_a_tenth_of_the_limit_of_ladders() -> None:
    rung, latch = 1.43, 1.07
    limits = frontier((0.2, 0.5, 1.0, 3.0), orders=10, rung=rung)

    walked = walk(
        with_latch(latch, grid=False), latch, cycles=1_000, seed=SEED, levels=10, rung=rung
    )

    best = rate_at(limits, walked.rms)
    assert best is not None
    assert walked.rate <= 1.10 * best


@pytest.mark.parametrize("smoothing", [True, False])
@pytest.mark.parametrize("grid", [True, False])
def test_jitter_of_kappa_alone_costs_no_call_once_warm(smoothing: bool, grid: bool) -> None:
    calls = jittered(smoothing=smoothing, config=Config(grid=GridConfig(enabled=grid)))

    assert calls[0] == 2
    assert sum(calls[1:]) == 0


def jittered(*, smoothing: bool, config: Config, cycles: int = 100) -> list[int]:
    """Return the calls of each cycle under the recorded jitter, with the mid at rest."""
    held = Smoothing(SmoothingConfig(enabled=smoothing))
    manager = OrderManager(ETH, config=config)
    market = Market(FOREVER, 43_000, 43_002, volatility=7_400_000)
    calls = []
    for number, kappa in enumerate(islice(cycle(KAPPAS), cycles), start=1):
        now = 6 * SECOND * number
        smooth = held.smooth(kappa=kappa, gamma=0.1)
        assert smooth.kappa is not None, "a good sample has a value"
        delta = half_spread(0.1, smooth.kappa)
        wanted = ladder(43_001.0, delta, 0.0, skew_bps=6.0, levels=1, step_bps=4.0)
        plan = manager.cycle(now, rounded(wanted, 43_000, 43_002, 1_000, ETH), market)
        for command in plan.commands:
            if isinstance(command, Place):
                accepted = Accepted(now, command.cloid, command.cloid, command.request)
                manager.receive(accepted, now)
        calls.append(sum(not hasattr(command, "fills_since") for command in plan.commands))
    return calls
