"""The wire's types: exact outwards, tolerant of what is new inwards, strict about actions."""

from typing import Any, Final

import pytest
from msgspec import DecodeError, ValidationError, json

from exchange.hyperliquid import wire, wire_info, wire_socket
from exchange.hyperliquid.wire_info import ANSWERS, QUESTIONS, read_answer
from exchange.hyperliquid.wire_socket import SENT, UnknownMessage, read_message

USER: Final = "0x14791697260e4c9a71f18484c9f997b308e59325"
ORDER: Final = '{"a":1,"b":true,"p":"2000.1","s":"0.01","r":false,"t":{"limit":{"tif":"Alo"}}}'
SIGNED: Final = '"nonce":1,"signature":{"r":"0x1","s":"0x2","v":27}'


def envelope(action: str) -> str:
    """Return what is posted, as the official SDK writes it."""
    return f'{{"action":{action},{SIGNED},"vaultAddress":null,"expiresAfter":null}}'


@pytest.mark.parametrize(
    "action",
    [
        f'{{"type":"order","orders":[{ORDER}],"grouping":"na"}}',
        f'{{"type":"order","orders":[{ORDER}],"grouping":{{"p":3}}}}',
        f'{{"type":"order","orders":[],"grouping":"na","builder":{{"b":"{USER}","f":10}}}}',
        (
            '{"type":"order","orders":[{"a":1,"b":true,"p":"1","s":"1","r":true,"t":{"trigger":'
            '{"isMarket":true,"triggerPx":"103","tpsl":"sl"}}}],"grouping":"positionTpsl"}'
        ),
        '{"type":"cancel","cancels":[{"a":1,"o":2}]}',
        '{"type":"cancel","cancels":[{"a":1,"o":2}],"f":true}',
        '{"type":"cancelByCloid","cancels":[{"asset":1,"cloid":"0x' + 32 * "0" + '"}]}',
        f'{{"type":"modify","oid":1,"order":{ORDER}}}',
        f'{{"type":"batchModify","modifies":[{{"oid":1,"order":{ORDER}}}],"a":true}}',
        '{"type":"scheduleCancel"}',
        '{"type":"scheduleCancel","time":5}',
        '{"type":"noop"}',
        '{"type":"updateLeverage","asset":1,"isCross":true,"leverage":5}',
        '{"type":"updateIsolatedMargin","asset":1,"isBuy":true,"ntli":1000000}',
        '{"type":"setReferrer","code":"X"}',
        '{"type":"reserveRequestWeight","weight":3}',
        '{"type":"twapOrder","twap":{"a":1,"b":true,"s":"1","r":false,"m":5,"t":true}}',
        '{"type":"twapCancel","a":1,"t":2}',
    ],
)
def test_an_action_is_written_as_it_is_read(action: str) -> None:
    text = envelope(action)

    assert json.encode(wire.REQUESTS.decode(text)).decode() == text


@pytest.mark.parametrize(
    "action",
    [
        '{"type":"noop","more":1}',
        '{"type":"somethingNew"}',
        '{"type":"cancel","cancels":[{"a":1,"o":2,"c":3}]}',
        f'{{"type":"order","orders":[{ORDER.replace("2000.1", "2e3")}],"grouping":"na"}}',
        f'{{"type":"order","orders":[{ORDER.replace("0.01", "0.123456789")}],"grouping":"na"}}',
        f'{{"type":"order","orders":[{ORDER.replace("Alo", "Now")}],"grouping":"na"}}',
        '{"type":"order","orders":[{"a":1,"b":true,"p":"1","s":"1","r":true,"t":{}}],"grouping":"na"}',
        '{"type":"cancelByCloid","cancels":[{"asset":1,"cloid":"0x1"}]}',
    ],
)
def test_an_action_that_the_venue_would_not_read_is_not_read(action: str) -> None:
    with pytest.raises(ValidationError):
        wire.REQUESTS.decode(envelope(action))


def test_what_is_no_json_is_told_apart_from_what_is_no_request() -> None:
    with pytest.raises(DecodeError) as caught:
        wire.REQUESTS.decode("{")

    assert not isinstance(caught.value, ValidationError)


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (
            wire.ok(wire.ItemStatus(resting=wire.Resting(77))),
            '{"status":"ok","response":{"type":"order","data":{"statuses":[{"resting":{"oid":77}}]}}}',
        ),
        (
            wire.ok(wire.ItemStatus(filled=wire.Filled("0.02", "1891.4", 7))),
            (
                '{"status":"ok","response":{"type":"order","data":{"statuses":[{"filled":'
                '{"totalSz":"0.02","avgPx":"1891.4","oid":7}}]}}}'
            ),
        ),
        (
            wire.ok("success", wire.ItemStatus(error="no"), kind="cancel"),
            '{"status":"ok","response":{"type":"cancel","data":{"statuses":["success",{"error":"no"}]}}}',
        ),
        (wire.done(), '{"status":"ok","response":{"type":"default"}}'),
        (wire.refused("Orders are empty."), '{"status":"err","response":"Orders are empty."}'),
    ],
)
def test_an_answer_is_written_as_the_venue_writes_it(built: wire.ExchangeReply, text: str) -> None:
    assert json.encode(built).decode() == text
    assert wire.REPLIES.decode(text) == built


# As captured; fields that we do not know are added to some.
FILL: Final = (
    '{"coin":"ETH","px":"2067.2","sz":"0.01","side":"A","time":1770524192528,'
    '"startPosition":"0.01","dir":"Close Long","closedPnl":"-0.13","hash":"0x0",'
    '"oid":315449302232,"crossed":true,"fee":"0.00893","tid":343484124188045,'
    '"feeToken":"USDC","twapId":null,"new":{}}'
)
ROW: Final = (
    '{"coin":"ETH","side":"B","limitPx":"1500.0","sz":"1.0","oid":313932628709,'
    '"timestamp":1770385175044,"origSz":"1.0","cloid":"0x1"'
)
CAPTURED: Final = {
    "allMids": '{"BTC":"60000.5"}',
    "meta": '{"universe":[{"szDecimals":4,"name":"ETH","maxLeverage":25,"marginTableId":55,"x":1}],'
    '"marginTables":[[55,{"description":"","marginTiers":[]}]],"collateralToken":0}',
    "metaAndAssetCtxs": '[{"universe":[]},[{"funding":"0.0","openInterest":"6","prevDayPx":"1",'
    '"dayNtlVlm":"1","premium":null,"oraclePx":"14","markPx":"14","midPx":null,"impactPxs":null}]]',
    "perpDexs": '[null,{"name":"test","fullName":"test dex","deployer":"0x","oracleUpdater":null}]',
    "spotMeta": '{"universe":[{"tokens":[1,0],"name":"PURR/USDC","index":0,"isCanonical":true}],'
    '"tokens":[{"name":"USDC","szDecimals":8,"weiDecimals":8,"index":0,"tokenId":"0x6d"}]}',
    "clearinghouseState": '{"marginSummary":{"accountValue":"1.0","totalNtlPos":"0.0"},'
    '"assetPositions":[{"type":"oneWay","position":{"coin":"ETH","szi":"-0.03","leverage":'
    '{"type":"isolated","value":20,"rawUsd":"-95.05"},"entryPx":"2986.3"}}],"time":1}',
    "spotClearinghouseState": '{"balances":[{"coin":"USDC","token":0,"total":"1","hold":"0.0"}]}',
    "openOrders": f'[{ROW}}},{{"coin":"E","side":"A","limitPx":"1","sz":"1","oid":1,'
    '"timestamp":1}]',
    "frontendOpenOrders": f'[{ROW},"triggerCondition":"N/A","isTrigger":false,"tif":"Alo"}}]',
    "orderStatus": f'{{"status":"order","order":{{"order":{ROW}}},"status":"open",'
    '"statusTimestamp":1}}',
    "historicalOrders": f'[{{"order":{ROW}}},"status":"filled","statusTimestamp":1}}]',
    "userFills": f"[{FILL}]",
    "userFillsByTime": "[]",
    "userRateLimit": '{"cumVlm":"2854574.59","nRequestsUsed":2890,"nRequestsCap":2864574}',
    "userRole": '{"role":"agent","data":{"user":"0x1"}}',
    "userFees": '{"userCrossRate":"0.00045","feeSchedule":{}}',
    "l2Book": '{"coin":"BTC","time":1,"levels":[[{"px":"113377.0","sz":"7.6","n":17}],[]]}',
    "candleSnapshot": '[{"t":1,"T":2,"s":"E","i":"1m","o":"1","c":"1","h":"1","l":"1","v":"1",'
    '"n":1}]',
    "exchangeStatus": '{"time":1,"specialStatuses":null}',
}
ASKED: Final[dict[str, dict[str, Any]]] = {
    "orderStatus": {"oid": "0x" + 32 * "0"},
    "userFillsByTime": {"startTime": 1},
    "l2Book": {"coin": "BTC"},
    "candleSnapshot": {"req": {"coin": "BTC", "interval": "1m", "startTime": 1, "endTime": 2}},
}


def question(kind: str) -> dict[str, Any]:
    """Return a question as it would be posted."""
    fields = next(a for a in ANSWERS if a.__struct_config__.tag == kind).__struct_fields__
    named = {"user": USER} if "user" in fields else {}
    return {"type": kind} | named | ASKED.get(kind, {})


def test_every_question_has_a_captured_answer() -> None:
    assert set(CAPTURED) == {kind.__struct_config__.tag for kind in ANSWERS}


@pytest.mark.parametrize("kind", CAPTURED)
def test_questions_and_answers_are_read(kind: str) -> None:
    asked = question(kind)

    read = QUESTIONS.decode(json.encode(asked))
    answer = read_answer(read, CAPTURED[kind])

    assert json.decode(json.encode(read)) == asked
    again = read_answer(read, json.encode(answer))
    assert again == answer


def test_an_unknown_coin_has_no_book() -> None:
    assert read_answer(wire_info.GetL2Book("NONE"), "null") is None


def test_a_cloid_is_left_out_of_plain_rows_and_null_in_full_ones() -> None:
    plain = json.decode(json.encode(wire_info.BasicOrder("ETH", "B", "1", "1", 1, 1)))
    full = json.decode(json.encode(wire_info.FrontendOrder("ETH", "B", "1", "1", 1, 1)))

    assert "cloid" not in plain
    assert "reduceOnly" not in plain
    assert full["cloid"] is None
    assert full["reduceOnly"] is False


UPDATE: Final = f'{{"order":{ROW}}},"status":"open","statusTimestamp":1}}'
MESSAGES: Final = (
    (
        '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"bbo",'
        '"coin":"ETH","nSigFigs":null}}}'
    ),
    '{"channel":"pong"}',
    '{"channel":"error","data":"Already subscribed: {}"}',
    '{"channel":"allMids","data":{"mids":{"BTC":"1"}}}',
    '{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[],[]],"fast":true}}',
    '{"channel":"bbo","data":{"coin":"SOL","time":1,"bbo":[{"px":"128.5","sz":"36.9","n":2},null]}}',
    (
        '{"channel":"trades","data":[{"coin":"SOL","side":"A","px":"1","sz":"0.4","time":1,"hash":"0x",'
        '"tid":867891549538215,"users":["0xbuyer","0xseller"]}]}'
    ),
    f'{{"channel":"orderUpdates","data":[{UPDATE},{UPDATE}]}}',
    f'{{"channel":"user","data":{{"fills":[{FILL}]}}}}',
    '{"channel":"user","data":{"nonUserCancel":[{"coin":"ETH","oid":1}]}}',
    '{"channel":"user","data":{"twapHistory":[]}}',
    f'{{"channel":"userFills","data":{{"isSnapshot":true,"user":"0x1","fills":[{FILL}]}}}}',
    '{"channel":"userFills","data":{"user":"0x1","fills":[]}}',
    f'{{"channel":"openOrders","data":{{"dex":"","user":"0x1","orders":[{ROW}}}]}}}}',
    '{"channel":"activeAssetCtx","data":{"coin":"ETH","ctx":{"markPx":"1"}}}',
    '{"channel":"post","data":{"id":1,"response":{"type":"error","payload":"429 Too Many"}}}',
    (
        '{"channel":"post","data":{"id":1,"response":{"type":"action","payload":{"status":"ok",'
        '"response":{"type":"default"}}}}}'
    ),
    (
        '{"channel":"post","data":{"id":1,"response":{"type":"info","payload":{"type":"l2Book",'
        '"data":{"coin":"BTC"}}}}}'
    ),
)


@pytest.mark.parametrize("text", MESSAGES)
def test_a_message_is_read_and_written_again(text: str) -> None:
    read = read_message(text)

    assert not isinstance(read, UnknownMessage)
    assert read_message(json.encode(read)) == read


@pytest.mark.parametrize(
    ("text", "channel"),
    [(wire_socket.GREETING, ""), ('{"channel":"webData2","data":{}}', "webData2"),
     ('{"channel":"orderUpdates","data":[{"order":{}}]}', "orderUpdates"), ("[]", ""),
     ('{"channel":5}', ""), ("", ""), (b"\xff", "")],
)  # fmt: skip
def test_a_message_that_is_not_understood_is_returned_and_not_raised(
    text: str | bytes, channel: str
) -> None:
    read = read_message(text)

    assert isinstance(read, UnknownMessage)
    assert read.channel == channel
    assert read.why


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"ping"}',
        '{"method":"subscribe","subscription":{"type":"l2Book","coin":"hyna:ETH","fast":true}}',
        '{"method":"unsubscribe","subscription":{"type":"bbo","coin":"ETH"}}',
        f'{{"method":"subscribe","subscription":{{"type":"orderUpdates","user":"{USER}"}}}}',
        f'{{"method":"subscribe","subscription":{{"type":"openOrders","user":"{USER}","dex":"d"}}}}',
        '{"method":"post","id":256,"request":{"type":"info","payload":{"type":"l2Book","coin":"E"}}}',
        '{"method":"post","id":1,"request":{"type":"action","payload":'
        + envelope('{"type":"noop"}')
        + "}}",
    ],
)
def test_what_a_client_sends_is_written_as_it_is_read(text: str) -> None:
    assert json.encode(SENT.decode(text)).decode() == text
