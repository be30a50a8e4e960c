"""What is over of a sweep survives whatever ended it."""

from pathlib import Path

import pytest

from lifecycle.sweep.kept import Kept, KeptError
from lifecycle.sweep.play import Ended
from tests.summaries import RUN

DONE = Ended("a", summary=RUN)
FAILED = Ended("b", error="ZeroDivisionError")


def kept(path: Path, *ended: Ended, wanted: str = "abc") -> Kept:
    found = Kept(path, wanted)
    if ended:
        found.add(ended)
    found.close()
    return found


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    kept(tmp_path / "x", DONE, FAILED)

    again = kept(tmp_path / "x")

    assert again.ended == {"a": DONE, "b": FAILED}


def test_only_a_run_that_ended_well_is_over(tmp_path: Path) -> None:
    found = kept(tmp_path / "x", DONE, FAILED)

    assert [found.is_over(key) for key in "abc"] == [True, False, False]


def test_the_last_word_on_a_run_holds(tmp_path: Path) -> None:
    kept(tmp_path / "x", FAILED)

    kept(tmp_path / "x", Ended("b", summary=RUN))

    assert kept(tmp_path / "x").is_over("b")


def test_runs_of_other_sweeps_are_left_where_they_are(tmp_path: Path) -> None:
    kept(tmp_path / "x", DONE)

    other = kept(tmp_path / "x", FAILED, wanted="b")

    assert other.ended == {"b": FAILED}
    assert kept(tmp_path / "x").ended == {"a": DONE, "b": FAILED}


def test_a_line_of_another_version_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"run":"old","summary":{"unheard":"of"}}\n')

    assert kept(tmp_path / "x", DONE).ended == {"a": DONE}


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_line_that_was_being_written_is_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x"
    kept(path, DONE, Ended("c", summary=RUN))
    path.write_bytes(path.read_bytes()[:-cut])

    again = kept(path, FAILED)

    assert again.ended == {"a": DONE, "b": FAILED}
    assert kept(path).ended == {"a": DONE, "b": FAILED}


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    kept(path, DONE)
    path.write_bytes(b'{"run":\n' + path.read_bytes())

    with pytest.raises(KeptError, match="x, line 1: must be a run, was damaged; delete the line"):
        Kept(path, "abc")
