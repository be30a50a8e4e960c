"""What may be asked, and what an account has left."""

from decimal import Decimal

import pytest

from exchange.hyperliquid.limits import (
    AddressLedger,
    Allowance,
    IpLedger,
    weight_of,
    weight_of_action,
    weight_of_rows,
)
from exchange.hyperliquid.wire_info import (
    GetL2Book,
    GetMeta,
    GetOrderStatus,
    GetUserRole,
    InfoRequest,
    OpenOrders,
    UserFillsByTime,
    UserRateLimit,
)
from exchange.units import MINUTE, SECOND

USER = "0x" + "11" * 20


@pytest.mark.parametrize(
    ("items", "weight"), [(1, 1), (39, 1), (40, 2), (79, 2), (80, 3), (200, 6)]
)
def test_an_action_weighs_one_and_one_more_for_each_forty_items(items: int, weight: int) -> None:
    assert weight_of_action(items) == weight


@pytest.mark.parametrize(
    ("question", "weight"),
    [
        (GetL2Book("ETH"), 2),
        (GetOrderStatus(USER, 5), 2),
        (GetMeta(), 20),
        (OpenOrders(USER), 20),
        (GetUserRole(USER), 60),
    ],
)
def test_a_question_weighs_what_the_venue_says(question: InfoRequest, weight: int) -> None:
    assert weight_of(question) == weight


def test_a_long_answer_weighs_more_where_the_venue_counts_rows() -> None:
    assert weight_of_rows(UserFillsByTime(USER, 0), 45) == 2
    assert weight_of_rows(OpenOrders(USER), 45) == 0


def test_what_is_spent_comes_back_after_a_minute() -> None:
    ledger = IpLedger(100)
    ledger.spend(60, 0)
    ledger.spend(40, 10 * SECOND)

    assert ledger.wait(1, 20 * SECOND) == 40 * SECOND
    assert ledger.wait(61, 20 * SECOND) == 50 * SECOND
    assert ledger.wait(60, MINUTE) == 0
    assert ledger.used(MINUTE) == 40


def test_questions_leave_a_reserve_to_actions() -> None:
    ledger = IpLedger(100)
    ledger.spend(50, 0)

    assert ledger.wait(20, SECOND, reserve=40) > 0
    assert ledger.wait(20, SECOND) == 0


def test_what_weighs_more_than_the_reserve_leaves_waits_for_an_empty_minute() -> None:
    ledger = IpLedger(100)
    assert ledger.wait(60, 0, reserve=80) == 0
    ledger.spend(1, 0)

    assert ledger.wait(60, SECOND, reserve=80) == 59 * SECOND


def test_nothing_is_asked_for_a_while_after_the_venue_has_refused() -> None:
    ledger = IpLedger(100)
    ledger.refused(10 * SECOND, 5 * SECOND)

    assert ledger.wait(1, 12 * SECOND, reserve=10) == 3 * SECOND
    assert ledger.wait(1, 15 * SECOND, reserve=10) == 0
    # An action is no question.
    assert ledger.wait(1, 12 * SECOND) == 0


def test_an_allowance_adds_what_was_sent_since_the_venue_counted() -> None:
    ledger = AddressLedger()
    unknown = ledger.allowance
    ledger.told(UserRateLimit("12.5", 90, 10_012, 3))
    ledger.sent(10)

    assert unknown is None
    assert ledger.allowance == Allowance(used=100, cap=10_015, volume=Decimal("12.5"))
    assert ledger.allowance.left == 9_915


def test_cancels_have_twice_the_cap_and_a_hundred_thousand_more_at_most() -> None:
    assert Allowance(0, 10_000, Decimal(0)).cancel_cap == 20_000
    assert Allowance(0, 500_000, Decimal(0)).cancel_cap == 600_000
