"""The bench runs and says what it measured; how fast, no test says."""

import json
import sys
from pathlib import Path

import pytest

from tools.bench.__main__ import main
from tools.bench.measure import Case, Measured, measure, table


def test_one_round_prints_the_table_and_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bench.json"

    code = main(["--rounds", "1", "--json", str(file)])

    printed = capsys.readouterr().out
    names = [row["name"] for row in json.loads(file.read_text(encoding="utf-8"))]
    assert code in {0, 1}
    assert "cycle, 2x10 unchanged" in names
    assert all(name in printed for name in names)


def test_where_the_charts_engine_is_not_installed_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As the import system has it for a package that is not to be found.
    monkeypatch.setitem(sys.modules, "statemachine", None)
    monkeypatch.delitem(sys.modules, "spec.charts", raising=False)

    code = main(["--rounds", "1"])

    out, err = capsys.readouterr()
    assert code in {0, 1}
    assert "left out" in err
    assert "send" not in out
    assert "cycle, 2x10 unchanged" in out


def test_rounds_must_be_positive(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rounds", "0"])

    assert "--rounds must be positive, was 0" in capsys.readouterr().err


def test_every_case_is_run_once_a_round_in_turn() -> None:
    seen: list[str] = []

    def case(name: str) -> Case:
        return Case(name, lambda: lambda: seen.append(name))

    cases = [case("a"), case("b")]

    measured = measure(cases, rounds=2, warm_up=1, cold=True)

    assert seen == ["a", "b"] * 3
    assert [one.name for one in measured] == ["a", "b"]
    assert measured[0].ratio == 1.0


def test_unless_it_is_to_be_cold_each_case_runs_once_more_before_it_is_timed() -> None:
    seen: list[str] = []
    cases = [Case(name, lambda name=name: lambda: seen.append(name)) for name in "ab"]  # type: ignore[misc]

    measure(cases, rounds=2, warm_up=0)

    assert seen == ["a", "a", "b", "b"] * 2


def test_a_missed_limit_is_marked() -> None:
    rows = table([Measured("slow", 9.0, 1.0, 5.0), Measured("fast", 4.0, 1.0, 5.0)]).splitlines()

    assert rows[1].endswith("missed")
    assert not rows[2].endswith("missed")
