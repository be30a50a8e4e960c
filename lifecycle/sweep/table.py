"""The table of a sweep, as Parquet: a row a run, in the plan's order.

The columns are `run` (its key), `market`, `policy`, a column for each varied key, `seed`, those of
`lifecycle.sweep.columns`, and `error`. Which of them are settings stands in the file's metadata.
The same runs give the same bytes. Needs pyarrow.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from lifecycle.sweep.code import version
from lifecycle.sweep.columns import COLUMNS, NUMBERS, Kind
from lifecycle.sweep.kept import Kept
from lifecycle.sweep.plan import Plan

SETTINGS: Final = "lifecycle.settings"
VERSION: Final = "lifecycle.version"
"""Keys of the metadata."""
_TYPES: Final[dict[Kind, Any]] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


class TableError(ValueError):
    """A file is not the table of a sweep; one line that names it."""


class Table(Struct, frozen=True):
    """What a report is made of."""

    settings: tuple[str, ...]
    """The names of the columns that hold settings; the policy is one."""
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self.columns["run"])


def write(path: Path, plan: Plan, kept: Kept) -> None:
    """Write the table of all runs, in the place of an older one; raises OSError."""
    columns: dict[str, tuple[Kind, list[Any]]] = {
        "run": ("text", []),
        "market": ("text", []),
        "policy": ("text", []),
    }
    for index, key in enumerate(plan.keys):
        kind = _kind([setting.values[index] for setting in plan.settings])
        columns[key] = (kind, [])
    columns["seed"] = ("int", [])
    columns |= {column.name: (column.kind, []) for column in COLUMNS}
    columns["error"] = ("text", [])
    for run in plan.runs():
        ended, setting = kept.ended[run.key], run.setting
        summary = ended.summary
        row: dict[str, Any] = {"run": run.key, "market": run.source.name, "policy": setting.policy}
        row |= zip(plan.keys, setting.values, strict=True)
        row |= {"seed": run.seed, "error": ended.error or None}
        row |= {c.name: None if summary is None else c.of(summary) for c in COLUMNS}
        for name, (kind, values) in columns.items():
            values.append(_plain(row[name], kind))
    arrays = {name: pa.array(values, _TYPES[kind]) for name, (kind, values) in columns.items()}
    told = {SETTINGS: json.dumps(["policy", *plan.keys]), VERSION: version()}
    # Whoever reads meanwhile has the whole old one, or the whole new one.
    begun = path.with_name(f"{path.name}.new")
    pq.write_table(pa.table(arrays).replace_schema_metadata(told), begun, compression="zstd")
    begun.replace(path)


def check_place(path: Path) -> None:
    """See that a table can go to a path; raises TableError where it would destroy what is there."""
    if not path.exists():
        return
    with path.open("rb") as file:
        try:
            told = pq.read_schema(file).metadata or {}
        except pa.ArrowInvalid:
            told = {}
    if SETTINGS.encode() not in told:
        raise TableError(
            f"TABLE {path} must be new or the table of a sweep, is another file, which stays as it "
            "is; choose another name"
        )


def read(path: Path) -> Table:
    """Read the table of a sweep.

    Raises:
        TableError: it is not one.
        OSError: there is no such file, or it cannot be read.

    """
    with path.open("rb") as file:
        try:
            found = pq.read_table(file)
        except pa.ArrowInvalid as error:
            raise TableError(f"{path} must be a Parquet file, was none") from error
    told = (found.schema.metadata or {}).get(SETTINGS.encode())
    missing = {"run", "market", "error", *NUMBERS} - set(found.column_names)
    if told is None or missing:
        raise TableError(f"{path} must be a table of lifecycle sweep, was another one")
    return Table(tuple(json.loads(told)), found.to_pydict())


def _kind(values: Sequence[Any]) -> Kind:
    """Return what a column of settings holds; what is no number, and lists, are text."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return "bool" if known else "text"
    if all(isinstance(value, int) for value in known):
        return "int"
    return "float" if all(isinstance(value, int | float) for value in known) else "text"


def _plain(value: Any, kind: Kind) -> Any:
    """Return a value as the column takes it."""
    if value is None or kind != "text" or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value)
