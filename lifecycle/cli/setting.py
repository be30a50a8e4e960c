"""Single keys of the order manager's configuration, as the command line sets them: `key=value`.

The table may be left out where only one has a key of that name. A value is written as in the file;
text needs no quotes and a list no brackets, and `none` is nothing where a key may have no value.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, Final

from msgspec import structs

from lifecycle.cli.configuration import ConfigError, check, leaf
from lifecycle.cli.toml_lines import KeyPath
from lifecycle.config import Config
from lifecycle.run.config import RunConfig

NOTHING: Final = "none"

_NEXT: Final = re.compile(r",(?=\s*[A-Za-z_][\w.]*\s*=)")
"""A comma between two settings; others stand in lists."""
_TABLES: Final = {field.encode_name: field.type for field in structs.fields(Config)}
_KEYS: Final = tuple(
    (table, field.encode_name)
    for table, shape in _TABLES.items()
    for field in structs.fields(shape)
)


def split(text: str) -> list[str]:
    """Return the settings of a list of them, separated by commas."""
    return [part.strip() for part in _NEXT.split(text) if part.strip()]


def resolved(
    key: str,
    keys: Collection[tuple[str, str]] = _KEYS,
    what: str = "the order manager's",
    hint: str = "tables are " + ", ".join(sorted(_TABLES)),
) -> tuple[str, str]:
    """Return table and name of a key of these; raises ConfigError where it is not just one.

    `what` says whose keys these are, `hint` what to do where none is like it.
    """
    found = [path for path in keys if key in {path[1], ".".join(path)}]
    if len(found) == 1:
        return found[0]
    if found:
        fitting = ", ".join(".".join(path) for path in found)
        raise ConfigError(f"{key} must be a key of one table, was a key of {fitting}", key=key)
    names = sorted({name for path in keys for name in (path[1], ".".join(path))})
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]}?" if near else hint
    raise ConfigError(f"{key!r} must be a key of {what}; {hint}", key=key)


def parse(setting: str) -> tuple[KeyPath, Any]:
    """Return path and value of one `key=value`; raises ConfigError."""
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"a setting must be written key=value, was {setting!r}")
    path = resolved(key.strip())
    table, name = path
    kind = next(f.type for f in structs.fields(_TABLES[table]) if f.encode_name == name)
    text = text.strip()
    is_list = getattr(kind, "__origin__", None) is tuple and not text.startswith("[")
    return path, value_of(f"[{text}]" if is_list and text != NOTHING else text, kind, path)


def changed(config: Config, settings: Iterable[tuple[KeyPath, Any]]) -> Config:
    """Return `config` with these keys set, in their order; raises ConfigError for what is wrong."""
    tables = {table: getattr(config, table) for table in _TABLES}
    for (table, name), value in settings:
        tables[table] = structs.replace(tables[table], **{name: value})
    check(RunConfig(**tables))
    return Config(**tables)


def manager_tables(config: RunConfig) -> Config:
    """Return the order manager's part of a run's configuration."""
    return Config(**{table: getattr(config, table) for table in _TABLES})


def differences(one: Config, other: Config) -> dict[str, Any]:
    """Return what `other` says where it differs from `one`, by dotted key."""
    return {
        f"{table}.{name}": value
        for table, name in _KEYS
        if (value := getattr(getattr(other, table), name)) != getattr(getattr(one, table), name)
    }


def value_of(text: str, kind: Any, path: KeyPath) -> Any:
    """Read a value as TOML does, or take it as plain text; raises ConfigError."""
    if text == NOTHING and type(None) in getattr(kind, "__args__", ()):
        return None
    try:
        tree = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        return leaf(text, kind, path)
    return leaf(tree["value"] if len(tree) == 1 else text, kind, path)
