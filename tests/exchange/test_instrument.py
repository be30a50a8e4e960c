"""Units, ticks and the texts of prices."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from exchange.instrument import Instrument
from exchange.words import Side

# Perpetuals have six decimals less those of their size; the least step is tried as it stands.
FINE = Instrument("FINE", price_unit=Decimal("0.000001"), lot=Decimal(1), significant_figures=5)
BTC = Instrument("BTC", price_unit=Decimal("0.1"), lot=Decimal("0.00001"), significant_figures=5)
ETH = Instrument("ETH", price_unit=Decimal("0.01"), lot=Decimal("0.0001"), significant_figures=5)


def is_valid(instrument: Instrument, text: str) -> bool:
    try:
        return instrument.is_valid_price(instrument.price(text))
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("instrument", "text", "valid"),
    [
        (FINE, "1234.5", True),
        (FINE, "1234.56", False),
        (FINE, "0.001234", True),
        (FINE, "0.0012345", False),
        (FINE, "123456", True),
        (FINE, "12345.6", False),
        (FINE, "0", False),
        (BTC, "98765", True),
        (BTC, "98765.4", False),
        (BTC, "123456", True),
        (BTC, "9876.5", True),
        (ETH, "4268.9", True),
        (ETH, "4268.95", False),
        (ETH, "999.99", True),
        (ETH, "10000.1", False),
    ],
)
def test_hyperliquid_prices_have_five_significant_figures_or_are_whole(
    instrument: Instrument, text: str, valid: bool
) -> None:
    assert is_valid(instrument, text) is valid


@pytest.mark.parametrize("text", ["99999", "100000", "9999.9", "1000", "0.1"])
def test_a_snapped_price_is_valid_and_not_more_aggressive(text: str) -> None:
    for raw in range(BTC.price(text), BTC.price(text) + 25):
        bid, ask = BTC.snap(raw, Side.BUY), BTC.snap(raw, Side.SELL)

        assert bid <= raw <= ask
        assert BTC.is_valid_price(bid)
        assert BTC.is_valid_price(ask)


def test_a_fixed_tick_is_one_unit_at_any_price() -> None:
    instrument = Instrument("X")

    assert {instrument.tick(10**exponent) for exponent in range(12)} == {1}


def test_the_least_notional_is_rounded_up_to_whole_units() -> None:
    instrument = Instrument("X", price_unit=Decimal("0.3"), lot=Decimal(1))

    assert instrument.min_notional_units == 34
    assert instrument.is_valid_notional(34, 1)
    assert not instrument.is_valid_notional(33, 1)


def test_text_goes_in_and_out_unchanged() -> None:
    assert ETH.price_text(ETH.price("4268.90")) == "4268.90"
    assert ETH.qty_text(ETH.qty("0.0196")) == "0.0196"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4268.905", "price must be a multiple of 0.01, was 4268.905"),
        ("x", "price must be a number, was 'x'"),
        ("NaN", "price must be finite, was NaN"),
        ("Infinity", "price must be finite, was Infinity"),
    ],
)
def test_text_that_is_no_price_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ETH.price(text)


def test_an_instrument_without_positive_units_is_refused() -> None:
    with pytest.raises(ValueError, match="lot must be positive, was 0"):
        Instrument("X", lot=Decimal(0))


@pytest.mark.parametrize("price", [0, 1, 99_999, 100_000, 100_001, 200_005, 200_010])
@pytest.mark.parametrize("qty", [0, 1, 4, 5, 60])
def test_an_instrument_accepts_what_is_valid_in_price_size_and_notional(
    price: int, qty: int
) -> None:
    instrument = Instrument("ETH", Decimal("0.01"), Decimal("0.01"), significant_figures=5)

    assert instrument.accepts(price, qty) is (
        instrument.is_valid_price(price)
        and instrument.is_valid_qty(qty)
        and instrument.is_valid_notional(price, qty)
    )


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (("X", 0.1), "price_unit must be a Decimal, .*was 0.1"),
        (("X", "0.1"), "price_unit must be a Decimal, .*was '0.1'"),
        (("X", Decimal(1), 1), "lot must be a Decimal, .*was 1"),
        (("X", Decimal(1), Decimal(1), 10.0), "min_notional must be a Decimal, .*was 10.0"),
        (("X", Decimal(1), Decimal(1), Decimal(1), 5.0), "significant_figures must be an int"),
        ((None,), "symbol must be a str, was None"),
    ],
)
def test_an_instrument_of_other_types_is_refused_by_name(
    values: tuple[Any, ...], complaint: str
) -> None:
    with pytest.raises(TypeError, match=f"^{complaint}"):
        Instrument(*values)


@pytest.mark.parametrize("value", [None, True, np.int64(2000), (1, 2), [1]])
def test_what_is_no_text_of_a_price_is_refused_with_what_it_must_be(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^price must be a str, a Decimal or an int, was"):
        ETH.price(value)
