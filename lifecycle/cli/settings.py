"""Every key of the configuration with its type, default, rule and reason, out of the code itself.

The reason is the docstring under the key's field, read from the module's source: what
`lifecycle init` writes and what the reference in the documentation says is one text.
"""

import ast
import enum
import inspect
import itertools
import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import structs

from lifecycle.cli import rules
from lifecycle.run.config import RunConfig

FIRST: Final = ("risk", "timing", "orders")
"""The tables that stand first: hard limits before anything that only saves calls."""

_WORDS: Final = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Decimal: "number",
}


class Setting(NamedTuple):
    """One key."""

    table: str
    key: str
    kind: str
    """Its type in words."""
    default: Any
    rule: str
    """What a value must; empty where its type says all."""
    reason: str
    """One paragraph."""

    @property
    def toml(self) -> str:
        """The default as TOML writes it, empty for no value."""
        return written(self.default)


class Table(NamedTuple):
    """One table and its keys, in the order of their declaration."""

    name: str
    reason: str
    settings: tuple[Setting, ...]


def tables() -> tuple[Table, ...]:
    """Return all tables, those with hard limits first."""
    found = {field.encode_name: field for field in structs.fields(RunConfig)}
    names = [*FIRST, *(name for name in found if name not in FIRST)]
    return tuple(_table(name, found[name].type) for name in names)


def written(value: Any) -> str:
    """Write a value as TOML does; empty for None, which TOML has no word for."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case enum.Enum() | str():
            return f'"{value}"'
        case tuple() | list():
            return f"[{', '.join(written(item) for item in value)}]"
        case _:
            return str(value)


def _table(name: str, shape: type[msgspec.Struct]) -> Table:
    documented = _field_docs(shape)
    return Table(
        name,
        _one_line(inspect.getdoc(shape) or ""),
        tuple(
            Setting(
                name,
                field.encode_name,
                _kind(field.type),
                field.default,
                _rule(f"{name}.{field.encode_name}"),
                documented.get(field.name, ""),
            )
            for field in structs.fields(shape)
        ),
    )


def _rule(path: str) -> str:
    rule = rules.KEYS[path]
    return "" if rule is rules.ANY else f"must {rule.words}"


def _kind(annotation: Any) -> str:
    """Say a field's type; that it may be None is not said, since TOML cannot."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    if get_origin(annotation) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(annotation))
    parts = [part for part in get_args(annotation) if part not in {type(None), Ellipsis}]
    if get_origin(annotation) in {tuple, list}:
        return f"list of {_kind(parts[0])}s"
    assert parts, f"{annotation} must have words"
    return " or ".join(dict.fromkeys(_kind(part) for part in parts))


@cache
def _field_docs(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Return the docstring under each field of a struct, by the field's name."""
    tree = ast.parse(inspect.getsource(sys.modules[shape.__module__]))
    return {
        name: text
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == shape.__name__
        for name, text in _documented(node)
    }


def _documented(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for one, following in itertools.pairwise(node.body):
        match one, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, _one_line(text)
            case _:
                pass


def _one_line(text: str) -> str:
    return " ".join(text.split())
