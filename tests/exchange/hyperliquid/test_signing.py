"""Signatures as the venue checks them: published vectors, and vectors made by the official SDK."""

import copy
import json
import pickle
import traceback
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account.messages import encode_typed_data
from msgspec import convert

from exchange.hyperliquid.signing import (
    Key,
    Signable,
    action_hash,
    agent_message,
    pack,
    recover_request,
    recover_signer,
    sign_action,
    sign_request,
)
from exchange.hyperliquid.wire import REQUESTS, Action, Noop, Signature

VECTORS: Final = json.loads(
    (Path(__file__).parent / "data" / "signing_vectors.json").read_text("utf-8")
)
SECRET: Final = VECTORS["private_key"]
CASES: Final = {name: case for name, case in VECTORS["cases"].items() if "msgpack_hex" in case}
VAULT: Final = "0x1719884eb866cb12b2287399b15f7db5e7d775ea"
CLOID: Final = "0x00000000000000000000000000000001"
GTC: Final = {"limit": {"tif": "Gtc"}}
STOP: Final = {"trigger": {"isMarket": True, "triggerPx": "103", "tpsl": "sl"}}


def an_order(p: str, s: str, t: dict[str, Any], c: str | None = None) -> dict[str, Any]:
    order = {"a": 1, "b": True, "p": p, "s": s, "r": False, "t": t} | ({"c": c} if c else {})
    return {"type": "order", "orders": [order], "grouping": "na"}


DUMMY: Final = {"type": "dummy", "num": 100000000000}

# Source: tests of hyperliquid-python-sdk; nonce 0. Action, vault, mainnet, r, s, v.
# fmt: off
PUBLISHED: Final = (
    (DUMMY, None, True, "0x53749d5b30552aeb2fca34b530185976545bb22d0b3ce6f62e31be961a59298", "0x755c40ba9bf05223521753995abb2f73ab3229be8ec921f350cb447e384d8ed8", 27),  # noqa: E501
    (DUMMY, None, False, "0x542af61ef1f429707e3c76c5293c80d01f74ef853e34b76efffcb57e574f9510", "0x17b8b32f086e8cdede991f1e2c529f5dd5297cbe8128500e00cbaf766204a613", 28),  # noqa: E501
    (DUMMY, VAULT, True, "0x3c548db75e479f8012acf3000ca3a6b05606bc2ec0c29c50c515066a326239", "0x4d402be7396ce74fbba3795769cda45aec00dc3125a984f2a9f23177b190da2c", 28),  # noqa: E501
    (DUMMY, VAULT, False, "0xe281d2fb5c6e25ca01601f878e4d69c965bb598b88fac58e475dd1f5e56c362b", "0x7ddad27e9a238d045c035bc606349d075d5c5cd00a6cd1da23ab5c39d4ef0f60", 27),  # noqa: E501
    (an_order("100", "100", GTC), None, True, "0xd65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e", "0x2b54116ff64054968aa237c20ca9ff68000f977c93289157748a3162b6ea940e", 28),  # noqa: E501
    (an_order("100", "100", GTC), None, False, "0x82b2ba28e76b3d761093aaded1b1cdad4960b3af30212b343fb2e6cdfa4e3d54", "0x6b53878fc99d26047f4d7e8c90eb98955a109f44209163f52d8dc4278cbbd9f5", 27),  # noqa: E501
    (an_order("100", "100", GTC, CLOID), None, True, "0x41ae18e8239a56cacbc5dad94d45d0b747e5da11ad564077fcac71277a946e3", "0x3c61f667e747404fe7eea8f90ab0e76cc12ce60270438b2058324681a00116da", 27),  # noqa: E501
    (an_order("100", "100", GTC, CLOID), None, False, "0xeba0664bed2676fc4e5a743bf89e5c7501aa6d870bdb9446e122c9466c5cd16d", "0x7f3e74825c9114bc59086f1eebea2928c190fdfbfde144827cb02b85bbe90988", 28),  # noqa: E501
    (an_order("100", "100", STOP), None, True, "0x98343f2b5ae8e26bb2587daad3863bc70d8792b09af1841b6fdd530a2065a3f9", "0x6b5bb6bb0633b710aa22b721dd9dee6d083646a5f8e581a20b545be6c1feb405", 27),  # noqa: E501
    (an_order("100", "100", STOP), None, False, "0x971c554d917c44e0e1b6cc45d8f9404f32172a9d3b3566262347d0302896a2e4", "0x206257b104788f80450f8e786c329daa589aa0b32ba96948201ae556d5637eac", 28),  # noqa: E501
    ({"type": "scheduleCancel"}, None, True, "0x6cdfb286702f5917e76cd9b3b8bf678fcc49aec194c02a73e6d4f16891195df9", "0x6557ac307fa05d25b8d61f21fb8a938e703b3d9bf575f6717ba21ec61261b2a0", 27),  # noqa: E501
    ({"type": "scheduleCancel"}, None, False, "0xc75bb195c3f6a4e06b7d395acc20bbb224f6d23ccff7c6a26d327304e6efaeed", "0x342f8ede109a29f2c0723bd5efb9e9100e3bbb493f8fb5164ee3d385908233df", 28),  # noqa: E501
    ({"type": "scheduleCancel", "time": 123456789}, None, True, "0x609cb20c737945d070716dcc696ba030e9976fcf5edad87afa7d877493109d55", "0x16c685d63b5c7a04512d73f183b3d7a00da5406ff1f8aad33f8ae2163bab758b", 28),  # noqa: E501
    ({"type": "scheduleCancel", "time": 123456789}, None, False, "0x4e4f2dbd4107c69783e251b7e1057d9f2b9d11cee213441ccfa2be63516dc5bc", "0x706c656b23428c8ba356d68db207e11139ede1670481a9e01ae2dfcdb0e1a678", 27),  # noqa: E501
)

# Source: tests of hyperliquid-rust-sdk, which shares no code with the other; nonce 1583838.
RUST_SECRET: Final = "e908f86dbb4d55ac876378565aafeabc187f6690f046459397b17d9b9a19688e"  # noqa: S105
RUST_NONCE: Final = 1583838
RUST_ORDER: Final = an_order("2000.0", "3.5", {"limit": {"tif": "Ioc"}})
RUST_CANCEL: Final = {"type": "cancel", "cancels": [{"a": 1, "o": 82382}]}
RUST: Final = (
    (RUST_ORDER, True, "77957e58e70f43b6b68581f2dc42011fc384538a2e5b7bf42d5b936f19fbb67360721a8598727230f67080efee48c812a6a4442013fd3b0eed509171bef9f23f1c"),  # noqa: E501
    (RUST_ORDER, False, "cd0925372ff1ed499e54883e9a6205ecfadec748f80ec463fe2f84f1209648776377961965cb7b12414186b1ea291e95fd512722427efcbcfb3b0b2bcd4d79d01c"),  # noqa: E501
    (RUST_CANCEL, True, "02f76cc5b16e0810152fa0e14e7b219f49c361e3325f771544c6f54e157bf9fa17ed0afc11a98596be85d5cd9f86600aad515337318f7ab346e5ccc1b03425d51b"),  # noqa: E501
    (RUST_CANCEL, False, "6ffebadfd48067663390962539fbde76cfa36f53be65abe2ab72c9db6d0db44457720db9d7c4860f142a484f070c84eb4b9694c3a617c83f0d698a27e55fd5e01c"),  # noqa: E501
)
# fmt: on


def typed(action: dict[str, Any]) -> Signable:
    """Return the action as our type, where it is one."""
    return action if action["type"] == "dummy" else convert(action, Action)


@pytest.mark.parametrize("name", CASES)
def test_the_sdks_vectors_are_packed_hashed_and_signed_alike(name: str) -> None:
    case = CASES[name]
    action = convert(case["action"], Action)
    vault, expires_after = case["vaultAddress"], case["expiresAfter"]
    nonce = VECTORS["nonce"]

    assert pack(action).hex() == pack(case["action"]).hex() == case["msgpack_hex"]
    found = action_hash(action, nonce, vault, expires_after)
    assert "0x" + found.hex() == case["action_hash"]
    for network, mainnet in (("mainnet", True), ("testnet_or_local", False)):
        signature = sign_action(
            Key(SECRET), action, nonce, vault=vault, expires_after=expires_after, mainnet=mainnet
        )
        assert signature == convert(case[network], Signature)
        signer = recover_signer(
            action, signature, nonce, vault=vault, expires_after=expires_after, mainnet=mainnet
        )
        assert signer == VECTORS["address"]


@pytest.mark.parametrize(("action", "vault", "mainnet", "r", "s", "v"), PUBLISHED)
def test_the_published_vectors_are_signed_alike(
    action: dict[str, Any], vault: str | None, mainnet: bool, r: str, s: str, v: int
) -> None:
    signature = sign_action(Key(SECRET), typed(action), 0, vault=vault, mainnet=mainnet)

    assert signature == Signature(r, s, v)


@pytest.mark.parametrize(("action", "mainnet", "expected"), RUST)
def test_the_vectors_of_the_other_sdk_are_signed_alike(
    action: dict[str, Any], mainnet: bool, expected: str
) -> None:
    signature = sign_action(Key(RUST_SECRET), typed(action), RUST_NONCE, mainnet=mainnet)

    r, s = int(signature.r, 16), int(signature.s, 16)
    assert f"{r:064x}{s:064x}{signature.v:02x}" == expected


def test_the_published_connection_id_is_found() -> None:
    order = an_order("1670.1", "0.0147", {"limit": {"tif": "Ioc"}})
    order["orders"][0]["a"] = 4

    found = action_hash(typed(order), 1677777606040)

    assert found.hex() == "0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908"


@pytest.mark.parametrize("mainnet", [True, False])
def test_the_agent_is_hashed_as_eth_account_hashes_typed_data(mainnet: bool) -> None:
    connection = bytes(range(32))
    domain = {
        "name": "Exchange",
        "version": "1",
        "chainId": 1337,
        "verifyingContract": "0x" + 40 * "0",
    }
    agent = [{"name": "source", "type": "string"}, {"name": "connectionId", "type": "bytes32"}]
    source = {"source": "a" if mainnet else "b", "connectionId": connection}

    message = agent_message(connection, mainnet=mainnet)

    assert message == encode_typed_data(domain, {"Agent": agent}, source)


def test_a_signature_with_leading_zeros_left_out_has_the_same_signer() -> None:
    signature = sign_action(Key(SECRET), DUMMY, 0, vault=VAULT, mainnet=True)
    long = Signature(f"0x{int(signature.r, 16):064x}", f"0x{int(signature.s, 16):064x}", 28)

    assert len(signature.r) < len(long.r)
    for one in (signature, long):
        assert recover_signer(DUMMY, one, 0, vault=VAULT, mainnet=True) == VECTORS["address"]


def test_a_signature_over_anything_else_has_another_signer() -> None:
    request = sign_request(Key(SECRET), Noop(), 7, vault=VAULT, expires_after=9, mainnet=True)
    read = REQUESTS.decode(
        json.dumps(
            {
                "action": {"type": "noop"},
                "nonce": 7,
                "signature": {
                    "r": request.signature.r,
                    "s": request.signature.s,
                    "v": request.signature.v,
                },
                "vaultAddress": VAULT,
                "expiresAfter": 9,
            }
        )
    )
    others = [
        recover_signer(Noop(), request.signature, nonce, vault=vault, expires_after=expires,
                       mainnet=mainnet)
        for nonce, vault, expires, mainnet in (
            (8, VAULT, 9, True), (7, None, 9, True), (7, VAULT, None, True), (7, VAULT, 9, False),
        )
    ]  # fmt: skip

    assert read == request
    assert recover_request(read, mainnet=True) == VECTORS["address"]
    assert VECTORS["address"] not in others
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("r", "s", "v"),
    [("0x0", "0x0", 27), ("zz", "0x1", 27), ("-0x1", "0x1", 27), ("0x1", "0x" + 65 * "f", 28),
     ("0x1", "0x1", 0), ("", "0x1", 27)],
)  # fmt: skip
def test_what_is_no_signature_has_no_signer(r: str, s: str, v: int) -> None:
    with pytest.raises(ValueError, match="signature must be"):
        recover_signer(Noop(), Signature(r, s, v), 1, mainnet=True)


def test_a_key_does_not_tell_its_secret() -> None:
    key = Key(SECRET)
    shown = [repr(key), str(key), f"{key}", f"{[key]}", f"{ {1: key} }"]

    assert set(shown[:3]) == {f"Key({VECTORS['address']})"}
    assert all(SECRET[2:18] not in one for one in shown)
    assert key.address == VECTORS["address"]
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="must not be pickled"):
            leak(key)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize(
    "secret",
    ["5ec4e7", "5ec4e7" * 11, "5ec4e7" + 58 * "x", "5ec4e7\N{LATIN SMALL LETTER SHARP S}",
     # Above the order of the curve.
     "f" * 58 + "5ec4e7"],
)  # fmt: skip
def test_a_secret_that_is_no_key_is_not_in_the_error(secret: str) -> None:
    with pytest.raises(ValueError, match="a key must be 32 bytes") as caught:
        Key(secret)

    told = "".join(traceback.format_exception(caught.value))
    assert "5ec4e7" not in told.replace('"5ec4e7', "")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_key_is_read_with_and_without_its_prefix() -> None:
    assert Key(SECRET).address == Key(SECRET[2:]).address == Key(f" {SECRET}\n").address
