"""A run on the paper venue that plays in bulk is, to the last digit, that on the plain loop."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.config import OrdersConfig
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig, VenueConfig
from lifecycle.run.frame import Frame
from lifecycle.run.market import LoadedMarket, load_market
from lifecycle.run.session import Session
from spec.trace import Record

TEN = QuoterConfig(levels=10)


def plainly(market: LoadedMarket) -> LoadedMarket:
    """Return the same market as rows alone, which a venue plays one by one."""
    return LoadedMarket(
        name=market.name,
        instrument=market.instrument,
        start=market.start,
        end=market.end,
        source=lambda: iter(market.source()),
    )


def played(
    config: RunConfig, policy: str, market: LoadedMarket
) -> tuple[list[Record], list[Frame], Session]:
    """Run to the end; returns all that the manager was told and decided, and what was shown."""
    records: list[Record] = []
    frames: list[Frame] = []
    session = Session(config, policy, market, sinks=(records.append,))
    while session.step():
        frames.append(session.frame())
    session.drain()
    frames.append(session.frame())
    return records, frames, session


def assert_alike(config: RunConfig, policy: str, market: LoadedMarket) -> None:
    """Compare the loops."""
    records, frames, bulk = played(config, policy, market)
    plain_records, plain_frames, plain = played(config, policy, plainly(market))

    assert records == plain_records
    assert frames == plain_frames
    assert bulk.summary() == plain.summary()
    assert bulk.venue.fills == plain.venue.fills
    assert bulk.venue.open_orders() == plain.venue.open_orders()
    assert (bulk.rows, bulk.venue.quota) == (plain.rows, plain.venue.quota)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_runs_on_generated_markets_are_alike(seed: int) -> None:
    config = RunConfig(market=MarketConfig(minutes=5, seed=seed), quoter=TEN)
    market = load_market(config.market, config.venue)

    for policy in ("legacy", "stable"):
        assert_alike(config, policy, market)


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(venue=VenueConfig(latency="none", feed="none"), quoter=TEN),
        RunConfig(venue=VenueConfig(latency="slow", cancel_share_ahead=0.0)),
        RunConfig(venue=VenueConfig(request_cap=300, cancel_share_ahead=1.0), quoter=TEN),
        RunConfig(orders=OrdersConfig(refill_s=None, post_only=False), quoter=TEN),
    ],
    ids=["no delay", "slow", "few requests", "no refill"],
)
def test_runs_at_other_venues_are_alike(config: RunConfig) -> None:
    assert_alike(config, "stable", load_market(config.market, config.venue))


@pytest.mark.parametrize(
    ("name", "quoter"),
    [
        ("hl_eth_20250903", TEN),
        ("hl_eth_20250904", TEN),
        ("hl_wlfi_20250904", QuoterConfig(levels=10, size="100", inventory_max="1000")),
    ],
)
def test_runs_on_recorded_markets_are_alike(
    recorded: Callable[[str], Path], name: str, quoter: QuoterConfig
) -> None:
    config = RunConfig(market=MarketConfig(file=str(recorded(name)), minutes=12), quoter=quoter)

    assert_alike(config, "stable", load_market(config.market, config.venue))


def test_a_market_with_many_levels_is_played_alike(recorded: Callable[[str], Path]) -> None:
    path = recorded("bnf_eth_20240808")
    config = RunConfig(market=MarketConfig(file=str(path), minutes=1), quoter=TEN)

    assert_alike(config, "stable", load_market(config.market, config.venue))


def test_a_market_with_its_own_delay_is_played_alike(recorded: Callable[[str], Path]) -> None:
    path = recorded("hl_eth_20250903")
    config = RunConfig(
        market=MarketConfig(file=str(path)), venue=VenueConfig(feed="recorded"), quoter=TEN
    )

    assert_alike(config, "stable", load_market(config.market, config.venue))
