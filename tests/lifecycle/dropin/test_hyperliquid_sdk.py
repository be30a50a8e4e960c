"""The drop-in for the official SDK, with the real SDK, at the served venue."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.hyperliquid.served.serving import eventually, serving

pytest.importorskip("hyperliquid", reason="needs hyperliquid-python-sdk")
import requests
from hyperliquid.utils.types import Cloid

from exchange.hyperliquid.served.server import Server
from lifecycle.config import Config, RiskConfig
from lifecycle.dropin.hyperliquid_sdk import ManagedExchange
from lifecycle.dropin.hyperliquid_sdk_info import ManagedInfo
from tests.lifecycle.dropin.sdk_bot import (
    ALO,
    COIN,
    SIZE,
    SPEED,
    Bot,
    bot_at,
    oid_of,
    only,
)

SHORT_S = 3.0
"""A window of the market's: 300 ms of a test's."""
SUCCESS = "success"
GONE = "Order was never placed, already canceled, or filled. asset=1"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(speed=SPEED) as one:
        yield one


@pytest.fixture
def bot(server: Server, tmp_path: Path) -> Iterator[Bot]:
    with bot_at(server, tmp_path / "bot.db") as one:
        yield one
        one.managed.set_targets(COIN, [])
        eventually(lambda: one.resting == [])


def test_a_cancel_and_an_order_for_the_same_are_no_call(bot: Bot) -> None:
    price = bot.away(True, 20)
    oid = oid_of(bot.order(True, price))
    before = bot.calls

    assert only(bot.managed.cancel(COIN, oid)) == SUCCESS
    again = bot.order(True, round(price - 0.1, 1))

    assert oid_of(again) == oid
    assert bot.calls == before
    assert bot.resting == [("B", str(price))]


def test_cancel_all_and_place_two_far_away_are_two_modifies(bot: Bot) -> None:
    oids = [oid_of(bot.order(is_buy, bot.away(is_buy, 20))) for is_buy in (True, False)]
    before = bot.calls

    for oid in oids:
        bot.managed.cancel(COIN, oid)
    prices = [bot.away(is_buy, 60) for is_buy in (True, False)]
    moved = [bot.order(is_buy, price) for is_buy, price in zip((True, False), prices, strict=True)]

    assert bot.calls == before + 2
    # The lattice may take a price a little further away from the market.
    bid, ask = (float(price) for _, price in sorted(bot.resting, reverse=True))
    assert prices[0] - 1 <= bid <= prices[0]
    assert prices[1] <= ask <= prices[1] + 1
    assert {oid_of(one) for one in moved} == {
        row["oid"] for row in bot.info.open_orders(bot.address)
    }


def test_a_bulk_of_both_sides_is_netted_as_one(bot: Bot) -> None:
    def quotes(bps: float) -> list[dict[str, Any]]:
        return [
            {
                "coin": COIN,
                "is_buy": is_buy,
                "sz": SIZE,
                "limit_px": bot.away(is_buy, bps),
                "order_type": ALO,
                "reduce_only": False,
            }
            for is_buy in (True, False)
        ]

    first = bot.managed.bulk_orders(quotes(20))["response"]["data"]["statuses"]
    before = bot.calls
    cancelled = bot.managed.bulk_cancel([{"coin": COIN, "oid": oid_of(one)} for one in first])
    second = bot.managed.bulk_orders(quotes(20.5))["response"]["data"]["statuses"]

    assert cancelled["response"] == {"type": "cancel", "data": {"statuses": [SUCCESS, SUCCESS]}}
    assert [oid_of(one) for one in second] == [oid_of(one) for one in first]
    assert bot.calls == before


def test_every_oid_that_was_told_stays_valid(bot: Bot) -> None:
    first = oid_of(bot.order(True, bot.away(True, 20)))
    second = oid_of(
        only(bot.managed.modify_order(first, COIN, True, SIZE, bot.away(True, 60), ALO))
    )

    asked = bot.managed.info.query_order_by_oid(bot.address, first)
    cancelled = only(bot.managed.cancel(COIN, first, urgent=True))

    assert second != first
    assert asked["order"]["status"] == "open"
    assert asked["order"]["order"]["oid"] == second
    assert cancelled == SUCCESS
    assert bot.resting == []
    assert only(bot.managed.cancel(COIN, second)) == {"error": GONE}


def test_the_bots_cloids_are_its_own(bot: Bot) -> None:
    cloid, other = Cloid.from_int(7), Cloid.from_int(8)
    placed = bot.order(True, bot.away(True, 20), cloid=cloid)
    (row,) = bot.managed.info.open_orders(bot.address)
    by_cloid = bot.managed.info.query_order_by_cloid(bot.address, cloid)
    before = bot.calls

    assert placed["resting"]["cloid"] == row["cloid"] == cloid.to_raw()
    assert by_cloid["order"]["order"]["cloid"] == cloid.to_raw()
    assert only(bot.managed.cancel_by_cloid(COIN, cloid)) == SUCCESS
    assert only(bot.managed.cancel_by_cloid(COIN, cloid)) == {"error": GONE}
    assert bot.order(True, bot.away(True, 20), cloid=other)["resting"]["cloid"] == other.to_raw()
    assert bot.calls == before


def test_a_cancel_that_nothing_follows_is_sent_after_the_window(
    server: Server, tmp_path: Path
) -> None:
    with bot_at(server, tmp_path / "bot.db", window_s=SHORT_S) as bot:
        oid = oid_of(bot.order(False, bot.away(False, 20)))

        assert only(bot.managed.cancel(COIN, oid)) == SUCCESS
        assert bot.managed.info.open_orders(bot.address) == []
        eventually(lambda: bot.resting == [])


def test_while_the_bot_asks_for_something_nothing_deferred_is_sent(
    server: Server, tmp_path: Path
) -> None:
    with bot_at(server, tmp_path / "bot.db", window_s=SHORT_S) as bot:
        oid = oid_of(bot.order(True, bot.away(True, 20)))
        with bot.managed.desks[COIN].hold():
            bot.managed.cancel(COIN, oid)
            until = time.monotonic() + 2 * SHORT_S / SPEED
            eventually(lambda: time.monotonic() > until)
            during = bot.resting

        assert [side for side, _ in during] == ["B"]
        eventually(lambda: bot.resting == [])


def test_flush_sends_what_is_deferred(bot: Bot) -> None:
    oid = oid_of(bot.order(True, bot.away(True, 20)))
    bot.managed.cancel(COIN, oid)

    assert bot.managed.flush()
    assert bot.resting == []


def test_close_loses_no_deferred_cancel(server: Server, tmp_path: Path) -> None:
    with bot_at(server, tmp_path / "bot.db", window_s=3600.0) as bot:
        kept = oid_of(bot.order(True, bot.away(True, 20)))
        gone = oid_of(bot.order(False, bot.away(False, 20)))
        bot.managed.cancel(COIN, gone)
        bot.managed.close()

        assert [side for side, _ in bot.resting] == ["B"]
        bot.plain.cancel(COIN, kept)


def test_what_has_no_valid_form_is_refused_in_the_venues_words_and_not_sent(bot: Bot) -> None:
    before = bot.calls

    assert bot.order(True, 1900.123) == {"error": "Price must be divisible by tick size. asset=1"}
    assert bot.order(True, 1900.0, 0.00001) == {"error": "Order has invalid size. asset=1"}
    assert bot.order(True, 1900.0, 0.001)["error"].startswith(
        "Order must have minimum value of $10"
    )
    assert bot.calls == before
    with pytest.raises(ValueError, match="float_to_wire"):
        bot.order(True, 1900.0000000001)


def test_an_order_that_would_cross_the_book_seen_is_refused_and_not_sent(bot: Bot) -> None:
    _, ask = bot.touch()

    error = bot.order(True, round(ask + 5, 1))["error"]

    assert error.startswith("Post only order would have immediately matched, bbo was ")
    assert bot.calls == 0 or "not sent" in error


def test_the_venues_own_refusal_is_told_as_it_is(server: Server, tmp_path: Path) -> None:
    unguarded = Config(risk=RiskConfig(collar_bps=None))
    with bot_at(server, tmp_path / "bot.db", config=unguarded) as bot:
        error = bot.order(True, 50.0, 1.0)["error"]

    assert error == "Order price cannot be more than 95% away from the reference price"


def test_what_is_not_managed_passes_through(bot: Bot) -> None:
    price = bot.away(True, 200)
    gtc = only(bot.managed.order(COIN, True, SIZE, price, {"limit": {"tif": "Gtc"}}))
    ioc = only(bot.managed.order(COIN, True, SIZE, price, {"limit": {"tif": "Ioc"}}))
    twin = [oid_of(bot.order(True, price - 1)) for _ in range(2)]

    assert ioc["error"].startswith("Order could not immediately match")
    assert len(set(twin)) == 2
    assert only(bot.managed.cancel(COIN, oid_of(gtc))) == SUCCESS
    assert only(bot.managed.cancel(COIN, twin[1])) == SUCCESS
    assert len(bot.resting) == 1
    assert bot.managed.update_leverage(5, COIN)["status"] == "ok"
    assert bot.managed.wallet is bot.plain.wallet


def test_an_answer_that_is_lost_raises_as_the_sdk_does_and_nothing_is_left(bot: Bot) -> None:
    bot.order(False, bot.away(False, 20))
    faults = bot.server.faults
    faults.knobs = faults.knobs.but(lost_acks=1.0)
    try:
        with pytest.raises(requests.ConnectionError):
            bot.order(True, bot.away(True, 20))
    finally:
        faults.knobs = faults.knobs.but(lost_acks=0.0)

    eventually(lambda: [side for side, _ in bot.resting] == ["A"])


def test_a_refusal_by_address_raises_as_the_sdk_does(bot: Bot) -> None:
    from hyperliquid.utils.error import ClientError

    faults = bot.server.faults
    bot.order(False, bot.away(False, 20))
    faults.knobs = faults.knobs.but(too_many=1.0)
    try:
        with pytest.raises(ClientError) as raised:
            bot.order(True, bot.away(True, 20))
    finally:
        faults.knobs = faults.knobs.but(too_many=0.0)

    assert raised.value.status_code == 429
    assert oid_of(bot.order(True, bot.away(True, 20)))


def bid_at_the_touch(bot: Bot) -> int | None:
    """Return the oid of a bid that rests there, None where the market has come to it meanwhile."""
    told = bot.order(True, bot.touch()[0])
    if "would have immediately matched" in told.get("error", ""):
        return None
    return oid_of(told)


def test_what_has_filled_is_placed_again_by_the_bot_alone(bot: Bot) -> None:
    oid = eventually(lambda: bid_at_the_touch(bot), "it rests")
    eventually(lambda: bot.managed.manager(COIN).position > 0, "it fills")
    filled = bot.managed.manager(COIN).position

    eventually(lambda: oid not in {row["oid"] for row in bot.info.open_orders(bot.address)})
    told = bot.managed.info.user_fills(bot.address)

    assert {row["oid"] for row in told if row["oid"] >= oid} == {oid}
    assert filled > 0
    assert eventually(lambda: only(bot.managed.cancel(COIN, oid)) == {"error": GONE})
    assert bot.resting == []


def test_what_somebody_else_cancels_is_not_placed_again(bot: Bot) -> None:
    oid = oid_of(bot.order(True, bot.away(True, 20)))
    bot.order(False, bot.away(False, 20))
    before = bot.calls

    bot.plain.cancel(COIN, oid)
    eventually(lambda: len(bot.managed.manager(COIN).open_orders) == 1)
    told = only(bot.managed.cancel(COIN, oid))
    bot.managed.flush()

    assert told == {"error": GONE}
    assert [side for side, _ in bot.resting] == ["A"]
    assert bot.calls == before + 1


def test_targets_may_be_said_at_once(bot: Bot) -> None:
    wanted = [(True, SIZE, bot.away(True, 20)), (True, SIZE, bot.away(True, 40))]
    first = bot.managed.set_targets(COIN, [*wanted, (False, SIZE, bot.away(False, 20))])
    eventually(lambda: len(bot.resting) == 3)
    again = bot.managed.set_targets(COIN, wanted)

    assert len(first.placed) == 3
    assert len(again.kept) == 2
    assert len(again.cancelled) == 1
    assert len(bot.managed.info.open_orders(bot.address)) >= 2


def test_two_threads_may_quote_a_side_each(bot: Bot) -> None:
    failures: list[BaseException] = []

    def quote(is_buy: bool) -> None:
        oid = oid_of(bot.order(is_buy, bot.away(is_buy, 20)))
        for _ in range(5):
            assert only(bot.managed.cancel(COIN, oid)) == SUCCESS
            oid = oid_of(bot.order(is_buy, bot.away(is_buy, 20)))

    def run(is_buy: bool) -> None:
        try:
            quote(is_buy)
        except (AssertionError, KeyError, ValueError) as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(is_buy,)) for is_buy in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [side for side, _ in bot.resting] == ["A", "B"]


def test_a_bot_that_starts_again_goes_on_with_its_ids(server: Server, tmp_path: Path) -> None:
    with bot_at(server, tmp_path / "bot.db") as bot:
        oid = oid_of(bot.order(True, bot.away(True, 20)))
    with bot_at(server, tmp_path / "bot.db", coins=[COIN]) as bot:
        before = bot.calls
        cancelled = only(bot.managed.cancel(COIN, oid))
        again = oid_of(bot.order(True, bot.away(True, 20)))
        after = bot.calls
        bot.managed.cancel(COIN, again, urgent=True)

        assert cancelled == SUCCESS
        assert again == oid
        assert after == before
        assert bot.resting == []


def test_what_cannot_be_managed_is_said_at_once(bot: Bot) -> None:
    with pytest.raises(TypeError, match="an Exchange and an Info, was Info and Exchange"):
        ManagedExchange(bot.info, bot.plain)
    with pytest.raises(TypeError, match=r"coins must be several names, as in \['ETH'\]"):
        ManagedExchange(bot.plain, bot.info, coins="ETH")
    with pytest.raises(ValueError, match="coins must be those of the venue, was 'XYZ'"):
        ManagedExchange(bot.plain, bot.info, coins=["XYZ"])
    with pytest.raises(TypeError, match=r"config must be a Config, as .* was 'bot.toml'"):
        ManagedExchange(bot.plain, bot.info, config="bot.toml")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a quote must be \(is_buy, sz, limit_px\), was \(0.05, 9"):
        bot.managed.set_targets(COIN, [(0.05, 9.0)])  # type: ignore[list-item]


def test_what_is_pushed_comes_by_the_bots_ids(server: Server, tmp_path: Path) -> None:
    from hyperliquid.info import Info

    cloid = Cloid.from_int(99)
    heard: list[Any] = []
    with bot_at(server, tmp_path / "bot.db") as bot:
        live = Info(server.url, timeout=15)
        try:
            pushed = ManagedInfo(live, bot.managed.desks)
            pushed.subscribe({"type": "orderUpdates", "user": bot.address}, heard.append)
            pushed.subscribe({"type": "userFills", "user": bot.address}, heard.append)
            oid = oid_of(bot.order(True, bot.away(True, 20), cloid=cloid))
            bot.managed.modify_order(oid, COIN, True, SIZE, bot.away(True, 60), ALO)
            eventually(lambda: len(updates(heard)) >= 2)
            bot.managed.cancel(COIN, oid, urgent=True)
            eventually(lambda: len(updates(heard)) >= 3)
        finally:
            live.disconnect_websocket()
            live.session.close()

    told = updates(heard)
    assert [one["status"] for one in told] == ["open", "open", "canceled"]
    assert {one["order"]["cloid"] for one in told} == {cloid.to_raw()}


def updates(heard: list[Any]) -> list[Any]:
    """Return what was pushed about orders."""
    return [one for said in heard if said["channel"] == "orderUpdates" for one in said["data"]]
