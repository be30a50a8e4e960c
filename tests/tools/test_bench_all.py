"""The table of every figure: what it says of limits and peers. How fast, no test says."""

import json
from pathlib import Path

import pytest

from tools.bench.all import Figure, main, of_memory, of_peers, table

PARTS = ("instruments", "memory", "import", "explorer", "replay", "journal", "sweep")


def test_a_figure_is_missed_above_what_it_may_be_and_below_what_it_must_be() -> None:
    assert Figure("slow", 9.0, "µs", 5.0).is_met is False
    assert Figure("fast", 4.0, "µs", 5.0).is_met is True
    assert Figure("many", 9.0, "/s", 5.0, least=True).is_met is True
    assert Figure("few", 4.0, "/s", 5.0, least=True).is_met is False
    assert Figure("any", 4.0, "/s").is_met is True


def test_the_ratio_is_how_many_times_the_peer_takes() -> None:
    rows = table([Figure("cycle", 2.0, "µs", 1.0, peer="theirs", theirs=9.0)]).splitlines()

    assert rows[-1] == "| cycle | 2 µs | ≤ 1 missed | theirs | 9 µs | 4.5× |"


@pytest.mark.parametrize("option", ["--json", "--markdown", "--recording"])
def test_a_file_that_cannot_be_is_said_before_anything_is_measured(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option, str(tmp_path / "nowhere" / "x"), "--without", *PARTS])

    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert str(tmp_path / "nowhere" / "x") in said[-1]
    assert "peers" not in said


def test_a_peer_that_is_not_installed_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    assert of_peers(tmp_path, said.append) == {}
    assert len(said) == 3
    assert "nautilus: not installed, left out (python -m tools.peers_env nautilus)" in said


def test_a_peer_that_fails_is_left_out_with_its_reason(tmp_path: Path) -> None:
    python = tmp_path / "bitmex" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 3\n")
    python.chmod(0o755)
    said: list[str] = []

    assert of_peers(tmp_path, said.append) == {}
    assert "bitmex: failed, left out: no such module" in said


def test_an_order_of_ours_is_held_against_what_it_may_hold() -> None:
    (alone,) = of_memory({})
    (beside,) = of_memory({"InFlightOrder, bytes": 3_000.0})

    assert alone.limit == beside.limit == 800.0
    assert 100 < alone.value < 5_000
    assert (beside.peer, beside.theirs) == ("InFlightOrder, bytes", 3_000.0)


def test_one_round_of_the_core_is_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, page = tmp_path / "all.json", tmp_path / "all.md"

    files = ("--json", str(file), "--markdown", str(page), "--peers", str(tmp_path))

    code = main(["--rounds", "1", *files, "--without", *PARTS])

    found = json.loads(file.read_text(encoding="utf-8"))
    names = [row["name"] for row in found["figures"]]
    printed = capsys.readouterr().out
    assert code in {0, 1}
    assert "receive, fill" in names
    assert all(name in printed and name in page.read_text(encoding="utf-8") for name in names)
