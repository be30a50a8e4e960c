"""A pool of worker processes: tasks go in, what came of each comes out, in the caller's thread.

What is done in it is a function of its task, so where it is done makes no difference. Tasks are
taken a few ahead of what is under way, so there may be any number of them, or no end to them. A
task that raises takes no other with it. Where a whole process dies, what was under way is done
again, each task in a process of its own, and only the one that did it fails.

Ctrl-C is the caller's: workers do not hear it. The caller says by `stopped` that it is enough; then
nothing else begins, and a task that asks `is_stopped` between two steps ends early. A caller that
is killed takes its workers along. With one worker no process is started.
"""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event
from typing import Final, Generic, TypeAlias, TypeVar

from lifecycle.caught import Caught

Task = TypeVar("Task")
Result = TypeVar("Result")
Stopped: TypeAlias = Callable[[], bool]

LOOK_S: Final = 0.1
"""How often to look whether the user wants to end it."""
AHEAD: Final = 3
"""Tasks a worker that are begun or waiting: none is idle while the caller takes a result in."""


class ProcessDiedError(RuntimeError):
    """A worker process died of its task."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Task, Result]):
    """What came of a task."""

    index: int
    """Its place among the tasks, from 0."""
    task: Task
    result: Result | None = None
    error: Exception | None = None
    """What it raised, None where it has a result."""


def one_line(error: Exception) -> str:
    """Say an error that a task has raised in one line, with its kind where it is not ours."""
    words = " ".join(str(error).split())
    if isinstance(error, ProcessDiedError):
        return words
    return f"{type(error).__name__}: {words}".removesuffix(": ")


# In a worker.


class _Here:
    """What a worker knows besides its task."""

    stopped: Stopped = staticmethod(lambda: False)


def is_stopped() -> bool:
    """Say whether the task that asks is to end; it does so between two of its steps."""
    return _Here.stopped()


def _begin(stop: Event) -> None:
    _Here.stopped = stop.is_set
    threading.Thread(target=_end_with_the_caller, daemon=True).start()


def _end_with_the_caller() -> None:
    """End this process when the caller's was killed: nobody will ever give it a task again."""
    caller = parent_process()
    assert caller is not None, "a worker has been started by its caller"
    caller.join()
    os._exit(1)


# In the caller.


def each(
    do: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int = 1,
    stopped: Stopped = lambda: False,
) -> Generator[Done[Task, Result], None, None]:
    """Do each task, and yield what came of it when it is there.

    `stopped` is asked often. Once it says so, what is under way is told and yielded as well, the
    rest is not begun. `do` and the tasks must be picklable where there are several workers. Close
    what is returned, to be sure that no worker outlives it.
    """
    waiting = iter(enumerate(tasks))
    if workers == 1:
        yield from _here(do, waiting, stopped)
        return
    while lost := (yield from _beside(do, waiting, workers, stopped)):
        for index, task in lost:
            if (yield from _beside(do, iter([(index, task)]), 1, stopped)):
                died = ProcessDiedError("its process died, perhaps for want of memory")
                yield Done(index, task, error=died)


def _here(
    do: Callable[[Task], Result], waiting: Iterator[tuple[int, Task]], stopped: Stopped
) -> Generator[Done[Task, Result], None, None]:
    while not stopped():
        following = next(waiting, None)
        if following is None:
            return
        result: Result | None = None
        before, _Here.stopped = _Here.stopped, stopped
        try:
            with Caught() as caught:
                result = do(following[1])
        finally:
            _Here.stopped = before
        yield Done(*following, result, caught.error)


def _beside(
    do: Callable[[Task], Result],
    waiting: Iterator[tuple[int, Task]],
    workers: int,
    stopped: Stopped,
) -> Generator[Done[Task, Result], None, list[tuple[int, Task]]]:
    """Do tasks in processes until there are no more; return what was lost where one died."""
    lost: list[tuple[int, Task]] = []
    under_way: dict[Future[Result], tuple[int, Task]] = {}
    with _pool(workers) as (executor, stop):
        while True:
            if stopped():
                stop.set()
                for future in under_way:
                    future.cancel()
            elif not lost:
                _fill(executor, do, waiting, AHEAD * workers, under_way, lost)
            if not under_way:
                return lost
            done, _ = wait(under_way, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in [future for future in under_way if future in done]:
                index, task = under_way.pop(future)
                if future.cancelled():
                    continue
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    lost.append((index, task))
                elif error is None:
                    yield Done(index, task, future.result())
                else:
                    assert isinstance(error, Exception), "a worker's own end is not passed on"
                    yield Done(index, task, error=error)


def _fill(
    executor: ProcessPoolExecutor,
    do: Callable[[Task], Result],
    waiting: Iterator[tuple[int, Task]],
    room: int,
    under_way: dict[Future[Result], tuple[int, Task]],
    lost: list[tuple[int, Task]],
) -> None:
    """Hand out tasks until so many are under way."""
    while len(under_way) < room and not lost:
        following = next(waiting, None)
        if following is None:
            return
        try:
            with deaf():
                under_way[executor.submit(do, following[1])] = following
        except BrokenProcessPool:
            lost.append(following)


@contextmanager
def _pool(workers: int) -> Iterator[tuple[ProcessPoolExecutor, Event]]:
    """Return processes, and the flag that ends what they do; it is set at the end."""
    # Forking a program with threads, such as a progress bar's, can lock it up.
    context = get_context("spawn")
    stop = context.Event()
    executor = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(stop,)
    )
    try:
        yield executor, stop
    finally:
        stop.set()
        executor.shutdown(cancel_futures=True)


@contextmanager
def deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, which a terminal sends to all of them.

    They inherit it; for the moment that it takes, the caller is deaf as well. Where the system can
    do it, what comes meanwhile waits, and is heard after: ignored, it would be lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if hasattr(signal, "pthread_sigmask"):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
