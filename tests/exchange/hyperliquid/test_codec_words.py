"""The tables of words: each row as a second hand wrote it down, and nothing beside them."""

from typing import Final

import pytest

from exchange.hyperliquid.codec_words import (
    ERRORS,
    OLD_PREFIX,
    STATUSES,
    WRAPPER,
    find_error,
    find_status,
)
from exchange.words import CancelReason, Status

# Every error as the venue has been seen to say it or documents it, and what it proves: about a
# place (refused or nothing), a modify (refused, and whether the old order rests), a cancel.
SEEN: Final = """
@A  | -       | -       | refused | Order was never placed, already canceled, or filled. asset=5
@A  | -       | -       | refused | Order was never placed, already canceled, or filled.
@B  | refused | false   | -       | Post only order would have immediately matched, bbo was 0.56057@0.56086. asset=31
@C  | refused | unknown | -       | Order must have minimum value of $10. asset=1
@C  | refused | unknown | -       | Order must have minimum value of 10 USDC.
@D  | refused | unknown | -       | Order could not immediately match against any resting orders. asset=5
@E  | refused | unknown | -       | Insufficient margin to place order. asset=5
@F  | refused | unknown | -       | Reduce only order would increase position. asset=4
@G  | refused | unknown | -       | Price must be divisible by tick size. asset=4
@H  | refused | true    | -       | Price too far from oracle asset=4
@I  | refused | true    | -       | Order price too far from oracle
@J  | refused | true    | -       | Order price cannot be more than 95% away from the reference price
@J  | refused | true    | -       | Order price cannot be more than 80% away from the reference price
@K  | refused | unknown | -       | Order has invalid size.
@L  | refused | unknown | -       | Order has invalid price.
@M  | refused | unknown | -       | Order has zero size.
@N  | refused | unknown | -       | Order value too large. Max is $5000000.
@O  | refused | unknown | -       | No liquidity available for market order.
@P  | refused | unknown | -       | Invalid TP/SL price. asset=2
@Q  | refused | unknown | -       | Order would increase open interest while open interest is capped
@R  | refused | unknown | -       | Order would increase open interest too quickly
@S  | refused | unknown | -       | Order rejected due to price more aggressive than oracle while at open interest cap
@T  | refused | unknown | -       | Order would cause position to exceed margin tier limit at current leverage
@U  | -       | false   | -       | Cannot modify canceled or filled order
@V  | -       | true    | -       | Attempted to modify to invalid new order
@W  | refused | true    | refused | Too many cumulative requests sent (97460 > 97456) for cumulative volume traded $87457.46. Place taker orders to free up 1 request per USDC traded.
@X  | refused | true    | refused | Action already expired
@Y  | refused | true    | refused | Signed action over weight limit of 200.
@Z  | refused | true    | refused | Orders are empty.
@AA | refused | true    | refused | Only post-only orders allowed immediately after a network upgrade
@AA | refused | true    | refused | Only post-only orders allowed immediately after network upgrade
@AB | refused | true    | refused | Builder fee has not been approved.
@AC | refused | true    | refused | User or API Wallet 0x14791697260e4c9a71f18484c9f997b308e59325 does not exist.
@AC | refused | true    | refused | L1 error: User or API Wallet 0x14791697260e4c9a71f18484c9f997b308e59325 does not exist.
@AD | refused | true    | refused | Must deposit before performing actions. User: 0x14791697260e4c9a71f18484c9f997b308e59325
@AE | refused | true    | refused | Unable to recover signer.
@AF | refused | true    | refused | Vault not registered: 0x14791697260e4c9a71f18484c9f997b308e59325
@AG | refused | true    | refused | Invalid nonce: nonce too low 1 < 2
@AH | refused | true    | refused | Invalid nonce: nonce too high 3 > 2
@AI | -       | -       | -       | Invalid nonce: duplicate nonce 1700000000000
@AJ | -       | -       | -       | Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $250.35.
@AK | -       | -       | -       | Cannot switch leverage type with open position.
"""  # noqa: E501
SEEN_ERRORS: Final = [
    tuple(cell.strip() for cell in line.split("|")) for line in SEEN.strip().splitlines()
]
FATAL: Final = {"@AC", "@AD", "@AE", "@AF"}
STRANGE: Final = (
    "",
    "order was never placed",
    " Order has zero size.",
    "The venue is having a bad day.",
    "Order",
    "Invalid nonce: nonce 7",
    "Asset delisted.",
)

# Every status that is documented or was seen, by what it means.
OPEN: Final = ("open",)
FILLED: Final = ("filled",)
CANCELLED: Final = (
    "canceled", "scheduledCancel", "internalCancel", "marginCanceled", "liquidatedCanceled",
    "perpMaxPositionCanceled", "selfTradeCanceled", "vaultWithdrawalCanceled",
    "openInterestCapCanceled", "reduceOnlyCanceled", "siblingFilledCanceled",
    "delistedCanceled", "outcomeSettledCanceled",
)  # fmt: skip
REJECTED: Final = (
    "rejected", "tickRejected", "minTradeNtlRejected", "perpMarginRejected",
    "reduceOnlyRejected", "badAloPxRejected", "iocCancelRejected", "badTriggerPxRejected",
    "marketOrderNoLiquidityRejected", "positionIncreaseAtOpenInterestCapRejected",
    "positionFlipAtOpenInterestCapRejected", "tooAggressiveAtOpenInterestCapRejected",
    "openInterestIncreaseRejected", "insufficientSpotBalanceRejected", "oracleRejected",
    "perpMaxPositionRejected", "tooManyOpenOrdersRejected",
)  # fmt: skip


@pytest.mark.parametrize(("label", "place", "modify", "cancel", "text"), SEEN_ERRORS)
def test_an_error_proves_what_its_row_says(
    label: str, place: str, modify: str, cancel: str, text: str
) -> None:
    row = find_error(text)

    assert row is not None
    proof = row.proof
    found = (
        row.label,
        "refused" if proof.place else "-",
        "-" if proof.modify is None else proof.modify.value,
        "refused" if proof.cancel else "-",
    )
    assert found == (label, place, modify, cancel)
    assert row.fatal == (label in FATAL)
    assert row.reason


def test_every_row_was_seen_and_labels_are_unique() -> None:
    labels = [row.label for row in ERRORS]

    assert list(dict.fromkeys(line[0] for line in SEEN_ERRORS)) == labels


def test_no_text_begins_with_another_rows() -> None:
    texts = [row.text for row in ERRORS] + [WRAPPER, OLD_PREFIX]

    found = [(a, b) for a in texts for b in texts if a is not b and a.startswith(b)]

    assert found == []


@pytest.mark.parametrize("text", STRANGE)
def test_an_unknown_error_proves_nothing(text: str) -> None:
    assert find_error(text) is None
    assert find_error(WRAPPER + text) is None
    assert find_error(OLD_PREFIX + text) is None


def test_a_new_order_refused_in_a_modify_is_not_taken_to_leave_the_old() -> None:
    proofs = {row.label: find_error(WRAPPER + row.text + " asset=1") for row in ERRORS}

    left = [label for label, row in proofs.items() if row and row.proof.modify == "true"]
    gone = [label for label, row in proofs.items() if row and row.proof.modify == "false"]

    assert left == []
    assert gone == ["@B", "@U"]


def test_every_status_has_one_meaning() -> None:
    told = {text: find_status(text) for text in STATUSES if text != "triggered"}
    by_status = {
        status: [text for text, word in told.items() if word is not None and word.status is status]
        for status in Status
    }

    assert by_status[Status.OPEN] == list(OPEN)
    assert by_status[Status.FILLED] == list(FILLED)
    assert sorted(by_status[Status.CANCELLED]) == sorted(CANCELLED)
    assert sorted(by_status[Status.REJECTED]) == sorted(REJECTED)
    assert by_status[Status.UNKNOWN_ORDER] == []
    assert sum(map(len, by_status.values())) == len(told)


def test_an_end_has_a_reason_of_ours() -> None:
    for text in CANCELLED:
        word = find_status(text)
        assert word is not None
        assert isinstance(word.why, CancelReason)
    for text in REJECTED:
        word = find_status(text)
        assert word is not None
        assert word.why
        assert not isinstance(word.why, CancelReason)


@pytest.mark.parametrize(
    ("text", "status"),
    [("somethingNewCanceled", Status.CANCELLED), ("somethingNewRejected", Status.REJECTED)],
)
def test_a_new_end_is_known_by_its_suffix(text: str, status: Status) -> None:
    word = find_status(text)

    assert word is not None
    assert word.status is status


@pytest.mark.parametrize("text", ["triggered", "", "Open", "partiallyFilled", "Canceled?", "new"])
def test_an_unknown_status_proves_nothing(text: str) -> None:
    assert find_status(text) is None
