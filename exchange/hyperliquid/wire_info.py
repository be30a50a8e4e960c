"""What is posted to Hyperliquid's `/info`, and what it answers: types for both directions.

Questions are told apart by their `type`; each of ours names the type of its answer in `ANSWERS`.
Numbers are text, times are milliseconds. Answers tolerate fields that we do not know, and lack
what older captures lack; what is optional on the wire has a default, and is then left out.

Source: Hyperliquid documentation, "Info endpoint"; captures of 2025 and 2026 where these differ.
"""

from typing import Any, Final, Literal, TypeAlias

from msgspec import Raw, Struct, convert, field, json

from exchange.hyperliquid.wire import Address, WireCloid, WireOid

WireSide: TypeAlias = Literal["B", "A"]
"""Bid and ask; of a trade, the aggressor's."""


class _Question(Struct, frozen=True, omit_defaults=True, rename="camel", tag_field="type"):
    """Anything that `/info` is asked."""


class _OfDex(_Question, frozen=True):
    """A question about one dex, "" for the venue's own."""

    dex: str = ""


class _OfUser(_Question, frozen=True):
    """A question about one account: the master's or a sub-account's address, not an agent's."""

    user: Address


class _OfUserAndDex(_OfUser, frozen=True):
    """A question about an account on one dex."""

    dex: str = ""


class AllMids(_OfDex, frozen=True, tag="allMids"):
    """Ask for the mid prices of all coins."""


class GetMeta(_OfDex, frozen=True, tag="meta"):
    """Ask for a dex's assets."""


class MetaAndAssetCtxs(_OfDex, frozen=True, tag="metaAndAssetCtxs"):
    """Ask for a dex's assets and how they trade."""


class PerpDexs(_Question, frozen=True, tag="perpDexs"):
    """Ask for the dexes of perpetuals, in order of their index."""


class GetSpotMeta(_Question, frozen=True, tag="spotMeta"):
    """Ask for spot's pairs and tokens."""


class GetClearinghouseState(_OfUserAndDex, frozen=True, tag="clearinghouseState"):
    """Ask for positions and margin."""


class GetSpotClearinghouseState(_OfUser, frozen=True, tag="spotClearinghouseState"):
    """Ask for token balances."""


class OpenOrders(_OfUserAndDex, frozen=True, tag="openOrders"):
    """Ask for open orders."""


class FrontendOpenOrders(_OfUserAndDex, frozen=True, tag="frontendOpenOrders"):
    """Ask for open orders, with all that is known of them."""


class GetOrderStatus(_OfUser, frozen=True, tag="orderStatus"):
    """Ask about one order, by either id."""

    oid: WireOid | WireCloid


class HistoricalOrders(_OfUser, frozen=True, tag="historicalOrders"):
    """Ask for the newest orders and what became of them."""


class GetUserFills(_OfUser, frozen=True, tag="userFills"):
    """Ask for the newest fills, newest first."""

    aggregate_by_time: bool = False


class UserFillsByTime(_OfUser, frozen=True, tag="userFillsByTime"):
    """Ask for the fills between two times, both included, oldest first."""

    start_time: int
    end_time: int | None = None
    aggregate_by_time: bool = False


class GetUserRateLimit(_OfUser, frozen=True, tag="userRateLimit"):
    """Ask how many requests the address may still make."""


class GetUserRole(_OfUser, frozen=True, tag="userRole"):
    """Ask what an address is."""


class GetUserFees(_OfUser, frozen=True, tag="userFees"):
    """Ask for an account's rates."""


class GetL2Book(_Question, frozen=True, tag="l2Book"):
    """Ask for a book, up to 20 levels a side."""

    coin: str
    n_sig_figs: int | None = None
    mantissa: int | None = None


class CandleRange(Struct, frozen=True, rename="camel"):
    """Which candles."""

    coin: str
    interval: str
    start_time: int
    end_time: int


class CandleSnapshot(_Question, frozen=True, tag="candleSnapshot"):
    """Ask for candles."""

    req: CandleRange


class GetExchangeStatus(_Question, frozen=True, tag="exchangeStatus"):
    """Ask whether the venue works."""


InfoRequest: TypeAlias = (
    AllMids
    | GetMeta
    | MetaAndAssetCtxs
    | PerpDexs
    | GetSpotMeta
    | GetClearinghouseState
    | GetSpotClearinghouseState
    | OpenOrders
    | FrontendOpenOrders
    | GetOrderStatus
    | HistoricalOrders
    | GetUserFills
    | UserFillsByTime
    | GetUserRateLimit
    | GetUserRole
    | GetUserFees
    | GetL2Book
    | CandleSnapshot
    | GetExchangeStatus
)


# What comes back.


class AssetMeta(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One perpetual; its place in the universe is its index."""

    sz_decimals: int
    name: str
    max_leverage: int
    margin_table_id: int | None = None
    only_isolated: bool = False
    is_delisted: bool = False
    margin_mode: str | None = None
    growth_mode: str | None = None
    last_growth_mode_change_time: str | None = None
    deployer_fee_scale: str | None = None


class Universe(Struct, frozen=True, rename="camel"):
    """A dex's assets."""

    universe: list[AssetMeta]
    margin_tables: list[tuple[int, Any]] = []
    collateral_token: int = 0


class AssetContext(Struct, frozen=True, rename="camel"):
    """How an asset trades."""

    mark_px: str
    oracle_px: str = "0.0"
    mid_px: str | None = None
    funding: str = "0.0"
    open_interest: str = "0.0"
    prev_day_px: str = "0.0"
    day_ntl_vlm: str = "0.0"
    day_base_vlm: str = "0.0"
    premium: str | None = None
    impact_pxs: list[str] | None = None


class PerpDex(Struct, frozen=True, rename="camel"):
    """A dex of perpetuals that somebody has deployed."""

    name: str
    full_name: str = ""
    deployer: str = ""
    oracle_updater: str | None = None
    fee_recipient: str | None = None
    asset_to_streaming_oi_cap: list[tuple[str, str]] = []
    sub_deployers: list[Any] = []
    deployer_fee_scale: str = "1.0"


class SpotPair(Struct, frozen=True, rename="camel"):
    """A pair: its tokens' indices, base first."""

    tokens: tuple[int, int]
    name: str
    index: int
    is_canonical: bool = False


class SpotToken(Struct, frozen=True, rename="camel"):
    """A token."""

    name: str
    sz_decimals: int
    wei_decimals: int
    index: int
    token_id: str = ""
    is_canonical: bool = False
    evm_contract: Any = None
    full_name: str | None = None


class SpotMeta(Struct, frozen=True):
    """Spot's pairs and tokens."""

    universe: list[SpotPair]
    tokens: list[SpotToken]


class MarginSummary(Struct, frozen=True, rename="camel"):
    """An account's sums."""

    account_value: str = "0.0"
    total_ntl_pos: str = "0.0"
    total_raw_usd: str = "0.0"
    total_margin_used: str = "0.0"


class Leverage(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A position's leverage; `raw_usd` only where it is isolated."""

    type: str
    value: int
    raw_usd: str | None = None


class CumulativeFunding(Struct, frozen=True, rename="camel"):
    """Funding paid."""

    all_time: str = "0.0"
    since_open: str = "0.0"
    since_change: str = "0.0"


class Position(Struct, frozen=True, rename="camel"):
    """A position; `szi` is signed."""

    coin: str
    szi: str
    entry_px: str | None = None
    position_value: str = "0.0"
    unrealized_pnl: str = "0.0"
    return_on_equity: str = "0.0"
    liquidation_px: str | None = None
    margin_used: str = "0.0"
    max_leverage: int = 1
    leverage: Leverage = Leverage("cross", 1)
    cum_funding: CumulativeFunding = CumulativeFunding()


class AssetPosition(Struct, frozen=True):
    """A position, and of what kind."""

    position: Position
    type: str = "oneWay"


class ClearinghouseState(Struct, frozen=True, rename="camel"):
    """Positions and margin."""

    asset_positions: list[AssetPosition]
    time: int
    margin_summary: MarginSummary = MarginSummary()
    cross_margin_summary: MarginSummary = MarginSummary()
    cross_maintenance_margin_used: str = "0.0"
    withdrawable: str = "0.0"


class Balance(Struct, frozen=True, rename="camel"):
    """How much of a token there is."""

    coin: str
    token: int
    total: str
    hold: str = "0.0"
    entry_ntl: str = "0.0"


class SpotClearinghouseState(Struct, frozen=True):
    """Token balances."""

    balances: list[Balance]


class BasicOrder(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An order as lists and updates show it: `sz` is what remains; no cloid where there is none."""

    coin: str
    side: WireSide
    limit_px: str
    sz: str
    oid: WireOid
    timestamp: int
    orig_sz: str | None = None
    cloid: str | None = None
    reduce_only: bool = False


class FrontendOrder(Struct, frozen=True, rename="camel"):
    """An order with all that is known of it; its cloid is null where there is none."""

    coin: str
    side: WireSide
    limit_px: str
    sz: str
    oid: WireOid
    timestamp: int
    orig_sz: str | None = None
    trigger_condition: str = "N/A"
    is_trigger: bool = False
    trigger_px: str = "0.0"
    children: list[Any] = []
    is_position_tpsl: bool = False
    reduce_only: bool = False
    order_type: str = "Limit"
    tif: str | None = None
    cloid: str | None = None


class OrderRecord(Struct, frozen=True, rename="camel"):
    """An order and what became of it."""

    order: FrontendOrder
    status: str
    status_timestamp: int


class OrderStatusReply(Struct, frozen=True, omit_defaults=True):
    """The answer about one order: "order", or "unknownOid", which does not prove that it is not."""

    status: str
    order: OrderRecord | None = None


class UserFill(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One execution, told apart by coin, time and `tid`."""

    coin: str
    px: str
    sz: str
    side: WireSide
    time: int
    oid: WireOid
    tid: int
    start_position: str | None = None
    dir: str | None = None
    closed_pnl: str | None = None
    hash: str | None = None
    crossed: bool | None = None
    """Whether we took; None where the venue does not say."""
    fee: str | None = None
    fee_token: str | None = None
    cloid: str | None = None
    builder_fee: str | None = None
    twap_id: int | None = None
    liquidation: Any = None


class UserRateLimit(Struct, frozen=True, rename="camel"):
    """An address's requests: used, allowed in all, and bought beyond those used."""

    cum_vlm: str
    n_requests_used: int
    n_requests_cap: int
    n_requests_surplus: int | None = None


class UserRole(Struct, frozen=True, omit_defaults=True):
    """What an address is: user, agent, vault, subAccount or missing; `data` names its master."""

    role: str
    data: dict[str, str] | None = None


class ExchangeStatus(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Whether the venue works."""

    time: int | None = None
    special_statuses: Any = None


class BookLevel(Struct, frozen=True):
    """A price's size, and of how many orders."""

    px: str
    sz: str
    n: int = 1


class L2Book(Struct, frozen=True, omit_defaults=True):
    """A whole book: bids, best first, and asks."""

    coin: str
    time: int
    levels: tuple[list[BookLevel], list[BookLevel]]
    spread: str | None = None
    fast: bool | None = None


class Candle(Struct, frozen=True):
    """A candle."""

    opened_at: int = field(name="t")
    closed_at: int = field(name="T")
    coin: str = field(name="s")
    interval: str = field(name="i")
    open: str = field(name="o")
    close: str = field(name="c")
    high: str = field(name="h")
    low: str = field(name="l")
    volume: str = field(name="v")
    trades: int = field(name="n")


ANSWERS: Final[dict[type[Struct], Any]] = {
    AllMids: dict[str, str],
    GetMeta: Universe,
    MetaAndAssetCtxs: tuple[Universe, list[AssetContext]],
    PerpDexs: list[PerpDex | None],
    GetSpotMeta: SpotMeta,
    GetClearinghouseState: ClearinghouseState,
    GetSpotClearinghouseState: SpotClearinghouseState,
    OpenOrders: list[BasicOrder],
    FrontendOpenOrders: list[FrontendOrder],
    GetOrderStatus: OrderStatusReply,
    HistoricalOrders: list[OrderRecord],
    GetUserFills: list[UserFill],
    UserFillsByTime: list[UserFill],
    GetUserRateLimit: UserRateLimit,
    GetUserRole: UserRole,
    GetUserFees: dict[str, Any],
    GetL2Book: L2Book | None,
    CandleSnapshot: list[Candle],
    GetExchangeStatus: ExchangeStatus,
}
"""The type of each question's answer."""

QUESTIONS: Final[json.Decoder[InfoRequest]] = json.Decoder(InfoRequest)
"""Reads what is posted; raises ValidationError (HTTP 422) or DecodeError (HTTP 400)."""

_DECODERS: Final = {question: json.Decoder(answer) for question, answer in ANSWERS.items()}


def read_answer(question: InfoRequest, body: bytes | str | Raw) -> Any:
    """Return the answer to a question as its type in `ANSWERS`; raises ValidationError."""
    return _DECODERS[type(question)].decode(body)


def answer_of(question: InfoRequest, value: object) -> Any:
    """Return an answer that is already plain values as its type; raises ValidationError."""
    return convert(value, ANSWERS[type(question)])
