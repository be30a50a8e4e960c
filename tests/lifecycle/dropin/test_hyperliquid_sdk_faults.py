"""The naive bot with ladders at a venue that loses answers: no promise breaks, nothing is left."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.hyperliquid.served.serving import eventually, serving, truth

pytest.importorskip("hyperliquid", reason="needs hyperliquid-python-sdk")
import requests
from hyperliquid.utils.error import ClientError, ServerError

from exchange.hyperliquid.served.knobs import Knobs
from tests.lifecycle.dropin.sdk_bot import ALO, COIN, SIZE, SPEED, Bot, bot_at

CYCLES = 25
LEVELS = 3
RAISED = (requests.RequestException, ClientError, ServerError)
KNOBS = Knobs(
    lost_acks=0.08, lost_requests=0.04, errors_after=0.04, errors_before=0.02, lookup_lag_ms=300
)


def ladder(bot: Bot, chance: random.Random) -> list[dict[str, Any]]:
    """Return the orders of both sides; now and then at the touch, where they fill."""
    base = 1.0 if chance.random() < 0.2 else 10 + 5 * chance.random()
    return [
        {
            "coin": COIN,
            "is_buy": is_buy,
            "sz": SIZE,
            "limit_px": bot.away(is_buy, base + 8 * level),
            "order_type": ALO,
            "reduce_only": False,
        }
        for is_buy in (True, False)
        for level in range(LEVELS)
    ]


def cycle(bot: Bot, chance: random.Random, held: list[int]) -> int:
    """Cancel what is held and place anew, in bulk or one by one; return how often it failed."""
    failed = 0
    for oid in held:
        bot.managed.cancel(COIN, oid)
    held.clear()
    orders = ladder(bot, chance)
    batches = [orders] if chance.random() < 0.5 else [[one] for one in orders]
    for batch in batches:
        try:
            answer = bot.managed.bulk_orders(batch)
        except RAISED:
            failed += 1
            continue
        statuses = answer["response"]["data"]["statuses"]
        held += [one["resting"]["oid"] for one in statuses if "resting" in one]
    return failed


def test_a_venue_that_loses_answers_breaks_no_promise_and_leaves_nothing(tmp_path: Path) -> None:
    chance = random.Random(3)
    held: list[int] = []
    failed = cycles = 0
    with serving(speed=SPEED) as server, bot_at(server, tmp_path / "bot.db") as bot:
        cycle(bot, chance, held)
        server.faults.knobs = KNOBS
        while cycles < CYCLES:
            try:
                failed += cycle(bot, chance, held)
            except RAISED:
                # The bot's own look at the book.
                failed += 1
            cycles += 1
        server.faults.knobs = Knobs()
        eventually(lambda: cycle(bot, chance, held) == 0 and len(held) == 2 * LEVELS)
        listed = {row["oid"] for row in bot.managed.info.open_orders(bot.address)}
        for oid in held:
            bot.managed.cancel(COIN, oid)
        assert bot.managed.flush()
        eventually(lambda: bot.resting == [], "nothing is left")
        account = truth(server)["accounts"][bot.address.lower()]

        assert failed > 0
        assert listed <= set(held)
        assert account["repeated_cloids"] == 0


def test_a_venue_that_cannot_be_looked_at_raises_and_is_sent_nothing(tmp_path: Path) -> None:
    with serving(speed=SPEED) as server, bot_at(server, tmp_path / "bot.db") as bot:
        prices = [bot.away(is_buy, 20) for is_buy in (True, False)]
        server.faults.knobs = Knobs(errors_before=1.0)
        with pytest.raises(ServerError):
            bot.order(True, prices[0])
        server.faults.knobs = Knobs()

        assert bot.calls == 0
        # The manager asks again when its question has gone unanswered for long enough.
        eventually(lambda: placed(bot, prices))
        assert [side for side, _ in bot.resting] == ["A", "B"]


def placed(bot: Bot, prices: list[float]) -> bool:
    """Try to place both sides; say whether the venue could be looked at."""
    try:
        for is_buy, price in zip((True, False), prices, strict=True):
            bot.order(is_buy, price)
    except RAISED:
        return False
    return True
