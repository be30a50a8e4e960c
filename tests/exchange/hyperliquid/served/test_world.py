"""The exchange without its wire: blocks, signers, limits."""

import pytest

from exchange.hyperliquid.served.limits import CANCEL_EXTRA
from exchange.hyperliquid.wire import (
    Cancel,
    CancelByCloid,
    CancelByCloidWire,
    CancelWire,
    Noop,
    Order,
    ReserveRequestWeight,
    UpdateLeverage,
    done,
    refused,
)
from tests.exchange.hyperliquid.served.stage import (
    EPOCH_MS,
    ETH,
    KEY,
    OTHER,
    Stage,
    at,
    order,
    statuses,
    terms,
    trade,
)

NEVER = "Order was never placed, already canceled, or filled. asset=1"
CLOID = "0x" + "0" * 31 + "7"


# Blocks.


def test_a_block_executes_makers_then_cancels_then_takers() -> None:
    stage = Stage()
    resting = stage.rest("2000.0", buy=True)
    world, now = stage.world, stage.now
    # In order of sending: a taker, a cancel, a maker; the taker would meet the resting order.
    taker = world.submit(stage.request(Order([order("2000.2", tif="Gtc")], "na")), now)
    cancel = world.submit(stage.request(Cancel([CancelWire(ETH, resting)])), now)
    maker = world.submit(stage.request(Order([order("1999.0")], "na")), now)

    block = stage.block()

    assert block.executed == [maker, cancel, taker]


def test_a_cancel_overtakes_the_order_that_it_is_for() -> None:
    stage = Stage()
    world, now = stage.world, stage.now
    place = world.submit(stage.request(Order([order("1999.5", tif="Gtc", cloid=7)], "na")), now)
    cancel = world.submit(stage.request(CancelByCloid([CancelByCloidWire(ETH, CLOID)])), now)

    stage.block()

    assert cancel.reply is not None
    assert statuses(cancel.reply)[0].error == NEVER
    assert place.reply is not None
    assert stage.open_prices() == ["1999.5"]


def test_accounts_do_not_share_orders() -> None:
    stage = Stage()
    oid = stage.rest("1999.5")

    (told,) = statuses(stage.do(Cancel([CancelWire(ETH, oid)]), OTHER))

    assert told.error == NEVER
    assert stage.open_prices() == ["1999.5"]


def test_an_account_that_comes_later_finds_the_book_as_it_then_is() -> None:
    stage = Stage([trade(at(1), 20_000, 4_000, -1), trade(at(3), 20_000, 6_050, -1)])
    stage.block(at(2))

    (status,) = stage.place(order("2000.0"), key=OTHER)
    stage.block(at(4))

    # Of one ETH, 0.4 were gone when it came; 0.6 stood before it.
    (fill,) = stage.world.account(OTHER.address).fills
    assert (fill.oid, fill.sz) == (status.resting.oid, "0.005")


# Signers.


def test_a_nonce_is_used_once_even_by_an_action_that_is_refused() -> None:
    stage = Stage()
    stage.do(Order([order("1999.55")], "na"), nonce=EPOCH_MS + 50)

    reply = stage.do(Noop(), nonce=EPOCH_MS + 50)

    assert reply == refused(f"Invalid nonce: duplicate nonce {EPOCH_MS + 50}")


def test_a_noop_keeps_an_action_of_the_same_nonce_from_happening() -> None:
    stage = Stage()
    assert stage.do(Noop(), nonce=EPOCH_MS + 50) == done()

    reply = stage.do(Order([order("1999.5")], "na"), nonce=EPOCH_MS + 50)

    assert reply == refused(f"Invalid nonce: duplicate nonce {EPOCH_MS + 50}")
    assert stage.account.orders == {}


@pytest.mark.parametrize(("days", "word"), [(-2, "too low"), (1.01, "too high")])
def test_a_nonce_lies_within_days_of_the_venues_time(days: float, word: str) -> None:
    reply = Stage().do(Noop(), nonce=EPOCH_MS + round(days * 86_400_000))

    assert f"Invalid nonce: nonce {word}" in str(reply.response)


def test_a_hundred_nonces_are_kept() -> None:
    stage = Stage()
    for nonce in range(101):
        assert stage.do(Noop(), nonce=EPOCH_MS + 1000 + nonce) == done()

    reply = stage.do(Noop(), nonce=EPOCH_MS + 999)

    low = f"Invalid nonce: nonce too low {EPOCH_MS + 999} < {EPOCH_MS + 1001}"
    assert reply == refused(low)


def test_an_expired_action_does_nothing_and_costs_five() -> None:
    stage = Stage()

    reply = stage.do(Order([order("1999.5")], "na"), expires=EPOCH_MS)

    assert reply == refused("Action already expired")
    assert stage.account.ledger.used == 5
    assert stage.open_prices() == []


def test_where_accounts_are_given_others_do_not_exist() -> None:
    stage = Stage(terms=terms(accounts=(KEY.address,)))

    reply = stage.do(Noop(), OTHER)

    assert reply == refused(f"User or API Wallet {OTHER.address.lower()} does not exist.")


def test_an_agent_acts_for_its_account() -> None:
    stage = Stage(terms=terms(agents={OTHER.address: KEY.address}))

    stage.place(order("1999.5"), key=OTHER)

    assert stage.open_prices() == ["1999.5"]
    assert stage.world.look(OTHER.address).equity() == 0
    assert stage.world.role(OTHER.address).role == "agent"


def test_a_vault_is_traded_for_by_whom_it_was_given_to() -> None:
    vault = "0x" + "5a" * 20
    stage = Stage(terms=terms(vaults={vault: KEY.address}))

    stage.do(Order([order("1999.5")], "na"), vault=vault)
    reply = stage.do(Noop(), OTHER, vault=vault)

    assert len(stage.world.account(vault).open_orders()) == 1
    assert reply == refused(f"Vault not registered: {vault}")


# Limits.


def test_a_limited_account_may_send_once_in_ten_seconds_and_cancel() -> None:
    stage = Stage(terms=terms(requests=2))
    oid = stage.rest("1999.5")
    stage.rest("1999.4")

    dripped = stage.do(Order([order("1999.3")], "na"))
    limited = stage.do(Order([order("1999.2")], "na"))
    cancelled = stage.cancel(oid)
    stage.now = at(11)
    again = stage.do(Order([order("1999.2")], "na"))

    assert [dripped.status, limited.status, cancelled, again.status] == [
        "ok",
        "err",
        "success",
        "ok",
    ]
    text = "Too many cumulative requests sent (4 > 2) for cumulative volume traded $0.00."
    assert str(limited.response).startswith(text)


def test_trading_earns_requests_and_a_batch_counts_each_order() -> None:
    stage = Stage(terms=terms(requests=10))
    stage.place(order("2000.1", "0.1", tif="Ioc"))

    stage.place(*[order("1999.5")] * 7)

    ledger = stage.account.ledger
    assert (ledger.used, ledger.cap) == (8, 210)
    assert ledger.take(CANCEL_EXTRA, 0, cancels=True) != ""


def test_requests_can_be_bought() -> None:
    stage = Stage(terms=terms(requests=1))
    stage.do(ReserveRequestWeight(5))

    told = [stage.do(Noop()).status for _ in range(5)]

    assert told == ["ok"] * 5


def test_two_hundred_items_are_the_most_of_an_action() -> None:
    stage = Stage()

    reply = stage.do(Cancel([CancelWire(ETH, oid) for oid in range(201)]))

    assert reply == refused("Signed action over weight limit of 200.")


def test_leverage_ties_up_less_and_cannot_change_its_kind_under_a_position() -> None:
    stage = Stage()
    stage.do(UpdateLeverage(ETH, True, 1))
    (poor,) = stage.place(order("1999.5", "600"))
    stage.do(UpdateLeverage(ETH, True, 25))
    (rich,) = stage.place(order("1999.5", "600"))
    stage.place(order("2000.1", tif="Ioc"))

    reply = stage.do(UpdateLeverage(ETH, False, 5))

    assert poor.error == "Insufficient margin to place order. asset=1"
    assert rich.resting is not None
    assert reply == refused("Cannot switch leverage type with open position.")
