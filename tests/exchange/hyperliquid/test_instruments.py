"""Perpetuals as they are listed: ids, names and the venue's own examples of its price rule."""

from decimal import Decimal
from typing import Final

import pytest
from msgspec import convert

from exchange.hyperliquid.instruments import (
    Asset,
    asset_id,
    assets_of,
    dex_index,
    dex_of,
    find_asset,
    instrument_of,
)
from exchange.hyperliquid.wire_info import AssetMeta, PerpDex, Universe
from exchange.words import Side

# As captured in September 2026.
DEXES: Final = convert(
    [None, *({"name": name} for name in ("xyz", "flx", "vntl", "hyna", "km"))],
    list[PerpDex | None],
)
MAIN: Final = convert(
    {
        "universe": [
            {"szDecimals": 5, "name": "BTC", "maxLeverage": 40, "marginTableId": 56},
            {"szDecimals": 4, "name": "ETH", "maxLeverage": 25, "new": [1]},
            {"szDecimals": 1, "name": "MATIC", "maxLeverage": 20, "isDelisted": True},
        ],
        "marginTables": [[55, {"description": "tiered 25x", "marginTiers": []}]],
        "collateralToken": 0,
    },
    Universe,
)
HYNA: Final = convert(
    {
        "universe": [
            {"szDecimals": 5, "name": "hyna:BTC", "maxLeverage": 40, "onlyIsolated": True},
            {"szDecimals": 4, "name": "hyna:ETH", "maxLeverage": 25, "marginMode": "noCross"},
        ],
        "collateralToken": 235,
    },
    Universe,
)


def test_an_asset_of_the_main_dex_has_its_place_as_id() -> None:
    found = assets_of(MAIN)

    assert [(one.coin, one.id) for one in found.values()] == [("BTC", 0), ("ETH", 1), ("MATIC", 2)]
    assert find_asset("ETH", MAIN).dex == ""


def test_an_asset_of_a_deployed_dex_is_counted_from_its_dexs_place() -> None:
    btc = find_asset("hyna:BTC", HYNA, DEXES)
    eth = find_asset("hyna:ETH", HYNA, DEXES)

    assert (btc.id, eth.id) == (140000, 140001)
    assert (btc.dex, btc.only_isolated, btc.max_leverage) == ("hyna", True, 40)
    assert asset_id(0, dex_index("xyz", DEXES)) == 110000


def test_a_delisted_asset_keeps_its_place_and_is_not_found() -> None:
    assert assets_of(MAIN)["MATIC"].is_delisted
    with pytest.raises(ValueError, match="a coin must still be traded, was MATIC"):
        find_asset("MATIC", MAIN)


def test_what_is_not_listed_is_named() -> None:
    with pytest.raises(ValueError, match="a coin must be listed on the main dex, was XYZ"):
        find_asset("XYZ", MAIN)
    with pytest.raises(ValueError, match="a dex must be one of xyz, flx, vntl, hyna, km, was abc"):
        find_asset("abc:ETH", MAIN, DEXES)


def test_a_coin_names_its_dex() -> None:
    assert [dex_of(coin) for coin in ("ETH", "hyna:ETH", "@1")] == ["", "hyna", ""]


# Source: Hyperliquid documentation, "Tick and lot size".
@pytest.mark.parametrize(
    ("sz_decimals", "price", "is_valid"),
    [
        (1, "1234.5", True),
        (1, "1234.56", False),
        (0, "0.001234", True),
        (0, "0.0012345", False),
        (1, "0.01234", True),
        (1, "0.012345", False),
        (4, "123456", True),
        (4, "12345.6", False),
        (4, "2000.1", True),
        (4, "2000.11", False),
        (4, "999.99", True),
        (5, "100001", True),
        (5, "60000.1", False),
    ],
)
def test_prices_are_valid_as_the_venue_says(sz_decimals: int, price: str, is_valid: bool) -> None:
    instrument = instrument_of(AssetMeta(sz_decimals, "X", 1))

    units = Decimal(price) / instrument.price_unit
    found = units == units.to_integral_value() and instrument.is_valid_price(int(units))

    assert found == is_valid


@pytest.mark.parametrize(
    ("sz_decimals", "price", "tick"),
    [(4, "150", "0.01"), (4, "2000", "0.1"), (4, "12000", "1"), (4, "120000", "1"),
     (5, "60000", "1"), (5, "120000", "1"), (0, "0.5", "0.00001"), (6, "7", "1")],
)  # fmt: skip
def test_the_tick_depends_on_the_price(sz_decimals: int, price: str, tick: str) -> None:
    instrument = instrument_of(AssetMeta(sz_decimals, "X", 1))

    assert instrument.tick(instrument.price(price)) * instrument.price_unit == Decimal(tick)


def test_an_order_must_be_worth_ten_dollars() -> None:
    instrument = find_asset("hyna:ETH", HYNA, DEXES).instrument
    price = instrument.snap(instrument.price("2000.1"), Side.BUY)

    assert instrument.symbol == "hyna:ETH"
    assert instrument.accepts(price, instrument.qty("0.0050"))
    assert not instrument.accepts(price, instrument.qty("0.0049"))


def test_a_universe_without_assets_has_none() -> None:
    nothing: dict[str, Asset] = {}

    assert assets_of(Universe([])) == nothing
