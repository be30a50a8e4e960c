"""Both policies on the recorded markets; skips where these are absent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.policies import BOTH
from lifecycle.run.session import LoadedMarket, Session, load_market


@pytest.fixture(scope="module")
def ethereum(recorded: Callable[[str], Path]) -> LoadedMarket:
    config = RunConfig(market=MarketConfig(file=str(recorded("hl_eth_20250904"))))
    return load_market(config.market, config.venue)


@pytest.mark.parametrize("policy", BOTH)
def test_every_cycle_of_the_main_recording_runs_and_the_venue_agrees(
    ethereum: LoadedMarket, policy: str
) -> None:
    session = Session(RunConfig(), policy, ethereum)
    steps = 0

    while session.step():
        steps += 1

    assert steps == 348
    # One each period once warm, and one more wherever a fill was replaced at once.
    assert session.summary().cycles >= 339
    assert session.summary().broken == []
    assert session.drain()
    assert session.manager.position == session.venue.position
    believed = {order.oid for order in session.manager.open_orders.values()}
    assert believed == {order.oid for order in session.venue.open_orders()}
