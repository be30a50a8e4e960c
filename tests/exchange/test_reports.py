"""Reports are of the types that they say, or there are none."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import ValidationError, json
from msgspec.structs import replace

from exchange.reports import (
    Accepted,
    Cancelled,
    Fill,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Rejected,
    Report,
    Snapshot,
)
from exchange.words import Alive, CancelReason, Side, Status

FILL = Fill(0, "c", "101", 1, 20_000, "t1")
ACCEPTED = Accepted(0, "c", "101")
STATUS = OrderStatus(0, "c", Status.OPEN)
LOOK = Snapshot(0, ())
ROW = OpenOrder("1", "c", Side.BUY, 20_000, 1)
WRONG: list[tuple[Any, str, Any, str]] = [
    (FILL, "qty", 0.5, "a whole number of lots, an int, was 0.5"),
    (FILL, "qty", Decimal(1), "a whole number of lots"),
    (FILL, "qty", True, "a whole number of lots, an int, was True"),
    (FILL, "price", 2000.0, "a whole number of price units, an int, was 2000.0"),
    (FILL, "cloid", 7, "a str, or None, was 7"),
    (FILL, "oid", 101, "a str, was 101"),
    (FILL, "trade_id", None, "a str, was None"),
    (FILL, "at", 0.5, "whole nanoseconds, an int, was 0.5"),
    (FILL, "side", "buy", "a member of Side, or None, was 'buy'"),
    (ACCEPTED, "oid", 101, "a str, was 101"),
    (ACCEPTED, "at", 1.5, "whole nanoseconds, an int, was 1.5"),
    (ACCEPTED, "request", None, "an int, was None"),
    (Modified(0, "c", "101", 1, 20_000), "qty", 0.5, "a whole number of lots"),
    (Rejected(0, "c", "why"), "reason", None, "a str, was None"),
    (Cancelled(0, "c", None, CancelReason.USER), "reason", "user", "a member of CancelReason"),
    (ModifyRejected(0, "c", "", Alive.YES), "alive", True, "a member of Alive, was True"),
    (STATUS, "status", "open", "a member of Status, was 'open'"),
    (STATUS, "filled", 0.5, "a whole number of lots, an int, or None, was 0.5"),
    (LOOK, "open", None, "a tuple of OpenOrders, was None"),
    (LOOK, "open", ({"oid": "1"},), "a tuple of OpenOrders, was "),
    (LOOK, "fills", [FILL], "a tuple of Fills, was "),
    (ROW, "side", 1, "a member of Side, was 1"),
]


@pytest.mark.parametrize(("report", "field", "value", "must"), WRONG)
def test_a_report_of_other_types_is_not_made(
    report: Any, field: str, value: object, must: str
) -> None:
    with pytest.raises(TypeError) as refused:
        replace(report, **{field: value})

    assert str(refused.value).startswith(f"{type(report).__name__}.{field} must be {must}")


def test_a_fill_below_zero_is_not_made() -> None:
    with pytest.raises(ValueError, match=r"^Fill.qty must not be negative, was -5"):
        replace(FILL, qty=-5)


def test_a_report_that_is_read_is_checked_as_well() -> None:
    text = json.encode(FILL)

    assert json.decode(text, type=Report) == FILL
    with pytest.raises(ValidationError, match=r"Fill.qty must not be negative, was -1"):
        json.decode(text.replace(b'"qty":1,', b'"qty":-1,'), type=Report)
