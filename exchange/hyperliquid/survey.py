"""What there is before anything is sent: the market, the account, who may sign for it, what rests.

Only questions are asked here, over HTTP; nothing of it needs a key, only the address of one.
"""

import enum
from collections.abc import Collection
from decimal import Decimal
from typing import Final

from msgspec import Struct

from exchange.hyperliquid.codec_cloids import from_wire
from exchange.hyperliquid.connection import VenueError
from exchange.hyperliquid.instruments import Asset, dex_index, dex_of, find_asset
from exchange.hyperliquid.limits import AddressLedger, Allowance
from exchange.hyperliquid.rest import Rest
from exchange.hyperliquid.wire_info import (
    BasicOrder,
    ClearinghouseState,
    GetClearinghouseState,
    GetMeta,
    GetUserRateLimit,
    GetUserRole,
    OpenOrders,
    PerpDexs,
    UserRole,
)

SUB_ACCOUNT: Final = "subAccount"
AGENT: Final = "agent"
MISSING: Final = "missing"


class Whose(enum.StrEnum):
    """Who has placed an order, as far as its client order id tells."""

    OURS = "ours"
    """It has a prefix of ours."""
    PROGRAM = "of another run"
    """This program's kind of id, with a prefix that we do not know."""
    FOREIGN = "foreign"


class Found(Struct, frozen=True):
    """An open order of the account."""

    coin: str
    is_buy: bool
    price: str
    size: str
    """What remains."""
    oid: int
    whose: Whose


class Signing(Struct, frozen=True):
    """Whether an address may sign for an account."""

    may: bool
    what: str
    """What the address is, for people."""


class Standing(Struct, frozen=True):
    """An account."""

    address: str
    role: str
    value: Decimal
    """In dollars."""
    withdrawable: Decimal
    position: Decimal
    """In the coin; signed."""
    open: tuple[Found, ...]
    """On the coin's dex, whatever the coin."""
    allowance: Allowance

    @property
    def is_empty(self) -> bool:
        """Whether the venue has never heard of it: nothing can be traded with it."""
        return self.role == MISSING and self.value == 0

    def of(self, coin: str) -> tuple[Found, ...]:
        """Return what rests in one coin."""
        return tuple(found for found in self.open if found.coin == coin)


async def find(rest: Rest, coin: str) -> Asset:
    """Look a market up; raises VenueError where it is not listed, or delisted."""
    dex = dex_of(coin)
    dexes = await rest.ask(PerpDexs()) if dex else (None,)
    try:
        # Asked first: `meta` of a dex that is none is refused without a word.
        dex_index(dex, dexes)
        return find_asset(coin, await rest.ask(GetMeta(dex)), dexes)
    except ValueError as error:
        raise VenueError(str(error)) from error


async def look(rest: Rest, coin: str, account: str, prefixes: Collection[str] = ()) -> Standing:
    """Look at an account; `prefixes` are those of our cloids. Raises VenueError."""
    dex = dex_of(coin)
    role: UserRole = await rest.ask(GetUserRole(account))
    state: ClearinghouseState = await rest.ask(GetClearinghouseState(account, dex))
    orders: list[BasicOrder] = await rest.ask(OpenOrders(account, dex))
    limit = await rest.ask(GetUserRateLimit(account))
    ledger = AddressLedger()
    ledger.told(limit)
    allowance = ledger.allowance
    assert allowance is not None, "it was told"
    held = [one.position.szi for one in state.asset_positions if one.position.coin == coin]
    return Standing(
        address=account,
        role=role.role,
        value=Decimal(state.margin_summary.account_value),
        withdrawable=Decimal(state.withdrawable),
        position=sum(map(Decimal, held), Decimal(0)),
        open=tuple(_found(order, tuple(prefixes)) for order in orders),
        allowance=allowance,
    )


async def signing(rest: Rest, signer: str, account: str, vault: str | None = None) -> Signing:
    """Say whether `signer` may sign for `account`; raises VenueError.

    Of a sub-account or vault, whose master decides, only as much is said as the venue says.
    """
    role: UserRole = await rest.ask(GetUserRole(signer))
    named = role.data or {}
    if signer.lower() == account.lower():
        return Signing(may=True, what="the account's own key")
    if role.role == AGENT:
        master = named.get("user", "").lower()
        if master == account.lower():
            return Signing(may=True, what="an approved agent of the account")
        if vault is not None and vault.lower() == account.lower():
            return await _through_master(rest, master, account, "an agent of")
        return Signing(may=False, what=f"an agent of another account, {master or 'not named'}")
    if vault is not None and vault.lower() == account.lower():
        return await _through_master(rest, signer.lower(), account, "the key of")
    what = "unknown to the venue" if role.role == MISSING else f"a {role.role} of its own"
    return Signing(may=False, what=f"{what}, no agent of the account")


async def _through_master(rest: Rest, master: str, account: str, what: str) -> Signing:
    role: UserRole = await rest.ask(GetUserRole(account))
    owner = (role.data or {}).get("master", "").lower()
    if role.role == SUB_ACCOUNT and owner:
        return Signing(owner == master, f"{what} {master}, whose sub-account it is")
    return Signing(may=True, what=f"{what} {master}; who leads a {role.role} is not told")


def _found(order: BasicOrder, prefixes: tuple[str, ...]) -> Found:
    cloid = "" if order.cloid is None else from_wire(order.cloid)
    if prefixes and cloid.startswith(prefixes):
        whose = Whose.OURS
    elif cloid and not cloid.startswith("0x"):
        whose = Whose.PROGRAM
    else:
        whose = Whose.FOREIGN
    return Found(order.coin, order.side == "B", order.limit_px, order.sz, order.oid, whose)
