"""A sweep on a real Dask cluster: a scheduler and workers of this machine, started here."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT, CHECK_FAILED, HELD
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.workers import Done, each
from lifecycle.sweep.code import code_digest
from lifecycle.sweep.kept import Kept
from lifecycle.sweep.plan import Block, Plan, Source, Varied, settings_of
from lifecycle.sweep.play import Ended
from lifecycle.sweep.sweep import Spread, sweep
from tests.conftest import ROOT

distributed = pytest.importorskip("distributed", reason="Dask's distributed is absent")
tables = pytest.importorskip("lifecycle.sweep.table", reason="pyarrow is absent")
cluster = pytest.importorskip("lifecycle.sweep.cluster")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

LATCH: Final = Varied(("bands", "latch_bps"), (2.0, 5.0, None))
HERE: Final = re.compile(r"(tcp://127\.0\.0\.1:\d+)")
PLAIN: Final = ("--no-dashboard", "--host", "127.0.0.1")
WORKER: Final = ("--nthreads", "1", "--no-nanny")


class House:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, address: str, scheduler: subprocess.Popen[str], stack: ExitStack) -> None:
        self.address = address
        self.scheduler = scheduler
        self.workers: list[subprocess.Popen[str]] = []
        self._stack = stack

    def hire(self, count: int, code: Path = ROOT) -> None:
        """Start so many workers more, with the code in a folder, and wait until they are there."""
        for _ in range(count):
            worker = started("dask_worker", self.address, *PLAIN, *WORKER, code=code)
            self.workers.append(self._stack.enter_context(worker))
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)


@contextmanager
def started(program: str, *arguments: str, code: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    """Run one of Dask's programs; it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
        stderr=subprocess.PIPE if program == "dask_scheduler" else subprocess.DEVNULL,
        text=True,
        cwd=code,
        env=os.environ | {"PYTHONPATH": str(code)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


@pytest.fixture
def house() -> Iterator[House]:
    """Start a scheduler."""
    with ExitStack() as stack:
        scheduler = stack.enter_context(started("dask_scheduler", *PLAIN, "--port", "0"))
        assert scheduler.stderr is not None
        found = next(match for line in scheduler.stderr if (match := HERE.search(line)))
        yield House(found[1], scheduler, stack)


def planned(seeds: Iterable[int], minutes: float = 1.5) -> Plan:
    config = RunConfig(market=MarketConfig(minutes=minutes))
    settings = list(settings_of(config, ["stable"], [LATCH]))
    return Plan([LATCH.key], settings, [Source("generated")], list(seeds), code_digest())


def swept(plan: Plan, path: Path, spread: Spread, tell: Callable[[Any], None]) -> Kept:
    wanted = {run.key for run in plan.runs()}
    with closing(Kept(path.with_name(path.name + ".runs"), wanted)) as kept:
        sweep(plan, kept, spread, tell=tell)
    tables.write(path, plan, kept)
    return kept


def at(address: str) -> Spread:
    """Return what spreads blocks over the cluster at an address."""

    def spread(
        do: Callable[[Block], list[Ended]], blocks: Iterable[Block]
    ) -> Generator[Done[Block, list[Ended]], None, None]:
        with closing(cluster.connected(address)) as client:
            yield from cluster.each_at(client, do, blocks)

    return spread


def command(*args: object) -> Result:
    return CliRunner().invoke(main, ["sweep", *map(str, args)], catch_exceptions=False)


def test_a_worker_killed_in_mid_run_changes_nothing(house: House, tmp_path: Path) -> None:
    house.hire(2)
    plan = planned(range(1, 21))
    killed: list[int] = []

    def kill_one(ended: list[Ended]) -> None:
        # Both are at their next blocks, and have more waiting.
        if not killed:
            house.workers[0].send_signal(signal.SIGKILL)
            killed.append(len(ended))

    kept = swept(plan, tmp_path / "dask", at(house.address), kill_one)
    swept(plan, tmp_path / "here", lambda do, blocks: each(do, blocks), lambda _: None)

    assert killed == [3]
    assert house.workers[0].wait(timeout=30) == -signal.SIGKILL
    assert house.workers[1].poll() is None
    assert [one.error for one in kept.ended.values()] == [""] * len(plan)
    assert (tmp_path / "dask").read_bytes() == (tmp_path / "here").read_bytes()


def test_the_command_gives_the_same_table_here_and_there(house: House, tmp_path: Path) -> None:
    house.hire(1)
    options = ("--vary", "latch_bps=2,5", "--vary", "levels=1,2", "--seeds", "1:3", "--minutes", 2)

    there = command(tmp_path / "there", *options, "--dask", house.address)
    here = command(tmp_path / "here", *options, "--workers", 2)

    assert (there.exit_code, here.exit_code) == (HELD, HELD)
    assert "12 of 12 runs" in there.stderr
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()


def test_a_run_that_fails_there_is_a_row_with_its_error(house: House, tmp_path: Path) -> None:
    house.hire(1)
    options = ("--vary", "quoter.size=0.1,0.123456789", "--seeds", "1:2", "--minutes", 1.5)

    result = command(tmp_path / "x", *options, "--dask", house.address)

    assert result.exit_code == CHECK_FAILED
    assert "4 runs, 2 failed" in result.stderr
    assert sum(error is not None for error in tables.read(tmp_path / "x").columns["error"]) == 2


def test_a_worker_that_comes_late_is_given_runs(house: House, tmp_path: Path) -> None:
    plan = planned([1, 2])
    hired: list[str] = []

    def spread(
        do: Callable[[Block], list[Ended]], blocks: Iterable[Block]
    ) -> Generator[Done[Block, list[Ended]], None, None]:
        def asked() -> bool:
            if not hired:
                hired.append("one")
                house.hire(1)
            return False

        with closing(cluster.connected(house.address)) as client:
            yield from cluster.each_at(client, do, blocks, stopped=asked)

    kept = swept(plan, tmp_path / "x", spread, lambda _: None)

    assert [one.error for one in kept.ended.values()] == [""] * len(plan)


def test_a_cluster_without_workers_is_told_once(house: House, tmp_path: Path) -> None:
    plan = planned([1, 2])
    told: list[str] = []

    def deserted() -> None:
        told.append("nobody")
        house.hire(1)

    def spread(
        do: Callable[[Block], list[Ended]], blocks: Iterable[Block]
    ) -> Generator[Done[Block, list[Ended]], None, None]:
        with closing(cluster.connected(house.address)) as client:
            yield from cluster.each_at(client, do, blocks, deserted=deserted)

    kept = swept(plan, tmp_path / "x", spread, lambda _: None)

    assert told == ["nobody"]
    assert [one.error for one in kept.ended.values()] == [""] * len(plan)


def test_a_scheduler_that_is_gone_ends_the_sweep_with_what_it_has(
    house: House, tmp_path: Path
) -> None:
    house.hire(1)
    plan = planned(range(1, 21))

    with pytest.raises(cluster.ClusterError, match="the Dask scheduler must stay"):
        swept(plan, tmp_path / "x", at(house.address), lambda _: house.scheduler.kill())

    assert 3 <= len((tmp_path / "x.runs").read_bytes().splitlines()) < len(plan)
    assert not (tmp_path / "x").exists()


def test_nothing_begins_there_once_the_end_is_asked_for(house: House) -> None:
    house.hire(1)

    with closing(cluster.connected(house.address)) as client:
        done = list(cluster.each_at(client, abs, [1, 2], stopped=lambda: True))

    assert done == []


def test_workers_without_our_package_are_bad_input(house: House, tmp_path: Path) -> None:
    (tmp_path / "lifecycle").mkdir()
    (tmp_path / "lifecycle" / "__init__.py").write_text("")
    house.hire(1, tmp_path)

    result = command(tmp_path / "x", "--seeds", 1, "--dask", house.address)

    assert result.exit_code == BAD_INPUT
    assert "must have the order-lifecycle that is here, had" in result.stderr
    assert "No module named 'lifecycle.sweep'" in result.stderr


def test_workers_with_other_code_are_bad_input(house: House, tmp_path: Path) -> None:
    for package in ("exchange", "spec", "lifecycle"):
        # As Python: beside the extensions there is a library of theirs that is no package.
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.so", "*.pyd")
        )
    with (tmp_path / "lifecycle" / "config.py").open("a") as file:
        file.write("# Of another day.\n")
    house.hire(1, tmp_path)

    result = command(tmp_path / "x", "--seeds", 1, "--dask", house.address)

    assert result.exit_code == BAD_INPUT
    assert "must have the order-lifecycle that is here, had another one" in result.stderr


def test_an_address_where_nothing_answers_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)

    result = command(tmp_path / "x", "--seeds", 1, "--dask", "tcp://127.0.0.1:1")

    assert result.exit_code == BAD_INPUT
    assert "a Dask scheduler must answer at tcp://127.0.0.1:1" in result.stderr


@pytest.mark.parametrize("address", ["", "pigeon", "tcp://10.0.0.5", "carrier://pigeon:1"])
def test_an_address_that_is_none_is_bad_input_at_once(address: str, tmp_path: Path) -> None:
    result = command(tmp_path / "x", "--seeds", 1, "--dask", address)

    assert result.exit_code == BAD_INPUT
    rule = "--dask must be the address of a scheduler, as tcp://10.0.0.5:8786"
    assert result.stderr == f"lifecycle: {rule}, was {address!r}\n"
