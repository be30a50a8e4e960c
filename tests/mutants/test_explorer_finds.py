"""The explorer has teeth: it finds every seeded bug, where and as soon as this table says."""

from pathlib import Path
from typing import Final

import pytest

from lifecycle.check.explore import explore
from lifecycle.core.blotter import Blotter
from tools import seeded_bugs
from tools.mutants.bugs import BUGS, Bug, seeded
from tools.mutants.found import FUSE, WHERE, Where, explored, find, smaller

# The invariant that fires first, and the length of a shortest path to it. A number that changes is
# a change of what the checker can see: edit it on purpose, and write `docs/seeded_bugs.md` anew.
# fmt: off
FOUND: Final = {
    "timeout_is_failure":             ("S4", 2),
    "no_expiry_fence":                ("S4", 6),
    "cancel_reject_is_gone":          ("V7", 7),
    "cancel_by_cid":                  ("S4", 9),
    "match_response_by_cid":          ("S1", 11),
    "no_dedupe":                      ("agreement", 7),
    "drop_unknown_oid_fill":          ("S7", 6),
    "no_journal":                     ("V7", 2),
    "no_poll":                        ("V7", 5),
    "no_idle_poll":                   ("V7", 8),
    "modify_reject_is_resting":       ("S2", 10),
    "late_fill_dropped_after_cancel": ("S7", 7),
    "replace_instead_of_modify":      ("S4", 5),
    "no_tombstone":                   ("S2", 6),
    "modify_sends_original_qty":      ("S6", 4),
}
# fmt: on
by_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)


def test_there_are_fifteen_bugs_and_each_has_its_place() -> None:
    names = [bug.name for bug in BUGS]

    assert len(names) == len(set(names)) == 15
    assert names == list(WHERE) == list(FOUND)


@by_bug
def test_a_bug_is_found(bug: Bug) -> None:
    row = find(bug)

    assert (row.invariant, row.length) == FOUND[bug.name]


@by_bug
def test_with_one_unit_less_it_is_not_found(bug: Bug) -> None:
    found = [where.budgets for where in smaller(WHERE[bug.name]) if explored(bug, where).findings]

    assert found == []


@pytest.mark.parametrize(
    "where", sorted(set(WHERE.values()), key=repr), ids=lambda where: f"{where.story}-{where.venue}"
)
def test_where_bugs_are_found_the_shipped_core_has_none(where: Where) -> None:
    result = explore(where.setting, fuse=FUSE, heal_every=0)

    assert result.findings == ()


def test_a_bug_is_gone_when_its_block_ends() -> None:
    right = Blotter.book
    bug = next(bug for bug in BUGS if bug.name == "no_dedupe")

    with seeded(bug):
        during = Blotter.book

    assert during is not right
    assert Blotter.book is right


def test_the_page_says_how_the_bugs_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    committed = seeded_bugs.main(["--check"])
    (tmp_path / "docs").mkdir()
    absent = seeded_bugs.main(["--check"], tmp_path)

    assert (committed, absent) == (0, 1)
    assert "must say how the bugs are found" in capsys.readouterr().err
    assert seeded_bugs.main(["--other"], tmp_path) == 2
