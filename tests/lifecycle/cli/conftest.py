"""What several commands are tried with."""

import pytest

from lifecycle.run import trader
from lifecycle.run.watched import Watched
from spec.trace import Record


class _Strict(Watched):
    """Takes the third record of every run for a broken promise."""

    records = 0

    def feed(self, record: Record) -> None:
        del record
        self.records += 1
        if self.records == 3:
            self.violations += 1
            self.broken.append("1.00 s: S1, one unanswered request per order: two")


@pytest.fixture
def _every_run_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trader, "Watched", _Strict)
