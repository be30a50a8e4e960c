"""The paper venue as a whole: time, delay, determinism, and what always holds."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.commands import Cancel, Command, Modify, Place, QueryOpen
from exchange.market import Row
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.latency import (
    FAST_CANCEL,
    FAST_PLACE,
    FEEDS,
    LATENCIES,
    NO_DELAY,
    SLOW_PLACE,
    Quantiles,
)
from exchange.paper.venue import PaperVenue
from exchange.reports import Accepted, CancelRejected, Fill, Modified, Snapshot
from exchange.units import MILLISECOND, SECOND, Nanos
from exchange.venue import Capabilities, Received
from exchange.words import Cloid, Oid, Side
from tests.exchange.play import AMEND, INSTRUMENT, REPLACE, Play, bbo, depth, said, trade

STILL = [bbo(second * SECOND, 1000, 300, 1010, 400) for second in range(1, 60)]


def test_a_round_trip_has_the_quantiles_that_were_put_in() -> None:
    assert SLOW_PLACE.at(0.5) == 1382 * MILLISECOND
    assert SLOW_PLACE.at(0.99) == 2150 * MILLISECOND
    assert FAST_PLACE.at(0.5) == 400 * MILLISECOND
    assert FAST_CANCEL.at(0.5) == 700 * MILLISECOND
    assert SLOW_PLACE.at(0) == 1038 * MILLISECOND
    assert SLOW_PLACE.at(1) == 3071 * MILLISECOND


@pytest.mark.parametrize(
    ("shares", "values"),
    [((0.0, 1.0), (5, 4)), ((0.1, 1.0), (1, 2)), ((0.0, 1.0), (1,)), ((0.0, 1.0), (-1, 2))],
)
def test_quantiles_that_fall_are_refused(
    shares: tuple[float, ...], values: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="must"):
        Quantiles(shares, values)


def test_a_request_is_executed_half_a_round_trip_after_it_was_sent() -> None:
    trip = Quantiles((0.0, 1.0), (100, 100))
    latency = type(LATENCIES["none"])(place=trip, cancel=trip, query=trip)
    venue = PaperVenue(INSTRUMENT, STILL, latency=latency)
    venue.poll(SECOND)

    venue.submit([Place(1, "a", Side.BUY, 1000, 100, True, False, 0)], SECOND)
    received = venue.poll(2 * SECOND)

    assert [one.at for one in received] == [SECOND + 100]
    assert [report.at for report in said(received)] == [SECOND + 50]


def test_the_market_is_seen_late_and_remembered_as_it_was() -> None:
    rows = [bbo(10, 1000, 1, 1010, 1), bbo(20, 1001, 1, 1010, 1), trade(20, 1010, 1, 1)]
    venue = PaperVenue(INSTRUMENT, rows, feed=Quantiles((0.0, 1.0), (15, 15)))
    venue.poll(25)

    assert (venue.market(25).bid, venue.market(25).at) == (1000, 10)
    assert venue.seen(25) == rows[:1]
    assert venue.seen(40) == rows[1:]
    assert venue.seen(40) == []
    assert venue.market(40).bid == 1001
    assert [venue.mid_at(at) for at in (9, 10, 19, 20, 99)] == [None, 2010, 2010, 2011, 2011]


def test_before_anything_is_seen_there_is_no_price() -> None:
    venue = PaperVenue(INSTRUMENT, STILL)

    market = venue.market(0)

    assert (market.bid, market.ask) == (None, None)


def test_the_recorded_feed_keeps_the_delay_of_each_kind() -> None:
    slow = depth(10, 1, 999, 5)._replace(recv=50)
    quick = bbo(20, 1000, 1, 1010, 1)._replace(recv=25)
    venue = PaperVenue(INSTRUMENT, [slow, quick], feed=FEEDS["recorded"])
    venue.poll(100)

    assert venue.seen(25) == [quick]
    assert venue.seen(50) == [slow]


def test_of_a_recorders_clock_that_runs_behind_only_the_variation_counts() -> None:
    rows = [
        bbo(100, 1000, 1, 1010, 1)._replace(recv=40),
        bbo(200, 1001, 1, 1010, 1)._replace(recv=145),
    ]
    venue = PaperVenue(INSTRUMENT, rows, feed=None)
    venue.poll(300)

    assert venue.seen(100) == rows[:1]
    assert venue.seen(204) == []
    assert venue.seen(205) == rows[1:]


def test_the_venue_says_when_the_next_row_is_due_and_when_all_are_played() -> None:
    venue = PaperVenue(INSTRUMENT, [bbo(10, 1000, 1, 1010, 1)])

    due, before = venue.next_row_time, venue.done
    venue.poll(10)

    assert (due, before) == (10, False)
    assert (venue.next_row_time, venue.done) == (None, True)


def test_an_answer_may_overtake_a_fill_that_happened_before_it() -> None:
    rows = [*STILL[:1], trade(2 * SECOND, 999, 1, -1)]
    slow = Quantiles((0.0, 1.0), (5 * SECOND, 5 * SECOND))
    venue = PaperVenue(INSTRUMENT, rows, latency=LATENCIES["fast"], feed=slow)
    venue.submit([Place(1, "a", Side.BUY, 1000, 100, True, False, 0)], SECOND)
    venue.submit([Cancel(2, "a", None, 0)], 3 * SECOND)

    heard = said(venue.poll(10 * SECOND))

    assert [type(report) for report in heard] == [Accepted, CancelRejected, Fill]
    assert heard[1].at > heard[2].at


def test_within_a_stream_no_report_overtakes_another() -> None:
    rows = [
        row for now in range(100) for row in (STILL[0]._replace(ts=now), trade(now, 999, 1, -1))
    ]
    venue = PaperVenue(INSTRUMENT, rows, latency=LATENCIES["slow"])
    for request in range(100):
        place = Place(request, f"c{request}", Side.BUY, 1000, 100, True, False, 0)
        venue.submit([place], request * MILLISECOND)

    times = [report.at for report in said(venue.poll(10 * SECOND))]

    assert len(times) == 100
    assert times == sorted(times)


def test_fills_come_in_the_order_in_which_they_happened() -> None:
    rows = [bbo(now * MILLISECOND, 1000, 1, 1010, 1) for now in range(1, 200)]
    hits = [trade(now * MILLISECOND, 1000, 2, -1) for now in range(1, 200)]
    market = [row for pair in zip(hits, rows, strict=True) for row in pair]
    venue = PaperVenue(INSTRUMENT, market, latency=LATENCIES["none"])
    venue.submit([Place(1, "a", Side.BUY, 1000, 100, True, False, 0)], 5 * MILLISECOND)

    received = venue.poll(10 * SECOND)
    fills = [one.report.at for one in received if isinstance(one.report, Fill)]

    assert len(fills) > 50
    assert fills == sorted(fills)


def test_the_market_is_seen_in_the_order_in_which_it_happened() -> None:
    venue = PaperVenue(GENERATED, market_rows(), seed=3)
    venue.poll(600 * SECOND)

    seen = [row.ts for now in range(0, 600 * SECOND, SECOND // 2) for row in venue.seen(now)]

    assert len(seen) == 8_000
    assert seen == sorted(seen)


def test_a_request_that_says_it_was_sent_in_the_past_is_executed_now() -> None:
    venue = PaperVenue(INSTRUMENT, STILL, latency=LATENCIES["none"])
    venue.poll(5 * SECOND)
    venue.submit([Place(1, "a", Side.BUY, 1000, 100, True, False, 0)], SECOND)

    assert [report.at for report in said(venue.poll(5 * SECOND))] == [5 * SECOND]


def test_a_snapshot_holds_the_fills_since() -> None:
    play = Play([*STILL[:1], trade(2 * SECOND, 999, 1, -1), trade(3 * SECOND, 999, 1, -1)])
    play.until(SECOND)
    play.place("a", Side.BUY, 1000, 100)
    play.until(2 * SECOND)
    play.place("b", Side.BUY, 1000, 100)
    play.until(4 * SECOND)

    said = play.send(QueryOpen(9, 3 * SECOND))

    assert isinstance(said[0], Snapshot)
    assert [(fill.cloid, fill.trade_id) for fill in said[0].fills] == [("b", "2")]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="cancel_share_ahead must be within"):
        PaperVenue(INSTRUMENT, [], cancel_share_ahead=share)


def market_rows() -> Iterator[Row]:
    return islice(generate(GeneratorConfig(trades_per_minute=300.0), 5), 8_000)


def run(seed: int, polls: int = 1) -> Iterator[Received]:
    """Quote both sides of a generated market once a second, polling so often between."""
    venue = PaperVenue(GENERATED, market_rows(), seed=seed)
    oids: dict[Cloid, Oid] = {}
    for request, now in enumerate(range(SECOND, 60 * SECOND, SECOND), 1):
        for part in range(1, polls + 1):
            for one in venue.poll(now - SECOND + SECOND * part // polls):
                yield one
                if isinstance(one.report, Accepted | Modified):
                    oids[one.report.cloid] = one.report.oid
        market = venue.market(now)
        assert market.bid is not None
        assert market.ask is not None
        commands: list[Command] = []
        for side, price in ((Side.BUY, market.bid), (Side.SELL, market.ask)):
            number = 2 * request + (side is Side.BUY)
            cloid = f"{side.name}{now // (10 * SECOND)}"
            if now % (10 * SECOND) == 0 or not oids:
                commands.append(Place(number, cloid, side, price, 1000, True, False, 0))
            else:
                oid = oids.get(cloid)
                commands.append(
                    Modify(number, cloid, oid, side, price, 1000, True, False, now + SECOND)
                )
        venue.submit(commands, now)


def test_the_same_seed_gives_the_same_reports() -> None:
    assert list(run(seed=3)) == list(run(seed=3))


def test_another_seed_gives_others() -> None:
    assert list(run(seed=3)) != list(run(seed=4))


def test_how_often_one_polls_changes_nothing() -> None:
    assert list(run(seed=3)) == list(run(seed=3, polls=7))


PRICES = st.integers(995, 1015)
SIDES = st.sampled_from([Side.BUY, Side.SELL])
SIZES = st.integers(0, 400)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("bbo"), PRICES, st.integers(1, 6), SIZES),
        st.tuples(st.just("trade"), PRICES, st.sampled_from([-1, 0, 1]), SIZES),
        st.tuples(st.just("depth"), PRICES, st.sampled_from([-1, 1]), st.integers(-1, 400)),
        st.tuples(st.just("place"), PRICES, SIDES, st.integers(50, 200)),
        st.tuples(st.just("modify"), PRICES, SIDES, st.integers(50, 200)),
        st.tuples(st.just("cancel"), PRICES, SIDES, st.just(0)),
    ),
    max_size=40,
)


def row_of(now: Nanos, step: tuple[str, int, int, int]) -> Row | None:
    word, price, other, qty = step
    if word == "bbo":
        return bbo(now, price, qty, price + other, qty)
    if word == "trade":
        return trade(now, price, qty, other)
    return depth(now, other, price, qty) if word == "depth" else None


@given(steps=STEPS, capabilities=st.sampled_from([REPLACE, AMEND]), post_only=st.booleans())
def test_fills_of_a_leg_never_exceed_its_size_and_the_position_is_their_sum(
    steps: list[tuple[str, int, int, int]], capabilities: Capabilities, post_only: bool
) -> None:
    rows = [row for now, step in enumerate(steps, 1) if (row := row_of(now, step)) is not None]
    play = Play(rows, capabilities=capabilities)
    sizes: dict[Oid, int] = {}
    filled: Counter[Oid] = Counter()
    position = 0
    trades: set[str] = set()

    for now, (word, price, side, qty) in enumerate(steps, 1):
        said = play.until(now)
        cloid = f"c{price % 4}"
        if word == "place":
            said += play.place(cloid, Side(side), price, qty, post_only=post_only)
            accepted = [report for report in said if isinstance(report, Accepted)]
            sizes.update({report.oid: qty for report in accepted})
        elif word == "modify":
            said += play.modify(cloid, None, Side(side), price, qty)
        elif word == "cancel":
            said += play.send(Cancel(10_000 + now, cloid, None, 0))
        for report in said:
            if isinstance(report, Modified):
                sizes[report.oid] = report.qty
            elif isinstance(report, Fill):
                filled[report.oid] += report.qty
                position += int(report.side or 0) * report.qty
                trades.add(report.trade_id)
                assert report.qty > 0

    assert all(filled[oid] <= sizes[oid] for oid in filled)
    assert position == play.venue.position
    open_qty = {order.oid: order.qty for order in play.venue.open_orders()}
    assert all(filled[oid] + qty == sizes[oid] for oid, qty in open_qty.items())
    assert all(
        queue.ahead >= 0 and queue.behind >= 0
        for queue in play.venue.market(play.now).queues.values()
    )
    bids, asks = (
        [order.price for order in play.venue.open_orders() if order.side is side]
        for side in (Side.BUY, Side.SELL)
    )
    assert not bids or not asks or max(bids) < min(asks)


def test_the_feed_without_delay_is_seen_at_once() -> None:
    venue = PaperVenue(INSTRUMENT, STILL, feed=NO_DELAY)
    venue.poll(SECOND)

    assert venue.market(SECOND).bid == 1000
