"""Reads the configuration file: TOML into `RunConfig`, and every error named with its line.

The tables are those of `lifecycle.run.config`. A key that is not known is an error, never a
default silently kept; a value of the wrong type, or one that makes no sense, is another. `check`
says what makes sense, and is asked again once the command line has had its word.
"""

import difflib
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs

from lifecycle.cli import rules
from lifecycle.cli.toml_lines import KeyPath, key_lines
from lifecycle.run.config import RunConfig

DECIMAL_TEXT: Final = frozenset({("quoter", "size"), ("quoter", "inventory_max")})
"""Keys whose value is a number kept as text, to stay exact; a plain number is taken as well."""

_WORDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


BYTES_MAX: Final = 1_000_000
"""Of a file. What has more is none that a person wrote, and a device may have no end."""


class ConfigError(ValueError):
    """A configuration that cannot be used; nothing has been done.

    `key` is the dotted path; `line` counts from 1, None where the error stands on no line.
    """

    def __init__(
        self,
        problem: str,
        *,
        key: str = "",
        file: Path | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.key = key
        self.file = file
        self.line = line

    def __str__(self) -> str:
        """Return one line: file, line, and what is wrong."""
        where = "" if self.file is None else f"{self.file}:"
        where += "" if self.line is None else f"{self.line}:"
        return f"{where} {self.problem}".lstrip()


def read_config(path: Path) -> RunConfig:
    """Read the configuration file at `path`; a market file that it names is relative to it.

    Raises ConfigError, and OSError where the file cannot be read.
    """
    source = _text(path)
    try:
        tree = tomllib.loads(source, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, path, source) from None
    try:
        config: RunConfig = _struct(tree, RunConfig, ())
        check(config)
    except ConfigError as error:
        line = _line(key_lines(source), tuple(error.key.split(".")))
        raise ConfigError(error.problem, key=error.key, file=path, line=line) from None
    if config.market.file is not None:
        market = structs.replace(config.market, file=str(path.parent / config.market.file))
        config = structs.replace(config, market=market)
    return config


def line_of(file: Path, problem: str) -> int | None:
    """Return the line of the key that a problem begins with; None where the file has not that."""
    return key_lines(_text(file)).get(tuple(problem.partition(" ")[0].split(".")))


def check(config: RunConfig) -> None:
    """Check that the values of `config` make sense; raises ConfigError with the first that not."""
    problem = rules.first_broken(config)
    if problem is not None:
        key, rule, value = problem
        raise ConfigError(f"{key} must {rule}, was {_shown(value)}", key=key)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(BYTES_MAX + 1)
    if len(raw) > BYTES_MAX:
        problem = f"the file must have at most {BYTES_MAX:,} bytes, had more"
        raise ConfigError(problem, file=path)
    try:
        # Editors on Windows put a byte order mark before the text.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"the file must be UTF-8 text, was byte 0x{raw[error.start]:02x}"
        raise ConfigError(problem, file=path, line=line) from None


def _syntax_error(error: tomllib.TOMLDecodeError, path: Path, source: str) -> ConfigError:
    """Take the line out of the words of `tomllib`, the only place where it stands."""
    words, _, place = str(error).rpartition(" (at ")
    if place.startswith("line "):
        line = int(place.removeprefix("line ").partition(",")[0])
    else:
        line = source.count("\n") + 1
    return ConfigError(f"the file must be TOML: {words or error}", file=path, line=line)


def _line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of a key, or of the nearest table around it that the file names."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _struct(tree: dict[str, Any], shape: type[Any], path: KeyPath) -> Any:
    """Build a `shape` from a table, one key at a time, so that an error knows its key."""
    fields = {field.encode_name: field for field in structs.fields(shape)}
    values: dict[str, Any] = {}
    for name, value in tree.items():
        here = (*path, name)
        if name not in fields:
            raise _unknown(name, value, list(fields), here)
        kind = fields[name].type
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if not isinstance(value, dict):
                raise _wrong(here, "be a table", value)
            values[name] = _struct(value, kind, here)
        else:
            values[name] = leaf(value, kind, here)
    return shape(**values)


def leaf(value: Any, kind: Any, path: KeyPath) -> Any:
    """Convert the value of one key to the type of its field; raises ConfigError."""
    if path in DECIMAL_TEXT and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(path, _rule(str(error), kind), value) from None


def _rule(words: str, kind: Any) -> str:
    """Say in words of ours what was expected, from `msgspec`'s message and the field's type."""
    choices = getattr(kind, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        return "be one of " + ", ".join(sorted(choices))
    _, found, rest = words.partition("Expected `")
    if not found:
        return "be a number"
    expected = rest.partition("`")[0].split(" | ")
    return "be " + " or ".join(_WORDS.get(word, word) for word in expected if word != "null")


def _unknown(name: str, value: Any, known: list[str], path: KeyPath) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(sorted(known))
    table = f"of [{'.'.join(path[:-1])}]" if path[:-1] else "of the file"
    problem = f"{'.'.join(path)} must be a key {table}, was {_shown(value)}; {hint}"
    return ConfigError(problem, key=".".join(path))


def _wrong(path: KeyPath, rule: str, value: Any) -> ConfigError:
    key = ".".join(path)
    return ConfigError(f"{key} must {rule}, was {_shown(value)}", key=key)


def _shown(value: Any) -> str:
    """Write a value as TOML would, shortened to what fits on a line."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = f'"{value}"'
        case dict():
            text = "a table"
        case list() | tuple():
            text = "[" + ", ".join(_shown(item) for item in value) + "]"
        case None:
            text = "nothing"
        case _:
            text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
