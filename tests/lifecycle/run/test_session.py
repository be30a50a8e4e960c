"""A run from its start to its end: what it counts, shows and agrees on with the venue."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import structs

from exchange.units import MINUTE, SECOND
from exchange.venue import Capabilities
from exchange.words import Side
from lifecycle.config import TimingConfig
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig, VenueConfig
from lifecycle.run.session import POLICIES, Session, load_market

CONFIG = RunConfig(market=MarketConfig(minutes=3))
CANCEL_REPLACE = Capabilities()
AMEND = Capabilities(
    modify_keeps_oid=True,
    modify_keeps_queue_on_size_down=True,
    qty_is_total=True,
    refused_modify_may_kill=False,
)


def session(
    policy: str = "stable",
    config: RunConfig = CONFIG,
    capabilities: Capabilities = CANCEL_REPLACE,
) -> Session:
    market = load_market(config.market, config.venue)
    return Session(config, policy, market, capabilities=capabilities)


def finished(policy: str = "stable", config: RunConfig = CONFIG) -> Session:
    run = session(policy, config)
    while run.step():
        pass
    return run


def assert_agreement(run: Session) -> None:
    """Compare what the manager believes with what is true at the venue, all reports delivered."""
    assert run.drain(), "everything must be answered in the end"
    believed = {
        (order.oid, order.side, order.price, order.leaves)
        for order in run.manager.open_orders.values()
    }
    true = {(order.oid, order.side, order.price, order.qty) for order in run.venue.open_orders()}
    assert believed == true
    assert run.manager.position == run.venue.position


@pytest.mark.parametrize("policy", POLICIES)
def test_two_runs_of_one_seed_are_equal_to_the_last_digit(policy: str) -> None:
    one = msgspec.json.encode(finished(policy).summary())
    other = msgspec.json.encode(finished(policy).summary())

    assert one == other


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_placed_is_closed_or_open_and_the_venue_agrees(policy: str) -> None:
    run = finished(policy)

    orders = run.manager.orders.values()
    closed = sum(order.is_closed for order in orders)
    assert run.summary().placed == len(orders) == closed + len(run.manager.open_orders)
    assert_agreement(run)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_position_is_what_the_fills_add_up_to(policy: str) -> None:
    run = finished(policy, structs.replace(CONFIG, quoter=QuoterConfig(gamma=4000.0)))

    filled = sum(order.filled * order.side for order in run.manager.orders.values())
    assert run.summary().fills > 0
    assert run.manager.position == filled
    assert_agreement(run)


def test_nothing_is_sent_before_the_market_has_been_watched() -> None:
    run = session()

    while run.now < MINUTE - run.cycle_ns:
        assert run.step()
        assert run.summary().calls == 0
        assert not run.frame().warm
    run.step()

    assert run.now == MINUTE
    assert run.frame().warm
    assert run.summary().timeline == [(60, 0, 0, 0)]


def test_steps_are_a_cycle_apart_and_end_with_the_market() -> None:
    run = session()
    times = []

    while run.step():
        times.append(run.now)

    assert times == [n * run.cycle_ns for n in range(1, 30)]
    assert run.now == run.end == 3 * MINUTE
    assert not run.step()
    assert run.summary().seconds == 180.0


def test_a_market_shorter_than_a_cycle_has_none() -> None:
    config = structs.replace(CONFIG, timing=TimingConfig(cycle_s=400.0))

    run = finished(config=config)

    assert run.summary().cycles == 0
    assert run.now == run.end


def test_the_last_minute_of_the_timeline_is_the_summary() -> None:
    summary = finished("legacy").summary()

    assert [line[0] for line in summary.timeline] == [60, 120, 180]
    assert summary.timeline[-1] == (180, summary.placed, summary.cancelled, summary.fills)


def test_every_row_of_the_market_is_replayed() -> None:
    run = finished()

    assert run.summary().rows == sum(1 for _ in run.market.rows())


def test_the_summary_of_a_run_is_in_its_last_frame() -> None:
    run = finished()

    assert run.frame().summary == run.summary()


def frames(run: Session) -> Iterator[dict[str, int]]:
    """Step through a run, yielding each frame's lanes by cloid."""
    while run.step():
        yield {order.cloid: order.lane for order in run.frame().orders}


@pytest.mark.parametrize("policy", POLICIES)
def test_an_order_keeps_its_lane_and_shares_it_with_nobody(policy: str) -> None:
    config = structs.replace(CONFIG, quoter=QuoterConfig(levels=3))
    lanes: dict[str, int] = {}

    for shown in frames(session(policy, config)):
        assert len(set(shown.values())) == len(shown)
        assert all(lanes.get(cloid, lane) == lane for cloid, lane in shown.items())
        lanes.update(shown)

    assert lanes


def test_an_order_row_says_what_is_wanted_and_why() -> None:
    run = session()
    while run.now < 2 * MINUTE:
        run.step()

    rows = run.frame().orders

    assert {row.side for row in rows} == {Side.BUY, Side.SELL}
    for row in rows:
        assert row.why.split(", ")[0] in {"keep", "modify", "wait", "place", "cancel"}
        assert row.target
        assert row.band_bps > 0
        assert row.age_s >= 0


def test_a_venue_that_grants_little_is_known_to_the_stable_policy() -> None:
    venue = VenueConfig(request_cap=1_000, requests_used=100)
    run = session(config=structs.replace(CONFIG, venue=venue))

    frame = run.frame()

    assert frame.request_cap == 1_000
    assert frame.requests_used == 100
    assert frame.headroom == 0.9


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="policy must be one of legacy, stable, was wild"):
        session("wild")


@pytest.mark.parametrize("cycle_s", [0.0, -1.0])
def test_a_cycle_must_take_time(cycle_s: float) -> None:
    config = structs.replace(CONFIG, timing=TimingConfig(cycle_s=cycle_s))

    with pytest.raises(ValueError, match=r"timing\.cycle_s must be positive"):
        session(config=config)


HASTY = structs.replace(
    CONFIG,
    market=MarketConfig(minutes=2, seed=5),
    # Close to the touch and faster than an answer takes: fills, modifies and cancels race.
    timing=TimingConfig(cycle_s=0.5),
    quoter=QuoterConfig(gamma=40_000.0, levels=2, level_step_bps=1.0, warmup_s=10.0),
)


@pytest.mark.parametrize("capabilities", [CANCEL_REPLACE, AMEND], ids=["cancel-replace", "amend"])
@pytest.mark.parametrize("latency", ["none", "fast", "slow"])
@pytest.mark.parametrize("policy", POLICIES)
def test_the_record_survives_the_races_of_every_latency(
    policy: str, latency: str, capabilities: Capabilities
) -> None:
    venue = msgspec.convert({"latency": latency, "feed": "fast"}, VenueConfig)
    run = session(policy, structs.replace(HASTY, venue=venue), capabilities)

    while run.step():
        if policy == "stable":
            for side in Side:
                live = [o for o in run.manager.open_orders.values() if o.side is side]
                assert len(live) <= HASTY.quoter.levels, f"{side.name} at {run.now / SECOND} s"

    assert run.summary().fills > 0
    assert_agreement(run)
