"""Random stories find bugs as well, some of them soon."""

import pytest

from tools import detection
from tools.mutants.bugs import BUGS, Bug

EXAMPLES = 150
EARLY = ("timeout_is_failure", "no_dedupe", "late_fill_dropped_after_cancel")


@pytest.mark.parametrize(
    "bug", [bug for bug in BUGS if bug.name in EARLY], ids=lambda bug: bug.name
)
def test_a_common_bug_is_found_within_a_few_stories(bug: Bug) -> None:
    found = detection.examples_to_find(bug, EXAMPLES)

    assert found is not None
    number, what = found
    assert 0 < number <= EXAMPLES
    assert what


def test_the_number_of_examples_is_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert detection.main(["many"]) == 2
    assert "usage: python -m tools.detection" in capsys.readouterr().err
