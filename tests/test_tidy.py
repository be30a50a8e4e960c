"""House rules that no linter knows: who may import whom, what the core must not do, and sizes.

Each rule is a function from a module to complaints. It is run over every module of the project,
and over snippets for which it must complain, so that none can fall asleep.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("exchange", "spec", "lifecycle")
FOLDERS: Final = (*PACKAGES, "tools", "tests")
GENERATED: Final = ("lifecycle/core/tables.py",)
FILE_LINES_MAX: Final = 500
FUNCTION_LINES_MAX: Final = 70

# Who may import whom: the arrows point to the left only.
MAY_IMPORT: Final = {
    "exchange": {"exchange"},
    "spec": {"exchange", "spec"},
    "lifecycle": {"exchange", "spec", "lifecycle"},
    "tools": {"exchange", "spec", "lifecycle", "tools"},
    "tests": {"exchange", "spec", "lifecycle", "tools", "tests"},
}
CORE_MAY_IMPORT: Final = ("exchange", "spec", "lifecycle.config", "lifecycle.core")
# fmt: off
CORE_BANNED_MODULES: Final = frozenset({
    "asyncio", "datetime", "io", "logging", "os", "pathlib", "random", "secrets", "socket",
    "subprocess", "threading", "time", "uuid",
})
# fmt: on
CORE_BANNED_CALLS: Final = frozenset({"input", "open", "print"})
# Where the words of others are spoken, their spelling stands in strings.
WIRES: Final = ("hyperliquid", "ccxt", "bitmex", "sdk", "nautilus", "hummingbot")

AMERICAN: Final = re.compile(r"cancel(?:ed|ing)", re.IGNORECASE)
UNFINISHED: Final = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
# Written with gaps, so that the rule does not find itself.
ELSEWHERE: Final = re.compile(r"(?<![\w.-])/wor[k]\b|\.librar[y]\b|/tm[p]/|\.\./share[d]")
MAY_LOOK_FOR_RECORDINGS: Final = ("tests/conftest.py",)


@dataclass(frozen=True)
class Module:
    """One file of the project."""

    path: str
    """From the root of the repository, with forward slashes."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Return all nodes of the tree: every rule goes through them."""
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Return line and full name of everything imported, wherever in the module."""
        found = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        return found

    def is_in(self, *folders: str) -> bool:
        """Say whether the file is one of these, or lies below one of them."""
        return any(self.path == f or self.path.startswith(f"{f}/") for f in folders)


Rule: TypeAlias = Callable[[Module], Iterator[str]]


def is_below(name: str, *packages: str) -> bool:
    """Say whether a dotted name is one of these packages or in one of them."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imports_run_one_way(module: Module) -> Iterator[str]:
    """Keep the order exchange ← spec ← lifecycle ← tools, tests."""
    layer = module.path.split("/")[0]
    for line, name in module.imports:
        top = name.split(".")[0]
        if top in MAY_IMPORT and top not in MAY_IMPORT[layer]:
            yield f"{module.path}:{line} {layer} must not import {top}, was {name}"


def imports_are_absolute(module: Module) -> Iterator[str]:
    """Keep the layer visible in every header."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            yield f"{module.path}:{node.lineno} imports must be absolute"


def the_core_imports_only_its_words(module: Module) -> Iterator[str]:
    """Keep the core apart from what drives it."""
    if not module.is_in("lifecycle/core"):
        return
    for line, name in module.imports:
        ours = is_below(name, *FOLDERS)
        if ours and not is_below(name, *CORE_MAY_IMPORT):
            yield f"{module.path}:{line} the core must not import {name}"


def views_and_commands_are_imported_by_none(module: Module) -> Iterator[str]:
    """Keep command line and views last: only the start of the program may use them."""
    last = ("lifecycle/cli", "lifecycle/views", "lifecycle/cli.py", "lifecycle/views.py")
    if not module.is_in(*PACKAGES) or module.is_in(*last, "lifecycle/__main__.py"):
        return
    for line, name in module.imports:
        if is_below(name, "lifecycle.cli", "lifecycle.views"):
            yield f"{module.path}:{line} nothing must import {name}"


def the_bot_does_not_reach_into_the_core(module: Module) -> Iterator[str]:
    """Let the example bot use what any bot may use."""
    if not module.is_in("lifecycle/bot"):
        return
    for line, name in module.imports:
        if is_below(name, "lifecycle.core"):
            yield f"{module.path}:{line} the bot must not import {name}"


def charts_are_not_needed_to_run(module: Module) -> Iterator[str]:
    """Spare users python-statemachine: they have the tables."""
    if not module.is_in(*PACKAGES) or module.path == "spec/charts.py":
        return
    for line, name in module.imports:
        if is_below(name, "statemachine", "spec.charts"):
            yield f"{module.path}:{line} a shipped module must not need {name}"


def the_core_is_a_function(module: Module) -> Iterator[str]:
    """Forbid I/O, clock, randomness, logging, `await` and global state."""
    if not module.is_in("lifecycle/core"):
        return
    for line, name in module.imports:
        if name.split(".")[0] in CORE_BANNED_MODULES:
            yield f"{module.path}:{line} the core must not import {name}"
    for node in module.nodes:
        match node:
            case ast.Call(func=ast.Name(id=called)) if called in CORE_BANNED_CALLS:
                yield f"{module.path}:{node.lineno} the core must not call {called}"
            case ast.Global():
                yield f"{module.path}:{node.lineno} the core must have no global state"
            case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
                yield f"{module.path}:{node.lineno} the core must not wait"
            case _:
                pass


def no_except_is_broad(module: Module) -> Iterator[str]:
    """Catch what can be named; an error of ours ends the run."""
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for one in caught:
                name = one.id if isinstance(one, ast.Name) else ""
                if one is None or name in {"Exception", "BaseException"}:
                    yield f"{module.path}:{node.lineno} except must name what it catches"


def packages_do_not_print(module: Module) -> Iterator[str]:
    """Leave output to the views and to the command line's echo."""
    if not module.is_in(*PACKAGES):
        return
    for node in module.nodes:
        match node:
            case ast.Call(func=ast.Name(id="print")):
                yield f"{module.path}:{node.lineno} a package must not print"
            case _:
                pass


def assertions_state_a_fact(module: Module) -> Iterator[str]:
    """Refuse literals, which are true or false whatever happened."""
    literals = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.JoinedStr, ast.Lambda)
    for node in module.nodes:
        if isinstance(node, ast.Assert) and isinstance(node.test, literals):
            yield f"{module.path}:{node.lineno} assert must state a fact"


def files_are_short(module: Module) -> Iterator[str]:
    """Split what is two files."""
    lines = len(module.text.splitlines())
    if lines > FILE_LINES_MAX and module.path not in GENERATED:
        yield f"{module.path} must have at most {FILE_LINES_MAX} lines, was {lines}"


def functions_are_short(module: Module) -> Iterator[str]:
    """Split what needs a second screen: there are two ideas."""
    for node in module.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX and module.path not in GENERATED:
                yield (
                    f"{module.path}:{node.lineno} {node.name} must have at most "
                    f"{FUNCTION_LINES_MAX} lines, was {lines}"
                )


def modules_say_what_they_are_for(module: Module) -> Iterator[str]:
    """Ask for a docstring at the top."""
    if not ast.get_docstring(module.tree):
        yield f"{module.path}:1 a module must say what it is for"


def comments_leave_nothing_to_do(module: Module) -> Iterator[str]:
    """Refuse notes of work to do: it is done, or is an issue."""
    if not UNFINISHED.search(module.text):
        return
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT and UNFINISHED.search(token.string):
            yield f"{module.path}:{token.start[0]} a comment must not postpone work"


def the_spelling_is_british(module: Module) -> Iterator[str]:
    """Write cancelled, cancelling; wire strings stay as the venue spells them."""
    if not AMERICAN.search(module.text):
        return
    speaks_a_wire = any(wire in module.path for wire in WIRES)
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        is_value, before = before == "=", token.string
        # Python 3.12 and later split f-strings into tokens of their own.
        is_string = tokenize.tok_name[token.type] in {"STRING", "FSTRING_MIDDLE"}
        # What is assigned is no docstring: a table of a venue's own words.
        if is_string and speaks_a_wire and (is_value or not token.string.startswith('"""')):
            continue
        is_word = token.type in {tokenize.NAME, tokenize.COMMENT}
        if (is_word or is_string) and AMERICAN.search(token.string):
            yield f"{module.path}:{token.start[0]} cancelled and cancelling must have two l"


def no_path_leads_out_of_the_repository(module: Module) -> Iterator[str]:
    """Keep a clone whole anywhere; only the tests look for recordings beside it."""
    if module.path in MAY_LOOK_FOR_RECORDINGS:
        return
    for number, line in enumerate(module.text.splitlines(), start=1):
        found = ELSEWHERE.search(line)
        if found:
            yield f"{module.path}:{number} must not name a path elsewhere, was {found.group()}"


def no_test_sleeps_or_mocks(module: Module) -> Iterator[str]:
    """Forbid waiting and mocks: time is an argument, and the fake venue is a venue."""
    if not module.is_in("tests"):
        return
    for line, name in module.imports:
        if is_below(name, "unittest.mock", "mock", "time.sleep"):
            yield f"{module.path}:{line} a test must not use {name}"
    for node in module.nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="sleep")):
                yield f"{module.path}:{node.lineno} a test must not sleep"
            case _:
                pass


CORE: Final = "lifecycle/core/x.py"
LONG: Final = "\n".join(f"x{i} = {i}" for i in range(FILE_LINES_MAX + 1))
LONG_BODY: Final = "\n".join(f"    x{i} = {i}" for i in range(FUNCTION_LINES_MAX))
US: Final = "cancel" + "ed"

# For each rule: modules of which it must complain, and one that it must leave alone.
RULES: Final[tuple[tuple[Rule, list[tuple[str, str]], tuple[str, str]], ...]] = (
    (
        imports_run_one_way,
        [
            ("exchange/x.py", "import spec.states"),
            ("exchange/x.py", "def f():\n    from lifecycle import Config"),
            ("spec/x.py", "from lifecycle.core import tables"),
            ("lifecycle/x.py", "import tools.compile_charts"),
            ("tools/x.py", "from tests import conftest"),
        ],
        ("spec/x.py", "from exchange.words import Side"),
    ),
    (
        imports_are_absolute,
        [("spec/x.py", "from . import states"), ("spec/x.py", "from .states import Hold")],
        ("spec/x.py", "from spec.states import Hold"),
    ),
    (
        the_core_imports_only_its_words,
        [
            (CORE, "import lifecycle"),
            (CORE, "from lifecycle import journal"),
            (CORE, "from lifecycle.run.frame import Frame"),
        ],
        (CORE, "import bisect\nfrom lifecycle.config import Config\nimport exchange.units"),
    ),
    (
        views_and_commands_are_imported_by_none,
        [
            ("lifecycle/run/x.py", "from lifecycle import views"),
            ("lifecycle/x.py", "from lifecycle.cli import main"),
        ],
        ("lifecycle/cli/x.py", "from lifecycle.views.live import view"),
    ),
    (
        the_bot_does_not_reach_into_the_core,
        [("lifecycle/bot/x.py", "from lifecycle.core.order import Order")],
        ("lifecycle/bot/x.py", "from lifecycle import OrderManager"),
    ),
    (
        charts_are_not_needed_to_run,
        [
            ("lifecycle/x.py", "from spec.charts import PhaseChart"),
            ("spec/x.py", "from spec import charts"),
            ("exchange/x.py", "import statemachine"),
        ],
        ("tools/x.py", "from spec.charts import PhaseChart"),
    ),
    (
        the_core_is_a_function,
        [
            (CORE, "import time"),
            (CORE, "def f():\n    from random import choice"),
            (CORE, "import os.path"),
            (CORE, "open('x')"),
            (CORE, "def f():\n    global x\n    x = 1"),
            (CORE, "async def f():\n    pass"),
        ],
        (CORE, "def f(now):\n    return now.open()"),
    ),
    (
        no_except_is_broad,
        [
            ("tools/x.py", "try:\n    f()\nexcept Exception:\n    pass"),
            ("spec/x.py", "try:\n    f()\nexcept:\n    pass"),
            ("exchange/x.py", "try:\n    f()\nexcept (OSError, BaseException):\n    pass"),
        ],
        ("spec/x.py", "try:\n    f()\nexcept (OSError, KeyError):\n    pass"),
    ),
    (
        packages_do_not_print,
        [("lifecycle/cli/x.py", "print('x')")],
        ("tools/x.py", "print('x')"),
    ),
    (
        assertions_state_a_fact,
        [
            ("tests/x.py", "assert True"),
            ("tests/x.py", "assert (x == 1, 'said')"),
            ("spec/x.py", "assert f'{x}'"),
        ],
        ("tests/x.py", "assert x == (1, 2)"),
    ),
    (files_are_short, [("spec/x.py", LONG)], (GENERATED[0], LONG)),
    (
        functions_are_short,
        [("spec/x.py", f"def f():\n{LONG_BODY}"), ("spec/x.py", f"async def f():\n{LONG_BODY}")],
        ("spec/x.py", f"class C:\n{LONG_BODY}"),
    ),
    (
        modules_say_what_they_are_for,
        [("spec/x.py", ""), ("tests/x.py", "import os")],
        ("spec/x.py", '"""Say it."""'),
    ),
    (
        comments_leave_nothing_to_do,
        [("spec/x.py", "x = 1  # TODO: more"), ("spec/x.py", "# FIXME")],
        ("spec/x.py", "x = 'TODO'  # Todos are a list."),
    ),
    (
        the_spelling_is_british,
        [
            ("spec/x.py", f"is_{US} = 1"),
            ("spec/x.py", f"# It was {US}."),
            ("spec/x.py", f"x = '{US}'"),
            ("exchange/hyperliquid/x.py", f"{US} = 1"),
            ("exchange/hyperliquid/x.py", f'"""It was {US}."""'),
        ],
        ("exchange/hyperliquid/x.py", f"cancelled = {{'margin{US.capitalize()}'}}"),
    ),
    (
        no_path_leads_out_of_the_repository,
        [("spec/x.py", "x = '/wo" + "rk/main'"), ("tests/x.py", "x = '../sha" + "red/data'")],
        ("spec/x.py", "x = 'https://example.org/work'  # /working"),
    ),
    (
        no_test_sleeps_or_mocks,
        [
            ("tests/x.py", "from unittest.mock import Mock"),
            ("tests/x.py", "import time\ntime.sleep(1)"),
            ("tests/x.py", "from time import sleep"),
        ],
        ("tests/x.py", "import time\ntime.perf_counter_ns()"),
    ),
)
by_rule = pytest.mark.parametrize("rule", [rule for rule, _, _ in RULES], ids=lambda r: r.__name__)


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """Return every Python module of the project."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in paths
    ]


@by_rule
def test_the_project_keeps_the_rule(rule: Rule, modules: list[Module]) -> None:
    complaints = [complaint for module in modules for complaint in rule(module)]

    assert complaints == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        pytest.param(rule, *snippet, id=f"{rule.__name__}-{index}")
        for rule, bad, _ in RULES
        for index, snippet in enumerate(bad)
    ],
)
def test_a_rule_fires(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(path, text))) != []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [pytest.param(rule, *good, id=rule.__name__) for rule, _, good in RULES],
)
def test_a_rule_leaves_what_is_right_alone(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(path, text))) == []


def test_every_folder_of_the_project_is_walked(modules: list[Module]) -> None:
    assert {module.path.split("/")[0] for module in modules} == set(FOLDERS)


def test_tests_are_no_package(modules: list[Module]) -> None:
    named = [m.path for m in modules if m.is_in("tests") and m.path.endswith("__init__.py")]

    assert named == []


def test_no_text_names_a_path_outside_the_repository() -> None:
    files = ("*.md", "*.toml", "docs/**/*.md", ".ci/*")
    complaints = [
        complaint
        for pattern in files
        for path in sorted(ROOT.glob(pattern))
        for complaint in no_path_leads_out_of_the_repository(
            Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        )
    ]

    assert complaints == []
