"""The generated market: it is consistent, it repeats itself, and it behaves like the real one."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile
from math import inf, log, nan
from statistics import fmean, pstdev

import pytest

from exchange.market import Row, RowKind
from exchange.paper.generator import GENERATED, PRICE_MAX, GeneratorConfig, generate
from exchange.units import BPS, MINUTE, SECOND
from exchange.words import Side
from tests.exchange import plain_flow

CALM = GeneratorConfig()
WILD = GeneratorConfig(volatility_bps_per_sqrt_minute=100.0, sweeps_per_minute=120.0)
THIN = GeneratorConfig(flow_per_second=1.0, trades_per_minute=600.0, sweeps_per_minute=60.0)
TOP = GeneratorConfig(price=PRICE_MAX, levels=30, depth_ms=0)
MARKETS = pytest.mark.parametrize(
    "config", [CALM, WILD, THIN, TOP], ids=["calm", "wild", "thin", "top"]
)


@dataclass(frozen=True)
class Statistics:
    """What a market was like."""

    move_6s_bps: float
    """Standard deviation of the mid's move in six seconds."""
    volatility_bps: float
    """Of the mid, per square root of a minute, from one-minute moves."""
    narrow: float
    """Share of touches with a spread of one or two ticks."""
    trades_per_minute: float
    sweeps: float
    """Share of takers who trade at more than one price."""
    deep_per_minute: float
    """Takers who reach over fifteen ticks."""


def generated(config: GeneratorConfig, seed: int, minutes: float) -> Iterator[Row]:
    """Yield the rows of the first minutes."""
    return takewhile(lambda row: row.ts < minutes * MINUTE, generate(config, seed))


def measured(config: GeneratorConfig, seeds: Iterable[int], minutes: int) -> Statistics:
    """Measure a market over several seeds."""
    mids: list[list[float]] = []
    spreads: list[int] = []
    takers: list[set[int]] = []
    trades = 0
    for seed in seeds:
        mids.append([])
        prints: dict[tuple[int, int], set[int]] = {}
        mid = 0.0
        for row in generated(config, seed, minutes):
            while row.ts >= (len(mids[-1]) + 1) * 6 * SECOND:
                mids[-1].append(mid)
            if row.kind == RowKind.BBO:
                mid = (row.bid + row.ask) / 2
                spreads.append(row.ask - row.bid)
            elif row.kind == RowKind.TRADE:
                trades += 1
                prints.setdefault((row.ts, row.side), set()).add(row.price)
        takers.extend(prints.values())
    total = minutes * len(mids)
    return Statistics(
        move_6s_bps=_deviation(mids, 1),
        volatility_bps=_deviation(mids, 10),
        narrow=fmean(spread <= 2 for spread in spreads),
        trades_per_minute=trades / total,
        sweeps=fmean(len(prices) > 1 for prices in takers),
        deep_per_minute=sum(max(prices) - min(prices) > 15 for prices in takers) / total,
    )


def _deviation(paths: list[list[float]], lag: int) -> float:
    moves = [
        log(later / earlier) * BPS
        for path in paths
        for earlier, later in zip(path, path[lag:], strict=False)
    ]
    return pstdev(moves)


def test_the_same_seed_gives_the_same_market() -> None:
    first = list(islice(generate(CALM, 7), 5_000))
    second = list(islice(generate(CALM, 7), 5_000))

    assert first == second


@MARKETS
def test_a_market_is_the_one_that_it_was_when_the_generator_was_written(
    config: GeneratorConfig,
) -> None:
    for seed in (1, 7, 1989):
        now = list(islice(generate(config, seed), 20_000))
        then = list(islice(plain_flow.generate(config, seed), 20_000))

        assert now == then


def test_another_seed_gives_another_market() -> None:
    first = list(islice(generate(CALM, 7), 5_000))
    second = list(islice(generate(CALM, 8), 5_000))

    assert first != second


def test_two_markets_of_one_process_do_not_disturb_each_other() -> None:
    alone = list(islice(generate(CALM, 7), 2_000))
    one, other = generate(CALM, 7), generate(CALM, 8)
    together = [row for row, _ in islice(zip(one, other, strict=False), 2_000)]

    assert together == alone


def test_a_market_starts_with_a_snapshot_and_the_touch() -> None:
    rows = list(islice(generate(CALM, 1), 41))

    assert [row.act for row in rows[:40]] == ["S"] * 40
    assert [row.side for row in rows[:40]] == [Side.BUY] * 20 + [Side.SELL] * 20
    assert rows[40].kind == RowKind.BBO
    assert (rows[40].bid, rows[40].ask) == (rows[0].price, rows[20].price)
    assert all(row.ts == 0 for row in rows)


@MARKETS
def test_time_does_not_run_backwards_and_has_no_feed_delay(config: GeneratorConfig) -> None:
    rows = list(generated(config, 3, 2))

    assert all(a.ts <= b.ts for a, b in pairwise(rows))
    assert all(row.recv == -1 for row in rows)


@MARKETS
def test_every_price_is_valid_and_every_size_positive(config: GeneratorConfig) -> None:
    for row in generated(config, 3, 2):
        if row.kind == RowKind.BBO:
            prices, qtys = [row.bid, row.ask], [row.bid_qty, row.ask_qty]
        else:
            prices, qtys = [row.price], [row.qty]

        assert all(GENERATED.is_valid_price(price) for price in prices)
        assert row.kind == RowKind.DEPTH or all(qty > 0 for qty in qtys)


@MARKETS
@pytest.mark.parametrize("seed", [1, 2])
def test_the_book_never_crosses_and_agrees_with_the_touch(
    config: GeneratorConfig, seed: int
) -> None:
    book: dict[int, dict[int, int]] = {1: {}, -1: {}}
    touch = Row(0, -1, RowKind.BBO)
    batch = -1
    for row in generated(config, seed, 2):
        if row.kind == RowKind.DEPTH:
            batch = row.ts
            if row.qty > 0:
                book[row.side][row.price] = row.qty
            else:
                del book[row.side][row.price]
            if book[1] and book[-1]:
                assert max(book[1]) < min(book[-1])
            continue
        if batch >= 0:
            # A batch of depth has ended: the book is the one whose touch was told last.
            bid, ask = max(book[1]), min(book[-1])
            if batch > 0:
                assert (touch.bid, touch.bid_qty) == (bid, book[1][bid])
                assert (touch.ask, touch.ask_qty) == (ask, book[-1][ask])
            assert max(len(levels) for levels in book.values()) <= config.levels
            batch = -1
        if row.kind == RowKind.BBO:
            assert row.bid < row.ask
            assert row[3:7] != touch[3:7]
            touch = row


def test_depth_comes_in_batches_at_most_twice_a_second() -> None:
    batches = sorted({row.ts for row in generated(CALM, 1, 2) if row.kind == RowKind.DEPTH})
    gaps = [later - earlier for earlier, later in pairwise(batches)]

    assert min(gaps) >= 0.5 * SECOND
    assert max(gaps) < 0.7 * SECOND


def test_a_depth_row_says_something_new() -> None:
    shown: dict[tuple[int, int], int] = {}
    for row in generated(CALM, 1, 2):
        if row.kind == RowKind.DEPTH:
            assert shown.get((row.side, row.price), 0) != row.qty
            shown[row.side, row.price] = max(row.qty, 0)


def test_the_default_market_is_like_the_one_it_stands_for() -> None:
    statistics = measured(CALM, range(1, 13), 10)

    assert 0.95 < statistics.move_6s_bps < 1.25
    assert 2.9 < statistics.volatility_bps < 4.1
    assert statistics.narrow > 0.85
    assert 105 < statistics.trades_per_minute < 140
    assert 0.05 < statistics.sweeps < 0.11
    assert 0.12 < statistics.deep_per_minute < 0.5


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_seed_is_a_plausible_market(seed: int) -> None:
    statistics = measured(CALM, [seed], 5)

    assert 0.7 < statistics.move_6s_bps < 2.0
    assert statistics.narrow > 0.8
    assert 90 < statistics.trades_per_minute < 160
    assert 0.03 < statistics.sweeps < 0.13


@pytest.mark.parametrize("volatility", [7.0, 14.0])
def test_volatility_is_what_was_asked_for(volatility: float) -> None:
    config = GeneratorConfig(volatility_bps_per_sqrt_minute=volatility)

    statistics = measured(config, range(1, 7), 8)

    assert 0.8 < statistics.volatility_bps / volatility < 1.25


def test_without_sweeps_nobody_reaches_deep() -> None:
    config = GeneratorConfig(sweeps_per_minute=0.0)

    statistics = measured(config, range(1, 5), 5)

    assert statistics.deep_per_minute == 0
    assert statistics.sweeps < 0.05
    assert 0.9 < statistics.move_6s_bps < 1.3


def test_five_minutes_are_generated_in_less_than_three_seconds() -> None:
    began = time.process_time()
    rows = sum(1 for _ in generated(CALM, 1, 5))
    took = time.process_time() - began

    assert rows > 5_000
    assert took < 3.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", 0),
        ("price", PRICE_MAX + 1),
        ("volatility_bps_per_sqrt_minute", -1.0),
        ("volatility_bps_per_sqrt_minute", nan),
        ("jump_share", 1.5),
        ("trades_per_minute", inf),
        ("sweeps_per_minute", -1.0),
        ("sweep_tail", 0.0),
        ("flow_per_second", 0.0),
        ("levels", 0),
        ("levels", 31),
        ("depth_ms", -1),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} must lie between .*, was {value}$"):
        GeneratorConfig(**{name: value})  # type: ignore[arg-type]
