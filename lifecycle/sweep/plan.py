"""Which runs a sweep has, in which order they are played, and the key of each.

A run's key is a digest of everything that it is a function of: code, policy, configuration, the
market's contents, and the seed. What was played under a key need never be played again, whatever
other settings the sweep has by now.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct, structs

from lifecycle.run.compare import Entrant, Job
from lifecycle.run.config import RunConfig

GENERATED: Final = "generated"
AT_A_TIME: Final = 8
"""Runs on one generated market that a worker is given at once, as making it costs as much as a run.
On recordings it is one: they are kept from task to task, and their runs take long."""
KEY_LETTERS: Final = 32

KeyPath: TypeAlias = tuple[str, str]
"""Table and name of a key of the configuration."""


class Varied(Struct, frozen=True):
    """A key of the configuration, and the values that it takes one after the other."""

    path: KeyPath
    values: tuple[Any, ...]

    @property
    def key(self) -> str:
        """The key as it is written."""
        return ".".join(self.path)


class Setting(Struct, frozen=True):
    """One choice of everything that is varied."""

    policy: str
    values: tuple[Any, ...]
    """Of the varied keys, in their order."""
    config: RunConfig


class Source(Struct, frozen=True):
    """A market, by its contents."""

    name: str
    """As the user calls it."""
    file: str | None = None
    """Where every worker finds it; None for a generated market."""
    digest: str = ""
    """Of the file's contents."""


class Run(Struct, frozen=True):
    """One run: where it stands in the table, and what it is known by."""

    key: str
    source: Source
    setting: Setting
    seed: int

    @property
    def job(self) -> Job:
        """What is to be played."""
        config = self.setting.config
        market = structs.replace(config.market, file=self.source.file, seed=self.seed)
        policy = self.setting.policy
        return Job(Entrant(policy, policy), structs.replace(config, market=market))


class Block(Struct, frozen=True):
    """Some runs on one market with one seed, played one after the other by one worker."""

    code: str
    """Digest of the code that they are to be played by."""
    source: Source
    jobs: tuple[tuple[str, Job], ...]
    """Each with its key."""

    def singles(self) -> "list[Block]":
        """Return a block for each of its runs."""
        return [structs.replace(self, jobs=(one,)) for one in self.jobs]


class Plan:
    """All runs of a sweep."""

    def __init__(
        self,
        keys: Sequence[str],
        settings: Sequence[Setting],
        sources: Sequence[Source],
        seeds: Sequence[int],
        code: str,
    ) -> None:
        """Plan every setting on every market with every seed; `keys` are the varied ones."""
        self.keys = tuple(keys)
        self.settings = tuple(settings)
        self.sources = tuple(sources)
        self.seeds = tuple(seeds)
        self.code = code

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self.settings) * len(self.sources) * len(self.seeds)

    def runs(self) -> Iterator[Run]:
        """Return the runs as the table has them: by market, then setting, then seed."""
        for source in self.sources:
            for setting in self.settings:
                yield from (self._run(source, setting, seed) for seed in self.seeds)

    def blocks(self, is_over: Callable[[str], bool]) -> Iterator[Block]:
        """Return what is still to be played: by market, then seed, then setting.

        So a market is loaded for many runs, a generated one as well. `is_over` is asked by key.
        """
        for source in self.sources:
            size = AT_A_TIME if source.file is None else 1
            for seed in self.seeds:
                runs = (self._run(source, setting, seed) for setting in self.settings)
                left = [(run.key, run.job) for run in runs if not is_over(run.key)]
                for first in range(0, len(left), size):
                    yield Block(self.code, source, tuple(left[first : first + size]))

    def _run(self, source: Source, setting: Setting, seed: int) -> Run:
        digest = self._digests[id(setting)].copy()
        digest.update(f"{source.digest}\n{seed}".encode())
        return Run(digest.hexdigest()[:KEY_LETTERS], source, setting, seed)

    @cached_property
    def _digests(self) -> "dict[int, hashlib._Hash]":
        """What the keys of each setting's runs have in common."""
        found = {}
        for setting in self.settings:
            # Where a market lies does not matter, what it holds does.
            market = structs.replace(setting.config.market, file=None, seed=0)
            config = structs.replace(setting.config, market=market)
            text = msgspec.json.encode(config, order="sorted").decode()
            found[id(setting)] = hashlib.sha256(f"{self.code}\n{setting.policy}\n{text}\n".encode())
        return found


def settings_of(
    config: RunConfig, policies: Sequence[str], varied: Sequence[Varied]
) -> Iterator[Setting]:
    """Return every choice of the varied keys for every policy; the last key varies fastest."""
    for policy in policies:
        for values in itertools.product(*(one.values for one in varied)):
            tables = {one.path[0]: getattr(config, one.path[0]) for one in varied}
            for one, value in zip(varied, values, strict=True):
                table, name = one.path
                tables[table] = structs.replace(tables[table], **{name: value})
            yield Setting(policy, values, structs.replace(config, **tables))
