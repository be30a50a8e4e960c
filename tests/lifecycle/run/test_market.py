"""Loading the market of a run."""

from pathlib import Path

import pytest

from exchange.instrument import Instrument
from exchange.market import Row, RowKind
from exchange.recording import MarketError, write
from exchange.units import MINUTE, SECOND
from lifecycle.run.config import MarketConfig, VenueConfig
from lifecycle.run.market import load_market

START = 1_700_000_000 * SECOND


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "paper_eth.csv"
    rows = [
        Row(START + second * SECOND, -1, RowKind.BBO, 20_000, 5, 20_001 + second % 2, 5)
        for second in range(121)
    ]
    write(path, Instrument("ETH"), rows)
    return str(path)


def test_a_generated_market_lasts_five_minutes_unless_told_otherwise() -> None:
    assert load_market(MarketConfig(), VenueConfig()).seconds == 300.0
    assert load_market(MarketConfig(minutes=2), VenueConfig()).seconds == 120.0


def test_a_generated_market_is_the_same_each_time_and_ends() -> None:
    market = load_market(MarketConfig(minutes=1, seed=3), VenueConfig())

    rows = list(market.rows())

    assert rows == list(market.rows())
    assert rows[-1].ts <= MINUTE


def test_seeds_make_different_markets() -> None:
    one, other = (
        load_market(MarketConfig(minutes=0.1, seed=seed), VenueConfig()) for seed in (1, 2)
    )

    assert list(one.rows()) != list(other.rows())


def test_a_recording_keeps_its_exchange_times_and_lasts_as_long_as_it_is(file: str) -> None:
    market = load_market(MarketConfig(file=file), VenueConfig())

    assert market.start == START
    assert market.seconds == 120.0
    assert market.name == "paper_eth.csv"
    assert market.instrument.symbol == "ETH"
    assert len(list(market.rows())) == 121


def test_minutes_cut_a_recording_but_do_not_stretch_it(file: str) -> None:
    short = load_market(MarketConfig(file=file, minutes=1), VenueConfig())
    long = load_market(MarketConfig(file=file, minutes=10), VenueConfig())

    assert short.seconds == 60.0
    assert len(list(short.rows())) == 61
    assert long.seconds == 120.0


def test_a_recording_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    write(path, Instrument("ETH"), [])

    with pytest.raises(MarketError, match=r"empty\.csv: a market must have rows"):
        load_market(MarketConfig(file=str(path)), VenueConfig())


def test_a_generated_market_has_no_recorded_feed() -> None:
    with pytest.raises(MarketError, match="feed must not be recorded"):
        load_market(MarketConfig(), VenueConfig(feed="recorded"))
