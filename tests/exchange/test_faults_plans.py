"""What all faults have in common: the clock, new clients, healing, and the plans themselves."""

import pytest
from msgspec.structs import replace

from exchange.commands import Cancel, QueryOpen
from exchange.paper.faults import PLANS, FaultPlan, Faults, Kind, mix
from exchange.paper.latency import LATENCIES
from exchange.paper.venue import PaperVenue
from exchange.reports import (
    Accepted,
    Cancelled,
    Disconnected,
    Fill,
    Reconnected,
    Rejected,
    Snapshot,
)
from exchange.units import MILLISECOND, MINUTE, SECOND
from exchange.venue import NoAnswer, Received
from tests.exchange.play import INSTRUMENT
from tests.exchange.test_faults import (
    BID,
    LATE,
    START,
    busy,
    heard,
    modify,
    place,
    resting,
    said,
    venue,
)

# The clock.


@pytest.mark.parametrize("drift_ppm", [0, 20_000, 200_000])
def test_a_clock_that_is_off_never_runs_backwards_and_comes_right(drift_ppm: int) -> None:
    plan = FaultPlan(skew=SECOND, drift_ppm=drift_ppm, until=MINUTE)
    for seed in range(5):
        off = Faults(plan, seed)
        off.open(SECOND)

        times = [off.shown(at) for at in range(SECOND, 2 * MINUTE, 10 * MILLISECOND)]
        errors = [
            abs(shown - at)
            for shown, at in zip(times, range(SECOND, 2 * MINUTE, 10 * MILLISECOND), strict=True)
        ]

        assert times == sorted(times)
        assert 0 < max(errors) <= SECOND
        assert (len(set(errors[:5000])) == 1) is (drift_ppm == 0)
        assert errors[-1] == 0


@pytest.mark.parametrize("seed", range(6))
def test_expiry_and_fills_since_are_by_the_venues_clock(seed: int) -> None:
    off = venue(FaultPlan(skew=4 * SECOND), busy(), seed)
    plain = venue(PLANS["calm"], busy(), seed)
    offset = off.market(START).at - plain.market(START).at
    assert offset

    mine, theirs = said(off, place(1)), said(plain, place(1))
    fill = next(report for report in mine if isinstance(report, Fill))
    since = [
        said(off, QueryOpen(2, fill.at + more), now=START + (more + 1) * LATE)[0] for more in (0, 1)
    ]
    now = START + 4 * LATE
    expires_at = now + offset // 2
    (late,) = said(off, place(3, BID - 1, expires_at=expires_at), now=now)

    assert [report.at - offset for report in mine if not isinstance(report, NoAnswer)] == [
        report.at for report in theirs if not isinstance(report, NoAnswer)
    ]
    assert [one.fills for one in since if isinstance(one, Snapshot)] == [(fill,), ()]
    assert isinstance(late, Accepted | Rejected)
    assert isinstance(late, Rejected) is (late.at > expires_at)


# Clients that die.


def test_a_new_client_hears_nothing_that_was_for_the_old_one() -> None:
    shared = venue(PLANS["calm"], busy())
    shared.submit([place(1, qty=80)], START)
    shared.poll(START + 300 * MILLISECOND)
    shared.submit([place(2, BID - 5), QueryOpen(3, 0)], START + 300 * MILLISECOND)

    shared.new_client(START + 400 * MILLISECOND)
    shared.submit([place(4, BID - 7)], START + 500 * MILLISECOND)
    reports = [received.report for received in shared.poll(START + LATE)]

    assert [report.cloid for report in reports if isinstance(report, Accepted)] == ["c4"]
    assert [report.cloid for report in reports if isinstance(report, Fill)] == ["c1"]
    assert resting(shared) == ["c2", "c4"]


def test_the_stream_of_a_new_client_is_not_the_broken_one() -> None:
    broken = venue(FaultPlan(gap=60.0, gap_max=MINUTE, notice_max=MILLISECOND))
    first = broken.poll(START + LATE)
    assert isinstance(first[-1].report, Disconnected)

    broken.new_client(START + LATE)
    following = broken.poll(START + 3 * MINUTE)

    assert isinstance(following[0].report, Disconnected)


# Plans.


def test_a_venue_without_faults_and_a_calm_one_say_the_same() -> None:
    calm = venue(PLANS["calm"], busy())
    plain = PaperVenue(INSTRUMENT, busy(), latency=LATENCIES["fast"], seed=1)
    plain.poll(START)
    commands = place(1, qty=80), place(2, BID - 4), modify(3, "c2", BID - 2), QueryOpen(4, 0)

    assert heard(calm, *commands) == heard(plain, *commands)


def test_what_happens_does_not_depend_on_how_often_one_polls() -> None:
    plan = replace(PLANS["storm"], until=MINUTE)
    often, seldom = venue(plan, busy()), venue(plan, busy())
    found: list[Received] = []
    for step in range(90):
        now = START + step * SECOND
        for one in (often, seldom):
            one.submit([place(2 * step + 1), QueryOpen(2 * step + 2, 0)], now)
        found += [r for part in range(1, 11) for r in often.poll(now + part * SECOND // 10)]
        seldom_received = seldom.poll(now + SECOND)
        assert found[len(found) - len(seldom_received) :] == seldom_received

    assert often.open_orders() == seldom.open_orders()


@pytest.mark.parametrize("seed", range(8))
def test_after_the_healing_the_plain_contract_holds_again(seed: int) -> None:
    healed = venue(replace(PLANS["storm"], until=MINUTE, gap=10.0), busy(), seed)
    for number in range(1, 60):
        healed.submit([place(number, BID - number), QueryOpen(number + 100, 0)], number * SECOND)
    before = healed.poll(SECOND + MINUTE)
    before += healed.poll(SECOND + MINUTE + LATE)
    told = [r.report for r in before if isinstance(r.report, Disconnected | Reconnected)]
    now = SECOND + MINUTE + LATE

    answers = []
    for number in range(1000, 1100):
        answers += said(healed, place(number, BID - 100), now=now)
        answers += said(healed, Cancel(number + 200, f"c{number}", None, 0), now=now + LATE)
        now += 2 * LATE
    answers = [report for report in answers if not isinstance(report, Fill)]

    assert told == [] or isinstance(told[-1], Reconnected)
    assert [type(answer) for answer in answers] == [Accepted, Cancelled] * 100


def test_a_mix_is_the_same_for_the_same_seed_and_meets_every_kind() -> None:
    plans = [mix(seed) for seed in range(200)]

    kinds = {kind for plan in plans for kind in plan.kinds}
    assert plans == [mix(seed) for seed in range(200)]
    assert len(set(plans)) > 150
    assert kinds == set(Kind)
    assert min(len(plan.kinds) for plan in plans) < 4
    assert max(len(plan.kinds) for plan in plans) > 12


def test_every_kind_has_a_plan_of_its_own() -> None:
    assert set(PLANS) == {"calm", "storm", *Kind}
    assert all(PLANS[kind].kinds == (kind,) for kind in Kind)
    assert PLANS["calm"].kinds == ()
    assert set(PLANS["storm"].kinds) == set(Kind)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"lost_ack": 1.5}, "lost_ack must be a share within 0…1, was 1.5"),
        ({"duplicate": -0.1}, "duplicate must be a share within 0…1, was -0.1"),
        ({"gap": 61.0}, "gap must be within 0…60 a minute, was 61.0"),
        ({"lost_ack": 0.6, "late_ack": 0.6}, "the shares of requests must sum to 1 at most"),
        ({"drift_ppm": 300_000}, "drift_ppm must be within 0…200000, was 300000"),
        ({"skew": -1}, "skew must not be negative, was -1"),
        ({"late_max": 0}, "late_max must be positive, was 0"),
    ],
)
def test_a_plan_without_meaning_is_refused(values: dict[str, float], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        replace(FaultPlan(), **values)
