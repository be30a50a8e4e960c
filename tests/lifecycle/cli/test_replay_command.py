"""`lifecycle replay`, for real, on the journal of a short generated run."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.recording import write
from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD
from lifecycle.journal import SqliteJournal
from lifecycle.run.watched import Watched
from spec.trace import Record
from tests.lifecycle.whatif.runs import journalled, run_of


def replay(*args: object) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, args)], catch_exceptions=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a journal and the market of its run."""
    folder = tmp_path_factory.mktemp("kept")
    memory, _, market = journalled(run_of(minutes=4))
    journal = SqliteJournal.create(folder / "run.journal", memory.header)
    for record in memory.records:
        journal.append(record)
    journal.close()
    write(folder / "market.csv", market.instrument, market.rows())
    return folder


def content(*args: object) -> dict[str, Any]:
    result = replay(*args, "--json", "-")
    assert result.exit_code == HELD, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [column["name"] for column in found["columns"]]


def test_without_settings_the_run_stands_beside_its_model(kept: Path) -> None:
    result = replay(kept / "run.journal")

    assert result.exit_code == HELD
    assert result.stdout.startswith("run.journal, ")
    assert "as it was" in result.stdout
    assert "modelled" in result.stdout
    assert "The model's own error, with the same settings: calls" in result.stdout
    assert "targets stay as" in result.stdout
    assert result.stderr.splitlines()[1:] == ["playing: the same, modelled"]


def test_each_try_is_a_column_and_set_is_in_all_of_them(kept: Path) -> None:
    found = content(
        kept / "run.journal", "--set", "in_step=false", "--try", "latch_bps=1",
        "--try", "latch_bps=9,min_interval_ms=1000",
    )  # fmt: skip

    assert names(found)[2:] == ["latch_bps=1", "latch_bps=9, min_interval_ms=1000"]
    assert found["common"] == "in_step=false"
    assert found["columns"][3]["changes"] == {
        "bands.in_step": False,
        "bands.latch_bps": 9.0,
        "modify.min_interval_ms": 1000,
    }
    calls = [column["summary"]["calls"] for column in found["columns"]]
    assert calls[2] > calls[3]


def test_set_alone_is_one_column(kept: Path) -> None:
    found = content(kept / "run.journal", "--set", "latch_bps=4", "--set", "bands.size=0.1")

    assert names(found)[2:] == ["latch_bps=4, bands.size=0.1"]


def test_a_configuration_file_is_where_settings_start_from(kept: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[bands]\nlatch_bps = 7\n[smoothing]\nkappa_alpha = 0.5\n", encoding="utf-8")

    alone = content(kept / "run.journal", "--config", other)
    tried = content(kept / "run.journal", "--config", other, "--try", "bands.size=0.1")

    assert names(alone)[2:] == ["other.toml"]
    assert alone["columns"][2]["changes"] == {"bands.latch_bps": 7.0}
    assert names(tried)[2:] == ["bands.size=0.1"]
    assert tried["common"] == "other.toml"
    assert tried["columns"][2]["changes"] == {"bands.latch_bps": 7.0, "bands.size": 0.1}


def test_with_its_market_latency_and_seed_the_model_is_the_run(kept: Path) -> None:
    found = content(
        kept / "run.journal", "--market", kept / "market.csv", "--latency", "fast", "--seed", 2
    )

    was, model = (column["summary"] for column in found["columns"])
    for key in ("policy", "market", "rows"):
        del was[key], model[key]
    assert model == was
    assert found["market"] == "market.csv"


def test_the_same_replay_writes_the_same_bytes(kept: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "1.json", tmp_path / "2.json"
    for target in (one, other):
        assert replay(kept / "run.journal", "--try", "latch_bps=2", "--json", target).exit_code == 0

    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--try", "latch=4"], "did you mean latch_bps?"),
        (["--try", "latch_bps=x"], 'bands.latch_bps must be a number, was "x", correct it'),
        (["--try", "latch_bps=-1"], "bands.latch_bps must be finite and not negative, was -1"),
        (["--set", "kappa_alpha=0.5"], "smoothing.kappa_alpha must be a key that a replay can"),
        (["--set", "cycle_s=3"], "timing.cycle_s must be a key that a replay can change"),
        (["--set", "churn.window=3"], "churn.window must be a key that a replay can change"),
        (
            ["--try", "exposure_cap=0.00001"],
            "risk.exposure_cap must be a multiple of 0.0001, was 0.00001",
        ),
        (["--json", "nowhere/x.json"], "must be in a directory that exists"),
    ],
)
def test_what_cannot_be_used_is_one_line(kept: Path, args: list[str], problem: str) -> None:
    result = replay(kept / "run.journal", *args)

    assert result.exit_code == BAD_INPUT
    assert problem in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.journal"
    path.write_text("no", encoding="utf-8")

    result = replay(path)

    assert result.exit_code == BAD_INPUT
    assert result.stderr.splitlines()[-1].endswith("must be a journal, was no SQLite database")


def test_of_a_damaged_journal_what_is_whole_is_replayed(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.journal"
    path.write_bytes((kept / "run.journal").read_bytes())
    connection = sqlite3.connect(path)
    connection.execute("UPDATE record SET body = x'00' WHERE seq = 30")
    connection.commit()
    connection.close()

    result = replay(path)

    assert result.exit_code == HELD
    assert "damaged at record 30 of damaged.journal" in result.stderr
    assert "the 30 records before are used" in result.stderr


def test_a_broken_invariant_is_said_and_fails(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(self: Watched, record: Record) -> None:
        if not self.broken:
            self.violations += 1
            self.broken.append(f"{record.now} ns: S1, as this test says")

    monkeypatch.setattr(Watched, "feed", feed)
    result = replay(kept / "run.journal")

    assert result.exit_code == CHECK_FAILED
    assert "broken: as it was, " in result.stderr
    assert "broken: the same, modelled, " in result.stderr


def test_the_help_teaches_by_example() -> None:
    result = replay("--help")

    assert "lifecycle replay run.journal --try latch_bps=3 --try latch_bps=4" in result.stdout
    assert "Exit codes:" in result.stdout
