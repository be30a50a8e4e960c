"""What is posted to Hyperliquid's `/exchange`, and what it answers: types for both directions.

An action's fields are declared in the order in which the venue packs them: the bytes of
`signing.pack` are hashed and signed, so the order of keys is part of the signature, and a field
that is not set is not there. Actions are read strictly, as the venue reads them; answers tolerate
fields that we do not know. `wire_info` has the questions, `wire_socket` the websocket.

Source: Hyperliquid documentation, "Exchange endpoint"; hyperliquid-python-sdk 0.24.0.
"""

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct, field, json

Decimals: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]{1,8})?$")]
"""A number as text: at most eight decimals and no exponent, or the venue answers 422."""

WireCloid: TypeAlias = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{32}$")]
"""A client order id as the venue takes it: 128 bits."""

Address: TypeAlias = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]
"""An account: 20 bytes."""

WireOid: TypeAlias = int
"""The venue's order id; `Oid` is its decimal text."""

Tif: TypeAlias = Literal["Alo", "Ioc", "Gtc", "FrontendMarket"]
"""Add liquidity only (post-only), immediate or cancel, good till cancelled, and the web page's."""

ITEMS_MAX: Final = 200
"""Orders or cancels that one signed action may carry."""


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """A limit order's time in force."""

    tif: Tif


class Trigger(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A stop: becomes an order when the mark price reaches `trigger_px`."""

    is_market: bool
    trigger_px: Decimals
    tpsl: Literal["tp", "sl"]


class OrderType(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of a limit order's and a trigger order's particulars."""

    limit: Limit | None = None
    trigger: Trigger | None = None

    def __post_init__(self) -> None:
        """Refuse both and neither."""
        if (self.limit is None) == (self.trigger is None):
            raise ValueError("an order's type must be limit or trigger, was both or neither")


class OrderWire(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An order to be placed, alone or as a modify's new order."""

    asset: int = field(name="a")
    is_buy: bool = field(name="b")
    px: Decimals = field(name="p")
    sz: Decimals = field(name="s")
    reduce_only: bool = field(name="r")
    type: OrderType = field(name="t")
    cloid: WireCloid | None = field(name="c", default=None)


class Priority(Struct, frozen=True, forbid_unknown_fields=True):
    """A fee offered for priority, in hundred-millionths of the notional."""

    p: int


class Builder(Struct, frozen=True, forbid_unknown_fields=True):
    """Who shall have a fee for having built the order, in tenths of a basis point."""

    b: Address
    f: int


class CancelWire(Struct, frozen=True, forbid_unknown_fields=True):
    """One order to cancel, by the venue's id."""

    asset: int = field(name="a")
    oid: WireOid = field(name="o")


class CancelByCloidWire(Struct, frozen=True, forbid_unknown_fields=True):
    """One order to cancel, by ours."""

    asset: int
    cloid: WireCloid


class ModifyWire(Struct, frozen=True, forbid_unknown_fields=True):
    """One order to replace, by either id, and what by."""

    oid: WireOid | WireCloid
    order: OrderWire


class _Action(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"
):
    """Anything that `/exchange` does, signed as an "L1 action"."""


class Order(_Action, frozen=True, tag="order"):
    """Place orders."""

    orders: list[OrderWire]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | Priority
    builder: Builder | None = None


class Cancel(_Action, frozen=True, tag="cancel"):
    """Cancel orders by oid."""

    cancels: list[CancelWire]
    fast: bool = field(name="f", default=False)


class CancelByCloid(_Action, frozen=True, tag="cancelByCloid"):
    """Cancel orders by cloid."""

    cancels: list[CancelByCloidWire]
    fast: bool = field(name="f", default=False)


class Modify(_Action, frozen=True, tag="modify"):
    """Replace one order; a success does not say the new oid, so that we send `BatchModify`."""

    oid: WireOid | WireCloid
    order: OrderWire
    always_place: bool = field(name="a", default=False)


class BatchModify(_Action, frozen=True, tag="batchModify"):
    """Replace orders."""

    modifies: list[ModifyWire]
    always_place: bool = field(name="a", default=False)


class ScheduleCancel(_Action, frozen=True, tag="scheduleCancel"):
    """Have all orders cancelled at a time, in milliseconds; without one, no longer."""

    time: int | None = None


class UpdateLeverage(_Action, frozen=True, tag="updateLeverage", rename="camel"):
    """Change an asset's leverage and margin mode."""

    asset: int
    is_cross: bool
    leverage: int


class UpdateIsolatedMargin(_Action, frozen=True, tag="updateIsolatedMargin", rename="camel"):
    """Add to an isolated position's margin, in millionths of a dollar."""

    asset: int
    is_buy: bool
    ntli: int


class Noop(_Action, frozen=True, tag="noop"):
    """Use up a nonce, and do nothing."""


class SetReferrer(_Action, frozen=True, tag="setReferrer"):
    """Name the referrer of an account."""

    code: str


class ReserveRequestWeight(_Action, frozen=True, tag="reserveRequestWeight"):
    """Buy requests for the address."""

    weight: int
    destination: Address | None = None


class Twap(Struct, frozen=True, forbid_unknown_fields=True):
    """An order to be sliced over `minutes`."""

    asset: int = field(name="a")
    is_buy: bool = field(name="b")
    sz: Decimals = field(name="s")
    reduce_only: bool = field(name="r")
    minutes: int = field(name="m")
    randomize: bool = field(name="t")


class TwapOrder(_Action, frozen=True, tag="twapOrder"):
    """Place a sliced order."""

    twap: Twap


class TwapCancel(_Action, frozen=True, tag="twapCancel"):
    """Cancel a sliced order."""

    asset: int = field(name="a")
    twap: int = field(name="t")


class CreateSubAccount(_Action, frozen=True, tag="createSubAccount"):
    """Create a sub-account."""

    name: str


class SubAccountTransfer(_Action, frozen=True, tag="subAccountTransfer", rename="camel"):
    """Move dollars, in millionths, between an account and its sub-account."""

    sub_account_user: Address
    is_deposit: bool
    usd: int


class VaultTransfer(_Action, frozen=True, tag="vaultTransfer", rename="camel"):
    """Move dollars, in millionths, into a vault or out of it."""

    vault_address: Address
    is_deposit: bool
    usd: int


class AgentEnableDexAbstraction(_Action, frozen=True, tag="agentEnableDexAbstraction"):
    """Let collateral move between dexes by itself."""


class AgentSetAbstraction(_Action, frozen=True, tag="agentSetAbstraction"):
    """Choose how accounts share collateral."""

    abstraction: str


Action: TypeAlias = (
    Order
    | Cancel
    | CancelByCloid
    | Modify
    | BatchModify
    | ScheduleCancel
    | UpdateLeverage
    | UpdateIsolatedMargin
    | Noop
    | SetReferrer
    | ReserveRequestWeight
    | TwapOrder
    | TwapCancel
    | CreateSubAccount
    | SubAccountTransfer
    | VaultTransfer
    | AgentEnableDexAbstraction
    | AgentSetAbstraction
)
"""What an agent's key may sign. Withdrawals, transfers to others and the approval of agents are
signed otherwise, by the account's own key, and are no business of an order manager."""


class Signature(Struct, frozen=True):
    """A signature on secp256k1; `r` and `s` are hexadecimal numbers, of any length up to 64."""

    r: str
    s: str
    v: int


class ExchangeRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The envelope: what is posted, with the nulls that the official SDK posts."""

    action: Action
    nonce: int
    signature: Signature
    vault_address: Address | None = None
    expires_after: int | None = None
    """In milliseconds."""


# What comes back.


class Resting(Struct, frozen=True, omit_defaults=True):
    """The order was put on the book."""

    oid: WireOid
    cloid: str | None = None


class Filled(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The order was executed at once, at least in part."""

    total_sz: str
    avg_px: str
    oid: WireOid
    cloid: str | None = None


class ItemStatus(Struct, frozen=True, omit_defaults=True):
    """What became of one item; none of the three is a word that we do not know."""

    resting: Resting | None = None
    filled: Filled | None = None
    error: str | None = None


class Statuses(Struct, frozen=True, omit_defaults=True):
    """What became of each item, in order; text is "success" or a word about triggers."""

    statuses: list[ItemStatus | str] = []


class Answer(Struct, frozen=True, omit_defaults=True):
    """An action was processed; `type` is "order", "cancel" or "default", which has no data."""

    type: str
    data: Statuses | None = None


class ExchangeReply(Struct, frozen=True):
    """The answer with HTTP 200: "ok" and an answer, or "err" and why the whole was refused."""

    status: str
    response: Answer | str


def ok(*statuses: ItemStatus | str, kind: str = "order") -> ExchangeReply:
    """Return the answer to an action with items."""
    return ExchangeReply("ok", Answer(kind, Statuses(list(statuses))))


def done() -> ExchangeReply:
    """Return the answer to an action without items."""
    return ExchangeReply("ok", Answer("default"))


def refused(why: str) -> ExchangeReply:
    """Return the answer to an action that is refused as a whole."""
    return ExchangeReply("err", why)


REQUESTS: Final = json.Decoder(ExchangeRequest)
"""Reads what is posted; raises ValidationError (HTTP 422) or DecodeError (HTTP 400)."""

REPLIES: Final = json.Decoder(ExchangeReply)
"""Reads the answer; what it cannot read is an answer of unknown meaning."""
