"""One instrument of a portfolio is replayed as it was, by what the others had spent."""

from pathlib import Path
from typing import Final

from exchange.commands import Cancel, Modify, Place
from lifecycle.config import STABLE, BandsConfig, Config
from lifecycle.drive.part import Part
from lifecycle.journal import read_journal
from lifecycle.whatif.comparison import QUOTA_SHARED, Comparison, Trial, compared
from lifecycle.whatif.recorded import Recorded
from lifecycle.whatif.scene import scene_of_journal
from spec.trace import Cycled
from tests.lifecycle.drive.portfolios import SCARCE, kept, live

CYCLES: Final = 7
"""All before the venue refuses for the quota, which no model does of itself."""


def replayed(folder: Path, symbol: str, config: Config, *tried: Trial) -> Comparison:
    """Live a portfolio, and compare what one of its instruments did with its models."""
    one = kept(folder / "j", config=config)
    live(one.portfolio, CYCLES)
    one.journal.close()
    part = Part(read_journal(folder / "j"), symbol)
    recorded = Recorded(part.header, symbol, part.manager, is_shared=True)
    for record in part.records():
        recorded.feed(record)
    script = recorded.script()
    return compared(recorded, script, scene_of_journal(script), tried, latency="none", seed=1)


def asked(folder: Path, symbol: str) -> int:
    """Return how many requests the journal has of an instrument, but for questions."""
    return sum(
        isinstance(command, Place | Modify | Cancel)
        for record in Part(read_journal(folder / "j"), symbol).own()
        if isinstance(record, Cycled)
        for command in record.plan.commands
    )


def test_what_was_is_counted_by_its_own_records(tmp_path: Path) -> None:
    found = replayed(tmp_path, "SOL", SCARCE)
    was, _ = found.columns

    assert 0 < was.summary.calls <= asked(tmp_path, "SOL")
    assert was.summary.cycles == CYCLES
    assert QUOTA_SHARED in found.notes


def test_where_the_quota_lasts_the_model_asks_for_what_was_asked_for(tmp_path: Path) -> None:
    wide = Trial("wide", Config(bands=BandsConfig(latch_bps=30.0)), {})

    was, same, other = replayed(tmp_path, "SOL", STABLE, wide).columns

    assert was.summary.calls == same.summary.calls > other.summary.calls
    assert not same.summary.broken
    assert not other.summary.broken
