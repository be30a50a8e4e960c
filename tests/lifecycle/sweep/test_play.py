"""What a worker does with a block, and when it refuses."""

from itertools import islice
from pathlib import Path

import pytest
from msgspec import structs

from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.recording import write
from lifecycle.run.compare import Job, play
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.frame import Summary
from lifecycle.run.market import LoadedMarket
from lifecycle.sweep.code import code_digest, file_digest
from lifecycle.sweep.plan import Block, Plan, Source, Varied, settings_of
from lifecycle.sweep.play import Ended, play_block

CONFIG = RunConfig(market=MarketConfig(minutes=1.5))
LEVELS = Varied(("quoter", "levels"), (1, 2, 3))


def block_of(
    source: Source, *varied: Varied, config: RunConfig = CONFIG, code: str | None = None
) -> Block:
    """Return all settings on one market, with seed 1."""
    settings = list(settings_of(config, ["stable"], varied))
    keys = [one.key for one in varied]
    plan = Plan(keys, settings, [source], [1], code_digest() if code is None else code)
    return Block(plan.code, source, tuple((run.key, run.job) for run in plan.runs()))


@pytest.fixture
def market(tmp_path: Path) -> Source:
    """Write two minutes of a market to a file."""
    path = tmp_path / "venue_eth.csv.gz"
    flow = generate(GeneratorConfig(), 3)
    write(path, GENERATED, islice(flow, 3000))
    return Source("eth", str(path), file_digest(str(path)))


def test_a_run_of_a_block_is_the_run_that_is_played_alone() -> None:
    block = block_of(Source("generated"), LEVELS)

    ended = play_block(block)

    assert [one.run for one in ended] == [key for key, _ in block.jobs]
    for one, (_, job) in zip(ended, block.jobs, strict=True):
        alone = play(job)
        assert one.summary is not None
        assert alone is not None
        assert one.summary == structs.replace(
            alone, kept={}, timeline=[], kept_by={}, suppressed={}, alerts=[], series=[]
        )


def test_a_recording_is_played_as_well(market: Source) -> None:
    ended = play_block(block_of(market, LEVELS))

    assert [one.error for one in ended] == ["", "", ""]
    assert all(one.summary is not None and one.summary.rows > 1000 for one in ended)


def test_a_run_that_raises_takes_no_other_with_it() -> None:
    def play_all_but_two_levels(market: LoadedMarket, job: Job) -> Summary | None:
        del market
        if job.config.quoter.levels == 2:
            raise ZeroDivisionError("two")
        return play(job)

    ended = play_block(block_of(Source("generated"), LEVELS), play_all_but_two_levels)

    assert [one.error for one in ended] == ["", "ZeroDivisionError: two", ""]
    assert [one.summary is None for one in ended] == [False, True, False]
    assert not ended[1].is_input


def test_a_setting_without_meaning_for_the_market_is_an_error_of_the_input() -> None:
    sizes = Varied(("quoter", "size"), ("0.1", "0.123456789"))

    _, failed = play_block(block_of(Source("generated"), sizes))

    assert failed.is_input
    assert failed.error == "quoter.size must be a multiple of 0.0001, was 0.123456789"


def test_a_feed_that_the_generated_market_lacks_fails_alone() -> None:
    feeds = Varied(("venue", "feed"), ("fast", "recorded"))

    fast, recorded = play_block(block_of(Source("generated"), feeds))

    assert fast.summary is not None
    assert "feed must not be recorded" in recorded.error


def test_a_worker_with_other_code_refuses() -> None:
    [ended] = play_block(block_of(Source("generated"), code="of yesterday"))

    assert ended == Ended(
        ended.run,
        error="the worker must have the code that the sweep began with, was other code; install "
        "the same order-lifecycle there and start it again",
        is_input=True,
    )


def test_a_worker_that_sees_another_file_refuses(market: Source) -> None:
    [ended] = play_block(block_of(structs.replace(market, digest="of another")))

    assert ended.is_input
    assert "must be the file that the sweep began with" in ended.error


def test_a_worker_that_does_not_see_the_file_says_so(tmp_path: Path) -> None:
    absent = Source("eth", str(tmp_path / "absent.csv"), "d")

    [ended] = play_block(block_of(absent))

    assert ended.is_input
    assert ended.error.endswith("absent.csv: No such file or directory")


def test_a_file_that_is_no_market_fails_every_run(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("not,a,market\n")
    broken = Source("broken", str(path), file_digest(str(path)))

    ended = play_block(block_of(broken, LEVELS))

    assert {one.error.partition(":")[0] for one in ended} == {"broken.csv, line 1"}
