"""The metrics: what is counted and read of a real run, and how they are served."""

import re
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import pytest

from exchange.commands import Modify, Place
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    ModifyRejected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import SECOND
from exchange.words import Alive, CancelReason, Outcome, Side
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.observe.metrics import MetricsError, MetricsExporter
from lifecycle.observe.table import METRICS, Kind
from spec.invariants.all import INVARIANTS
from spec.trace import Cycled, Divergence, Halted, Reaction, Record, Reported, Restarted
from tests.lifecycle.observe import live
from tests.story import INSTRUMENT, PLAIN, targets

pytest.importorskip("prometheus_client")
DOCS: Final = Path(__file__).resolve().parents[3] / "docs" / "observability.md"
NOTHING: Final = Reaction()
BOOK: Final = Market(0, 19_990, 20_010)


class Exported:
    """An exporter, and what a scrape would read of it."""

    def __init__(self) -> None:
        self.exporter = MetricsExporter(INSTRUMENT, policy="stable", session="s1")

    def value(self, name: str, **labels: str) -> float | None:
        """Return the number of a series; None where there is no such series."""
        everywhere = {"instrument": "STORY", "policy": "stable"}
        return self.exporter.registry.get_sample_value(name, everywhere | labels)


def reported(report: Report) -> Reported:
    return Reported(1, report, NOTHING)


@pytest.fixture
def exported() -> Exported:
    return Exported()


def test_a_real_run_is_counted_as_its_records_say() -> None:
    records: list[Record] = []
    exporter = MetricsExporter(live.MARKET.instrument)
    labels = {"instrument": "ETH", "policy": "stable"}

    def sink(record: Record) -> None:
        records.append(record)
        exporter.feed(record)

    manager = live.run(sink, exporter.look)

    def value(name: str, **more: str) -> float:
        return exporter.registry.get_sample_value(name, labels | more) or 0.0

    cycles = [record for record in records if isinstance(record, Cycled)]
    sent = [command for record in cycles for command in record.plan.commands]
    assert value("lifecycle_cycles_total") == len(cycles)
    places = sum(isinstance(command, Place) for command in sent)
    assert value("lifecycle_commands_total", kind="place") == places > 5
    modifies = sum(isinstance(command, Modify) for command in sent)
    assert value("lifecycle_commands_total", kind="modify") == modifies > 0
    bought = value("lifecycle_filled_quantity_total", side="buy")
    sold = value("lifecycle_filled_quantity_total", side="sell")
    lots = (bought - sold) / float(live.MARKET.instrument.lot)
    assert round(lots) == manager.position
    assert value("lifecycle_position") == pytest.approx(manager.position * 0.0001, abs=1.0)
    decisions = Counter(d.reason.value for record in cycles for d in record.plan.decisions)
    latched = value("lifecycle_decisions_total", action="keep", reason="latched")
    assert latched == decisions["latched"] > 0
    assert value("lifecycle_judged_cycles_total") == len(cycles) - 1
    present = value("lifecycle_present_cycles_total", side="buy")
    assert 0 < present < len(cycles)
    kept = value("lifecycle_order_cycles_kept_total")
    assert 0.8 < kept / value("lifecycle_order_cycles_total") < 1
    assert 0 < value("lifecycle_staleness_bps") < 20


def test_a_repeated_fill_counts_once_and_knows_its_side_by_its_place(exported: Exported) -> None:
    traced = TracedManager(OrderManager(INSTRUMENT, config=PLAIN), exported.exporter.feed)
    traced.cycle(1, targets([(19_000, 10)]), BOOK)
    traced.receive(Accepted(2, "000000001", "101", 1), 2)
    fill = Fill(3, "000000001", "101", 4, 19_000, "t1")

    traced.receive(fill, 3)
    traced.receive(fill, 4)
    traced.receive(Snapshot(5, (), (fill,)), 5)

    assert exported.value("lifecycle_fills_total", side="buy") == 1
    assert exported.value("lifecycle_filled_quantity_total", side="buy") == pytest.approx(0.04)
    notional = exported.value("lifecycle_filled_notional_total", side="buy")
    assert notional == pytest.approx(0.04 * 1900)
    assert exported.value("lifecycle_fills_total", side="sell") == 0


def test_what_was_counted_before_a_restart_is_remembered(exported: Exported) -> None:
    fill = Fill(3, None, "101", 4, 19_000, "t1", Side.SELL)
    exported.exporter.remember(reported(fill))

    exported.exporter.feed(reported(Snapshot(5, (), (fill,))))

    assert exported.value("lifecycle_fills_total", side="sell") == 0


def test_refusals_are_counted_by_request(exported: Exported) -> None:
    for report in (
        Rejected(1, "a", "tick"),
        ModifyRejected(1, "a", "tick", Alive.YES),
        CancelRejected(1, "a", "tick"),
        CancelRejected(1, "a", "tick"),
    ):
        exported.exporter.feed(reported(report))

    counts = [
        exported.value("lifecycle_rejects_total", request=request)
        for request in ("place", "modify", "cancel")
    ]
    assert counts == [1, 1, 2]
    assert exported.value("lifecycle_reports_total", kind="cancel_rejected") == 2


def test_a_divergence_is_counted(exported: Exported) -> None:
    report = Accepted(1, "a", "101")
    reaction = Reaction((), (Divergence("filled-accepted", "a", report),))

    exported.exporter.feed(Reported(1, report, reaction))

    assert exported.value("lifecycle_divergences_total") == 1


def test_alarms_have_a_zero_to_rise_from(exported: Exported) -> None:
    zeros = [exported.value("lifecycle_violations_total", invariant=one.id) for one in INVARIANTS]

    assert zeros == [0] * len(INVARIANTS)
    for name in ("lifecycle_divergences_total", "lifecycle_blind", "lifecycle_halted"):
        assert exported.value(name) == 0


def test_a_violation_is_counted_by_its_invariant(exported: Exported) -> None:
    exported.exporter.violated("S4")

    assert exported.value("lifecycle_violations_total", invariant="S4") == 1


def test_a_doubt_is_counted_once_however_often_it_is_seen(exported: Exported) -> None:
    manager = OrderManager(INSTRUMENT, config=PLAIN)
    traced = TracedManager(manager, exported.exporter.feed)
    plan = traced.cycle(1, targets([(19_000, 10)]), BOOK)
    place = plan.commands[0]
    assert isinstance(place, Place)
    traced.unanswered(place, Outcome.TIMEOUT, 2)

    exported.exporter.look(manager, 3, BOOK)
    exported.exporter.look(manager, 4, BOOK)

    assert exported.value("lifecycle_unanswered_total", outcome="timeout") == 1
    assert exported.value("lifecycle_doubts_total", request="place") == 1
    assert exported.value("lifecycle_open_orders", side="buy", state="in-doubt") == 1
    assert exported.value("lifecycle_exposure", direction="long") == pytest.approx(0.1)


def test_an_order_leaves_the_gauge_of_its_last_state(exported: Exported) -> None:
    manager = OrderManager(INSTRUMENT, config=PLAIN)
    manager.cycle(1, targets([(19_000, 10)]), BOOK)
    exported.exporter.look(manager, 2, BOOK)
    manager.receive(Accepted(3, "000000001", "101", 1), 3)
    exported.exporter.look(manager, 3, BOOK)
    resting = exported.value("lifecycle_open_orders", side="buy", state="resting")
    manager.receive(Cancelled(4, "000000001", "101", CancelReason.VENUE), 4)

    exported.exporter.look(manager, 4, BOOK)

    assert resting == 1
    assert exported.value("lifecycle_open_orders", side="buy", state="pending-new") == 0
    assert exported.value("lifecycle_open_orders", side="buy", state="resting") == 0


def test_a_cycle_is_judged_by_the_last_look_before_the_next(exported: Exported) -> None:
    manager = OrderManager(INSTRUMENT, config=PLAIN)
    traced = TracedManager(manager, exported.exporter.feed)
    wanted = targets([(19_000, 10)])
    traced.cycle(1, wanted, BOOK)
    exported.exporter.look(manager, 2, BOOK)
    traced.receive(Accepted(3, "000000001", "101", 1), 3)
    exported.exporter.look(manager, 4, BOOK)

    traced.cycle(5, wanted, BOOK)

    assert exported.value("lifecycle_judged_cycles_total") == 1
    assert exported.value("lifecycle_present_cycles_total", side="buy") == 1
    assert exported.value("lifecycle_presence", side="buy") == 1
    assert exported.value("lifecycle_staleness_bps") == 0


def test_an_early_cycle_judges_nothing(exported: Exported) -> None:
    manager = OrderManager(INSTRUMENT, config=PLAIN)
    traced = TracedManager(manager, exported.exporter.feed)
    wanted = targets([(19_000, 10)])
    traced.cycle(1, wanted, BOOK)
    exported.exporter.look(manager, 2, BOOK, early=True)

    traced.cycle(2, wanted, BOOK)

    assert exported.value("lifecycle_judged_cycles_total") == 0


def test_a_look_reads_the_gauges(exported: Exported) -> None:
    manager = OrderManager(INSTRUMENT, config=PLAIN)
    manager.restarted(1)

    exported.exporter.look(manager, 3 * SECOND, Market(SECOND, 19_990, 20_010), alarms=["spiral"])

    assert exported.value("lifecycle_blind") == 1
    assert exported.value("lifecycle_market_age_seconds") == 2
    assert exported.value("lifecycle_mid") == pytest.approx(2000)
    assert exported.value("lifecycle_headroom_ratio") == 1
    assert exported.value("lifecycle_quota_horizon_seconds") == float("inf")
    assert exported.value("lifecycle_alarm", alarm="spiral") == 1
    assert exported.value("lifecycle_alarm", alarm="bid absent") == 0


def test_a_halt_shows_until_the_restart(exported: Exported) -> None:
    exported.exporter.feed(Halted(1, "signal", NOTHING))
    halted = exported.value("lifecycle_halted")

    exported.exporter.feed(Restarted(2, NOTHING))

    assert halted == 1
    assert exported.value("lifecycle_halted") == 0


def test_the_session_is_the_one_of_the_last_restart(exported: Exported) -> None:
    exported.exporter.feed(Restarted(2, NOTHING, "s2"))

    text = exported.exporter.text()
    assert 'session="s2"' in text
    assert 'session="s1"' not in text


def test_the_journal_and_the_cycle_are_timed(exported: Exported) -> None:
    records: list[Record] = []
    append = exported.exporter.timed(records.append)

    append(Restarted(1, NOTHING))
    with exported.exporter.cycle_timer():
        pass

    assert records == [Restarted(1, NOTHING)]
    assert exported.value("lifecycle_journal_append_seconds_count") == 1
    assert exported.value("lifecycle_cycle_seconds_count") == 1


def test_metrics_are_served_and_the_port_is_given_back(exported: Exported) -> None:
    server = exported.exporter.serve(0)
    with urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        text = answer.read().decode()
    server.close()

    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", server.port))
    assert 'lifecycle_cycles_total{instrument="STORY",policy="stable"} 0.0' in text
    assert 'session="s1"' in text


def test_a_taken_port_is_told_in_one_line(exported: Exported) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(MetricsError) as caught:
            exported.exporter.serve(port)

    assert str(caught.value) == (
        f"the port for metrics must be free, was {port} on 127.0.0.1: address already in use, "
        "choose another"
    )


def test_a_port_that_is_none_is_refused(exported: Exported) -> None:
    with pytest.raises(MetricsError, match=r"^the port for metrics must be 0 to 65535, was 70000$"):
        exported.exporter.serve(70_000)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(MetricsError, match=r"pip install 'order-lifecycle\[metrics\]'$"):
        MetricsExporter(INSTRUMENT)


def test_two_exporters_share_nothing() -> None:
    one, other = Exported(), Exported()

    one.exporter.violated("S1")

    assert other.value("lifecycle_violations_total", invariant="S1") == 0


def test_what_has_not_arrived_in_the_fleets_journal_is_a_gauge() -> None:
    one = Exported()
    before = one.value("lifecycle_unforwarded_records")

    one.exporter.forwarded(12)

    assert before == 0
    assert one.value("lifecycle_unforwarded_records") == 12


def test_names_follow_the_conventions() -> None:
    for row in METRICS:
        assert re.fullmatch(r"lifecycle_[a-z_]+", row.name)
        assert row.name.endswith("_total") is (row.kind is Kind.COUNTER)
        assert row.meaning.endswith(".")
    assert len({row.name for row in METRICS}) == len(METRICS)


def test_every_metric_is_documented_with_its_labels_and_meaning() -> None:
    text = DOCS.read_text(encoding="utf-8")

    for row in METRICS:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        assert f"| `{row.name}` | {row.kind} | {labels} | {row.meaning} |" in text
