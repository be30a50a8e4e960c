"""Markets that a venue can play in bulk: a recorded one, and a generated one.

A tape can be iterated over as rows, as any market can; and it gives its courses, one after another
(`exchange.paper.course`). A recording has one, which is found once and serves every venue that
replays it; a generated market is made anew each time, some packets at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from itertools import takewhile
from typing import Final

from exchange.market import Row
from exchange.paper.course import Course, Player
from exchange.paper.generator import GeneratorConfig, generate, generate_columns
from exchange.recording import Recording
from exchange.units import Nanos

FOREVER: Final[Nanos] = 1 << 62


class Tape(ABC):
    """A market that can be played from its beginning, any number of times."""

    end: Nanos = FOREVER
    """What comes later is no part of it."""

    @abstractmethod
    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows in the order of exchange time; may go on for ever."""

    @abstractmethod
    def courses(self) -> Iterator[Course]:
        """Play it, some packets at a time; no course is without any."""


class RecordedTape(Tape):
    """A recording of levels and trades."""

    def __init__(self, recording: Recording) -> None:
        """Take a recording; raises ValueError where it has single orders, or no rows."""
        if recording.columns is None:
            raise ValueError("a tape must have levels and trades alone, and some of them")
        self._recording = recording

    @cached_property
    def _course(self) -> Course:
        columns = self._recording.columns
        assert columns is not None
        return Player().play(columns)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._recording)

    def courses(self) -> Iterator[Course]:
        """Return all of it at once."""
        yield self._course


class GeneratedTape(Tape):
    """An endless generated market."""

    def __init__(self, config: GeneratorConfig, seed: int) -> None:
        self._config = config
        self._seed = seed

    def __iter__(self) -> Iterator[Row]:
        return generate(self._config, self._seed)

    def courses(self) -> Iterator[Course]:
        """Generate it."""
        player = Player()
        return map(player.play, generate_columns(self._config, self._seed))


class CutTape(Tape):
    """The beginning of a tape, up to and including a time."""

    def __init__(self, tape: Tape, end: Nanos) -> None:
        self._tape = tape
        self.end = min(end, tape.end)

    def __iter__(self) -> Iterator[Row]:
        return takewhile(lambda row: row[0] <= self.end, self._tape)

    def courses(self) -> Iterator[Course]:
        """Return those that begin by the end; the last one may go on beyond."""
        return takewhile(lambda course: course.columns.times[0] <= self.end, self._tape.courses())
