"""Processes that share the states of a layer.

A worker begins with the paths to its states, and keeps what these lead to: only keys, parents and
steps are sent, and which of them were new comes back. So every worker has its share of the space
from one layer to the next; the explorer alone knows all that was reached.

Ctrl-C is the explorer's: workers do not hear it, and are ended. A worker that dies takes the
exploration with it, because its states are lost.
"""

import gc
from array import array
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TypeAlias

from lifecycle.check.batch import Batch, Plan
from lifecycle.check.expand import Expander
from lifecycle.run.workers import deaf

Chosen: TypeAlias = "array[int]"


class WorkerDiedError(RuntimeError):
    """A worker process died, and its states with it: nothing was proved."""


def _work(to_explorer: "Connection[Batch, Chosen]", plan: Plan, paths: Sequence[bytes]) -> None:
    """Expand one share, layer by layer, until the explorer is gone."""
    gc.disable()
    expander = Expander.at(plan, paths)
    try:
        while True:
            to_explorer.send(expander.expand())
            expander.adopt(to_explorer.recv())
    except (EOFError, ConnectionError):
        return


class Workers:
    """One process for each share of a layer."""

    def __init__(self, plan: Plan, shares: Sequence[Sequence[bytes]]) -> None:
        """Start them on the states to which these paths lead."""
        # Forking a program with threads, such as a progress bar's, can lock it up.
        context = get_context("spawn")
        self.processes: list[SpawnProcess] = []
        self._pipes: list[Connection[Chosen, Batch]] = []
        for share in shares:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, plan, share), daemon=True)
            self.processes.append(process)
            self._pipes.append(ours)
            with deaf():
                process.start()
            theirs.close()

    def expand(self) -> list[Batch]:
        """Return what the layer leads to, when all have come to its end; raises WorkerDiedError."""
        batches = []
        for process, pipe in zip(self.processes, self._pipes, strict=True):
            try:
                batches.append(pipe.recv())
            except (EOFError, ConnectionError) as error:
                process.join()
                raise WorkerDiedError(
                    f"every worker must live to the end, one ended with {process.exitcode}; "
                    "perhaps memory was short, try fewer jobs"
                ) from error
        return batches

    def adopt(self, chosen: "Sequence[array[int]]") -> None:
        """Have each go on to what was new of its batch."""
        for pipe, places in zip(self._pipes, chosen, strict=True):
            pipe.send(places)

    def close(self) -> None:
        """End them, whatever they do."""
        for process, pipe in zip(self.processes, self._pipes, strict=True):
            if process.pid is not None:
                process.terminate()
            pipe.close()
        for process in self.processes:
            if process.pid is not None:
                process.join()
