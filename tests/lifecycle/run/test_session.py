"""A run from its start to its end: what it counts, shows and agrees on with the venue."""

import re
from collections.abc import Iterator

import msgspec
import pytest
from msgspec import structs

from exchange.units import MINUTE, SECOND
from exchange.venue import Capabilities
from exchange.words import Side
from lifecycle.config import BandsConfig, ChurnConfig, GridConfig, ModifyConfig, TimingConfig
from lifecycle.core.manager import OrderManager
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig, VenueConfig
from lifecycle.run.policies import BOTH
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


@pytest.mark.parametrize("policy", BOTH)
def test_two_runs_of_one_seed_are_equal_to_the_last_digit(policy: str) -> None:
    one = msgspec.json.encode(finished(policy).summary())
    other = msgspec.json.encode(finished(policy).summary())

    assert one == other


@pytest.mark.parametrize("policy", BOTH)
def test_what_was_placed_is_closed_or_open_and_the_venue_agrees(policy: str) -> None:
    run = finished(policy)

    orders = run.manager.orders.values()
    closed = sum(order.is_closed for order in orders)
    assert run.summary().placed == len(orders) == closed + len(run.manager.open_orders)
    assert_agreement(run)


@pytest.mark.parametrize("policy", BOTH)
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


def test_a_run_is_held_to_every_invariant() -> None:
    run = finished()

    summary = run.summary()
    assert run.watched is not None
    assert (summary.violations, summary.broken) == (0, [])


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_breaks_an_invariant(policy: str) -> None:
    summary = finished(policy, structs.replace(CONFIG, quoter=QuoterConfig(levels=2))).summary()

    assert summary.broken == []


def test_watching_changes_nothing() -> None:
    market = load_market(CONFIG.market, CONFIG.venue)
    watched, alone = (Session(CONFIG, "stable", market, watch=watch) for watch in (True, False))
    for run in (watched, alone):
        while run.step():
            pass

    assert alone.watched is None
    assert watched.summary() == alone.summary()


@pytest.mark.python_core
def test_a_manager_of_a_bench_has_promised_nothing_and_is_not_watched() -> None:
    class Other(OrderManager):
        __slots__ = ()

    market = load_market(CONFIG.market, CONFIG.venue)
    run = Session(CONFIG, "stable", market, manage=Other)

    assert run.watched is None


def test_the_causes_add_up_to_the_orders_left_alone() -> None:
    summary = finished().summary()

    left = sum(
        summary.kept.get(reason, 0)
        for reason in ("same-point", "latched", "debounced", "quota", "in-flight", "in-doubt")
    )
    causes = {cause: count for cause, count in summary.kept_by.items() if cause != "smoother"}
    assert sum(causes.values()) == left > 0
    assert summary.kept_by.get("smoother", 0) == sum(summary.suppressed.values())


def test_the_series_is_the_run_minute_by_minute() -> None:
    summary = finished("legacy").summary()

    times = [minute[0] for minute in summary.series]
    assert times == [60, 120, 180]
    assert summary.series[0] == (60, None, None, None, 0)
    assert sum(minute[4] for minute in summary.series) == summary.calls
    assert all(0 <= minute[1] <= 1 for minute in summary.series if minute[1] is not None)


def test_the_window_of_a_short_run_is_the_run() -> None:
    run = finished()

    frame, summary = run.frame(), run.summary()

    window = frame.window
    assert window is not None
    assert window.cycles == summary.cycles < 100
    assert window.skip == summary.zero_action
    assert window.queue_kept == summary.queue_kept
    assert frame.cycle_line.startswith(f"cycle {summary.cycles} ")
    assert frame.window_line.startswith(f"{summary.cycles}: ")


SPIRAL = structs.replace(CONFIG, churn=ChurnConfig(window=10, spiral_cycles=3))


def test_a_spiral_makes_the_smoother_patient_and_is_told_with_its_time() -> None:
    # Without bands every jitter is a call, and without modifies every call is a cancel.
    config = structs.replace(
        SPIRAL,
        bands=BandsConfig(enabled=False),
        modify=ModifyConfig(enabled=False),
        grid=GridConfig(enabled=False),
    )
    run = session(config=config)
    boosts = set()

    while run.step():
        boost = run.quoter.smoothing.boost
        boosts.add(boost)
        assert (boost > 1) == ("spiral" in run.frame().alerts)

    assert boosts == {1.0, SPIRAL.churn.deadband_boost}
    first = run.summary().alerts[0]
    assert re.fullmatch(r"\d+ s, spiral: \d+ cancels and \d+ fills in \d+ cycles", first)


def test_the_legacy_policy_raises_no_alarm_and_is_still_counted() -> None:
    run = finished("legacy", SPIRAL)

    summary = run.summary()
    assert summary.alerts == []
    assert sum(summary.kept_by.values()) > 0


def frames(run: Session) -> Iterator[dict[str, int]]:
    """Step through a run, yielding each frame's lanes by cloid."""
    while run.step():
        yield {order.cloid: order.lane for order in run.frame().orders}


@pytest.mark.parametrize("policy", BOTH)
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
    with pytest.raises(ValueError, match=r"policy must be one of legacy, stable, .*, was wild"):
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
@pytest.mark.parametrize("policy", BOTH)
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
    assert run.summary().broken == []
