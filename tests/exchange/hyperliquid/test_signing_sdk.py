"""Random requests posted by the official SDK's own code, and ours, byte by byte.

The SDK's `Exchange` builds, hashes and signs from floats; only what it would post is taken from
it. Ours goes from commands through the codec. All 10,000 are compared whole: action as JSON,
packed bytes, hash, nonce, signature, vault and expiry. LIFECYCLE_SIGNATURES sets another number.
"""

import os
import random
from collections.abc import Callable
from typing import Any, Final

import pytest
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.utils.constants import MAINNET_API_URL
from hyperliquid.utils.types import Cloid
from msgspec import json, msgpack

from exchange.commands import Cancel, Modify, Place, Request
from exchange.hyperliquid.codec import Codec
from exchange.hyperliquid.codec_cloids import to_wire
from exchange.hyperliquid.instruments import Asset, instrument_of
from exchange.hyperliquid.signing import Key, pack, sign_request
from exchange.hyperliquid.wire import Action, ScheduleCancel
from exchange.hyperliquid.wire_info import AssetMeta
from exchange.units import Price
from exchange.words import Side

COUNT: Final = int(os.environ.get("LIFECYCLE_SIGNATURES", "10000"))
PARTS: Final = 10
"""Tests that the requests are spread over."""
KEYS: Final = [f"{random.Random(seed).getrandbits(256):064x}" for seed in range(4)]
ASSETS: Final = tuple(
    Asset(meta.name, number, instrument_of(meta))
    for number, meta in (
        (0, AssetMeta(5, "BTC", 40)),
        (1, AssetMeta(4, "ETH", 25)),
        (11, AssetMeta(0, "DOGE", 10)),
        (140001, AssetMeta(4, "hyna:ETH", 25)),
    )
)
SPOT: Final[dict[str, list[Any]]] = {"universe": [], "tokens": []}


class Posted(Exchange):  # type: ignore[misc]
    """The SDK, its last step left out."""

    posted: dict[str, Any]

    def post(self, url_path: str, payload: Any = None) -> Any:
        """Keep what would be posted."""
        assert url_path == "/exchange"
        self.posted = payload
        return {"status": "ok"}


def the_sdk(secret: str, vault: str | None, mainnet: bool) -> Posted:
    # Told what is listed, it asks nobody; were it to ask, nobody would be there.
    wallet = Account.from_key(secret)
    sdk = Posted(wallet, "http://127.0.0.1:1", {"universe": []}, vault, spot_meta=SPOT)
    if mainnet:
        sdk.base_url = MAINNET_API_URL
    for asset in ASSETS:
        sdk.info.name_to_coin[asset.coin] = asset.coin
        sdk.info.coin_to_asset[asset.coin] = asset.id
    return sdk


def a_price(luck: random.Random, asset: Asset) -> Price:
    instrument = asset.instrument
    price = instrument.snap(luck.randrange(1, 10 ** luck.randrange(1, 8)), Side.SELL)
    return max(price, 1)


def a_cloid(luck: random.Random) -> str:
    if luck.random() < 0.8:
        return f"{luck.getrandbits(40):010x}{luck.getrandbits(32):08x}"
    return f"0x{luck.getrandbits(128):032x}"


def a_request(luck: random.Random, asset: Asset, kind: type[Request], by_cloid: bool) -> Request:
    number, cloid = luck.randrange(1, 1 << 31), a_cloid(luck)
    oid = None if by_cloid else str(luck.getrandbits(luck.randrange(1, 50)))
    if kind is Cancel:
        return Cancel(number, cloid, oid, 0)
    side = luck.choice(tuple(Side))
    price, qty = a_price(luck, asset), luck.randrange(1, 10 ** luck.randrange(1, 8))
    flags = (luck.random() < 0.7, luck.random() < 0.3)
    if kind is Place:
        return Place(number, cloid, side, price, qty, *flags, 0)
    return Modify(number, cloid, oid, side, price, qty, *flags, 0)


def by_the_sdk(sdk: Posted, asset: Asset, requests: list[Request]) -> None:
    """Have the SDK post the same, from the floats that its users give it."""
    orders, modifies, cancels, by_cloid = [], [], [], []
    for one in requests:
        cloid = Cloid.from_str(to_wire(one.cloid))
        if isinstance(one, Cancel):
            if one.oid is None:
                by_cloid.append({"coin": asset.coin, "cloid": cloid})
            else:
                cancels.append({"coin": asset.coin, "oid": int(one.oid)})
            continue
        order = {
            "coin": asset.coin,
            "is_buy": one.side is Side.BUY,
            "sz": float(asset.instrument.qty_text(one.qty)),
            "limit_px": float(asset.instrument.price_text(one.price)),
            "order_type": {"limit": {"tif": "Alo" if one.post_only else "Gtc"}},
            "reduce_only": one.reduce_only,
            "cloid": cloid,
        }
        if isinstance(one, Place):
            orders.append(order)
        else:
            modifies.append({"oid": cloid if one.oid is None else int(one.oid), "order": order})
    sent: tuple[tuple[Callable[[Any], Any], list[Any]], ...] = (
        (sdk.bulk_orders, orders),
        (sdk.bulk_modify_orders_new, modifies),
        (sdk.bulk_cancel, cancels),
        (sdk.bulk_cancel_by_cloid, by_cloid),
    )
    for send, what in sent:
        if what:
            send(what)


def an_action(luck: random.Random, sdk: Posted) -> Action:
    """Have the SDK post something, and return our action for it."""
    if luck.random() < 0.1:
        time = luck.getrandbits(41) if luck.random() < 0.8 else None
        sdk.schedule_cancel(time)
        return ScheduleCancel(time)
    asset = luck.choice(ASSETS)
    kind = luck.choice((Place, Modify, Cancel))
    by_cloid = luck.random() < 0.5
    first = a_request(luck, asset, kind, by_cloid)
    requests = [first]
    while luck.random() < 0.6:
        one = a_request(luck, asset, kind, by_cloid)
        if isinstance(first, Cancel) or getattr(one, "post_only", None) is first.post_only:
            requests.append(one)
    by_the_sdk(sdk, asset, requests)
    (batch,) = Codec(asset).batches(requests)
    return batch.action


@pytest.mark.parametrize("part", range(PARTS))
def test_random_requests_are_the_sdks_byte_by_byte(part: int) -> None:
    luck = random.Random(part)
    vaults = (None, f"0x{luck.getrandbits(160):040x}")
    sdks = [
        (the_sdk(secret, vault, mainnet), Key(secret), vault, mainnet)
        for secret in KEYS
        for vault in vaults
        for mainnet in (True, False)
    ]
    kinds: set[str] = set()
    for _ in range(COUNT // PARTS):
        sdk, key, vault, mainnet = luck.choice(sdks)
        expires_after = luck.getrandbits(41) if luck.random() < 0.5 else None
        sdk.set_expires_after(expires_after)

        action = an_action(luck, sdk)
        posted = sdk.posted
        request = sign_request(
            key,
            action,
            posted["nonce"],
            vault=vault,
            expires_after=expires_after,
            mainnet=mainnet,
        )

        assert json.decode(json.encode(request)) == posted
        assert pack(action) == msgpack.encode(posted["action"])
        kinds.add(posted["action"]["type"])
    assert kinds == {"order", "batchModify", "cancel", "cancelByCloid", "scheduleCancel"}
