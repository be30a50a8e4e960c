"""The explorer's bench: what it counts, and what it writes. How fast, no test says."""

import json
from pathlib import Path

import pytest

from tools.bench.explorer import LIMIT_A_SECOND, main


def test_a_few_steps_are_measured_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "explorer.json"

    main(["--depth", "3", "--json", str(file)])

    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["states"] > 100
    assert found["states_a_second"] == pytest.approx(found["states"] / found["seconds"])
    out = capsys.readouterr().out
    assert f"at least {LIMIT_A_SECOND:,} are asked" in out
    assert "bytes a state" in out


def test_a_depth_is_positive(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--depth", "0"])

    assert ended.value.code == 2
    assert "--depth must be positive, was 0" in capsys.readouterr().err
