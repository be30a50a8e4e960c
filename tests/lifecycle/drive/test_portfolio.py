"""A portfolio that died comes back on its journal: as it was, with everything in doubt."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from exchange.commands import Place, QueryOpen
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.units import SECOND
from exchange.venue import Capabilities
from lifecycle.config import BandsConfig, Config
from lifecycle.core.portfolio import Cycle, Portfolio, Quote
from lifecycle.drive.portfolio import open_portfolio, portfolio_of
from lifecycle.drive.recovery import START_BYTES
from lifecycle.journal import Header, JournalError, SqliteJournal, read_journal
from lifecycle.trace import replay
from spec.trace import Restarted, Target, Targets
from tests.lifecycle.drive.portfolios import (
    AMENDS,
    INSTRUMENTS,
    SCARCE,
    SYMBOLS,
    answer,
    fill,
    kept,
    live,
    look,
    quotes,
)

XRP: Final = Instrument("XRP", price_unit=Decimal("0.1"), lot=Decimal("0.0001"))
COARSER: Final = Instrument("SOL", price_unit=Decimal("0.1"), lot=Decimal(1))


def standing(portfolio: Portfolio) -> dict[str, object]:
    """Return what a portfolio knows, as values."""
    return {
        symbol: (
            [(str(order), order.price, order.leaves) for order in manager.orders.values()],
            manager.position,
            manager.requests_used,
            manager.headroom,
        )
        for symbol, manager in portfolio.managers.items()
    }


def names(cycle: Cycle) -> set[str]:
    """Return the cloids of what is placed."""
    return {
        one.command.cloid
        for batch in cycle.batches
        for one in batch
        if isinstance(one.command, Place)
    }


def test_what_is_restored_is_what_died_though_the_quota_was_shared_and_scarce(
    tmp_path: Path,
) -> None:
    died = kept(tmp_path / "j")
    end = live(died.portfolio)
    before = standing(died.portfolio)

    restored = portfolio_of(read_journal(tmp_path / "j").header)
    for symbol, record in read_journal(tmp_path / "j").told():
        replay(restored.managers[symbol], [record])

    assert before == standing(restored)
    assert died.portfolio.managers["ETH"].requests_used > 20
    assert end > 0


def test_after_a_restart_questions_come_first_and_then_it_quotes_as_before(tmp_path: Path) -> None:
    died = kept(tmp_path / "j")
    now = live(died.portfolio)
    died.journal.close()

    came_back = kept(tmp_path / "j", now)
    blind = came_back.portfolio.cycle(now, quotes(now))
    for symbol, reaction in came_back.reactions.items():
        (query,) = [one for one in reaction.queries if isinstance(one, QueryOpen)]
        came_back.portfolio.receive(
            symbol, look(came_back.portfolio, symbol, now, query.request), now
        )
    now += 6 * SECOND
    answer(came_back.portfolio, came_back.portfolio.cycle(now, quotes(now)), now)

    assert came_back.records == died.journal.count > 0
    assert came_back.damage is None
    assert blind.batches == ()
    assert sorted(came_back.reactions) == sorted(SYMBOLS)
    assert came_back.portfolio.open_orders == died.portfolio.open_orders == 12
    came_back.journal.close()
    assert kept(tmp_path / "j", now).records == came_back.journal.count > died.journal.count


def test_a_new_start_has_names_of_its_own_that_prove_the_order_ours(tmp_path: Path) -> None:
    first = kept(tmp_path / "j")
    first.journal.close()

    again = kept(tmp_path / "j", SECOND)
    for symbol, reaction in again.reactions.items():
        for query in reaction.queries:
            said = look(again.portfolio, symbol, SECOND, query.request)
            again.portfolio.receive(symbol, said, SECOND)
    new = names(again.portfolio.cycle(SECOND, quotes(SECOND)))

    starts = [
        record.session
        for _, record in read_journal(tmp_path / "j").told()
        if isinstance(record, Restarted)
    ]
    assert [*again.portfolio.sessions.values()] == [start[: -2 * START_BYTES] for start in starts]
    assert len(new) == 12
    assert all(cloid.startswith(tuple(starts)) for cloid in new)


def test_nothing_is_handed_out_to_be_sent_that_could_not_be_kept(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    one.journal.close()

    with pytest.raises(JournalError, match="must be open"):
        one.portfolio.cycle(0, quotes(0))


def test_a_journal_of_other_instruments_another_venue_or_other_settings_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j"
    kept(path).journal.close()
    other = Config(quota=SCARCE.quota, bands=BandsConfig(latch_bps=9.0))

    with pytest.raises(JournalError, match="same instruments in the same order"):
        open_portfolio(path, INSTRUMENTS[::-1], 0, config=SCARCE, capabilities=AMENDS)
    with pytest.raises(JournalError, match="must be the journal of a venue"):
        open_portfolio(path, INSTRUMENTS, 0, config=SCARCE, capabilities=Capabilities())
    with pytest.raises(JournalError, match=r"bands\.latch_bps"):
        kept(path, config=other)
    kept(path).journal.close()


def test_a_journal_of_one_instrument_is_no_portfolios(tmp_path: Path) -> None:
    header = Header.of_now("s", INSTRUMENTS[0], AMENDS, SCARCE)
    SqliteJournal.create(tmp_path / "j", header).close()

    with pytest.raises(JournalError, match="of a portfolio, is that of ETH alone"):
        kept(tmp_path / "j")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (INSTRUMENTS[:2], "in the same order, SOL was among them and is not now: begin another"),
        ((*INSTRUMENTS, XRP), "in the same order, XRP is new: begin another"),
        ((*INSTRUMENTS[:2], XRP), "SOL was among them and is not now, XRP is new: "),
        (INSTRUMENTS[::-1], "the one in place 1 was Instrument('ETH', "),
        ((*INSTRUMENTS[:2], COARSER), "the one in place 3 was Instrument('SOL', "),
    ],
)
def test_what_differs_of_the_instruments_is_said_and_nothing_else(
    given: tuple[Instrument, ...], words: str, tmp_path: Path
) -> None:
    kept(tmp_path / "j").journal.close()

    with pytest.raises(JournalError) as refused:
        open_portfolio(tmp_path / "j", given, 0, config=SCARCE, capabilities=AMENDS)

    assert words in str(refused.value)
    assert "BTC" not in str(refused.value)


def test_a_portfolios_journal_is_not_read_as_one_instruments(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    live(one.portfolio, cycles=1)

    with pytest.raises(JournalError, match="must be the journal of one instrument"):
        list(read_journal(tmp_path / "j").records())


def test_a_start_before_the_end_of_the_journal_is_refused(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    end = live(one.portfolio, cycles=2)
    one.journal.close()

    with pytest.raises(ValueError, match="must not be before the last record"):
        kept(tmp_path / "j", end - 10 * SECOND)
    assert kept(tmp_path / "j", end).records > 0


def test_a_journal_decided_otherwise_is_not_gone_on_with(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    cycle = one.portfolio.cycle(0, quotes(0))
    (symbol, record) = next(read_journal(tmp_path / "j").told())
    assert cycle.batches
    # What was decided is on record a second time: of a portfolio that has it done, it is not true.
    one.journal.append(symbol, record)
    one.journal.close()

    with pytest.raises(JournalError, match="this one decides otherwise"):
        kept(tmp_path / "j")


def test_a_damaged_journal_is_used_as_far_as_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    one = kept(path)
    end = live(one.portfolio)
    one.journal.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)

    again = kept(path, end)

    assert again.damage is not None
    assert again.records < one.journal.count


def test_there_must_be_an_instrument(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have an instrument"):
        open_portfolio(tmp_path / "j", (), 0)
    assert not (tmp_path / "j").exists()


def test_what_does_not_fit_an_instrument_leaves_no_journal(tmp_path: Path) -> None:
    config = replace(SCARCE, bands=BandsConfig(latch_bps=-1.0))

    with pytest.raises(ValueError, match="latch"):
        kept(tmp_path / "j", config=config)
    assert not (tmp_path / "j").exists()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"SOL": Quote(Targets((Target(0, 1),)), Market(0, 1, 2))}, ValueError),
        ({"XRP": Quote(Targets(), Market(0, 1, 2))}, KeyError),
    ],
)
def test_one_wrong_quote_leaves_all_instruments_as_they_were(
    tmp_path: Path, wrong: dict[str, Quote], error: type[Exception]
) -> None:
    one = kept(tmp_path / "j")

    with pytest.raises(error):
        one.portfolio.cycle(0, {**quotes(0), **wrong})

    assert one.journal.count == 0
    assert len(names(one.portfolio.cycle(0, quotes(0)))) == 12


def test_a_time_before_what_one_instrument_has_heard_leaves_all_as_they_were(
    tmp_path: Path,
) -> None:
    one = kept(tmp_path / "j")
    answer(one.portfolio, one.portfolio.cycle(0, quotes(0)), 0)
    fill(one.portfolio, "SOL", "t1", 5 * SECOND)
    before = one.journal.count

    with pytest.raises(ValueError, match="must not run backwards"):
        one.portfolio.cycle(SECOND, quotes(SECOND))

    assert one.journal.count == before


@pytest.mark.parametrize("is_there", [False, True])
def test_a_time_that_is_no_int_opens_no_journal(tmp_path: Path, is_there: bool) -> None:
    path = tmp_path / "bots.journal"
    now: Any = 1.5e9
    if is_there:
        kept(path).journal.close()

    with pytest.raises(TypeError, match=r"^now must be whole nanoseconds, an int .*was 15000"):
        kept(path, now)

    assert path.exists() is is_there
    # Nor is it held.
    kept(path).journal.close()
