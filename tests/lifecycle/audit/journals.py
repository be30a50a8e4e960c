"""Journals of short runs, for what reads journals: the example bot on the generated market."""

from functools import cache
from pathlib import Path
from typing import Final

from exchange.venue import Capabilities
from lifecycle.config import BandsConfig, ModifyConfig, TimingConfig
from lifecycle.core.manager import CANCEL_REPLACE
from lifecycle.journal import Header, MemoryJournal, SqliteJournal
from lifecycle.run.config import MarketConfig, QuoterConfig, RunConfig
from lifecycle.run.session import Session, load_market
from spec.trace import Record

AMENDS: Final = Capabilities(modify_keeps_oid=True, qty_is_total=True)


@cache
def a_run(
    policy: str = "stable", minutes: float = 3.0, capabilities: Capabilities = CANCEL_REPLACE
) -> MemoryJournal:
    """Return the journal of a run with two levels a side; not to be appended to."""
    config = RunConfig(
        market=MarketConfig(minutes=minutes),
        quoter=QuoterConfig(levels=2, warmup_s=20.0),
        timing=TimingConfig(cycle_s=2.0),
        bands=BandsConfig(latch_bps=0.6, adverse_factor=0.8),
        modify=ModifyConfig(min_interval_ms=5000),
    )
    market = load_market(config.market, config.venue)
    records: list[Record] = []
    session = Session(
        config, policy, market, capabilities=capabilities, watch=False, sinks=[records.append]
    )
    while session.step():
        pass
    header = Header.of_now("0", market.instrument, capabilities, session.config, "a test")
    journal = MemoryJournal(header)
    journal.records = records
    return journal


def on_disk(journal: MemoryJournal, path: Path) -> Path:
    """Write a journal to a file."""
    file = SqliteJournal.create(path, journal.header)
    for record in journal.records:
        file.append(record)
    file.close()
    return path
