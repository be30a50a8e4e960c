"""Records and headers survive being written and read, whatever happened; and replay to the same."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from exchange.instrument import Instrument
from exchange.venue import Capabilities
from lifecycle.config import BandsConfig, Config
from lifecycle.journal import SCHEMA, Header, SqliteJournal, read_journal
from lifecycle.journal.encoding import RecordDecoder, RecordEncoder, decode_header, encode_header
from lifecycle.run.config import RunConfig
from spec.trace import Record
from tests.lifecycle.journal.runs import a_run, header_of, replayed, state
from tools.mutants.machine import Lifecycle

STEPS = 40


class Journalled(Lifecycle):
    """Anything may happen; afterwards the journal of it is read and replayed."""

    def teardown(self) -> None:
        """Write what has happened, in two runs, and rebuild the manager from the file."""
        if not hasattr(self, "world"):
            return
        trace, header = self.world.trace, header_of(self.world)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "run.journal"
            journal = SqliteJournal.create(path, header, synchronous="OFF")
            for number, record in enumerate(trace):
                if number == len(trace) // 2:
                    journal.close()
                    journal, _ = SqliteJournal.resume(path, synchronous="OFF")
                journal.append(record)
            recording = read_journal(path)
            read = list(recording.records())
            journal.close()

        assert recording.damage is None
        assert recording.header == header
        assert read == trace
        assert state(replayed(recording.header, read)) == state(self.world.manager.manager)


def test_a_manager_rebuilt_from_its_journal_decides_and_is_the_same() -> None:
    run_state_machine_as_test(Journalled, settings=settings(stateful_step_count=STEPS))


def coded(records: list[Record]) -> list[Record]:
    encoder, decoder = RecordEncoder(), RecordDecoder()
    return [decoder.decode(encoder.encode(record)) for record in records]


@pytest.mark.parametrize("config", ["plain", "layers", "quota"])
def test_records_are_read_as_they_were_written(config: str) -> None:
    trace = a_run(300, seed=2, config=config).trace

    read = coded(trace)

    assert read == trace
    assert [repr(record) for record in read] == [repr(record) for record in trace]


def test_an_encoder_that_starts_in_the_middle_is_read_by_the_same_decoder() -> None:
    trace = a_run(100).trace
    decoder = RecordDecoder()

    read = []
    for start in range(0, len(trace), 7):
        encoder = RecordEncoder()
        read += [decoder.decode(encoder.encode(record)) for record in trace[start : start + 7]]

    assert read == trace


def test_a_cycle_that_wants_what_the_last_one_did_is_small() -> None:
    world = a_run(100)
    world.cycle(world.targets, 1)
    encoder = RecordEncoder()
    cycle = world.trace[-1]

    first, second = encoder.encode(cycle), encoder.encode(cycle)

    assert len(second) < len(first) / 2


def test_a_cycle_cannot_be_read_without_the_one_that_it_builds_on() -> None:
    world = a_run(100)
    world.cycle(world.targets, 1)
    encoder = RecordEncoder()
    encoder.encode(world.trace[-1])

    body = encoder.encode(world.trace[-1])

    with pytest.raises(ValueError, match=r"^a cycle must follow one that was written in full$"):
        RecordDecoder().decode(body)


def test_a_header_is_read_as_it_was_written() -> None:
    instrument = Instrument("BTC", Decimal("0.5"), Decimal("0.001"), Decimal(5), 5)
    capabilities = Capabilities(modify_keeps_oid=True, batch_max=7)
    config = RunConfig(bands=BandsConfig(latch_bps=2.5))
    header = Header.of_now("abc", instrument, capabilities, config, "γ")

    read = decode_header(encode_header(header))

    assert read.schema == SCHEMA
    assert read.instrument == instrument
    assert read.instrument.tick(1_000_000) == instrument.tick(1_000_000)
    assert read.config.bands == config.bands
    assert read == header


def test_of_a_runs_configuration_the_managers_part_is_written() -> None:
    config = RunConfig(bands=BandsConfig(latch_bps=2.5))
    header = msgspec.structs.replace(header_of(a_run(1)), config=config)

    read = decode_header(encode_header(header)).config

    assert type(read) is Config
    assert read.bands == config.bands
