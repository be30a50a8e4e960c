"""The bench of replay: both loops come to the same, and what it says. How fast, no test says."""

import json
from itertools import islice
from pathlib import Path

import pytest

from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.recording import write
from tools.bench.replay import BULK, COURSE, PLAIN, READ, WATCHED, Played, Speed, main, table


def test_a_recording_and_a_generated_market_are_played_in_every_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market, file = tmp_path / "paper_eth.csv", tmp_path / "replay.json"
    write(market, GENERATED, islice(generate(GeneratorConfig(), 3), 3000))

    code = main([str(market), "--minutes", "1.5", "--rounds", "1", "--json", str(file)])

    made, recorded = json.loads(file.read_text(encoding="utf-8"))
    assert code in {0, 1}
    assert made["are_equal"] is recorded["are_equal"] is True
    assert recorded["rows"] == 3000
    assert list(recorded["before"]) == [READ, COURSE]
    assert [way["name"] for way in made["speeds"]] == [PLAIN, BULK, WATCHED]
    assert capsys.readouterr().out.count("both loops come to the same") == 2


def test_a_day_is_scaled_from_the_minutes_that_were_played() -> None:
    speeds = [Speed(PLAIN, 4.0, 250.0, 1.0), Speed(BULK, 0.5, 2000.0, 8.0)]
    played = Played("generated", 1000, 100, 10.0, are_equal=False, before={}, speeds=speeds)

    assert played.day_s == 72.0
    assert played.rows_a_second == 2000.0
    assert "THE LOOPS DIFFER" in table([played])


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--minutes", "0"], ["not-there.csv"]])
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)

    assert refused.value.code == 2
