"""Signatures of Hyperliquid's "L1 actions": hash, sign, recover the signer.

An action is packed by msgpack, followed by nonce, vault and expiry, and hashed by Keccak-256; the
hash is the `connectionId` of a phantom agent whose source is "a" on mainnet and "b" anywhere else,
and that agent is signed by EIP-712 under a fixed domain. The hash binds everything that the venue
acts on. Signatures are deterministic (RFC 6979): the official SDK makes the same.

`Key` is the only thing here that knows a secret, and does not tell it. Signing takes a tenth of a
millisecond where `coincurve` is installed, as the extra does, and several milliseconds without.
"""

from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeAlias

from eth_account import Account
from eth_account.messages import SignableMessage
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from msgspec import msgpack

from exchange.hyperliquid.wire import Action, ExchangeRequest, Signature

Signable: TypeAlias = Action | Mapping[str, Any]
"""An action, or one of a type that we do not know, its keys in the order in which it was sent."""

KEY_BYTES: Final = 32
MAINNET_SOURCE: Final = "a"
TESTNET_SOURCE: Final = "b"
"""Of the test network, and of every local server."""
PARITIES: Final = (27, 28)
"""What `v` may be."""

_WORD: Final = 32
_CHAIN: Final = 1337
_AGENT_TYPE: Final = keccak(b"Agent(string source,bytes32 connectionId)")
_DOMAIN: Final = keccak(
    keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    + keccak(b"Exchange")
    + keccak(b"1")
    + _CHAIN.to_bytes(_WORD, "big")
    + bytes(_WORD)
)
_SOURCES: Final = {
    True: keccak(MAINNET_SOURCE.encode()),
    False: keccak(TESTNET_SOURCE.encode()),
}


class Key:
    """A private key that is neither shown nor pickled; it signs, and knows its address."""

    __slots__ = ("_account", "address")

    def __init__(self, secret: str) -> None:
        """Take 32 bytes in hexadecimal, with or without 0x; raises ValueError without the text."""
        account = _account(secret)
        if account is None:
            raise ValueError("a key must be 32 bytes in hexadecimal, was something else")
        self._account: Final = account
        self.address: Final[str] = account.address
        """Of the account that this key speaks for, as an agent or as its owner."""

    def sign(self, message: SignableMessage) -> Signature:
        """Sign a message."""
        signed = self._account.sign_message(message)
        return Signature(hex(signed.r), hex(signed.s), signed.v)

    def __repr__(self) -> str:
        return f"Key({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key must not be pickled or copied, was about to be")


def _account(secret: str) -> LocalAccount | None:
    """Return the account of a secret, None where it is none.

    What is raised on the way may quote the secret, so that it is no cause and no context either.
    """
    try:
        raw = bytes.fromhex(secret.strip().removeprefix("0x"))
        return Account.from_key(raw) if len(raw) == KEY_BYTES else None
    except (ValueError, ValidationError):
        return None


def pack(action: Signable) -> bytes:
    """Return the bytes of an action that are hashed."""
    return msgpack.encode(action)


def action_hash(
    action: Signable, nonce: int, vault: str | None = None, expires_after: int | None = None
) -> bytes:
    """Return the hash of an action and all that goes with it, the `connectionId`."""
    data = pack(action) + nonce.to_bytes(8, "big")
    if vault is None:
        data += b"\x00"
    else:
        data += b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
    if expires_after is not None:
        data += b"\x00" + expires_after.to_bytes(8, "big")
    return keccak(data)


def agent_message(connection: bytes, *, mainnet: bool) -> SignableMessage:
    """Return what is signed for an action's hash (EIP-712, the hash of `Agent` worked out)."""
    body = keccak(_AGENT_TYPE + _SOURCES[mainnet] + connection)
    return SignableMessage(version=b"\x01", header=_DOMAIN, body=body)


def sign_action(
    key: Key,
    action: Signable,
    nonce: int,
    *,
    vault: str | None = None,
    expires_after: int | None = None,
    mainnet: bool,
) -> Signature:
    """Sign an action; times in milliseconds."""
    connection = action_hash(action, nonce, vault, expires_after)
    return key.sign(agent_message(connection, mainnet=mainnet))


def sign_request(
    key: Key,
    action: Action,
    nonce: int,
    *,
    vault: str | None = None,
    expires_after: int | None = None,
    mainnet: bool,
) -> ExchangeRequest:
    """Return the envelope of an action, signed."""
    signature = sign_action(
        key, action, nonce, vault=vault, expires_after=expires_after, mainnet=mainnet
    )
    return ExchangeRequest(action, nonce, signature, vault, expires_after)


def recover_signer(
    action: Signable,
    signature: Signature,
    nonce: int,
    *,
    vault: str | None = None,
    expires_after: int | None = None,
    mainnet: bool,
) -> str:
    """Return the address whose key made a signature, in mixed case.

    Any well-formed signature has a signer: one over other bytes has another. Raises ValueError
    where it is not well formed.
    """
    if signature.v not in PARITIES:
        raise ValueError(f"v of a signature must be one of {PARITIES}, was {signature.v}")
    connection = action_hash(action, nonce, vault, expires_after)
    message = agent_message(connection, mainnet=mainnet)
    try:
        vrs = (signature.v, int(signature.r, 16), int(signature.s, 16))
        signer: str = Account.recover_message(message, vrs=vrs)
    except (ValueError, BadSignature, ValidationError) as error:
        raise ValueError(f"a signature must be one on secp256k1, was {signature}") from error
    return signer


def recover_request(request: ExchangeRequest, *, mainnet: bool) -> str:
    """Return the address whose key signed an envelope; raises ValueError as `recover_signer`."""
    return recover_signer(
        request.action,
        request.signature,
        request.nonce,
        vault=request.vault_address,
        expires_after=request.expires_after,
        mainnet=mainnet,
    )
