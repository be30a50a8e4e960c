"""One instrument of a portfolio is told as it decided, by what the others had spent."""

from pathlib import Path

import pytest

from lifecycle.drive.part import Part
from lifecycle.explain.life import tell_life
from lifecycle.explain.story import find, tell_orders
from lifecycle.journal import Header, JournalError, SqliteJournal, read_journal
from tests.lifecycle.drive.portfolios import AMENDS, INSTRUMENTS, SCARCE, kept, live


def test_its_orders_and_the_life_of_each_are_told(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    live(one.portfolio)
    recording = read_journal(tmp_path / "j")
    ours = one.portfolio.managers["SOL"]

    part = Part(recording, "SOL")
    orders = tell_orders("j", part.header, part.records(), manager=part.manager)
    (cloid, *_) = ours.orders
    part = Part(recording, "SOL")
    name = find(part.own(), cloid)
    life = tell_life("j", part.header, part.records(), name, manager=part.manager)

    assert [order.cloid for order in orders.orders] == [*ours.orders]
    assert life.rows


def test_without_what_the_others_spent_it_would_have_decided_otherwise(tmp_path: Path) -> None:
    live(kept(tmp_path / "j").portfolio)
    recording = read_journal(tmp_path / "j")

    part = Part(recording, "SOL")
    alone = [*part.own()]

    with pytest.raises(JournalError, match="must be decided as it was"):
        tell_orders("j", part.header, alone)


def test_a_journal_of_one_instrument_is_its_own_part(tmp_path: Path) -> None:
    header = Header.of_now("s", INSTRUMENTS[0], AMENDS, SCARCE)
    SqliteJournal.create(tmp_path / "j", header).close()
    recording = read_journal(tmp_path / "j")

    assert Part(recording, "ETH").header == recording.header
    assert [*Part(recording, "ETH").records()] == []
    with pytest.raises(JournalError, match="must have BTC, has ETH"):
        Part(recording, "BTC")
