"""`lifecycle fleet`, and who reads and writes a fleet's journal by its URL; a real PostgreSQL."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD
from lifecycle.journal import SqliteJournal, read_journal
from lifecycle.journal.address import Address
from lifecycle.journal.forward import forward
from tests.lifecycle.audit.journals import a_run, on_disk
from tests.lifecycle.journal.fleets import query
from tools.postgres import Server

RUN: Final = ("run", "--policy", "stable", "--minutes", "1", "--headless")


def lifecycle(*args: object) -> Result:
    return CliRunner().invoke(main, [*map(str, args)], catch_exceptions=False)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return a journal's file, by the name that its run has in the database."""
    return on_disk(a_run(), tmp_path / "0")


@pytest.fixture
def there(journal: Path, fleet: Address) -> str:
    """Return the URL of the same run in a fleet's journal."""
    assert lifecycle("fleet", "send", journal, fleet.url).exit_code == HELD
    return f"{fleet.url}&run=0"


def told(*args: object) -> dict[str, Any]:
    result = lifecycle(*args, "--json", "-")
    assert result.exit_code == HELD, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize(
    "args", [["audit", "--replay"], ["explain"], ["replay", "--try", "latch_bps=4"]], ids=" ".join
)
def test_a_run_in_the_database_is_told_as_its_file_is(
    journal: Path, there: str, args: list[str]
) -> None:
    command, *options = args

    of_file = told(command, journal, *options)
    of_fleet = told(command, there, *options)

    assert of_fleet == of_file


def test_the_life_of_an_order_is_told_from_the_database(there: str) -> None:
    result = lifecycle("explain", there, "000000001")

    assert result.exit_code == HELD
    assert result.stderr == ""
    assert "000000001 in 0" in result.stdout


def test_of_a_run_that_has_not_ended_it_is_said_how_far_it_has_come(
    there: str, fleet: Address
) -> None:
    query(fleet, "UPDATE lifecycle.run SET closed = false")

    result = lifecycle("audit", there)

    assert result.exit_code == HELD
    assert result.stderr.startswith("run 0 has not ended: ")
    assert "records have arrived, the last of them " in result.stderr


def test_a_run_that_was_altered_in_the_database_fails_its_audit(there: str, fleet: Address) -> None:
    query(fleet, "UPDATE lifecycle.record SET crc = crc + 1 WHERE seq = 100")

    result = lifecycle("audit", there)

    assert result.exit_code == CHECK_FAILED
    assert "record 100" in " ".join(result.stdout.split())


def test_a_run_forwards_its_journal_and_both_hold_the_same(tmp_path: Path, fleet: Address) -> None:
    path, log = tmp_path / "run.journal", tmp_path / "run.jsonl"

    ran = lifecycle(*RUN, "--journal", path, "--log", log, "--forward", fleet.url)
    (run,) = json.loads(lifecycle("fleet", "runs", fleet.url, "--json", "-").stdout)
    fetched = tmp_path / "fetched.journal"
    result = lifecycle("fleet", "fetch", f"{fleet.url}&run={run['id']}", fetched)

    assert ran.exit_code == HELD, ran.stderr
    assert "have not arrived" not in ran.stderr
    records = list(read_journal(path).records())
    assert result.stdout == f"{fetched}: {len(records):,} records\n"
    assert list(read_journal(fetched).records()) == records
    assert (run["records"], run["closed"], run["note"]) == (len(records), True, "stable")
    cycles = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert all("unforwarded" in one["notes"] for one in cycles if one["event"] == "cycle")


def test_a_run_goes_on_without_the_database_and_says_what_is_left(
    tmp_path: Path, fleet: Address, server: Server
) -> None:
    server.stop()
    path = tmp_path / "run.journal"

    ran = lifecycle(*RUN, "--journal", path, "--forward", fleet.url)
    server.start()
    sent = lifecycle("fleet", "send", path, fleet.url, "--account", "acme")

    count = len(list(read_journal(path).records()))
    assert ran.exit_code == HELD
    assert f"{count:,} records have not arrived in {fleet}: " in ran.stderr
    assert f"lifecycle fleet send {path} URL" in ran.stderr
    assert fleet.password not in ran.stderr
    assert sent.stdout.endswith(f"all {count:,} records have arrived\n")
    (run,) = json.loads(lifecycle("fleet", "runs", fleet.url, "--json", "-").stdout)
    assert (run["account"], run["records"], run["closed"]) == ("acme", count, True)


def test_runs_are_a_table_a_line_each(there: str, fleet: Address) -> None:
    result = lifecycle("fleet", "runs", fleet.url)

    assert result.exit_code == HELD
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert lines[0] == ["1", "run"]
    assert lines[1] == ["run", "account", "machine", "instrument", "begun", "records", "state"]
    assert lines[-1][0] == "0"
    assert lines[-1][-1] == "ended"
    assert there


def test_days_are_prepared_and_pruned(there: str, fleet: Address) -> None:
    query(fleet, "UPDATE lifecycle.run SET heard = now() - interval '20 days'")
    prepared = lifecycle("fleet", "prepare", fleet.url, "--days", "2")
    kept = lifecycle("fleet", "prune", fleet.url, "--keep", "1")

    assert prepared.stdout.startswith("partitions made: ")
    # What began today is not old, whenever it was heard of.
    assert kept.stdout == "nothing is that old\n"
    assert lifecycle("audit", there).exit_code == HELD


def test_an_old_day_is_pruned_and_said(tmp_path: Path, fleet: Address) -> None:
    from msgspec.structs import replace

    journal = a_run()
    path = tmp_path / "old.journal"
    file = SqliteJournal.create(path, replace(journal.header, created="2026-01-31T12:00:00+00:00"))
    file.append(journal.records[0])
    forward(file, fleet)
    file.close()
    query(fleet, "UPDATE lifecycle.run SET heard = now() - interval '20 days'")

    would = lifecycle("fleet", "prune", fleet.url, "--keep", "10", "--dry-run")
    gone = lifecycle("fleet", "prune", fleet.url, "--keep", "10")

    assert would.stdout == "2026-01-31: 1 runs, 1 records would go\n"
    assert gone.stdout == "2026-01-31: 1 runs, 1 records gone\n"
    assert lifecycle("fleet", "runs", fleet.url).stdout == "no runs\n"


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["audit", "{url}"], "must say which run, add ?run=ID"),
        (["explain", "{url}&run=other"], "?run=other must name a run of this fleet, does not"),
        (["explain", "{url}&run=0", "zz"], "CLOID must name one of "),
        (["audit", "{url}&run=0", "--format", "csv"], "--format csv must be of a file"),
        (["audit", "{url}&run=0", "--levels", "2"], "--levels must go with a log"),
        (["fleet", "runs", "bots"], "a fleet's journal must be a URL, as in postgresql://"),
        (["fleet", "fetch", "{url}&run=0", "{journal}"], "must not exist to begin a journal there"),
        (["run", "--policy", "stable", "--forward", "{url}"], "--forward must come with a journal"),
    ],
)
def test_what_cannot_be_used_is_one_line_without_the_password(
    journal: Path, there: str, fleet: Address, args: list[str], what: str
) -> None:
    assert there
    given = [one.replace("{url}", fleet.url).replace("{journal}", str(journal)) for one in args]

    result = lifecycle(*given)

    assert result.exit_code == BAD_INPUT
    assert what in result.stderr
    assert result.stderr.count("\n") == 1
    assert not any(secret in result.stderr for secret in fleet.secrets)


def test_a_database_that_is_away_is_one_line(fleet: Address, server: Server) -> None:
    server.stop()

    result = lifecycle("audit", f"{fleet.url}&run=0")

    assert result.exit_code == BAD_INPUT
    assert "must take what it is asked, did not: connection " in result.stderr
    assert result.stderr.count("\n") == 1
