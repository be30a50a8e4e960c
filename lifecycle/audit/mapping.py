"""How another bot's log is read: which column says what, and which words mean what.

Names are compared by their letters and figures alone, so `clientOrderId`, `client_order_id` and
`Client Order ID` are one. The tables hold the names that bots use; a mapping adds to them and goes
first.
"""

import enum
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Struct

from exchange.words import Side

TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns", "iso"]
TIME_UNITS: Final[tuple[TimeUnit, ...]] = get_args(TimeUnit)


class LogError(ValueError):
    """A log cannot be read; one line that names the file, the line, the column and the value."""


class Kind(enum.StrEnum):
    """What a line says."""

    PLACE = "place"
    NEW = "new"
    """That it was accepted where its place is unanswered, else a place."""
    MODIFY = "modify"
    CANCEL = "cancel"
    ACK = "ack"
    """The order's unanswered request was done, whichever it is."""
    ACCEPTED = "accepted"
    """It rests."""
    MODIFIED = "modified"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FILL = "fill"
    REJECTED = "rejected"
    """The order's unanswered request was refused, whichever it is."""
    MODIFY_REJECTED = "modify-rejected"
    CANCEL_REJECTED = "cancel-rejected"
    ABSENT = "absent"
    """The venue does not know the order."""
    TIMEOUT = "timeout"
    """The order's unanswered request will get no answer."""
    ERROR = "error"
    """Likewise, because the venue or the way to it failed."""
    LIMITED = "limited"
    """The venue refuses requests for quota."""
    IGNORE = "ignore"
    """Nothing about an order."""


COLUMNS: Final[dict[str, str]] = {
    "time": "time ts timestamp t datetime date when created_at transact_time event_time time_s "
    "ts_s time_ms ts_ms timestamp_ms time_us ts_us timestamp_us time_ns ts_ns timestamp_ns",
    "event": "event type kind action event_type exec_type msg_type op what",
    "cloid": "cloid client_order_id clordid client_oid client_id coid order_link_id",
    "oid": "oid order_id exchange_order_id venue_order_id exch_oid id",
    "side": "side direction dir is_buy buy_sell bs",
    "price": "price px limit_px limit_price order_price p",
    "qty": "qty quantity size sz amount order_qty orig_qty orig_sz q",
    "fill_price": "fill_price fill_px last_price last_px exec_price trade_price",
    "fill_qty": "fill_qty fill_size fill_sz last_qty last_sz exec_qty trade_qty",
    "trade_id": "trade_id tid exec_id fill_id match_id",
    "request": "",
    "reduce_only": "reduce_only reduceonly ro",
}
"""What a line may say, and the names of the columns in which bots say it."""
REQUIRED: Final = ("time", "event")

EVENTS: Final[dict[Kind, str]] = {
    Kind.PLACE: "place send sent order_sent place_order new_order create create_order insert "
    "submit place_sent",
    Kind.NEW: "new placed created submitted order add added",
    Kind.MODIFY: "modify amend edit replace modify_order amend_order replace_order "
    "cancel_replace modify_sent",
    Kind.CANCEL: "cancel cancel_order delete cancel_request cancel_sent withdraw",
    Kind.ACK: "ack acked acknowledged ok success",
    Kind.ACCEPTED: "accepted open opened resting live working active confirmed order_accepted",
    Kind.MODIFIED: "modified amended replaced edited order_modified",
    Kind.CANCELLED: "cancelled deleted removed order_cancelled cancel_ack",
    Kind.EXPIRED: "expired",
    Kind.FILL: "fill filled partial_fill partially_filled partial trade traded execution "
    "executed match matched",
    Kind.REJECTED: "reject rejected refused denied order_rejected place_rejected",
    Kind.MODIFY_REJECTED: "modify_rejected modify_reject amend_rejected replace_rejected",
    Kind.CANCEL_REJECTED: "cancel_rejected cancel_reject",
    Kind.ABSENT: "not_found unknown_order absent",
    Kind.TIMEOUT: "timeout timed_out no_answer no_response",
    Kind.ERROR: "error failed failure server_error connection_error",
    Kind.LIMITED: "limited rate_limited rate_limit 429 too_many_requests",
    Kind.IGNORE: "ignore heartbeat ping pong info debug start stop connected disconnected "
    "reconnected restart",
}
"""What an event may be, and the words that bots have for it."""

SIDES: Final[dict[Side, str]] = {
    Side.BUY: "buy b bid long 1 true",
    Side.SELL: "sell s ask a short 2 false offer",
}


class Dialect(Struct, frozen=True, forbid_unknown_fields=True):
    """What a user says of a log, over what is known of bots in general."""

    columns: Mapping[str, str] = {}
    """From our name to the log's; a dot leads into an object within a line."""
    events: Mapping[str, Kind] = {}
    """From the log's word to ours."""
    sides: Mapping[str, Literal["buy", "sell"]] = {}
    time_unit: TimeUnit | None = None
    """None: by the column's name, or by the size of the first number."""

    def over(self, other: "Dialect") -> "Dialect":
        """Return both, what this one says first."""
        return Dialect(
            {**other.columns, **self.columns},
            {**other.events, **self.events},
            {**other.sides, **self.sides},
            self.time_unit or other.time_unit,
        )


def read_dialect(path: Path) -> Dialect:
    """Read a mapping file; raises LogError, and OSError where it cannot be read."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        for table, values in tree.items():
            _check_table(table, values)
        return checked(msgspec.convert(tree, Dialect))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LogError(f"{path}: a mapping must be TOML: {error}") from None
    except LogError as error:
        raise LogError(f"{path}: {error}") from None


def _check_table(name: str, values: object) -> None:
    """Raise LogError for what a mapping cannot say."""
    may: dict[str, tuple[str, ...]] = {
        "columns": (), "events": tuple(Kind), "sides": ("buy", "sell")
    }  # fmt: skip
    if name == "time_unit":
        if values not in TIME_UNITS:
            raise LogError(f"time_unit must be one of {', '.join(TIME_UNITS)}, was {values!r}")
        return
    if name not in may:
        raise LogError(f"a mapping must have {', '.join(may)} or time_unit, was {name!r}")
    if not isinstance(values, dict):
        raise LogError(f"{name} must be a table, [{name}], was {values!r}")
    for key_, value in values.items():
        if not isinstance(value, str) or (may[name] and value not in may[name]):
            what = f"one of {', '.join(may[name])}" if may[name] else "the name of a column"
            raise LogError(f"{name}.{key_} must be {what}, was {value!r}")


def checked(dialect: Dialect) -> Dialect:
    """Return it as it is; raises LogError where it names a column that is none of ours."""
    for name in dialect.columns:
        if name not in COLUMNS:
            raise LogError(f"a column must be one of {', '.join(COLUMNS)}, was {name!r}")
    return dialect


def key(text: str) -> str:
    """Return the letters and figures of a name; two l where some spell one."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    return re.sub("cancel(?=ed|ing)", "cancell", plain)


def columns_of(
    names: Mapping[str, str], present: list[str], *, all_there: bool = True
) -> dict[str, str]:
    """Find the column of each of our names among those that a log has.

    `names` is what the user says; not `all_there`: a later line may have more. Raises LogError
    where one that is needed is not found, or where one that the user names is not there.
    """
    by_key: dict[str, str] = {}
    for name in present:
        by_key.setdefault(key(name), name)
    found = {}
    for ours, usual in COLUMNS.items():
        if ours in names:
            theirs = names[ours]
            if theirs not in present:
                shown = ", ".join(present)
                raise LogError(f"column {theirs!r} ({ours}) must be one of {shown}")
            found[ours] = theirs
            continue
        matches = (by_key[key(name)] for name in usual.split() if key(name) in by_key)
        theirs = next((name for name in matches if name not in found.values()), "")
        if theirs:
            found[ours] = theirs
    missing = [name for name in REQUIRED if name not in found]
    if all_there and not {"cloid", "oid"} & found.keys():
        missing.append("cloid")
    if missing:
        raise LogError(
            f"a column must say the {missing[0]}, there are {', '.join(present)}: "
            f"name it with --column {missing[0]}=NAME"
        )
    return found


def kind_of(text: str, events: Mapping[str, Kind]) -> Kind:
    """Return what a word means; raises ValueError where nobody has said."""
    if text in events:
        return events[text]
    found = _KINDS.get(key(text))
    if found is None:
        raise ValueError(f"must be known, was {text!r}: say what it is with --event {text}=KIND")
    return found


def side_of(text: str, sides: Mapping[str, str]) -> Side:
    """Return the side that a word means; raises ValueError where it means none."""
    if text in sides:
        return Side[sides[text].upper()]
    found = Side.SELL if text.strip() == "-1" else _SIDES.get(key(text))
    if found is None:
        raise ValueError(f"must be buy or sell, was {text!r}")
    return found


def unit_of(column: str, first: str) -> TimeUnit:
    """Return the unit of a time column: by its name's end, or by the size of its first number."""
    ending = column.lower().rpartition("_")[2]
    if column.lower() != ending and ending in ("s", "ms", "us", "ns"):
        return next(unit for unit in TIME_UNITS if unit == ending)
    try:
        size = abs(float(first))
    except ValueError:
        return "iso"
    # Of times since 1970, which in seconds have ten figures.
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


_KINDS: Final = {key(word): kind for kind, words in EVENTS.items() for word in words.split()}
_SIDES: Final = {key(word): side for side, words in SIDES.items() for word in words.split()}
