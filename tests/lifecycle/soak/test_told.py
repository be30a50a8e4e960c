"""What a failed run leaves behind can be used."""

from pathlib import Path

import pytest

from lifecycle.conform.play import play as play_scenario
from lifecycle.conform.reading import read_scenario
from lifecycle.drive.recovery import begin
from lifecycle.journal.reading import read_journal
from lifecycle.soak.plan import MIX
from lifecycle.soak.told import Left, leave
from lifecycle.trace import replay
from tools.mutants.bugs import BUGS, seeded

SEED = 1


@pytest.fixture
def left(tmp_path: Path) -> Left:
    """Leave what a run with a bug leaves."""
    bug = next(bug for bug in BUGS if bug.name == "replace_instead_of_modify")
    with seeded(bug):
        return leave(SEED, MIX, tmp_path / "soaked")


@pytest.mark.python_core
def test_the_journal_is_whole_and_says_where_it_comes_from(left: Left) -> None:
    recording = read_journal(left.journal)
    records = list(recording.records())

    assert records
    assert recording.damage is None
    assert recording.header.note == f"lifecycle soak, plan mix, seed {SEED}"
    with pytest.raises(ValueError, match="must be reproduced"):
        # The bug is out again: what it decided is not what is decided now.
        replay(begin(recording.header), records)


@pytest.mark.python_core
def test_the_scenario_loads_and_says_whether_it_plays(left: Left) -> None:
    assert left.scenario is not None
    text = left.scenario.read_text(encoding="utf-8")
    scenario = read_scenario(left.scenario)

    assert text.startswith("# lifecycle soak --plan mix --seeds 1:1\n")
    assert len(scenario.steps) > 5
    assert ("does not break the promise" in text) is not left.replays
    play_scenario(scenario)


def test_what_was_left_before_is_replaced(tmp_path: Path) -> None:
    first = leave(SEED, "calm", tmp_path)
    second = leave(SEED, "calm", tmp_path)

    assert first == second
    assert first.scenario is None
    recording = read_journal(second.journal)
    assert list(recording.records())
