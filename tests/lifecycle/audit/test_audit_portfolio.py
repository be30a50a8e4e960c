"""A portfolio's journal is audited as one: each instrument by itself, with the quota of all."""

from pathlib import Path

from click.testing import CliRunner
from msgspec.structs import replace

from exchange.reports import Limited
from exchange.units import SECOND
from lifecycle.audit.audited import Audited, audit_journal
from lifecycle.audit.portfolio import audit_portfolio
from lifecycle.audit.window import EVERYTHING, Moment, Window
from lifecycle.cli import main
from lifecycle.config import Config, QuotaConfig
from lifecycle.core.portfolio import Quote
from lifecycle.drive.portfolio import part_of
from lifecycle.journal import read_journal
from spec.trace import Cycled, Reason, Targets
from tests.lifecycle.drive.portfolios import SYMBOLS, answer, kept, live, look, quotes

TOO_FEW: Config = Config(quota=QuotaConfig(cap=6))
"""Half of the orders that are wanted may be placed."""


def audited(path: Path, window: Window = EVERYTHING, *, replay: bool = False) -> Audited:
    """Audit the journal at `path`."""
    recording = read_journal(path)
    return audit_portfolio("j", recording.header, recording.told(), window=window, replay=replay)


def test_a_life_with_a_scarce_quota_holds_every_promise_and_is_decided_again(
    tmp_path: Path,
) -> None:
    live(kept(tmp_path / "j").portfolio)

    found = audited(tmp_path / "j", replay=True)

    assert found.holds, found.violations
    assert found.read.cycles == 36
    assert found.read.fills == 3
    assert dict(found.about)["instruments"] == "3: ETH, BTC, SOL"


def test_what_others_have_spent_excuses_an_empty_level(tmp_path: Path) -> None:
    one = kept(tmp_path / "j", config=TOO_FEW)
    for number in range(3):
        now = number * 6 * SECOND
        answer(one.portfolio, one.portfolio.cycle(now, quotes(now)), now)
    recording = read_journal(tmp_path / "j")
    alone = part_of(recording.header, 2)

    by_itself = audit_journal(
        "SOL", alone, [record for symbol, record in recording.told() if symbol == "SOL"]
    )

    assert "V1" in by_itself.counts
    assert audited(tmp_path / "j").holds


def test_the_cancels_of_all_draw_on_one_ledger(tmp_path: Path) -> None:
    one = kept(tmp_path / "j", config=Config(quota=QuotaConfig(cap=20, cancel_cap=5)))
    answer(one.portfolio, one.portfolio.cycle(0, quotes(0)), 0)
    for number in range(1, 20):
        now = number * 6 * SECOND
        nothing = Quote(Targets(), quotes(now)["ETH"].market)
        answer(one.portfolio, one.portfolio.cycle(now, dict.fromkeys(SYMBOLS, nothing)), now)
        for symbol in SYMBOLS:
            one.portfolio.receive(symbol, look(one.portfolio, symbol, now, 0), now)

    assert one.portfolio.open_orders == 7
    assert audited(tmp_path / "j").holds
    # Had the venue granted one less, the fifth of them all would have been too many.
    recording = read_journal(tmp_path / "j")
    less = replace(recording.header, config=Config(quota=QuotaConfig(cap=20, cancel_cap=4)))
    assert [*audit_portfolio("j", less, recording.told()).counts] == ["S11"]


def test_a_refusal_for_quota_that_one_has_heard_of_holds_all_back(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    one.portfolio.receive("ETH", Limited(0), 0)
    cycle = one.portfolio.cycle(0, quotes(0))

    reasons = {decision.reason for decision in cycle.plans["BTC"].decisions}
    assert Reason.LIMITED in reasons
    assert audited(tmp_path / "j").holds


def test_what_is_broken_names_its_instrument(tmp_path: Path) -> None:
    one = kept(tmp_path / "j", config=TOO_FEW)
    answer(one.portfolio, one.portfolio.cycle(0, quotes(0)), 0)
    (plan,) = [
        record.plan
        for symbol, record in read_journal(tmp_path / "j").told()
        if isinstance(record, Cycled) and symbol == "ETH"
    ]
    again = Cycled(SECOND, quotes(0)["BTC"].targets, quotes(SECOND)["BTC"].market, plan)
    one.journal.append("BTC", again)

    found = audited(tmp_path / "j")

    assert not found.holds
    assert all(violation.what.startswith("BTC: ") for violation in found.violations)
    assert all(violation.record == one.journal.count - 1 for violation in found.violations)
    # Six were all that there were.
    assert found.counts["S11"] > 0


def test_a_window_is_counted_from_where_the_journal_begins(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    begun = one.portfolio.cycle(0, {"ETH": quotes(0)["ETH"]})
    answer(one.portfolio, begun, 0)
    answer(one.portfolio, one.portfolio.cycle(9 * SECOND, quotes(9 * SECOND)), 9 * SECOND)

    found = audited(tmp_path / "j", Window(until=Moment(5 * SECOND, is_absolute=False)))

    assert found.until == 5 * SECOND
    assert found.read.cycles == 1


def test_the_commands_read_it_or_say_what_it_is(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    live(one.portfolio)
    one.journal.close()
    path = str(tmp_path / "j")

    audit = CliRunner().invoke(main, ["audit", "--replay", path])
    explain = CliRunner().invoke(main, ["explain", path, "--symbol", "BTC"])
    of_all = CliRunner().invoke(main, ["explain", path])
    of_none = CliRunner().invoke(main, ["explain", path, "--symbol", "XRP"])
    replay = CliRunner().invoke(main, ["replay", path, "--symbol", "BTC"])
    replay_all = CliRunner().invoke(main, ["replay", path])

    assert audit.exit_code == 0, audit.output
    assert explain.exit_code == 0, explain.output
    assert replay.exit_code == 0, replay.output
    assert (of_all.exit_code, of_none.exit_code, replay_all.exit_code) == (2, 2, 2)
    for asks in (of_all, replay_all):
        assert "--symbol must say which instrument" in asks.stderr
    assert "must have XRP, has ETH, BTC, SOL" in of_none.stderr


def test_which_instrument_is_asked_for_where_its_name_came_out_empty(tmp_path: Path) -> None:
    one = kept(tmp_path / "j")
    live(one.portfolio)
    one.journal.close()

    asks = [
        CliRunner().invoke(main, [command, str(tmp_path / "j"), "--symbol", ""])
        for command in ("explain", "replay")
    ]

    assert [one.exit_code for one in asks] == [2, 2]
    assert all("--symbol must say which instrument" in one.stderr for one in asks)


def test_an_order_that_is_not_there_is_answered_with_a_command_that_lists_its_instrument(
    tmp_path: Path,
) -> None:
    one = kept(tmp_path / "j")
    live(one.portfolio)
    one.journal.close()
    path = str(tmp_path / "j")

    result = CliRunner().invoke(main, ["explain", path, "zz", "--symbol", "BTC"])

    assert result.exit_code == 2
    assert f"`lifecycle explain {path} --symbol BTC` lists them" in result.stderr
