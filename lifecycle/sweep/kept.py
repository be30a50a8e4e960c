"""What is over of a sweep, in a file beside its table: a line of JSON a run, only ever appended to.

Whatever ends a sweep, the next one goes on from there. A line that was being written is left out;
lines of other settings, and of other code, stay where they are.
"""

from collections.abc import Container, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from lifecycle.sweep.play import Ended


class KeptError(ValueError):
    """The file of what is over cannot be used; one line that names it and what to do."""


class _Line(Struct):
    """What is looked at first."""

    run: str


class Kept:
    """The runs that are over, by their key."""

    def __init__(self, path: Path, wanted: Container[str]) -> None:
        """Read those that are `wanted`, and be ready for more.

        Raises:
            KeptError: a line in the middle is damaged.
            OSError: the file cannot be read or written.

        """
        self.path = path
        self.ended: dict[str, Ended] = {}
        self._file = path.open("ab", buffering=0)
        try:
            self._read(wanted)
        except KeptError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def is_over(self, key: str) -> bool:
        """Say whether a run was played to its end; one that failed is to be tried again."""
        found = self.ended.get(key)
        return found is not None and found.summary is not None

    def add(self, ended: Sequence[Ended]) -> None:
        """Keep what has come of some runs; raises OSError."""
        self._file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in ended))
        self.ended.update((one.run, one) for one in ended)

    def _read(self, wanted: Container[str]) -> None:
        whole = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    # Its writer was killed. What comes next must not become a part of it.
                    self._file.truncate(whole)
                    return
                whole += len(line)
                try:
                    if msgspec.json.decode(line, type=_Line).run in wanted:
                        one = msgspec.json.decode(line, type=Ended)
                        self.ended[one.run] = one
                except msgspec.MsgspecError as error:
                    raise KeptError(
                        f"{self.path}, line {number}: must be a run, was damaged; delete the line"
                    ) from error
