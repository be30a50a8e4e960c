"""The pool of worker processes: nothing is lost, nothing is done after the end is asked for."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lifecycle.run.workers import AHEAD, Done, ProcessDiedError, each, is_stopped, one_line

both = pytest.mark.parametrize("workers", [1, 2])


def double(task: int) -> int:
    """Stand for work; must be importable by the workers."""
    return 2 * task


def raise_at_2(task: int) -> int:
    if task == 2:
        raise ZeroDivisionError("at 2")
    return double(task)


def die_at_2(task: int) -> int:
    if task == 2:
        os._exit(3)
    return double(task)


def die_once(folder: str) -> str:
    """Die of the first attempt only, as for want of memory."""
    try:
        (Path(folder) / "tried").touch(exist_ok=False)
    except FileExistsError:
        return "done"
    os._exit(3)


def until_stopped(task: int) -> int:
    while not is_stopped():
        continue
    return task


def pid(task: int) -> int:
    del task
    return os.getpid()


def in_order(done: Iterator[Done[int, int]]) -> list[int | None]:
    return [one.result for one in sorted(done, key=lambda one: one.index)]


@both
def test_every_task_is_done_and_told_with_its_place(workers: int) -> None:
    done = list(each(double, [5, 6, 7], workers=workers))

    assert sorted((one.index, one.task, one.result) for one in done) == [
        (0, 5, 10),
        (1, 6, 12),
        (2, 7, 14),
    ]


@both
def test_a_task_that_raises_takes_no_other_with_it(workers: int) -> None:
    done = list(each(raise_at_2, [1, 2, 3], workers=workers))

    assert in_order(iter(done)) == [2, None, 6]
    [error] = [one.error for one in done if one.error is not None]
    assert one_line(error) == "ZeroDivisionError: at 2"


def test_a_task_that_kills_its_process_fails_alone() -> None:
    tasks = list(range(20))

    done = list(each(die_at_2, tasks, workers=2))

    assert in_order(iter(done)) == [None if task == 2 else 2 * task for task in tasks]
    [died] = [one for one in done if one.error is not None]
    assert isinstance(died.error, ProcessDiedError)
    assert one_line(died.error) == "its process died, perhaps for want of memory"


def test_what_died_for_once_is_done_again(tmp_path: Path) -> None:
    [done] = each(die_once, [str(tmp_path)], workers=2)

    assert done.result == "done"


@both
def test_tasks_without_end_are_taken_a_few_ahead(workers: int) -> None:
    taken = itertools.count()

    with closing(each(double, taken, workers=workers)) as done:
        first = next(done)

    assert first.task < AHEAD * workers
    assert next(taken) <= AHEAD * workers + 1


@both
def test_nothing_begins_once_the_end_is_asked_for(workers: int) -> None:
    assert list(each(double, [1, 2], workers=workers, stopped=lambda: True)) == []


@both
def test_what_is_under_way_ends_early_and_is_told(workers: int) -> None:
    asked = iter([False] * 4)

    done = list(each(until_stopped, range(100), workers=workers, stopped=lambda: next(asked, True)))

    assert 1 <= len(done) <= AHEAD * workers
    assert all(one.result == one.task for one in done)


def test_one_worker_is_this_process_and_two_are_others() -> None:
    alone = {one.result for one in each(pid, range(4), workers=1)}
    beside = {one.result for one in each(pid, range(4), workers=2)}

    assert alone == {os.getpid()}
    assert os.getpid() not in beside


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_workers_end_with_a_caller_that_is_killed() -> None:
    # A worker holds the pipe open as long as it lives.
    script = (
        "from tests.lifecycle.run.test_workers import pid\n"
        "from lifecycle.run.workers import each\n"
        "if __name__ == '__main__':\n"
        "    import itertools\n"
        "    for done in each(pid, itertools.count(), workers=2):\n"
        "        print(done.result, flush=True)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    caller.stdout.readline()

    caller.send_signal(signal.SIGKILL)
    caller.communicate(timeout=30)

    assert caller.returncode == -signal.SIGKILL
