"""A sweep from plan to table: the same wherever it is spread, and nothing is played twice."""

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.workers import Done, each
from lifecycle.sweep.code import code_digest
from lifecycle.sweep.kept import Kept
from lifecycle.sweep.plan import Block, Plan, Source, Varied, settings_of
from lifecycle.sweep.play import Ended, play_block
from lifecycle.sweep.sweep import Spread, sweep

tables = pytest.importorskip("lifecycle.sweep.table", reason="pyarrow is absent")

CONFIG = RunConfig(market=MarketConfig(minutes=1.5))
LATCH = Varied(("bands", "latch_bps"), (2.0, 5.0, None))


def planned(seeds: Iterable[int] = (1, 2, 3), latch: Varied = LATCH) -> Plan:
    settings = list(settings_of(CONFIG, ["stable"], [latch]))
    return Plan([latch.key], settings, [Source("generated")], list(seeds), code_digest())


def on(workers: int) -> Spread:
    return lambda do, blocks: each(do, blocks, workers=workers)


def swept(
    plan: Plan, path: Path, spread: Spread, play: Callable[[Block], list[Ended]] = play_block
) -> tuple[Kept, list[Ended]]:
    """Sweep, write the table, and return what is kept and what was played."""
    told: list[Ended] = []
    wanted = {run.key for run in plan.runs()}
    with closing(Kept(path.with_name(path.name + ".runs"), wanted)) as kept:
        sweep(plan, kept, spread, tell=told.extend, play=play)
    tables.write(path, plan, kept)
    return kept, told


def die_with_seed_2(block: Block) -> list[Ended]:
    """Take the process along where a run has the latch 5; must be importable by the workers."""
    for _, job in block.jobs:
        if job.seed == 2 and job.config.bands.latch_bps == 5:
            os._exit(3)
    return play_block(block)


def fail_with_seed_2(block: Block) -> list[Ended]:
    if block.jobs[0][1].seed == 2:
        raise ZeroDivisionError
    return play_block(block)


def test_one_process_and_two_give_the_same_bytes(tmp_path: Path) -> None:
    swept(planned(), tmp_path / "one", on(1))
    swept(planned(), tmp_path / "two", on(2))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_over_is_not_played_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    swept(planned([1]), path, on(1))

    _, more = swept(planned([1, 2, 3]), path, on(1))
    swept(planned([1, 2, 3]), tmp_path / "at once", on(1))

    assert len(more) == 6
    assert path.read_bytes() == (tmp_path / "at once").read_bytes()


def test_a_sweep_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x"

    def two_blocks(
        do: Callable[[Block], list[Ended]], blocks: Iterable[Block]
    ) -> Generator[Done[Block, list[Ended]], None, None]:
        for done in each(do, blocks):
            if done.index == 2:
                raise KeyboardInterrupt
            yield done

    with pytest.raises(KeyboardInterrupt):
        swept(planned(), path, two_blocks)
    _, told = swept(planned(), path, on(1))

    assert len(told) == 3
    assert len((tmp_path / "x.runs").read_bytes().splitlines()) == len(planned())


def test_a_run_that_kills_its_process_fails_alone(tmp_path: Path) -> None:
    kept, _ = swept(planned(), tmp_path / "x", on(2), die_with_seed_2)

    failed = {run.key for run in planned().runs() if run.seed == 2 and run.setting.values == (5.0,)}
    assert {key for key, one in kept.ended.items() if one.summary is None} == failed
    assert [kept.ended[key].error for key in failed] == [
        "its process died, perhaps for want of memory"
    ]


def test_a_block_that_fails_is_a_row_with_its_error_for_each_run(tmp_path: Path) -> None:
    path = tmp_path / "x"

    swept(planned(), path, on(1), fail_with_seed_2)

    columns = tables.read(path).columns
    rows = zip(columns["seed"], columns["error"], columns["fills"], strict=True)
    for seed, error, fills in rows:
        assert error == ("ZeroDivisionError" if seed == 2 else None)
        assert (fills is None) == (seed == 2)


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    swept(planned(), path, on(1), fail_with_seed_2)

    _, told = swept(planned(), path, on(1))

    assert len(told) == 3
    assert tables.read(path).columns["error"] == [None] * 9
