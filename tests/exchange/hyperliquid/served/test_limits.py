"""Weights of requests, the bucket of an address, and the server's two times."""

import pytest

from exchange.hyperliquid.served.clock import MarketClock
from exchange.hyperliquid.served.knobs import Faults, Knobs
from exchange.hyperliquid.served.limits import Bucket, action_weight, info_weight, rows_weight
from exchange.units import MINUTE, SECOND


@pytest.mark.parametrize(
    ("count", "weight"), [(1, 1), (39, 1), (40, 2), (79, 2), (80, 3), (200, 6)]
)
def test_an_action_weighs_one_more_for_each_forty_items(count: int, weight: int) -> None:
    assert action_weight(count) == weight


def test_questions_weigh_what_the_venue_says() -> None:
    assert [info_weight(kind) for kind in ("l2Book", "meta", "userRole")] == [2, 20, 60]
    assert [rows_weight("userFills", n) for n in (19, 20, 2000)] == [0, 1, 100]
    assert rows_weight("candleSnapshot", 120) == 2
    assert rows_weight("meta", 1000) == 0


def test_a_bucket_refills_within_a_minute() -> None:
    bucket = Bucket(1200, 0)

    assert bucket.take(1200, 0)
    assert not bucket.take(1, 0)
    assert bucket.take(600, MINUTE // 2)
    assert not bucket.take(1, MINUTE // 2)


def test_a_bucket_is_never_more_than_full_and_may_be_owed_to() -> None:
    bucket = Bucket(1200, 0)

    bucket.charge(1300, 10 * MINUTE)

    assert not bucket.take(1, 10 * MINUTE)
    assert not bucket.take(1101, 11 * MINUTE)
    assert bucket.take(1100, 11 * MINUTE)


def test_without_a_limit_nothing_is_refused() -> None:
    assert Bucket(0, 0).take(1_000_000, 0)


def test_the_market_runs_faster_than_the_wall_clock_that_clients_see() -> None:
    steady = [0]
    clock = MarketClock(
        100 * SECOND, 20.0, wall=lambda: 1_700_000_000 * SECOND, steady=lambda: steady[0]
    )

    steady[0] = 3 * SECOND

    assert clock.now() == 160 * SECOND
    assert clock.wall_ms(clock.now()) == 1_700_000_003_000
    assert clock.wall_seconds_until(180 * SECOND) == 1.0
    assert clock.wall_seconds_until(0) == 0.0


def test_a_clock_must_run_forwards() -> None:
    with pytest.raises(ValueError, match="speed must be positive, was 0"):
        MarketClock(0, 0)


def test_knobs_are_shares_and_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="lost_acks must lie between 0 and 1, was 2"):
        Knobs(lost_acks=2)
    with pytest.raises(ValueError, match=r"a knob must be one of .* was latency"):
        Knobs().but(latency=1.0)
    assert Knobs().but(disconnect_every_s=60).disconnect_every_s == 60


def test_faults_strike_as_often_as_the_knob_says_and_are_counted() -> None:
    faults = Faults(Knobs(lost_acks=0.25), seed=1)

    struck = sum(faults.strikes("lost_acks") for _ in range(4000))

    assert 900 < struck < 1100
    assert not any(faults.strikes("duplicates") for _ in range(100))
    assert faults.counts == {"lost_acks": struck}
