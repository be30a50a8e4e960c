"""The tables of the ccxt drop-in, row by row, and against the whole of ccxt's exceptions."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from exchange.reports import OpenOrder
from exchange.words import Outcome, Side, Status
from lifecycle.dropin.ccxt_dialects import DIALECTS, PROOFS, UNKNOWN, dialect_of, proof_of
from lifecycle.dropin.ccxt_reading import TICK_SIZE, Reader, exact

MARKET: dict[str, Any] = {
    "symbol": "ETH/USDT:USDT",
    "contract": True,
    "contractSize": 0.1,
    "precision": {"price": 0.1, "amount": 0.01},
    "limits": {"cost": {"min": None}},
}


def reader(name: str = "okx", **changes: Any) -> Reader:
    return Reader(dialect_of(name), MARKET | changes, TICK_SIZE)


def error_named(*names: str) -> Exception:
    """Make an exception of a class of that name, below the classes of the other names."""
    kind: type[Exception] = Exception
    for name in reversed(names):
        kind = type(name, (kind,), {})
    return kind()


def test_a_venue_in_no_row_is_never_modified() -> None:
    assert dialect_of("somewhere") is UNKNOWN
    assert not UNKNOWN.modifies
    assert not UNKNOWN.cancel_is_done


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_who_modifies_in_place_counts_the_total(name: str) -> None:
    capabilities = DIALECTS[name].capabilities

    assert capabilities.qty_is_total == capabilities.modify_keeps_oid
    assert capabilities.refused_modify_may_kill
    assert not capabilities.modify_keeps_queue_on_size_down
    assert capabilities.batch_max == 1


@pytest.mark.parametrize(
    ("names", "outcome", "refused"),
    [
        (("InsufficientFunds", "ExchangeError"), None, True),
        (("InvalidOrder", "ExchangeError"), None, True),
        (("OrderImmediatelyFillable", "InvalidOrder"), None, True),
        (("OrderNotFound", "InvalidOrder"), None, True),
        (("DuplicateOrderId", "InvalidOrder"), Outcome.SERVER_ERROR, False),
        (("RateLimitExceeded", "NetworkError"), None, True),
        (("DDoSProtection", "NetworkError"), Outcome.SERVER_ERROR, False),
        (("RequestTimeout", "NetworkError"), Outcome.TIMEOUT, False),
        (("NetworkError", "OperationFailed"), Outcome.BROKEN, False),
        (("OnMaintenance", "ExchangeNotAvailable"), Outcome.SERVER_ERROR, False),
        (("ExchangeError", "BaseError"), Outcome.SERVER_ERROR, False),
        (("ArgumentsRequired", "ExchangeError"), Outcome.NOT_SENT, False),
        (("KeyError", "LookupError"), Outcome.SERVER_ERROR, False),
    ],
)
def test_what_an_exception_proves(
    names: tuple[str, ...], outcome: Outcome | None, refused: bool
) -> None:
    proof = proof_of(error_named(*names))

    assert proof.outcome is outcome
    assert (proof.outcome is None) is refused


def test_a_timeout_of_ours_is_one() -> None:
    async def story() -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)

    with pytest.raises(TimeoutError) as raised:
        asyncio.run(story())

    assert proof_of(raised.value).outcome is Outcome.TIMEOUT


def test_every_exception_of_ccxt_has_a_row_of_its_own_or_of_a_parent() -> None:
    errors = pytest.importorskip("ccxt.base.errors", reason="needs the extra ccxt")

    def classes(tree: dict[str, Any]) -> Iterator[str]:
        for name, below in tree.items():
            yield name
            yield from classes(below)

    for name in classes(errors.error_hierarchy["BaseError"]):
        kinds = [kind.__name__ for kind in getattr(errors, name).__mro__]

        assert any(kind in PROOFS for kind in kinds), name


def test_sizes_are_told_in_contracts() -> None:
    okx = reader()

    assert okx.instrument.lot == Decimal("0.001")
    assert okx.amount(500) == 5.0
    assert okx.price(19_995) == 1999.5


def test_hyperliquids_prices_have_five_figures_at_any_price() -> None:
    instrument = reader(
        "hyperliquid", contractSize=1, precision={"price": 0.1, "amount": 0.0001}
    ).instrument

    assert instrument.price_unit == Decimal("0.01")
    assert instrument.significant_figures == 5
    assert instrument.min_notional == 10
    assert instrument.is_valid_price(200_010)
    assert not instrument.is_valid_price(200_011)


def test_an_inverse_market_is_refused() -> None:
    with pytest.raises(ValueError, match="must be spot or linear"):
        reader(inverse=True)


def test_floats_are_read_as_they_were_written() -> None:
    assert exact(0.1) == Decimal("0.1")
    assert exact(1999.95) == Decimal("1999.95")
    assert exact(None) is None
    with pytest.raises(ValueError, match="finite"):
        exact(float("nan"))
    with pytest.raises(ValueError, match="number"):
        exact(True)


def test_an_open_order_is_read_by_what_remains() -> None:
    told = {"id": "7", "side": "sell", "price": 2000.5, "amount": 5, "filled": 2, "remaining": None}

    assert reader().row(told, "c") == OpenOrder("7", "c", Side.SELL, 20_005, 300)


def test_an_order_that_is_closed_with_something_left_was_cancelled() -> None:
    status = reader().status({"status": "closed", "filled": 2, "remaining": 3})

    assert status == (Status.CANCELLED, 200)


def test_a_status_that_nobody_knows_says_nothing() -> None:
    assert reader().status({"status": "whatever", "filled": 0}) is None
    assert reader().status({"status": None}) is None


def test_a_fill_that_names_no_order_is_none() -> None:
    trade = {"id": "1", "order": None, "price": 2000.0, "amount": 1, "side": "buy"}

    assert reader().fill(trade, 0) is None


def test_part_of_a_lot_is_refused() -> None:
    trade = {"id": "1", "order": "2", "price": 2000.0, "amount": 0.015, "side": "buy"}

    with pytest.raises(ValueError, match="multiple"):
        reader().fill(trade, 0)
