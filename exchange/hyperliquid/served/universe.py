"""What the served venue lists: assets, their ids, and what `meta` and its kin say of them.

One market is alive: the one that is replayed or generated. It trades under its own name and on
the dex `hyna` as well. The others have a book that stands still, so that whatever the official
SDK's examples name can be placed, modified and cancelled. Spot is listed and cannot be traded.

Asset ids are Hyperliquid's: the index in the universe; on a builder's dex 100000, plus 10000
times the dex's place in `perpDexs`, plus the index (documentation, "Asset IDs").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from exchange.hyperliquid import wire_info
from exchange.hyperliquid.wire_info import AssetMeta, PerpDex, SpotMeta, SpotPair, SpotToken
from exchange.instrument import Instrument

PERP_DECIMALS: Final = 6
"""Decimals of a perpetual's price and size together."""
FIGURES: Final = 5
DEX_STEP: Final = 10_000
DEX_BASE: Final = 100_000
LIVE_DEX: Final = "hyna"
NOBODY: Final = "0x" + 40 * "0"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed under a name, before its instrument is made."""

    name: str
    sz_decimals: int
    max_leverage: int
    mid: str
    """Around which a still book stands."""


DEFAULT: Final = (
    Listing("BTC", 5, 40, "65000"),
    Listing("ETH", 4, 25, "2000"),
    Listing("ATOM", 2, 5, "4.5"),
    Listing("MATIC", 1, 20, "0.38"),
    Listing("DYDX", 1, 5, "0.6"),
    Listing("SOL", 2, 20, "150"),
    Listing("AVAX", 2, 10, "25"),
    Listing("BNB", 3, 10, "600"),
    Listing("APE", 1, 5, "0.6"),
    Listing("OP", 1, 5, "1.3"),
)
"""The default dex, in the order of the main network."""

DEXES: Final[tuple[tuple[str, str, tuple[Listing, ...]], ...]] = (
    ("test", "test dex", (Listing("test:ABC", 1, 3, "10"),)),
    ("flx", "Felix Exchange", ()),
    ("vntl", "Ventuals", ()),
    (LIVE_DEX, "HyENA", (Listing("hyna:BTC", 5, 40, "65000"), Listing("hyna:ETH", 4, 25, "2000"))),
)
"""The builders' dexes from place 1 on: name, full name, what they list."""

SPOT: Final = SpotMeta(
    universe=[
        SpotPair((1, 0), "PURR/USDC", 0, is_canonical=True),
        SpotPair((2, 0), "@1", 1),
    ],
    tokens=[
        SpotToken("USDC", 8, 8, 0, f"0x{0:032x}", is_canonical=True),
        SpotToken("PURR", 0, 5, 1, f"0x{1:032x}", is_canonical=True),
        SpotToken("HFUN", 2, 8, 2, f"0x{2:032x}"),
    ],
)
"""Answers `spotMeta`."""


@dataclass(frozen=True, slots=True, eq=False)
class Asset:
    """Something that can be traded."""

    id: int
    coin: str
    dex: str
    instrument: Instrument
    sz_decimals: int
    max_leverage: int
    mid: Decimal
    """Around which a still book stands."""
    is_live: bool


class Universe:
    """All assets, by id and by name."""

    def __init__(self, live: Instrument, coin: str) -> None:
        """List everything; the asset named `coin` trades in `live`.

        Raises ValueError where the instrument's lot is not a power of ten, as `meta` needs.
        """
        self._assets: Final[dict[int, Asset]] = {}
        self._coins: Final[dict[str, Asset]] = {}
        self._dexes: Final[dict[str, list[Asset]]] = {"": []}
        size = decimals(live.lot)
        main = [*DEFAULT]
        if coin not in {listing.name for listing in main}:
            main.append(Listing(coin, size, 5, "1"))
        for index, listing in enumerate(main):
            self._add(index, "", listing, live if listing.name == coin else None)
        for place, (dex, _, listings) in enumerate(DEXES, start=1):
            self._dexes[dex] = []
            for index, listing in enumerate(listings):
                is_live = listing.name == f"{LIVE_DEX}:{coin}"
                asset_id = DEX_BASE + place * DEX_STEP + index
                self._add(asset_id, dex, listing, live if is_live else None)
        self.live: Final = self._coins[coin]

    def _add(self, asset_id: int, dex: str, listing: Listing, live: Instrument | None) -> None:
        instrument = _instrument(listing) if live is None else live
        asset = Asset(
            id=asset_id,
            coin=listing.name,
            dex=dex,
            # The least notional is the account's business: closing a position is exempt.
            instrument=instrument.replaced(min_notional=Decimal(0), significant_figures=FIGURES),
            sz_decimals=decimals(instrument.lot),
            max_leverage=listing.max_leverage,
            mid=Decimal(listing.mid),
            is_live=live is not None,
        )
        self._assets[asset_id] = asset
        self._coins[listing.name] = asset
        self._dexes[dex].append(asset)

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._assets.values())

    def asset(self, asset_id: int) -> Asset | None:
        """Return the asset of that id, None where there is none."""
        return self._assets.get(asset_id)

    def coin(self, coin: str) -> Asset | None:
        """Return the asset of that name, None where there is none."""
        return self._coins.get(coin)

    def dex(self, dex: str) -> list[Asset] | None:
        """Return what a dex lists, None where there is no such dex."""
        return self._dexes.get(dex)

    def meta(self, dex: str) -> wire_info.Universe | None:
        """Answer `meta`, None where there is no such dex."""
        assets = self._dexes.get(dex)
        if assets is None:
            return None
        return wire_info.Universe(
            universe=[
                AssetMeta(
                    sz_decimals=asset.sz_decimals,
                    name=asset.coin,
                    max_leverage=asset.max_leverage,
                    margin_table_id=asset.max_leverage,
                    only_isolated=bool(dex),
                    margin_mode="noCross" if dex else None,
                )
                for asset in assets
            ],
            margin_tables=[
                (leverage, {"description": "", "marginTiers": [_tier(leverage)]})
                for leverage in sorted({asset.max_leverage for asset in assets})
            ],
        )

    def perp_dexs(self) -> list[PerpDex | None]:
        """Answer `perpDexs`; the first place is the default dex's, and empty."""
        return [
            None,
            *(
                PerpDex(
                    name=dex,
                    full_name=full,
                    deployer=NOBODY,
                    asset_to_streaming_oi_cap=[(one.name, "1000000.0") for one in listings],
                )
                for dex, full, listings in DEXES
            ),
        ]


def _tier(leverage: int) -> dict[str, Any]:
    return {"lowerBound": "0.0", "maxLeverage": leverage}


def decimals(unit: Decimal) -> int:
    """Return the decimals of a power of ten; raises ValueError where it is not one."""
    _, digits, exponent = unit.normalize().as_tuple()
    if digits != (1,) or not isinstance(exponent, int) or exponent > 0:
        raise ValueError(f"the lot must be a power of ten not above 1, was {unit}")
    return -exponent


def _instrument(listing: Listing) -> Instrument:
    return Instrument(
        symbol=listing.name,
        price_unit=Decimal(1).scaleb(listing.sz_decimals - PERP_DECIMALS),
        lot=Decimal(1).scaleb(-listing.sz_decimals),
        significant_figures=FIGURES,
    )
