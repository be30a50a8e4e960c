"""Journals of real runs, for tests of what is made of them."""

from collections.abc import Callable

from msgspec import structs

from exchange.units import Nanos
from lifecycle.cli.setting import manager_tables
from lifecycle.config import BandsConfig, Config
from lifecycle.core.manager import CANCEL_REPLACE
from lifecycle.journal.base import Header
from lifecycle.journal.memory import MemoryJournal
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.market import LoadedMarket
from lifecycle.run.policies import POLICIES
from lifecycle.run.session import Session, load_market
from lifecycle.whatif.recorded import Recorded

PREFIX = "a"


def run_of(minutes: float = 10, seed: int = 2) -> RunConfig:
    """Return the configuration of a run on a generated market."""
    return RunConfig(market=MarketConfig(minutes=minutes, seed=seed))


def journalled(
    config: RunConfig,
    policy: str = "stable",
    *,
    at_cycle: int = -1,
    happens: Callable[[Session, Nanos], None] | None = None,
) -> tuple[MemoryJournal, Session, LoadedMarket]:
    """Run a policy with a journal; at one of its cycles something may happen."""
    market = load_market(config.market, config.venue)
    header = Header.of_now(
        PREFIX, market.instrument, CANCEL_REPLACE, manager_tables(POLICIES[policy](config))
    )
    journal = MemoryJournal(header)
    session = Session(config, policy, market, prefix=PREFIX, sinks=[journal.append])
    cycle = 0
    while session.step():
        if cycle == at_cycle and happens is not None:
            happens(session, market.start + session.now)
        cycle += 1
    return journal, session, market


def read_again(journal: MemoryJournal) -> Recorded:
    """Return the journal as it is read."""
    reader = Recorded(journal.header, "run.journal")
    for record in journal.records:
        reader.feed(record)
    return reader


def with_latch(config: Config, bps: float) -> Config:
    """Return the settings with another latch."""
    return structs.replace(config, bands=BandsConfig(latch_bps=bps))
