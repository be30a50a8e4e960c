"""The example bot that is handed a market in columns estimates what it estimates row by row."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.columns import Columns, Sight
from exchange.instrument import Instrument
from exchange.market import Market, Row, RowKind
from exchange.paper.generator import GENERATED
from exchange.units import MILLISECOND, Nanos
from lifecycle.bot.quoter import Quoter
from lifecycle.run.config import QuoterConfig
from tests.exchange.play import bbo, depth, trade

MID = 20_000


@st.composite
def packets(draw: st.DrawFn, ts: Nanos) -> list[Row]:
    """Draw what one exchange time may bring: trades, a touch, changes of the book or all of it."""
    near = st.integers(-12, 12)
    rows = [
        trade(ts, MID + draw(near), 1, draw(st.sampled_from((-1, 0, 1))))
        for _ in range(draw(st.integers(0, 2)))
    ]
    if draw(st.booleans()):
        bid = MID + draw(near) if draw(st.integers(0, 5)) else 0
        rows.append(bbo(ts, bid, 3, (bid or MID) + 1 + draw(st.integers(0, 3)), 4))
    kind = draw(st.sampled_from(("nothing", "update", "snapshot", "odd snapshot")))
    if kind == "update":
        rows += [
            depth(ts, draw(st.sampled_from((1, -1))), MID + draw(near), draw(st.integers(-1, 9)))
            for _ in range(draw(st.integers(1, 5)))
        ]
    elif kind != "nothing":
        low = 1 if kind == "snapshot" else -1
        sides = (1, -1) if draw(st.booleans()) or kind == "snapshot" else (-1, 1)
        rows += [
            depth(ts, side, MID - side * level, draw(st.integers(low, 9)), "S")
            for side in sides
            for level in range(1, 12)
        ]
    return rows


@st.composite
def markets(draw: st.DrawFn) -> list[Row]:
    ts, rows = 0, []
    for gap in draw(st.lists(st.sampled_from((1, 90, 250, 1100)), min_size=5, max_size=25)):
        ts += gap * MILLISECOND
        rows += draw(packets(ts))
    return rows


def quoter(instrument: Instrument = GENERATED) -> Quoter:
    return Quoter(QuoterConfig(warmup_s=0.0), instrument)


@given(markets(), st.integers(1, 9))
def test_columns_and_rows_make_the_same_estimates(rows: list[Row], every: int) -> None:
    if not rows:
        return
    plain, bulk = quoter(), quoter()
    columns = Columns.of(rows)

    for first in range(0, len(columns), every):
        last = min(first + every, len(columns))
        now = columns.times[last - 1]
        market = Market(at=now, bid=MID - 1, ask=MID + 1, bid_qty=1, ask_qty=1)
        plain.see(columns.rows(first, last))
        bulk.see(Sight([(columns, first, last)]))

        assert bulk.quote(market, 0, now) == plain.quote(market, 0, now)
        assert (bulk.kappa, bulk.sigma, bulk.delta) == (plain.kappa, plain.sigma, plain.delta)
        assert bulk.is_warm(now) == plain.is_warm(now)


@given(markets(), st.integers(0, 25), st.booleans())
def test_a_market_that_goes_on_row_by_row_makes_the_same_estimates(
    rows: list[Row], packets: int, is_known: bool
) -> None:
    if not rows:
        return
    columns = Columns.of(rows)
    if is_known:
        quoter().see(Sight([(columns, 0, len(columns))]))
    plain, bulk = quoter(), quoter()
    count = min(packets, len(columns))
    now = columns.times[-1]
    market = Market(at=now, bid=MID - 1, ask=MID + 1, bid_qty=1, ask_qty=1)

    plain.see(rows)
    bulk.see(Sight([(columns, 0, count)]))
    bulk.see(columns.rows(count, len(columns)))

    assert bulk.quote(market, 0, now) == plain.quote(market, 0, now)
    assert (bulk.kappa, bulk.sigma, bulk.delta) == (plain.kappa, plain.sigma, plain.delta)


def test_rows_that_are_put_into_columns_come_out_again() -> None:
    rows = [
        trade(1, MID, 2, 1),
        bbo(1, MID, 3, MID + 1, 4),
        depth(2, -1, MID + 1, -1),
        trade(3, MID, 5, 0),
        Row(3, 7, RowKind.TRADE, price=MID, qty=1, side=1, oid="9", act="I"),
    ]

    assert Columns.of(rows).rows(0, 3) == rows
    assert Columns.of(rows).rows(1, 2) == rows[2:3]
