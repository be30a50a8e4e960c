"""`lifecycle audit`: what it prints, what it returns, and how it refuses files."""

import json
import sqlite3
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from lifecycle.cli import main
from lifecycle.cli.commands import audit as command
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD
from lifecycle.journal import MemoryJournal, SqliteJournal
from spec.trace import Cycled
from tests.lifecycle.audit.journals import a_run, on_disk

LOGS: Final = Path(__file__).parent.parent / "audit" / "logs"
ETH: Final = ("--instrument", "price_unit=0.1,lot=0.01,min_notional=10")


def audit(*args: object) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, args)], catch_exceptions=False)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return on_disk(a_run(), tmp_path / "bot.journal")


def altered(tmp_path: Path) -> Path:
    """Write a journal in which the first cycle with commands has lost its first decision."""
    journal = a_run()
    copy = MemoryJournal(journal.header)
    copy.records = list(journal.records)
    number = next(
        n for n, one in enumerate(copy.records) if isinstance(one, Cycled) and one.plan.commands
    )
    record = copy.records[number]
    assert isinstance(record, Cycled)
    plan = structs.replace(record.plan, decisions=record.plan.decisions[1:])
    copy.records[number] = structs.replace(record, plan=plan)
    return on_disk(copy, tmp_path / "altered.journal")


def test_a_run_of_ours_holds(journal: Path) -> None:
    result = audit(journal, "--replay")

    assert result.exit_code == HELD
    assert result.stderr == ""
    assert "every decision is reproduced" in " ".join(result.stdout.split())
    assert result.stdout.splitlines()[-1].endswith("promises: held")
    assert "V9 " in result.stdout


def test_a_broken_promise_fails_with_its_place(tmp_path: Path) -> None:
    result = audit(altered(tmp_path), "--json", "-")

    found = json.loads(result.stdout)
    assert result.exit_code == CHECK_FAILED
    assert not found["held"]
    (one,) = found["violations"]
    assert (one["invariant"], one["cloid"]) == ("V1", None)
    assert one["seconds"] == pytest.approx(one["at"] / 1e9 - found["read"]["first_at"] / 1e9)
    assert {row["id"]: row["broken"] for row in found["promises"]}["V1"] == 1


def test_a_decision_that_is_not_reproduced_fails_only_when_asked(tmp_path: Path) -> None:
    path = altered(tmp_path)

    found = json.loads(audit(path, "--replay", "--json", "-").stdout)

    assert found["difference"]["recorded"].startswith("decisions: ")
    assert json.loads(audit(path, "--json", "-").stdout)["difference"] is None


def test_what_breaks_outside_the_window_does_not_count(tmp_path: Path) -> None:
    path = altered(tmp_path)

    assert audit(path, "--from", "170s").exit_code == HELD
    assert audit(path, "--until", "1").exit_code == HELD


@pytest.mark.parametrize(
    "window", [("--from", "1h"), ("--from", "90", "--until", "30"), ("--until", "1969-12-31")]
)
def test_a_window_without_records_is_refused(journal: Path, window: tuple[str, ...]) -> None:
    result = audit(journal, *window)

    assert result.exit_code == BAD_INPUT
    assert "--from and --until must have records between them" in result.stderr
    assert result.stdout == ""


def test_a_damaged_journal_fails_with_the_place(journal: Path) -> None:
    with sqlite3.connect(journal) as connection:
        connection.execute("UPDATE record SET crc = crc + 1 WHERE seq = 10")
    connection.close()

    result = audit(journal)

    assert result.exit_code == CHECK_FAILED
    assert "damaged at record 10 of bot.journal" in " ".join(result.stdout.split())
    assert "record 10 and what follows is lost" in " ".join(result.stdout.split())


def test_a_journal_can_be_audited_while_it_is_written(tmp_path: Path) -> None:
    journal = a_run()
    live = SqliteJournal.create(tmp_path / "live.journal", journal.header)
    for record in journal.records[:40]:
        live.append(record)

    result = audit(tmp_path / "live.journal", "--json", "-")
    live.append(journal.records[40])
    live.close()

    assert result.exit_code == HELD
    assert json.loads(result.stdout)["read"]["records"] == 40


def test_a_log_is_judged_by_what_can_be_judged() -> None:
    result = audit(LOGS / "naive.csv", "--levels", "1", *ETH)

    text = " ".join(result.stdout.split())
    assert result.exit_code == CHECK_FAILED
    assert "judged 9 of 34 promises: broken 6×" in text
    assert "not judged: it does not say what was wanted" in text
    assert "not judged: needs --exposure-cap" in text


def test_a_clean_log_with_a_mapping_holds() -> None:
    result = audit(LOGS / "clean.jsonl", "--map", LOGS / "clean.toml", "--levels", "1", *ETH)

    assert result.exit_code == HELD
    assert result.stdout.splitlines()[-1] == "judged 9 of 34 promises: held"


def test_columns_and_events_can_be_said_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("when,did,who,way,at,much\n1,go,a,up,100,1\n")
    said = ["--format", "csv"]
    for name, column in {
        "time": "when", "event": "did", "cloid": "who", "side": "way", "price": "at", "qty": "much",
    }.items():  # fmt: skip
        said += ["--column", f"{name}={column}"]

    result = audit(path, *said, "--event", "go=place")
    path.write_text(path.read_text().replace("up", "buy"))
    again = audit(path, *said, "--event", "go=place")

    assert result.exit_code == BAD_INPUT
    assert "line 2: column 'way' (side) must be buy or sell, was 'up'" in result.stderr
    assert again.exit_code == HELD


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--levels", "2"], "--levels must go with a log"),
        (["--column", "a=b"], "--column must go with a log"),
        (["--map", LOGS / "clean.toml"], "--map must go with a log"),
        (["--from", "noon"], "--from must be a time since the beginning"),
        (["--json", "no/such/folder.json"], "must be in a directory that exists"),
    ],
)
def test_what_does_not_go_with_a_journal_is_refused(
    journal: Path, args: list[object], words: str
) -> None:
    result = audit(journal, *args)

    assert result.exit_code == BAD_INPUT
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--replay"], "--replay must go with a journal"),
        (["--instrument", "lot=1"], "--instrument must say price_unit"),
        (["--instrument", "tick=1"], "--instrument must have lot, min_notional"),
        (["--instrument", "price_unit=0,lot=1"], "--instrument price_unit must be positive"),
        (["--instrument", "price_unit=x,lot=1"], "--instrument price_unit must be a number"),
        (["--column", "time"], "--column must be NAME=VALUE"),
        (["--column", "colour=x"], "a column must be one of time"),
        (["--event", "go=dance"], "must end in one of place"),
        (["--exposure-cap", "much"], "--exposure-cap must be a number"),
        (["--exposure-cap", "0.001"], "--exposure-cap must be a multiple"),
        (["--exposure-cap", "-1"], "--exposure-cap must not be negative, was -1"),
        (["--order-max", "-0.5"], "--order-max must not be negative, was -0.5"),
    ],
)
def test_what_does_not_go_with_a_log_is_refused(args: list[str], words: str) -> None:
    result = audit(LOGS / "naive.csv", *args)

    assert result.exit_code == BAD_INPUT
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_time_beyond_every_clock_is_refused_with_its_line(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "time,event,cloid,side,price,qty\n1,place,a,buy,1,1\n1e400,cancel,a,,,\n",
        encoding="utf-8",
    )

    result = audit(log)

    assert result.exit_code == BAD_INPUT
    assert (
        "log.csv, line 3: column 'time' (time) must be a number of s, was '1e400'" in result.stderr
    )


def test_what_is_no_journal_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")

    result = audit(path)

    assert result.exit_code == BAD_INPUT
    assert result.stderr == f"lifecycle: {path} must be a journal, was no SQLite database\n"


def test_a_long_reading_says_how_far_it_is(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TELL_S", 0.0)
    monkeypatch.setattr("lifecycle.audit.audited.TELL_EVERY", 50)

    result = audit(journal)

    assert result.stderr.splitlines()[0] == "50 records, 0.0 h, 0 violations so far"


def test_what_was_found_is_never_written_over_a_journal(tmp_path: Path, journal: Path) -> None:
    other = on_disk(a_run(), tmp_path / "other.journal")
    before = journal.read_bytes(), other.read_bytes()

    over_itself = audit(journal, "--json", journal)
    over_another = audit(journal, "--json", other)

    assert [over_itself.exit_code, over_another.exit_code] == [BAD_INPUT, BAD_INPUT]
    assert over_itself.stderr == (
        f"lifecycle: --json must be a file of its own, was {journal} as JOURNAL|LOG, "
        "choose another file\n"
    )
    assert f"--json {other} must not be a journal, was one" in over_another.stderr
    assert (journal.read_bytes(), other.read_bytes()) == before
