"""Perpetuals as Hyperliquid lists them: their ids, and their rules as an `Instrument`.

A perpetual's id is its place in its dex's universe; a dex that somebody has deployed adds 100000
and 10000 for each place in the list of dexes, whose first place is the venue's own and empty.
Coins of such a dex are named with it, "hyna:ETH". Places on the main and on the test network
differ, so that ids are looked up at each start and never kept.

A price has at most five significant figures and at most six less `szDecimals` decimals, or is an
integer. Source: Hyperliquid documentation, "Asset IDs", "Tick and lot size".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from exchange.hyperliquid.wire_info import AssetMeta, PerpDex, Universe
from exchange.instrument import Instrument

DEX_BASE: Final = 100_000
DEX_STEP: Final = 10_000
DECIMALS_MAX: Final = 6
"""Of a perpetual's price, at a size without decimals."""
FIGURES_MAX: Final = 5
MIN_NOTIONAL: Final = Decimal(10)


@dataclass(frozen=True, slots=True)
class Asset:
    """One perpetual, as orders and questions name it."""

    coin: str
    id: int
    instrument: Instrument
    max_leverage: int = 1
    only_isolated: bool = False
    is_delisted: bool = False
    """It takes no orders any more."""

    @property
    def dex(self) -> str:
        """The dex that lists it, "" for the venue's own."""
        return dex_of(self.coin)


def dex_of(coin: str) -> str:
    """Return the dex of a coin, "" for the venue's own."""
    dex, colon, _ = coin.partition(":")
    return dex if colon else ""


def asset_id(index: int, dex_index: int = 0) -> int:
    """Return the id of the asset at a place of a dex at a place of the list of dexes."""
    return index if dex_index == 0 else DEX_BASE + dex_index * DEX_STEP + index


def dex_index(dex: str, dexes: Sequence[PerpDex | None]) -> int:
    """Return the place of a dex in the answer to `perpDexs`; raises ValueError if it has none."""
    if not dex:
        return 0
    names = [one.name if one is not None else "" for one in dexes]
    if dex not in names:
        raise ValueError(f"a dex must be one of {', '.join(filter(None, names))}, was {dex}")
    return names.index(dex)


def instrument_of(meta: AssetMeta) -> Instrument:
    """Return the arithmetic of an asset."""
    return Instrument(
        meta.name,
        price_unit=Decimal(1).scaleb(-max(0, DECIMALS_MAX - meta.sz_decimals)),
        lot=Decimal(1).scaleb(-meta.sz_decimals),
        min_notional=MIN_NOTIONAL,
        significant_figures=FIGURES_MAX,
    )


def assets_of(
    universe: Universe, dex: str = "", dexes: Sequence[PerpDex | None] = (None,)
) -> dict[str, Asset]:
    """Return a dex's assets by coin, the delisted too; raises ValueError if there is no such dex.

    `universe` answers `meta` for that dex, `dexes` answers `perpDexs`.
    """
    place = dex_index(dex, dexes)
    return {
        meta.name: Asset(
            meta.name,
            asset_id(index, place),
            instrument_of(meta),
            meta.max_leverage,
            meta.only_isolated,
            meta.is_delisted,
        )
        for index, meta in enumerate(universe.universe)
    }


def find_asset(coin: str, universe: Universe, dexes: Sequence[PerpDex | None] = (None,)) -> Asset:
    """Return one asset that may be traded; raises ValueError if it is not listed, or delisted."""
    dex = dex_of(coin)
    asset = assets_of(universe, dex, dexes).get(coin)
    if asset is None:
        raise ValueError(f"a coin must be listed on {dex or 'the main dex'}, was {coin}")
    if asset.is_delisted:
        raise ValueError(f"a coin must still be traded, was {coin}, which is delisted")
    return asset
