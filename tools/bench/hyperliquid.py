"""Measure what Hyperliquid's wire costs beside the network: `python -m tools.bench.hyperliquid`.

A batch of ten orders is written, hashed, signed and made JSON, and an answer with ten statuses is
read into reports; messages of the websocket are read too. Exits 1 where a median misses its limit.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from msgspec import convert, json

from exchange.commands import Modify, Place, Request
from exchange.hyperliquid.codec import Codec
from exchange.hyperliquid.instruments import Asset, instrument_of
from exchange.hyperliquid.signing import Key, action_hash, recover_request, sign_request
from exchange.hyperliquid.wire import ExchangeRequest
from exchange.hyperliquid.wire_info import AssetMeta
from exchange.hyperliquid.wire_socket import OrderUpdatesMessage, UserFillsMessage, read_message
from exchange.words import Side
from tools.bench.measure import Case, measure, table

ROUNDS: Final = 300
BATCH: Final = 10
NONCE: Final = 1_700_000_000_000
AT: Final = NONCE * 1_000_000
WHOLE_LIMIT_US: Final = 3000
MESSAGE_LIMIT_US: Final = 100
KEY: Final = Key("0123456789" * 6 + "0123")
CODEC: Final = Codec(Asset("ETH", 1, instrument_of(AssetMeta(4, "ETH", 25))))

PLACES: Final[list[Request]] = [
    Place(i, f"0123456789{i:08x}", Side.BUY, 200010 - 10 * i, 500, True, False, AT)
    for i in range(BATCH)
]
MODIFIES: Final[list[Request]] = [
    Modify(
        i, f"0123456789{i:08x}", f"{77_000 + i}", Side.SELL, 200110 + 10 * i, 500, True, False, AT
    )
    for i in range(BATCH)
]
REPLY: Final = json.encode(
    {
        "status": "ok",
        "response": {
            "type": "order",
            "data": {
                "statuses": [
                    {"resting": {"oid": 311642020084 + i, "cloid": f"0x{i:032x}"}}
                    if i % 3
                    else {"error": "Post only order would have immediately matched, bbo was 1@2."}
                    for i in range(BATCH)
                ]
            },
        },
    }
)
ROW: Final = {
    "coin": "ETH", "side": "B", "limitPx": "1500.0", "sz": "1.0", "oid": 313890189710,
    "timestamp": NONCE, "origSz": "1.0", "cloid": "0x01234567890000002ac10d0000000000",
}  # fmt: skip
UPDATE: Final = json.encode(
    {
        "channel": "orderUpdates",
        "data": [{"order": ROW, "status": "open", "statusTimestamp": NONCE}],
    }
)
FILLS: Final = json.encode(
    {
        "channel": "userFills",
        "data": {
            "user": KEY.address,
            "fills": [
                {
                    "coin": "ETH", "px": "2067.2", "sz": "0.01", "side": "A", "time": NONCE,
                    "startPosition": "0.01", "dir": "Close Long", "closedPnl": "-0.13",
                    "hash": "0x" + 64 * "0", "oid": 315449302232, "crossed": False,
                    "fee": "0.00893", "tid": 343484124188045, "feeToken": "USDC", "twapId": None,
                }
            ],
        },
    }
)  # fmt: skip


def write(commands: Sequence[Request]) -> bytes:
    """Write, sign and encode a batch."""
    (batch,) = CODEC.batches(commands)
    return json.encode(sign_request(KEY, batch.action, NONCE, expires_after=NONCE, mainnet=False))


def cases() -> list[Case]:
    """Return what is measured, the whole way of a batch of places first."""
    (placed,) = CODEC.batches(PLACES)
    (modified,) = CODEC.batches(MODIFIES)
    request = convert(json.decode(write(PLACES)), ExchangeRequest)

    def go(commands: Sequence[Request]) -> object:
        write(commands)
        return CODEC.read_http(placed if commands is PLACES else modified, 200, REPLY, AT)

    def hear_update() -> object:
        message = read_message(UPDATE)
        assert isinstance(message, OrderUpdatesMessage), "the case must be an update"
        return [CODEC.read_update(one, ()) for one in message.data]

    def hear_fill() -> object:
        message = read_message(FILLS)
        assert isinstance(message, UserFillsMessage), "the case must be a fill"
        return [CODEC.read_fill(one) for one in message.data.fills]

    return [
        Case("10 places: encode, sign, decode", lambda: lambda: go(PLACES), 1, WHOLE_LIMIT_US),
        Case("10 modifies: encode, sign, decode", lambda: lambda: go(MODIFIES), 1, WHOLE_LIMIT_US),
        Case("  encode", lambda: lambda: CODEC.batches(PLACES)),
        Case("  hash", lambda: lambda: action_hash(placed.action, NONCE)),
        Case("  encode, hash, sign, to JSON", lambda: lambda: write(PLACES)),
        Case("  decode", lambda: lambda: CODEC.read_http(placed, 200, REPLY, AT)),
        Case(
            "recover the signer (server)", lambda: lambda: recover_request(request, mainnet=False)
        ),
        Case("an order update to its report", lambda: hear_update, 1, MESSAGE_LIMIT_US),
        Case("a fill to its report", lambda: hear_fill, 1, MESSAGE_LIMIT_US),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.hyperliquid", description="Measure Hyperliquid's wire."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="timed rounds (default 300)")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error(f"--rounds must be positive, was {given.rounds}")
    measured = measure(cases(), given.rounds)
    print(table(measured))
    return 0 if all(one.is_met for one in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
