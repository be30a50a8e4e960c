"""Lines of keys, through everything that may stand between them in a TOML file."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.cli.toml_lines import KeyPath, key_lines

STORIES: dict[str, tuple[str, dict[KeyPath, int]]] = {
    "a key of the file": ("\n\nseed = 1\n", {("seed",): 3}),
    "a key of a table": ("[a]\nx = 1\n[b]\nx = 2\n", {("a", "x"): 2, ("b", "x"): 4}),
    "a table's own line": ("x = 1\n[a.b]\n", {("a",): 2, ("a", "b"): 2}),
    "a dotted key": ("a.b.c = 1\n", {("a", "b"): 1, ("a", "b", "c"): 1}),
    "a dotted key in a table": ("[a]\n\nb . c = 1\n", {("a", "b", "c"): 3}),
    "an inline table": ("a = { x = 1, y.z = 2 }\n", {("a", "x"): 1, ("a", "y", "z"): 1}),
    "tables in an inline table": ("a = {b = {c = 1}, d = 2}", {("a", "b", "c"): 1, ("a", "d"): 1}),
    "quoted keys": ("\"a.b\" = 1\n'c d'.e = 2\n", {("a.b",): 1, ("c d", "e"): 2}),
    "an escape in a key": ('"\\u0061" = 1\n', {("a",): 1}),
    "a comment that looks like a key": ("# x = 1\ny = 2 # z = 3\n", {("y",): 2}),
    "a string that looks like a table": ('s = "[a]"\nx = "#"\n', {("s",): 1, ("x",): 2}),
    "a string of many lines": ('s = """\na = 1\n"""\nx = 1\n', {("s",): 1, ("x",): 4}),
    "a literal of many lines": ("s = '''\na = 1\n'''\nx = 1\n", {("x",): 4}),
    "quotes at a string's end": ('s = """a"""""\nx = 1\n', {("x",): 2}),
    "an escaped quote": ('s = "a\\"b = 1"\nx = 1\n', {("x",): 2}),
    "a list of many lines": ("l = [\n 1.5, # one\n 2,\n]\nx = 1\n", {("l",): 1, ("x",): 5}),
    "lists in a list": ("l = [[1, 2], [3]]\nx = 1\n", {("x",): 2}),
    "tables in a list": ("l = [{a = 1}, {b = 2}]\nx = 1\n", {("l", "a"): 1, ("x",): 2}),
    "a list of tables": ("[[a]]\nx = 1\n[[a]]\nx = 2\n", {("a", "x"): 2}),
    "dates": ("d = 2024-01-01 10:00:00.5\nx = 1\n", {("d",): 1, ("x",): 2}),
    "lines that end as on Windows": ("[a]\r\nx = 1\r\ny = 2\r\n", {("a", "y"): 3}),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_key_is_found_on_its_line(story: str) -> None:
    source, wanted = STORIES[story]
    tomllib.loads(source)

    found = key_lines(source)

    assert {path: found.get(path) for path in wanted} == wanted


def test_what_stands_in_strings_and_comments_is_no_key() -> None:
    found = key_lines('# a = 1\ns = "b = 2"\nt = """\nc = 3\n"""\n')

    assert set(found) == {("s",), ("t",)}


NAMES = st.sampled_from(["a", "b", "kappa", "latch_bps"])
LEAVES = st.one_of(
    st.integers(-9, 9).map(str),
    st.sampled_from(["1.5", "-0.25e3", "true", '"x = 1"', "'#'", '"""\n[t]\n"""', "[\n1,\n[2]]"]),
)


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, LEAVES)), unique_by=lambda table: table[0]))
def test_every_key_of_a_file_is_found_where_it_was_written(
    tables: list[tuple[str, dict[str, str]]],
) -> None:
    source, wanted = "", dict[KeyPath, int]()
    for table, pairs in tables:
        wanted[(table,)] = source.count("\n") + 1
        source += f"[{table}]\n"
        for name, value in pairs.items():
            wanted[(table, name)] = source.count("\n") + 1
            source += f"{name} = {value}\n"
    tree: dict[str, Any] = tomllib.loads(source)

    found = key_lines(source)

    assert found == wanted
    assert {(table,) for table in tree} == {path for path in found if len(path) == 1}
