"""What log and metrics remember of the records before."""

import pytest

from exchange.reports import Fill
from exchange.words import Side
from lifecycle.observe import follow
from lifecycle.observe.follow import Fills
from spec.trace import Reaction, Reported


def filled(oid: str, trade_id: str) -> Reported:
    return Reported(1, Fill(1, None, oid, 4, 20_000, trade_id, Side.BUY), Reaction())


def test_two_orders_that_share_a_trade_id_have_two_fills() -> None:
    fills = Fills()

    new = [len(fills.feed(record)) for record in (filled("1", "t"), filled("2", "t"))]

    assert new == [1, 1]


def test_only_so_many_fills_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "REMEMBERED", 2)
    fills = Fills()
    for trade_id in ("t1", "t2", "t3"):
        fills.feed(filled("1", trade_id))

    assert fills.feed(filled("1", "t2")) == []
    assert fills.feed(filled("1", "t3")) == []
    assert len(fills.feed(filled("1", "t1"))) == 1
