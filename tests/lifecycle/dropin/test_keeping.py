"""A drop-in's journal: what is gone on with, what is refused, and a fleet's beside it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from exchange.instrument import Instrument
from exchange.venue import Capabilities
from lifecycle.config import STABLE
from lifecycle.dropin.bitmex import Converger
from lifecycle.dropin.connecting import connect
from lifecycle.dropin.keeping import Keeping
from lifecycle.journal.address import Address
from lifecycle.journal.base import Header, JournalError
from lifecycle.journal.fleet import list_runs
from lifecycle.journal.reading import read_journal
from spec.trace import Record
from tests.lifecycle.dropin.bitmex_sample import ExchangeInterface, Ticking
from tests.lifecycle.dropin.virtual import around, leap, paper
from tests.lifecycle.journal.fleets import arrived
from tests.story import INSTRUMENT

HEADER = Header.of_now("s1", INSTRUMENT, Capabilities(), STABLE)


def in_the_fleet(fleet: Address) -> list[Record]:
    [run] = list_runs(fleet)
    return arrived(fleet, run.id)


def test_without_a_file_nothing_is_kept() -> None:
    begun = Keeping.of(None, None).begin(HEADER)

    assert begun.journal is None
    assert begun.recovery is None
    assert begun.session == "s1"


def test_a_journal_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    keeping = Keeping.of(tmp_path / "bot.journal", None)
    first = keeping.begin(HEADER)
    assert first.journal is not None
    first.journal.close()

    second = keeping.begin(replace(HEADER, session="s2"))

    assert second.recovery is not None
    assert second.session == "s1"
    assert second.journal is not None
    second.journal.close()


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (
            replace(HEADER, instrument=Instrument("OTHER")),
            "the journal of OTHER",
        ),
        (replace(HEADER, capabilities=Capabilities(modify_keeps_oid=True)), "of a venue that has"),
    ],
)
def test_a_journal_of_something_else_is_refused_and_let_go(
    tmp_path: Path, other: Header, complaint: str
) -> None:
    path = tmp_path / "bot.journal"
    keeping = Keeping.of(path, None)
    first = keeping.begin(HEADER)
    assert first.journal is not None
    first.journal.close()

    with pytest.raises(JournalError, match=complaint) as refused:
        keeping.begin(other)

    assert str(path) in str(refused.value)
    again = keeping.begin(HEADER)
    assert again.journal is not None
    again.journal.close()


def test_what_cannot_be_forwarded_is_refused_before_anything_begins(tmp_path: Path) -> None:
    path = tmp_path / "bot.journal"

    with pytest.raises(ValueError, match="forward must come with a journal"):
        connect(paper(), forward="postgresql://fleet@db/bots")
    with pytest.raises(JournalError, match="must be a URL"):
        connect(paper(), journal=path, forward="db/bots")
    assert not path.exists()


def test_what_a_quoter_records_arrives_in_the_fleets_journal(
    tmp_path: Path, fleet: Address
) -> None:
    path = tmp_path / "bot.journal"

    async def main() -> None:
        venue = paper()
        async with connect(venue, journal=path, forward=fleet.url) as quoter:
            await quoter.ready()
            await quoter.converge(*around(venue, 300))

    leap(main())

    kept = list(read_journal(path).records())
    assert len(kept) > 3
    assert in_the_fleet(fleet) == kept


def test_what_the_samples_surface_records_arrives_in_the_fleets_journal(
    tmp_path: Path, fleet: Address
) -> None:
    path, clock = tmp_path / "sample.journal", Ticking()
    exchange = ExchangeInterface(clock)
    converger = Converger(exchange, clock=clock, journal=path, forward=fleet.url)
    ticker = exchange.get_ticker()
    converger.converge_orders([{"price": ticker["buy"] - 5, "orderQty": 1000, "side": "Buy"}], [])
    converger.close()

    kept = list(read_journal(path).records())
    assert len(kept) > 1
    assert in_the_fleet(fleet) == kept
