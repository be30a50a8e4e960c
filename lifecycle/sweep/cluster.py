"""Spreads tasks over a Dask cluster that runs already: what `each` of the workers does, elsewhere.

The cluster is somebody's; nothing of ours runs there but the tasks, and nothing is left behind. A
worker that dies has its tasks done by others, and one that comes later is given some. A task that
kills one worker after the other is given up by the scheduler, and fails. Where the scheduler itself
is gone, the sweep ends with what it has.

The workers must have the same order-lifecycle installed, and see the market's files under the same
paths. Threads of one worker process share one core: many processes of one thread are faster.

Needs distributed.
"""

import logging
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError
from contextlib import ExitStack
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Final

import distributed
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.registry import get_backend

from lifecycle.run.workers import AHEAD, LOOK_S, Done, Result, Stopped, Task
from lifecycle.sweep.code import code_digest

CONNECT_S: Final = 10.0
"""How long the scheduler may take to answer at first."""
ROOM_MIN: Final = 4
"""Tasks under way where there are no workers yet."""
FINISHED: Final = "finished"
FAILED: Final = "error"
RUNNING: Final = "running"
"""The statuses of a future and of a client, in Dask's words."""
GONE: Final = (
    "the Dask scheduler must stay until the sweep is over, is gone; start it and repeat the command"
)


class ClusterError(RuntimeError):
    """The cluster cannot be used, or is gone; one line that says what to do."""


def connected(address: str) -> Any:
    """Return a client of the cluster, to be closed; raises ClusterError.

    Workers that are there already are asked for their code; others are asked by each task.
    """
    _check(address)
    # It would log a lost connection with tracebacks; ours is the line to say.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"a Dask scheduler must answer at {address}, did not; check that it runs and can be "
            "reached"
        ) from error
    with ExitStack() as closing_it:
        closing_it.callback(client.close)
        try:
            codes = set(client.run(code_digest, on_error="return").values())
        except OSError as error:
            raise ClusterError(GONE) from error
        if codes - {code_digest()}:
            errors = [str(code) for code in codes if isinstance(code, Exception)]
            raise ClusterError(
                f"the workers at {address} must have the order-lifecycle that is here, had "
                f"{errors[0] if errors else 'another one'}; install the same there and start them "
                "again"
            )
        closing_it.pop_all()
    return client


def _check(address: str) -> None:
    """Raise ClusterError where an address is none: a client of it would not end for long."""
    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        parse_host_port(place)
    except ValueError as error:
        raise ClusterError(
            f"--dask must be the address of a scheduler, as tcp://10.0.0.5:8786, was {address!r}"
        ) from error


def each_at(
    client: Any,
    do: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    stopped: Stopped = lambda: False,
    deserted: Callable[[], None] = lambda: None,
) -> Generator[Done[Task, Result], None, None]:
    """Do each task on the cluster, and yield what came of it when it is there.

    Once `stopped` says so nothing else begins, and what is under way is forgotten. `deserted` is
    called where tasks wait and no worker is there, once until there is one again. Raises
    ClusterError where the scheduler is gone.
    """
    waiting = iter(enumerate(tasks))
    under_way: dict[Any, tuple[int, Task]] = {}
    arrived: SimpleQueue[Any] = SimpleQueue()
    is_staffed = True
    try:
        while not stopped():
            threads = sum(client.nthreads().values())
            room = max(ROOM_MIN, AHEAD * threads) - len(under_way)
            for index, task in islice(waiting, max(0, room)):
                future = client.submit(do, task, pure=False)
                under_way[future] = (index, task)
                future.add_done_callback(arrived.put)
            if not under_way:
                return
            if is_staffed and not threads:
                deserted()
            is_staffed = threads > 0
            over = _waited(arrived)
            results = client.gather({f: f for f in over if f.status == FINISHED})
            for future in over:
                index, task = under_way.pop(future)
                if future in results:
                    yield Done(index, task, results[future])
                elif future.status == FAILED:
                    yield Done(index, task, error=future.exception())
                else:
                    raise ClusterError(GONE)
    except (CancelledError, OSError) as error:
        raise ClusterError(GONE) from error
    finally:
        if client.status == RUNNING:
            client.cancel(list(under_way))


def _waited(arrived: "SimpleQueue[Any]") -> list[Any]:
    """Return what has arrived, having waited a moment for the first."""
    found = []
    try:
        found.append(arrived.get(timeout=LOOK_S))
        while True:
            found.append(arrived.get_nowait())
    except Empty:
        return found
