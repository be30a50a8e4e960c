"""The wire: what HTTP and the websocket answer, and what the knobs make of it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

import httpx
import pytest
from msgspec import json
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from exchange.hyperliquid.served.knobs import Knobs
from exchange.hyperliquid.served.server import Server
from exchange.hyperliquid.signing import Key, sign_request
from exchange.hyperliquid.wire import Action, Cancel, CancelWire, Noop, Order
from tests.exchange.hyperliquid.served.serving import (
    DEADLINE_S,
    eventually,
    post,
    raw,
    serving,
    truth,
)
from tests.exchange.hyperliquid.served.stage import order

KEY = Key("22" * 32)
SERIALS = count()
ORDER = Order([order("1900", "0.1", cloid=7)], "na")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


def signed(action: Action, key: Key = KEY) -> bytes:
    # Two within one millisecond would have one nonce.
    nonce = time.time_ns() // 1_000_000 + next(SERIALS)
    return json.encode(sign_request(key, action, nonce, mainnet=False))


@contextmanager
def socket_of(server: Server) -> Iterator[ClientConnection]:
    with connect(server.url.replace("http", "ws") + "/ws", close_timeout=1) as socket:
        yield socket


def say(socket: ClientConnection, message: object) -> None:
    socket.send(message if isinstance(message, str) else json.encode(message).decode())


def hear(socket: ClientConnection, channel: str) -> Any:
    """Return the data of the next message of a channel."""
    while True:
        message = json.decode(socket.recv(timeout=DEADLINE_S))
        if message["channel"] == channel:
            return message.get("data")


# HTTP.


@pytest.mark.parametrize("path", ["/info", "/exchange"])
@pytest.mark.parametrize(
    ("body", "kind", "status", "text"),
    [
        (b"{", "application/json", 400, "Failed to parse the request body as JSON"),
        (b"\xff", "application/json", 400, "Failed to parse the request body as JSON"),
        (
            b'{"type":"none"}',
            "application/json",
            422,
            "Failed to deserialize the JSON body into the target type",
        ),
        (b"{}", "text/plain", 415, "Expected request with `Content-Type: application/json`"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_kind(
    server: Server, path: str, body: bytes, kind: str, status: int, text: str
) -> None:
    answer = raw(server, path, body, kind)

    assert answer.status_code == status
    assert answer.text.startswith(text)


def test_fields_that_an_action_does_not_have_are_refused(server: Server) -> None:
    body = json.decode(signed(Noop()))
    body["action"]["more"] = 1

    assert post(server, "/exchange", body).status_code == 422


def test_a_price_of_nine_decimals_is_refused_before_it_is_looked_at(server: Server) -> None:
    body = json.decode(signed(ORDER))
    body["action"]["orders"][0]["p"] = "1900.000000001"

    assert post(server, "/exchange", body).status_code == 422


def test_a_number_too_large_to_be_signed_is_no_fault_of_the_server(server: Server) -> None:
    body = json.decode(signed(Noop()))
    body["nonce"] = 1 << 80

    answer = post(server, "/exchange", body)

    assert answer.json() == {"status": "err", "response": "Unable to recover signer."}


def test_an_action_that_was_changed_after_signing_has_another_signer() -> None:
    with serving() as server:
        body = json.decode(signed(ORDER))
        body["action"]["orders"][0]["s"] = "0.2"
        post(server, "/exchange", body)

        assert KEY.address.lower() not in truth(server)["accounts"]


def test_an_unknown_coin_has_no_book_and_odd_figures_break_the_venue(server: Server) -> None:
    unknown = post(server, "/info", {"type": "l2Book", "coin": "NONE"})
    odd = post(server, "/info", {"type": "l2Book", "coin": "ETH", "nSigFigs": 6})
    rounded = post(server, "/info", {"type": "l2Book", "coin": "ETH", "nSigFigs": 3}).json()

    assert unknown.json() is None
    assert (odd.status_code, odd.text) == (500, "null")
    assert all(float(row["px"]) % 10 == 0 for side in rounded["levels"] for row in side)


def test_each_weight_is_taken_and_when_it_is_gone_the_answer_is_null() -> None:
    # In real time, or a slow machine would see it refilled.
    with serving(ip_weight=100, speed=1.0) as server:
        told = [post(server, "/info", {"type": "meta"}) for _ in range(6)]

    assert [one.status_code for one in told[:5]] == [200] * 5
    assert (told[5].status_code, told[5].text) == (429, "null")


def test_without_admin_there_is_no_truth() -> None:
    with serving(has_admin=False) as server:
        assert httpx.get(server.url + "/admin/truth").status_code == 404


# Faults.


def test_a_lost_acknowledgement_leaves_the_order() -> None:
    with serving(knobs=Knobs(lost_acks=1.0)) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, "/exchange", signed(ORDER))
        told = truth(server)

    assert [row["cloid"] for row in told["accounts"][KEY.address.lower()]["open"]] == [
        "0x" + "0" * 31 + "7"
    ]
    assert told["faults"] == {"lost_acks": 1}


def test_a_lost_request_leaves_nothing_and_its_nonce_can_be_burnt() -> None:
    body = signed(ORDER)
    nonce = json.decode(body)["nonce"]
    with serving(knobs=Knobs(lost_requests=1.0)) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, "/exchange", body)
        httpx.post(server.url + "/admin/faults", json={"lost_requests": 0.0})
        burnt = sign_request(KEY, Noop(), nonce, mainnet=False)
        noop = post(server, "/exchange", json.encode(burnt)).json()
        late = post(server, "/exchange", body).json()

    assert noop == {"status": "ok", "response": {"type": "default"}}
    assert late["response"] == f"Invalid nonce: duplicate nonce {nonce}"


@pytest.mark.parametrize(("knob", "count"), [("errors_before", 0), ("errors_after", 1)])
def test_a_server_error_comes_before_the_effect_or_after_it(knob: str, count: int) -> None:
    with serving(knobs=Knobs(**{knob: 1.0})) as server:
        answer = post(server, "/exchange", signed(ORDER))
        accounts = truth(server)["accounts"]

    assert answer.status_code == 502
    assert sum(len(one["orders"]) for one in accounts.values()) == count


def test_knobs_are_turned_while_it_runs_and_wrong_ones_refused(server: Server) -> None:
    url = server.url + "/admin/faults"
    on = httpx.post(url, json={"too_many": 1.0})
    limited = post(server, "/exchange", signed(Noop()))
    off = httpx.post(url, json={"too_many": 0.0})
    wrong = httpx.post(url, json={"nothing": 1.0})
    form = httpx.post(url, content=b"{}", headers={"content-type": "text/plain"})

    assert on.json()["knobs"]["too_many"] == 1.0
    assert (limited.status_code, limited.text) == (429, "null")
    assert off.json()["counts"]["too_many"] == 1
    assert (wrong.status_code, form.status_code) == (422, 415)


def test_an_order_is_not_found_before_it_is_old_enough() -> None:
    question = {"type": "orderStatus", "user": KEY.address, "oid": "0x" + "0" * 31 + "7"}
    with serving(knobs=Knobs(lookup_lag_ms=10_000.0)) as server:
        post(server, "/exchange", signed(ORDER))
        early = post(server, "/info", question).json()
        late = eventually(lambda: post(server, "/info", question).json().get("order"))

    assert early == {"status": "unknownOid"}
    assert late["status"] == "open"


def test_the_venue_cancels_for_a_reason_of_its_own_where_that_is_asked() -> None:
    with serving() as server, socket_of(server) as socket:
        wanted = {"type": "orderUpdates", "user": KEY.address}
        say(socket, {"method": "subscribe", "subscription": wanted})
        post(server, "/exchange", signed(ORDER))
        hear(socket, "orderUpdates")
        url = server.url + "/admin/cancel"
        told = httpx.post(url, json={"user": KEY.address, "status": "marginCanceled"})
        (update,) = hear(socket, "orderUpdates")
        wrong = httpx.post(url, json={"user": KEY.address, "status": "filled"})

    assert update["status"] == "marginCanceled"
    assert told.json() == {"cancelled": [update["order"]["oid"]]}
    assert wrong.status_code == 422


def test_frames_come_twice_and_out_of_order_where_that_is_wanted() -> None:
    wrong = Knobs(duplicates=0.3, reorders=0.3)
    with serving(knobs=wrong) as server, socket_of(server) as socket:
        say(socket, {"method": "subscribe", "subscription": {"type": "trades", "coin": "ETH"}})
        ids = [trade["tid"] for _ in range(60) for trade in hear(socket, "trades")]

    assert len(set(ids)) < len(ids)
    assert sorted(ids) != ids


def test_websockets_break_as_often_as_wanted() -> None:
    with serving(knobs=Knobs(disconnect_every_s=2.0)) as server, socket_of(server) as socket:
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=DEADLINE_S)
        assert server.faults.counts["disconnects"] >= 1


# The websocket.


def test_a_ping_is_answered(server: Server) -> None:
    with socket_of(server) as socket:
        say(socket, {"method": "ping"})

        assert json.decode(socket.recv(timeout=DEADLINE_S)) == {"channel": "pong"}


def test_a_subscription_is_acknowledged_in_normal_form_and_once(server: Server) -> None:
    wanted = {"type": "l2Book", "coin": "ETH"}
    normal = {**wanted, "nSigFigs": None, "mantissa": None}
    with socket_of(server) as socket:
        say(socket, {"method": "subscribe", "subscription": wanted})
        acknowledged = hear(socket, "subscriptionResponse")
        book = hear(socket, "l2Book")
        say(socket, {"method": "subscribe", "subscription": wanted})
        again = hear(socket, "error")
        say(socket, {"method": "unsubscribe", "subscription": wanted})
        ended = hear(socket, "subscriptionResponse")
        say(socket, {"method": "unsubscribe", "subscription": wanted})
        ended_again = hear(socket, "error")

    assert acknowledged == {"method": "subscribe", "subscription": normal}
    # Twenty at most: a sweep may have left fewer.
    assert all(10 < len(side) <= 20 for side in book["levels"])
    assert again.startswith('Already subscribed: {"type":"l2Book"')
    assert ended["method"] == "unsubscribe"
    assert ended_again.startswith("Already unsubscribed: ")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("{", "Error parsing JSON into valid websocket request: {"),
        ({"method": "none"}, "Error parsing JSON into valid websocket request: "),
        ({"method": "subscribe", "subscription": {"type": "x"}}, 'Invalid subscription {"type"'),
        (
            {"method": "subscribe", "subscription": {"type": "bbo", "coin": "NONE"}},
            'Invalid subscription {"type":"bbo"',
        ),
    ],
)
def test_what_cannot_be_done_is_an_error_frame(server: Server, message: object, text: str) -> None:
    with socket_of(server) as socket:
        say(socket, message)

        assert hear(socket, "error").startswith(text)


def test_users_and_connections_are_limited_by_address() -> None:
    with serving(ip_weight=1200) as server:
        with socket_of(server) as socket:
            for number in range(11):
                user = f"0x{number:040x}"
                wanted = {"type": "orderUpdates", "user": user}
                say(socket, {"method": "subscribe", "subscription": wanted})
            text = hear(socket, "error")
        eventually(lambda: not server._hub.sockets)
        with ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(socket_of(server))
            with pytest.raises(InvalidStatus, match="429"):
                stack.enter_context(socket_of(server))

    assert text == "Cannot track more than 10 total users."


def test_actions_and_questions_are_answered_over_the_websocket(server: Server) -> None:
    action = {"type": "action", "payload": json.decode(signed(ORDER))}
    question = {"type": "info", "payload": {"type": "meta"}}
    with socket_of(server) as socket:
        say(socket, {"method": "post", "id": 5, "request": action})
        done = hear(socket, "post")
        say(socket, {"method": "post", "id": 6, "request": question})
        asked = hear(socket, "post")

    assert done["id"] == 5
    assert done["response"]["type"] == "action"
    (status,) = done["response"]["payload"]["response"]["data"]["statuses"]
    assert "resting" in status
    assert asked["response"]["payload"]["type"] == "meta"
    assert asked["response"]["payload"]["data"]["universe"][1]["name"] == "ETH"


def test_open_orders_and_fills_begin_with_a_snapshot_and_updates_do_not() -> None:
    key = Key("33" * 32)
    user = key.address
    with serving() as server:
        placed = post(server, "/exchange", signed(ORDER, key)).json()
        oid = placed["response"]["data"]["statuses"][0]["resting"]["oid"]
        with socket_of(server) as socket:
            for kind in ("orderUpdates", "openOrders", "userFills"):
                say(socket, {"method": "subscribe", "subscription": {"type": kind, "user": user}})
            opened = hear(socket, "openOrders")
            fills = hear(socket, "userFills")
            post(server, "/exchange", signed(Cancel([CancelWire(1, oid)]), key))
            (update,) = hear(socket, "orderUpdates")
            left = hear(socket, "openOrders")

    assert [row["oid"] for row in opened["orders"]] == [oid]
    assert fills == {"user": user.lower(), "fills": [], "isSnapshot": True}
    assert (update["order"]["oid"], update["status"]) == (oid, "canceled")
    assert left["orders"] == []


def test_the_touch_shows_the_orders_of_those_who_are_served() -> None:
    with serving() as server, socket_of(server) as socket:
        say(socket, {"method": "subscribe", "subscription": {"type": "bbo", "coin": "OP"}})
        before = hear(socket, "bbo")
        inside = Order([order("1.3", "77.7", asset=9)], "na")
        post(server, "/exchange", signed(inside))
        after = hear(socket, "bbo")

    assert float(before["bbo"][0]["px"]) < 1.3
    assert after["bbo"][0] == {"px": "1.3", "sz": "77.7", "n": 1}
