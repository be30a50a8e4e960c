"""What each word of Hyperliquid means: literal tables of its statuses, errors and HTTP codes.

An error is looked up by how it begins, since what follows are numbers (` asset=5`). A row says for
each kind of command what the text proves: that it was refused, or nothing (`-`). A text without a
row proves nothing about any command, and neither does a row about a kind of command for which we
have no reason to expect it: such outcomes stay unknown until a query or a snapshot settles them.

For a refused modify a row says whether the old order still rests. The venue takes the old order
off the book before it puts the new one there, and does not put it back; only what is refused
before that, as a whole or for its form, is known to leave it. Where nobody has measured it, it is
unknown, and will be asked for.

Source: Hyperliquid documentation, "Error responses", "Order status"; measured on both networks by
several clients in 2025 and 2026, where they differ from it.
"""

from typing import Final, NamedTuple

from exchange.words import Alive, CancelReason, Status

TOO_LATE: Final = "too_late"
LIMITED: Final = "limited"
POST_ONLY: Final = "post_only"
EXPIRED: Final = "expired"
DUPLICATE_NONCE: Final = "duplicate_nonce"
BURNT: Final = "burnt"
"""Its nonce was used for nothing before it arrived."""


class Proof(NamedTuple):
    """What a text proves about each kind of command."""

    place: bool
    """The place was refused, nothing rests."""
    modify: Alive | None
    """The modify was refused, and whether the old order rests; None: nothing."""
    cancel: bool
    """The cancel was refused."""


class Row(NamedTuple):
    """What an error means."""

    label: str
    proof: Proof
    reason: str
    """In our words; of a refusal, for people."""
    text: str
    """How the error begins."""
    fatal: bool = False
    """Nothing that we could send would fare better: the key or the account is not what we think."""


#                   place  modify         cancel
_ORDER: Final = Proof(True, Alive.UNKNOWN, False)
_BEFORE: Final = Proof(True, Alive.YES, False)
_AFTER: Final = Proof(True, Alive.NO, False)
_LEFT: Final = Proof(False, Alive.YES, False)
_GONE: Final = Proof(False, Alive.NO, False)
_CANCEL: Final = Proof(False, None, True)
_WHOLE: Final = Proof(True, Alive.YES, True)
_NOTHING: Final = Proof(False, None, False)

ERRORS: Final = (
    # About one order. A cancel's refusal does not say which of the three has happened.
    Row("@A", _CANCEL, TOO_LATE, "Order was never placed, already canceled, or filled"),
    # The old order is off the book when the new one is found to cross.
    Row("@B", _AFTER, POST_ONLY, "Post only order would have immediately matched"),
    Row("@C", _ORDER, "notional", "Order must have minimum value of "),
    Row("@D", _ORDER, "no_match", "Order could not immediately match against any resting orders"),
    Row("@E", _ORDER, "margin", "Insufficient margin to place order"),
    Row("@F", _ORDER, "reduce_only", "Reduce only order would increase position"),
    Row("@G", _ORDER, "price", "Price must be divisible by tick size"),
    # Too far away is seen before anything is touched.
    Row("@H", _BEFORE, "price_far", "Price too far from oracle"),
    Row("@I", _BEFORE, "price_far", "Order price too far from oracle"),
    Row("@J", _BEFORE, "price_far", "Order price cannot be more than "),
    Row("@K", _ORDER, "qty", "Order has invalid size"),
    Row("@L", _ORDER, "price", "Order has invalid price"),
    Row("@M", _ORDER, "qty", "Order has zero size"),
    Row("@N", _ORDER, "notional", "Order value too large"),
    Row("@O", _ORDER, "no_match", "No liquidity available for market order"),
    Row("@P", _ORDER, "price", "Invalid TP/SL price"),
    Row("@Q", _ORDER, "open_interest", "Order would increase open interest while "),
    Row("@R", _ORDER, "open_interest", "Order would increase open interest too quickly"),
    Row("@S", _ORDER, "open_interest", "Order rejected due to price more aggressive than oracle"),
    Row("@T", _ORDER, "margin", "Order would cause position to exceed margin tier limit"),
    # About a modify alone. Without `always_place`, nothing is put on the book for an order gone.
    Row("@U", _GONE, "gone", "Cannot modify canceled or filled order"),
    Row("@V", _LEFT, "form", "Attempted to modify to invalid new order"),
    # About the whole action: nothing of it was done.
    Row("@W", _WHOLE, LIMITED, "Too many cumulative requests sent"),
    Row("@X", _WHOLE, EXPIRED, "Action already expired"),
    Row("@Y", _WHOLE, "batch", "Signed action over weight limit of "),
    Row("@Z", _WHOLE, "batch", "Orders are empty"),
    Row("@AA", _WHOLE, "upgrade", "Only post-only orders allowed immediately after"),
    Row("@AB", _WHOLE, "builder", "Builder fee has not been approved"),
    Row("@AC", _WHOLE, "signer", "User or API Wallet ", fatal=True),
    Row("@AD", _WHOLE, "account", "Must deposit before performing actions", fatal=True),
    Row("@AE", _WHOLE, "signer", "Unable to recover signer", fatal=True),
    Row("@AF", _WHOLE, "account", "Vault not registered", fatal=True),
    # Too high and too low were never used; a duplicate may be this very request, come twice.
    Row("@AG", _WHOLE, "nonce", "Invalid nonce: nonce too low"),
    Row("@AH", _WHOLE, "nonce", "Invalid nonce: nonce too high"),
    Row("@AI", _NOTHING, DUPLICATE_NONCE, "Invalid nonce: duplicate nonce"),
    # About actions that are no commands of ours.
    Row("@AJ", _NOTHING, "volume", "Cannot set scheduled cancel time until enough volume traded"),
    Row("@AK", _NOTHING, "leverage", "Cannot switch leverage type with open position"),
)
"""Every error that we know; no text begins with another row's."""

WRAPPER: Final = "Error placing new order during modify: "
"""Before the text of the new order's own refusal, which came when the old order was gone."""
OLD_PREFIX: Final = "L1 error: "
"""Before some texts until 2025."""


def find_error(text: str) -> Row | None:
    """Return the row of an error, None where there is none: then it proves nothing."""
    text = text.removeprefix(OLD_PREFIX)
    if text.startswith(WRAPPER):
        inner = find_error(text[len(WRAPPER) :])
        if inner is None or inner.proof.modify is not Alive.YES:
            return inner
        return inner._replace(proof=inner.proof._replace(modify=Alive.UNKNOWN))
    for row in ERRORS:
        if text.startswith(row.text):
            return row
    return None


REFUSING_HTTP: Final = {
    400: "wire",
    415: "wire",
    422: "wire",
    429: "ip_limited",
}
"""HTTP codes by which the venue says that it has not looked at an action. Any other but 200 leaves
its outcome unknown."""


class Word(NamedTuple):
    """What an order's status means."""

    status: Status | None
    """None: nothing that we could say."""
    why: CancelReason | str = ""
    """Of the end of an order: a reason of ours, or of a rejection its word."""


_CANCELLED: Final = Status.CANCELLED
_REJECTED: Final = Status.REJECTED

# fmt: off
STATUSES: Final = {
    "open":                                     Word(Status.OPEN),
    "filled":                                   Word(Status.FILLED),
    # Of trigger orders, which we do not place: what has become of it since is not said.
    "triggered":                                Word(None),
    # Also of the old leg of a modify.
    "canceled":                                 Word(_CANCELLED, CancelReason.USER),
    "scheduledCancel":                          Word(_CANCELLED, CancelReason.VENUE),
    "internalCancel":                           Word(_CANCELLED, CancelReason.VENUE),
    "marginCanceled":                           Word(_CANCELLED, CancelReason.MARGIN),
    "liquidatedCanceled":                       Word(_CANCELLED, CancelReason.MARGIN),
    "perpMaxPositionCanceled":                  Word(_CANCELLED, CancelReason.MARGIN),
    "selfTradeCanceled":                        Word(_CANCELLED, CancelReason.SELF_TRADE),
    "vaultWithdrawalCanceled":                  Word(_CANCELLED, CancelReason.VENUE),
    "openInterestCapCanceled":                  Word(_CANCELLED, CancelReason.VENUE),
    "reduceOnlyCanceled":                       Word(_CANCELLED, CancelReason.VENUE),
    "siblingFilledCanceled":                    Word(_CANCELLED, CancelReason.VENUE),
    "delistedCanceled":                         Word(_CANCELLED, CancelReason.VENUE),
    "outcomeSettledCanceled":                   Word(_CANCELLED, CancelReason.VENUE),
    "rejected":                                 Word(_REJECTED, "rejected"),
    "tickRejected":                             Word(_REJECTED, "price"),
    "minTradeNtlRejected":                      Word(_REJECTED, "notional"),
    "perpMarginRejected":                       Word(_REJECTED, "margin"),
    "reduceOnlyRejected":                       Word(_REJECTED, "reduce_only"),
    "badAloPxRejected":                         Word(_REJECTED, POST_ONLY),
    "iocCancelRejected":                        Word(_REJECTED, "no_match"),
    "badTriggerPxRejected":                     Word(_REJECTED, "price"),
    "marketOrderNoLiquidityRejected":           Word(_REJECTED, "no_match"),
    "positionIncreaseAtOpenInterestCapRejected": Word(_REJECTED, "open_interest"),
    "positionFlipAtOpenInterestCapRejected":    Word(_REJECTED, "open_interest"),
    "tooAggressiveAtOpenInterestCapRejected":   Word(_REJECTED, "open_interest"),
    "openInterestIncreaseRejected":             Word(_REJECTED, "open_interest"),
    "insufficientSpotBalanceRejected":          Word(_REJECTED, "margin"),
    "oracleRejected":                           Word(_REJECTED, "price_far"),
    "perpMaxPositionRejected":                  Word(_REJECTED, "margin"),
    "tooManyOpenOrdersRejected":                Word(_REJECTED, "open_orders"),
}
# fmt: on
"""Every status that we know."""

CANCELLED_SUFFIX: Final = "Canceled"
REJECTED_SUFFIX: Final = "Rejected"


def find_status(text: str) -> Word | None:
    """Return what a status means, None where it proves nothing.

    A status that is new to us and ends as the venue's ends do is an end of that kind.
    """
    word = STATUSES.get(text)
    if word is not None:
        return word if word.status is not None else None
    if text.endswith(CANCELLED_SUFFIX):
        return Word(_CANCELLED, CancelReason.VENUE)
    if text.endswith(REJECTED_SUFFIX):
        return Word(_REJECTED, text)
    return None
