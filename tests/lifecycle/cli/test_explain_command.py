"""`lifecycle explain`: the table of orders, a life, and how it refuses names."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, HELD
from lifecycle.journal import MemoryJournal
from spec.trace import Cycled
from tests.lifecycle.audit.journals import a_run, on_disk


def explain(*args: object) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, args)], catch_exceptions=False)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return on_disk(a_run(), tmp_path / "bot.journal")


def test_without_a_cloid_all_orders_are_listed(journal: Path) -> None:
    result = explain(journal)
    told = json.loads(explain(journal, "--json", "-").stdout)

    assert result.exit_code == HELD
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{len(told['orders'])} orders of bot.journal")
    assert [line.split()[0] for line in lines[3:]] == [one["cloid"] for one in told["orders"]]


def test_the_end_of_a_cloid_is_enough_for_its_life(journal: Path) -> None:
    result = explain(journal, "01")

    assert result.exit_code == HELD
    assert "000000001 in bot.journal" in result.stdout
    assert "place sent: " in result.stdout
    assert "band = base " in result.stdout


def test_every_cycle_has_a_row_if_that_is_wanted(journal: Path) -> None:
    folded, whole = (
        json.loads(explain(journal, "000000001", *flags, "--json", "-").stdout)
        for flags in ([], ["--all"])
    )

    assert len(folded["rows"]) < len(whole["rows"])
    assert all(row["count"] == 1 for row in whole["rows"])


@pytest.mark.parametrize(
    ("text", "words"), [("zz", "CLOID must name one of "), ("0000", "CLOID must name one order, ")]
)
def test_a_name_that_fits_none_or_several_is_one_line(journal: Path, text: str, words: str) -> None:
    result = explain(journal, text)

    assert result.exit_code == BAD_INPUT
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_journal_of_other_decisions_is_refused(tmp_path: Path) -> None:
    journal = a_run()
    other = MemoryJournal(journal.header)
    other.records = [record for record in journal.records if isinstance(record, Cycled)]

    result = explain(on_disk(other, tmp_path / "other.journal"))

    assert result.exit_code == BAD_INPUT
    assert "must be decided as it was by version" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_no_journal_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")

    result = explain(path)

    assert result.exit_code == BAD_INPUT
    assert result.stderr.count("\n") == 1
