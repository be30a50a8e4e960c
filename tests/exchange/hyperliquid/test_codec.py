"""Commands to the wire, and what comes back to reports; what is unclear stays unknown, aloud."""

from typing import Any, Final

import pytest
from msgspec import convert, to_builtins

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder, Request
from exchange.hyperliquid.codec import Batch, Codec, Told, Unmapped, refuse, unanswered
from exchange.hyperliquid.codec_words import BURNT, ERRORS
from exchange.hyperliquid.instruments import Asset, instrument_of
from exchange.hyperliquid.wire import ExchangeReply
from exchange.hyperliquid.wire_info import AssetMeta
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Limited,
    Modified,
    ModifyRejected,
    Rejected,
)
from exchange.venue import NoAnswer
from exchange.words import Alive, CancelReason, Outcome, Side

ETH: Final = Asset("hyna:ETH", 140001, instrument_of(AssetMeta(4, "hyna:ETH", 25)))
USER: Final = "0x14791697260e4c9a71f18484c9f997b308e59325"
OURS: Final = "0123456789" + "0000002a"
SENT: Final = "0x01234567890000002ac10d0000000000"
OTHER: Final = "0x" + "7" * 32
AT: Final = 5_000_000_000
ORIGIN: Final = 1_700_000_000_000_000_000
MS: Final = 1_700_000_001_000


def a_place(request: int = 1, cloid: str = OURS, *, post_only: bool = True) -> Place:
    return Place(request, cloid, Side.BUY, 200010, 100, post_only, False, AT)


def a_modify(request: int = 2, cloid: str = OURS, oid: str | None = "77") -> Modify:
    return Modify(request, cloid, oid, Side.SELL, 200000, 10000, True, True, AT)


def a_cancel(request: int = 3, cloid: str = OURS, oid: str | None = "77") -> Cancel:
    return Cancel(request, cloid, oid, AT)


def heard(codec_options: Any = None) -> tuple[Codec, list[Unmapped]]:
    """Return a codec and what it complains of."""
    complaints: list[Unmapped] = []
    options = codec_options or {}
    return Codec(ETH, origin=ORIGIN, on_unmapped=complaints.append, **options), complaints


COMMANDS: Final[tuple[Request, ...]] = (a_place(), a_modify(), a_cancel())


def one_batch(*commands: Request) -> Batch:
    (batch,) = Codec(ETH).batches(commands)
    return batch


def answered(*statuses: Any, kind: str = "order") -> ExchangeReply:
    plain = {"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}
    return convert(plain, ExchangeReply)


def test_a_place_is_an_order_with_plain_numbers() -> None:
    action = to_builtins(one_batch(a_place()).action)

    assert action == {
        "type": "order",
        "orders": [
            {
                "a": 140001,
                "b": True,
                "p": "2000.1",
                "s": "0.01",
                "r": False,
                "t": {"limit": {"tif": "Alo"}},
                "c": SENT,
            }
        ],
        "grouping": "na",
    }


def test_a_modify_is_a_batch_of_one_that_keeps_the_cloid() -> None:
    action = to_builtins(one_batch(a_modify()).action)

    assert action["type"] == "batchModify"
    (modify,) = action["modifies"]
    assert modify["oid"] == 77
    assert modify["order"] == {
        "a": 140001,
        "b": False,
        "p": "2000",
        "s": "1",
        "r": True,
        "t": {"limit": {"tif": "Alo"}},
        "c": SENT,
    }


def test_an_order_without_oid_is_named_by_cloid() -> None:
    modify = to_builtins(one_batch(a_modify(oid=None)).action)
    cancel = to_builtins(one_batch(a_cancel(oid=None)).action)

    assert modify["modifies"][0]["oid"] == SENT
    assert cancel == {"type": "cancelByCloid", "cancels": [{"asset": 140001, "cloid": SENT}]}
    assert to_builtins(one_batch(a_cancel()).action) == {
        "type": "cancel",
        "cancels": [{"a": 140001, "o": 77}],
    }


def test_an_order_that_has_no_cloid_at_the_venue_gets_none() -> None:
    modify = to_builtins(one_batch(a_modify(cloid="oid:77")).action)

    assert "c" not in modify["modifies"][0]["order"]
    with pytest.raises(ValueError, match="a cloid must be"):
        Codec(ETH).batches([a_place(cloid="oid:77")])


def test_a_dex_without_cloids_gets_none() -> None:
    codec, _ = heard({"cloids": False})
    place, modify = codec.batches([a_place(), a_modify()])

    assert "c" not in to_builtins(place.action)["orders"][0]
    assert "c" not in to_builtins(modify.action)["modifies"][0]["order"]
    assert to_builtins(codec.order_question(USER, QueryOrder(1, OURS, "77")))["oid"] == 77
    for nameless in (a_cancel(oid=None), a_modify(oid=None)):
        with pytest.raises(ValueError, match="must be named by oid"):
            codec.batches([nameless])


def test_kinds_go_apart_and_so_do_orders_that_may_take() -> None:
    commands: list[Request] = [
        a_cancel(1), a_place(2), a_modify(3), a_place(4, post_only=False), a_cancel(5, oid=None),
        a_place(6), a_cancel(7),
    ]  # fmt: skip

    batches = Codec(ETH).batches(commands)

    found = [(type(one.action).__name__, [c.request for c in one.commands]) for one in batches]
    assert found == [
        ("Cancel", [1, 7]),
        ("Order", [2, 6]),
        ("BatchModify", [3]),
        ("Order", [4]),
        ("CancelByCloid", [5]),
    ]


def test_an_action_carries_at_most_two_hundred() -> None:
    batches = Codec(ETH).batches([a_cancel(number) for number in range(401)])

    assert [len(one.commands) for one in batches] == [200, 200, 1]


def test_a_batch_expires_with_its_first_command() -> None:
    late = Cancel(1, OURS, "1", 9)

    assert one_batch(late, Cancel(2, OURS, "2", 7), Cancel(3, OURS, "3", 0)).expires_at == 7
    assert one_batch(Cancel(3, OURS, "3", 0)).expires_at == 0


def test_questions_name_the_account_the_dex_and_the_venues_time() -> None:
    codec, _ = heard()

    orders, fills = codec.open_questions(USER, QueryOpen(1, 2_000_500_000))
    known = codec.order_question(USER, QueryOrder(1, OURS, "77"))
    unknown = codec.order_question(USER, QueryOrder(1, OURS, None))

    assert to_builtins(orders) == {"type": "openOrders", "user": USER, "dex": "hyna"}
    assert to_builtins(fills) == {
        "type": "userFillsByTime",
        "user": USER,
        "startTime": 1_700_000_000_000 + 2000,
    }
    assert to_builtins(known) == {"type": "orderStatus", "user": USER, "oid": 77}
    assert to_builtins(unknown) == {"type": "orderStatus", "user": USER, "oid": SENT}


FILLED: Final = {"filled": {"totalSz": "0.004", "avgPx": "1891.4", "oid": 78}}
RESTING: Final = {"resting": {"oid": 78, "cloid": SENT}}


@pytest.mark.parametrize("status", [RESTING, FILLED])
def test_an_order_that_is_taken_is_accepted_however_much_of_it_filled(status: Any) -> None:
    codec, complaints = heard()

    place = codec.read_reply(one_batch(a_place()), answered(status), AT)
    modify = codec.read_reply(one_batch(a_modify()), answered(status), AT)

    assert place == Told([Accepted(AT, OURS, "78", 1)])
    assert modify == Told([Modified(AT, OURS, "78", 10000, 200000, 2)])
    assert complaints == []


def test_a_cancel_that_is_done_names_its_request() -> None:
    told = Codec(ETH).read_reply(one_batch(a_cancel()), answered("success", kind="cancel"), AT)

    assert told == Told([Cancelled(AT, OURS, "77", CancelReason.USER, 3)])


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row.label)
@pytest.mark.parametrize(
    "command", [a_place(), a_modify(), a_cancel()], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("level", ["item", "action"])
def test_every_row_gives_its_report_or_none(row: Any, command: Request, level: str) -> None:
    codec, complaints = heard()
    text = row.text + " asset=140001"
    reply = answered({"error": text}) if level == "item" else ExchangeReply("err", text)
    expected: Any = NoAnswer(command, Outcome.SERVER_ERROR)
    match command:
        case Place() if row.proof.place:
            expected = Rejected(AT, OURS, row.reason, 1)
        case Modify() if row.proof.modify is not None:
            expected = ModifyRejected(AT, OURS, row.reason, row.proof.modify, 2)
        case Cancel() if row.proof.cancel:
            expected = CancelRejected(AT, OURS, row.reason, 3)
        case _:
            pass

    told = codec.read_reply(one_batch(command), reply, AT)

    limited = [Limited(AT)] if row.reason == "limited" else []
    assert told == Told([expected, *limited], text if row.fatal else "")
    is_unclear = isinstance(expected, NoAnswer)
    assert complaints == ([Unmapped(type(command).__name__.lower(), text)] if is_unclear else [])
    assert codec.unmapped == len(complaints)


def test_the_errors_that_quoting_meets_mean_what_they_mean() -> None:
    def told(command: Request, text: str) -> Any:
        return Codec(ETH).read_reply(one_batch(command), answered({"error": text}), AT).said

    gone = "Order was never placed, already canceled, or filled. asset=140001"
    crossing = "Post only order would have immediately matched, bbo was 1@2. asset=140001"
    late = "Cannot modify canceled or filled order"

    assert told(a_cancel(), gone) == [CancelRejected(AT, OURS, "too_late", 3)]
    assert told(a_place(), crossing) == [Rejected(AT, OURS, "post_only", 1)]
    assert told(a_modify(), crossing) == [ModifyRejected(AT, OURS, "post_only", Alive.NO, 2)]
    assert told(a_modify(), late) == [ModifyRejected(AT, OURS, "gone", Alive.NO, 2)]


@pytest.mark.parametrize(
    "status",
    [{"error": "The venue is having a bad day."}, {"error": ""}, "waitingForFill",
     "waitingForTrigger", "done", {"parked": {"oid": 1}}],
)  # fmt: skip
@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_status_leaves_the_outcome_unknown(status: Any, command: Request) -> None:
    codec, complaints = heard()

    told = codec.read_reply(one_batch(command), answered(status), AT)

    assert told == Told([NoAnswer(command, Outcome.SERVER_ERROR)])
    assert len(complaints) == codec.unmapped == 1


def test_a_status_of_another_kind_leaves_the_outcome_unknown() -> None:
    codec, complaints = heard()
    crossed: list[tuple[Request, Any]] = [
        (a_place(), "success"),
        (a_modify(), "success"),
        (a_cancel(), RESTING),
    ]

    for command, status in crossed:
        told = codec.read_reply(one_batch(command), answered(status), AT)
        assert told == Told([NoAnswer(command, Outcome.SERVER_ERROR)])
    assert len(complaints) == len(crossed)


@pytest.mark.parametrize(
    "reply",
    ['{"status":"ok","response":{"type":"default"}}', '{"status":"ok","response":"fine"}',
     '{"status":"so so","response":{"type":"order","data":{"statuses":["success","success"]}}}',
     '{"status":"ok","response":{"type":"order","data":{"statuses":[]}}}',
     '{"status":"ok","response":{"type":"order","data":{"statuses":["success"]}}}',
     '{"status":"ok"}', '{"status":"err","response":"Something new."}', "null", "[", ""],
)  # fmt: skip
def test_an_answer_that_does_not_fit_leaves_all_outcomes_unknown(reply: str) -> None:
    codec, complaints = heard()
    batch = one_batch(a_cancel(1), a_cancel(2))

    told = codec.read_http(batch, 200, reply, AT)

    assert told == unanswered(batch)
    assert complaints


def test_mixed_statuses_stay_with_their_commands() -> None:
    batch = one_batch(a_cancel(1), a_cancel(2), a_cancel(3))
    gone = {"error": "Order was never placed, already canceled, or filled. asset=140001"}

    told = Codec(ETH).read_reply(batch, answered("success", gone, "?", kind="cancel"), AT)

    assert told.said == [
        Cancelled(AT, OURS, "77", CancelReason.USER, 1),
        CancelRejected(AT, OURS, "too_late", 2),
        NoAnswer(a_cancel(3), Outcome.SERVER_ERROR),
    ]


@pytest.mark.parametrize("level", ["item", "action"])
def test_one_error_for_all_is_said_of_each(level: str) -> None:
    text = "Order has zero size."
    reply = answered({"error": text}) if level == "item" else ExchangeReply("err", text)

    told = Codec(ETH).read_reply(one_batch(a_place(1), a_place(2)), reply, AT)

    assert told.said == [Rejected(AT, OURS, "qty", 1), Rejected(AT, OURS, "qty", 2)]


def test_an_address_at_its_limit_is_said_once() -> None:
    reply = ExchangeReply("err", "Too many cumulative requests sent (2 > 1) for cumulative volume")

    told = Codec(ETH).read_reply(one_batch(a_cancel(1), a_cancel(2)), reply, AT)

    refused = [CancelRejected(AT, OURS, "limited", number) for number in (1, 2)]
    assert told.said == [*refused, Limited(AT)]


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "wire"), (415, "wire"), (422, "wire"), (429, "ip_limited")]
)
def test_an_action_that_http_turns_away_is_refused(status: int, reason: str) -> None:
    batch = one_batch(a_place())

    told = Codec(ETH).read_http(batch, status, "null", AT)

    assert told == refuse(batch, reason, AT) == Told([Rejected(AT, OURS, reason, 1)])
    assert Codec(ETH).read_post(batch, f"{status} Too Bad", AT) == told


@pytest.mark.parametrize("status", [201, 301, 401, 403, 404, 500, 502, 503, 504])
def test_any_other_http_status_leaves_the_outcome_unknown(status: int) -> None:
    batch = one_batch(a_place())

    assert Codec(ETH).read_http(batch, status, "", AT) == unanswered(batch)
    assert Codec(ETH).read_post(batch, f"{status}: sorry", AT) == unanswered(batch)


def test_an_error_by_websocket_without_a_status_is_unknown() -> None:
    codec, complaints = heard()
    batch = one_batch(a_place())

    assert codec.read_post(batch, "Something new", AT) == unanswered(batch)
    assert complaints == [Unmapped("action", "Something new")]


def test_a_burnt_action_is_refused_whatever_it_asks() -> None:
    found = [refuse(one_batch(one), BURNT, AT).said for one in (a_place(), a_modify(), a_cancel())]

    assert found == [
        [Rejected(AT, OURS, BURNT, 1)],
        [ModifyRejected(AT, OURS, BURNT, Alive.YES, 2)],
        [CancelRejected(AT, OURS, BURNT, 3)],
    ]
