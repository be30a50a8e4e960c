"""The shared market: played once, read by many."""

from exchange.hyperliquid.served.tape import Tape, still
from exchange.market import Row, RowKind
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.latency import LATENCIES, NO_DELAY
from exchange.paper.venue import PaperVenue
from exchange.units import SECOND
from exchange.words import Side
from tests.exchange.hyperliquid.served.stage import at, book, trade


def test_a_trade_is_deducted_from_the_level_that_it_hits() -> None:
    tape = Tape(GENERATED, [*book(), trade(at(1), 20_000, 4_000, -1)], 0)

    trades = tape.advance(at(1))

    assert [row.qty for row in trades] == [4_000]
    assert tape.levels(Side.BUY)[20_000] == 6_000


def test_a_touch_that_is_crossed_is_not_shown() -> None:
    crossing = Row(at(1), -1, RowKind.DEPTH, price=20_003, qty=5, side=1, act="U")
    tape = Tape(GENERATED, [*book(), crossing], 0)

    tape.advance(at(1))

    assert (tape.touch.bid, tape.touch.ask) == (20_000, 20_001)


def test_a_reader_who_comes_later_sees_what_those_who_were_there_see() -> None:
    tape = Tape(GENERATED, generate(GeneratorConfig(), 3), 0)
    tape.advance(20 * SECOND)
    venue = PaperVenue(GENERATED, tape.fork(), latency=LATENCIES["none"], feed=NO_DELAY, quota=None)

    for second in range(21, 41):
        tape.advance(second * SECOND)
        venue.poll(second * SECOND)
        seen = venue.market(second * SECOND)

        assert (seen.bid, seen.bid_qty) == (tape.touch.bid, tape.touch.bid_qty)
        assert (seen.ask, seen.ask_qty) == (tape.touch.ask, tape.touch.ask_qty)


def test_a_market_that_stands_still_has_both_sides_and_no_more_rows() -> None:
    tape = still(GENERATED, 20_000, 7, 3, 0)

    assert tape.levels(Side.BUY) == {19_999: 7, 19_998: 7, 19_997: 7}
    assert tape.levels(Side.SELL) == {20_001: 7, 20_002: 7, 20_003: 7}
    assert tape.done
    assert tape.mid2() == 40_000
