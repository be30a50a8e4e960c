"""Quotes in human units: what is exact must be valid, a float is rounded the passive way."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.instrument import Instrument
from exchange.words import Side
from lifecycle.dropin.wanted import Quote, price_of, qty_of, targets_of
from spec.trace import Target, Targets

FIXED = Instrument("X")
FIGURES = Instrument("Y", price_unit=Decimal("0.01"), lot=Decimal("0.1"), significant_figures=5)


@pytest.mark.parametrize(
    ("value", "bid", "ask"),
    [
        (0.1 + 0.2, 3, 3),
        (100.04, 1000, 1001),
        (100.0, 1000, 1000),
        (99.99999999999999, 1000, 1000),
        ("100.1", 1001, 1001),
        (Decimal("100.1"), 1001, 1001),
        (100, 1000, 1000),
    ],
)
def test_a_float_is_read_and_rounded_away_from_the_touch(value: Any, bid: int, ask: int) -> None:
    assert price_of(FIXED, value, Side.BUY) == bid
    assert price_of(FIXED, value, Side.SELL) == ask


@pytest.mark.parametrize(
    "value", ["100.05", Decimal("100.05"), "x", float("nan"), float("inf"), -1.0]
)
def test_what_is_no_valid_price_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        price_of(FIXED, value, Side.BUY)


@given(value=st.floats(0.02, 1e6), side=st.sampled_from(Side))
def test_a_rounded_price_is_valid_and_never_more_aggressive(value: float, side: Side) -> None:
    price = price_of(FIGURES, value, side)

    assert FIGURES.is_valid_price(price)
    assert (Decimal(f"{value:.12g}") - price * FIGURES.price_unit) * side >= 0


def test_sizes_are_rounded_down_and_may_not_be_negative() -> None:
    assert qty_of(FIXED, 0.1) == 1000
    assert qty_of(FIXED, 0.00019) == 1
    assert qty_of(FIXED, "0.0001") == 1
    with pytest.raises(ValueError, match="negative"):
        qty_of(FIXED, -1)


@pytest.mark.parametrize("quote", [1999.0, (1999.0,), (1999.0, 0.1, "buy"), None, "19"])
def test_what_is_no_quote_is_said(quote: Any) -> None:
    with pytest.raises(TypeError, match="a quote must be a price and a size, or a Target, was"):
        targets_of(FIXED, [quote], [])


@pytest.mark.parametrize("quotes", [None, 1999.0])
def test_what_is_no_list_of_quotes_is_said(quotes: Any) -> None:
    with pytest.raises(TypeError, match=r"quotes must be in a list, \[\] for none, was"):
        targets_of(FIXED, [], quotes)


def test_a_ladder_is_sorted_and_quotes_at_one_price_are_one_and_of_no_size_are_none() -> None:
    bids: list[Quote] = [(99.0, 0.1), (100.0, 0.1), (100.0, 0.2), (98.0, 0.0), Target(1005, 7)]
    targets = targets_of(FIXED, bids, [])

    assert targets == Targets((Target(1005, 7), Target(1000, 3000), Target(990, 1000)), ())
