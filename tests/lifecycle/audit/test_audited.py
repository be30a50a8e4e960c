"""Audits of journals: what they count, what they find, and where."""

from typing import Final

import pytest
from msgspec import structs

from exchange.units import SECOND
from lifecycle.audit import audited as module
from lifecycle.audit.audited import Audit, Audited, Read, audit_journal
from lifecycle.audit.window import EVERYTHING, Moment, Window
from spec.trace import Cycled, Record
from tests.lifecycle.audit.journals import AMENDS, a_run
from tests.spec.invariants.records import RULES, cycle, heard, place, placed, placing, restarted

SECONDS: Final = 1_000_000_000


def audit(records: list[Record], window: Window = EVERYTHING, *, replay: bool = False) -> Audited:
    return audit_journal("a", a_run().header, records, window=window, replay=replay)


def twice() -> list[Record]:
    """Return a trace in which `a` is placed at 1 s and again at 2 s and 3 s."""
    again = [cycle(at, [(20_000, 10)], placed(), sends=[place(at, at=at)]) for at in (2, 3)]
    return [*placing(), *again]


@pytest.mark.parametrize("policy", ["stable", "legacy"])
def test_a_run_of_ours_holds_and_is_reproduced(policy: str) -> None:
    journal = a_run(policy)

    found = audit_journal("a", journal.header, journal.records, replay=True)

    assert (dict(found.counts), found.violations, found.difference) == ({}, (), None)
    assert found.holds
    assert found.judged == len(found.promises)
    assert found.sentence().endswith("promises: held")


def test_a_run_on_a_venue_that_amends_holds() -> None:
    journal = a_run(capabilities=AMENDS)

    assert audit_journal("a", journal.header, journal.records, replay=True).holds


def test_what_was_read_is_counted() -> None:
    journal = a_run()
    cycles = [record for record in journal.records if isinstance(record, Cycled)]
    commands = [type(one).__name__ for record in cycles for one in record.plan.commands]

    read = audit(journal.records).read

    assert (read.records, read.cycles) == (len(journal.records), len(cycles))
    assert read.orders == commands.count("Place") > 0
    assert read.modifies == commands.count("Modify") > 0
    assert read.first_at == journal.records[0].now
    assert read.last_at == journal.records[-1].now


def test_fills_and_restarts_are_counted() -> None:
    audit = Audit(RULES)

    audit.feed(placing()[0], 0)
    audit.feed(restarted(2), 1)

    assert (audit.read.restarts, audit.read.fills) == (1, 0)


def test_a_violation_names_its_time_its_order_and_its_record() -> None:
    audit = Audit(RULES)

    for number, record in enumerate(twice()):
        audit.feed(record, number)

    found = [one for one in audit.violations if one.invariant == "S17"]
    assert [(one.at, one.cloid, one.record) for one in found] == [
        (2 * SECOND, "a", 1),
        (3 * SECOND, "a", 2),
    ]
    assert audit.counts["S17"] == 2


@pytest.mark.parametrize(
    ("window", "times", "records"),
    [
        (EVERYTHING, [2, 3], 3),
        (Window(since=Moment(2 * SECONDS, is_absolute=False)), [3], 3),
        (Window(since=Moment(3 * SECONDS, is_absolute=True)), [3], 3),
        (Window(until=Moment(1 * SECONDS, is_absolute=False)), [2], 2),
    ],
)
def test_a_window_counts_what_breaks_in_it_by_all_that_was_before(
    window: Window, times: list[int], records: int
) -> None:
    audit = Audit(RULES, window=window)

    module.run(audit, enumerate(twice()))

    assert [one.at // SECOND for one in audit.violations if one.invariant == "S17"] == times
    assert audit.read.records == records


def test_what_is_decided_otherwise_is_named_with_the_first_difference() -> None:
    records = list(a_run().records)
    number = next(
        n for n, one in enumerate(records) if isinstance(one, Cycled) and one.plan.commands
    )
    record = records[number]
    assert isinstance(record, Cycled)
    plan = structs.replace(record.plan, commands=record.plan.commands[1:])
    records[number] = structs.replace(record, plan=plan)

    found = audit(records, replay=True)

    assert found.difference is not None
    assert found.difference.record == number
    assert found.difference.recorded.startswith("commands: Place(")
    assert not found.holds
    assert f"record {number} is not reproduced" in found.sentence()


def test_time_that_runs_backwards_is_a_difference_and_no_accident() -> None:
    records = list(a_run().records)
    records[1], records[2] = records[2], records[1]

    found = audit(records, replay=True)

    assert found.difference is not None


def test_only_so_many_violations_are_kept_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LISTED_MAX", 1)
    audit = Audit(RULES)

    for number, record in enumerate(twice()):
        audit.feed(record, number)

    assert len(audit.violations) == 1
    assert audit.read.violations == audit.counts.total() > 1


def test_a_long_reading_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_EVERY", 2)
    told: list[int] = []

    def tell(read: Read) -> None:
        told.append(read.records)

    module.run(
        Audit(RULES), enumerate([*placing(), restarted(2), restarted(3), restarted(4)]), tell
    )

    assert told == [2, 4]


def test_an_empty_journal_holds() -> None:
    assert audit([]).holds


def test_a_divergent_report_alone_breaks_nothing() -> None:
    from exchange.reports import Limited

    audit = Audit(RULES)

    audit.feed(heard(1, Limited(SECOND)), 0)

    assert audit.violations == []
