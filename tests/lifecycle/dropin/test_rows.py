"""What a bot hands over, where it is not what it should be: the message says what is."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.instrument import Instrument
from lifecycle.cli.configuration import read_config
from lifecycle.dropin.callbacks import CallbackVenue
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.rows import read_fill, read_row
from lifecycle.journal.reading import read_journal
from tests.lifecycle.dropin.virtual import LoopClock, leap

INSTRUMENT = Instrument("XYZ", price_unit=Decimal("0.1"), lot=Decimal("0.01"))


def venue(**functions: Any) -> CallbackVenue:
    usual: dict[str, Any] = {
        "open_orders": list,
        "place": lambda _: "1",
        "modify": None,
        "cancel": lambda _: True,
    }
    return CallbackVenue(INSTRUMENT, **(usual | functions), threads=False, clock=LoopClock())


def test_a_row_that_lacks_something_is_refused_with_what_it_must_have() -> None:
    row = {"oid": 7, "side": "buy", "price": 99.9, "qty": 1}

    assert read_row(row, INSTRUMENT)[0].price == 999
    with pytest.raises(
        TypeError, match=r"a Resting must have oid, side, price, qty, was \{'id': 7\}"
    ):
        read_row({"id": 7}, INSTRUMENT)
    with pytest.raises(TypeError, match="a Filled must have oid, trade_id, price, qty, was"):
        read_fill(row, INSTRUMENT, 0)


async def touch_later() -> tuple[float, float]:
    return 99.9, 100.1


def test_what_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="place must be a function, was 3"):
        venue(place=3)
    with pytest.raises(TypeError, match="touch must return at once, was async"):
        venue(touch=touch_later)
    with pytest.raises(TypeError, match="instrument must be an Instrument, was 'XYZ'"):
        CallbackVenue("XYZ", open_orders=list, place=str, modify=None, cancel=str)  # type: ignore[arg-type]


def test_what_is_no_venue_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="venue must be one"):
        connect(object())  # type: ignore[arg-type]


def test_the_name_of_a_configuration_is_none_and_one_from_a_file_is(tmp_path: Path) -> None:
    file, journal = tmp_path / "bot.toml", tmp_path / "bot.journal"
    file.write_text("[bands]\nlatch_bps = 6\n", encoding="utf-8")

    with pytest.raises(TypeError, match=r"config must be a Config, as .*read_config\(Path\(…\)\)"):
        connect(object(), str(file))  # type: ignore[arg-type]

    async def main() -> None:
        async with connect(venue(), read_config(file), journal=journal, on_exit="leave"):
            pass

    leap(main())
    assert read_journal(journal).header.config.bands.latch_bps == 6


def test_a_look_that_returns_nothing_is_a_failed_look_and_no_book_is_none() -> None:
    async def main() -> None:
        made = venue(open_orders=lambda: None, touch=lambda: None)
        async with connect(made, exit_timeout_s=1, on_exit="leave") as quoter:
            with pytest.raises(TimeoutError, match=r"must return what rests, \[\] if nothing does"):
                await quoter.ready(3)

            assert quoter.market().bid is None

    leap(main())


def test_a_touch_that_fails_or_is_none_is_no_book_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    touches: list[Any] = [(99.9, 100.1), ZeroDivisionError("no book"), 100.0, 100.0, ("99.9", None)]

    def touch() -> Any:
        told = touches.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    async def main() -> list[tuple[Any, Any]]:
        made = venue(touch=touch)
        shown = [made.market(0) for _ in range(5)]
        return [(market.bid, market.ask) for market in shown]

    assert leap(main()) == [(999, 1001), (None, None), (None, None), (None, None), (999, None)]
    failed, wrong = (one.getMessage() for one in caplog.records)
    assert failed == "no book is known, touch: ZeroDivisionError('no book')"
    assert "touch must return best bid and ask, or None, was 100.0" in wrong


def test_a_size_with_a_sign_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a number must be finite and not negative, was -1"):
        read_fill({"oid": "1", "trade_id": "t1", "price": "99.0", "qty": "-1"}, INSTRUMENT, 0)
