"""The build hook: what it compiles, and that nothing is lost where it cannot."""

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hatchling", reason="the build back end is not installed")

import hatch_build

ROOT = Path(__file__).resolve().parents[2]


class App:
    """Keeps the warnings of a build."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, message: str) -> None:
        """Keep one."""
        self.warnings.append(message)


def hook(app: Any) -> hatch_build.CustomBuildHook:
    """Return the hook as hatchling makes it."""
    anything: Any = None
    return hatch_build.CustomBuildHook(str(ROOT), {}, anything, anything, str(ROOT), "wheel", app)


def build_data() -> dict[str, Any]:
    return {"force_include": {}, "pure_python": True, "infer_tag": False}


def test_everything_that_is_compiled_is_there_and_the_manager_is_among_it() -> None:
    names = hatch_build.sources(ROOT)

    assert all((ROOT / name).is_file() for name in names)
    assert {"lifecycle/core/manager.py", "lifecycle/core/order.py", "spec/lattice.py"} <= set(names)
    assert not any(Path(name).name in hatch_build.NOT_COMPILED for name in names)


def test_what_is_compiled_needs_nothing_that_is_not_there_when_it_is_built() -> None:
    there = {*sys.stdlib_module_names, "exchange", "spec", "lifecycle", "msgspec"}

    missing = {
        (name, module)
        for name in hatch_build.sources(ROOT)
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        for module in imported(node)
        if module not in there
    }

    assert missing == set()


def imported(node: ast.AST) -> list[str]:
    """Return the packages that a statement imports from."""
    if isinstance(node, ast.Import):
        return [one.name.partition(".")[0] for one in node.names]
    if isinstance(node, ast.ImportFrom):
        return [str(node.module).partition(".")[0]]
    return []


@pytest.mark.parametrize(("wanted", "kind"), [("0", "standard"), ("auto", "editable")])
def test_nothing_is_compiled_where_it_is_not_wanted_or_for_an_editable_install(
    wanted: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hatch_build.VARIABLE, wanted)
    data = build_data()

    hook(App()).initialize(kind, data)

    assert data == build_data()


def test_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hatch_build.VARIABLE, "yes")

    with pytest.raises(ValueError, match="LIFECYCLE_COMPILE must be auto, 0 or 1, was 'yes'"):
        hook(App()).initialize("standard", build_data())


def _cannot(*_: Any) -> dict[str, Path]:
    raise hatch_build.CannotCompileError("no compiler")


def test_without_a_compiler_the_wheel_is_pure_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hatch_build.VARIABLE, raising=False)
    monkeypatch.setattr(hatch_build, "compile_core", _cannot)
    app, data = App(), build_data()

    hook(app).initialize("standard", data)

    assert data == build_data()
    assert app.warnings == ["the core stays pure Python: no compiler"]


def test_where_it_must_be_compiled_a_build_without_a_compiler_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(hatch_build.VARIABLE, "1")
    monkeypatch.setattr(hatch_build, "compile_core", _cannot)

    with pytest.raises(hatch_build.CannotCompileError, match="no compiler"):
        hook(App()).initialize("standard", build_data())
