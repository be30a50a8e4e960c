"""The API page has every name that a bot may import from the package, and each says what it is."""

import importlib
import inspect
import re
from types import ModuleType

import pytest

import lifecycle
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MODULES = re.findall(r"^\.\. automodule:: (\S+)$", PAGE, re.MULTILINE)
DROPINS = re.findall(
    r"^   (\w+)$", PAGE.partition(".. modules:: lifecycle.dropin")[2], re.MULTILINE
)
CLASSES = re.findall(r"^\.\. autoclass:: (\S+)$", PAGE, re.MULTILINE)


def public(module: ModuleType) -> dict[str, object]:
    """Return the classes and functions that a module defines, or says that it exports."""
    exported = getattr(module, "__all__", None)
    return {
        name: value
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and not name.startswith("_")
        and (name in exported if exported else value.__module__ == module.__name__)
    }


@pytest.mark.parametrize("name", lifecycle.__all__)
def test_what_the_package_exports_is_on_the_page(name: str) -> None:
    value = getattr(lifecycle, name)
    home = getattr(value, "__module__", "lifecycle.config")
    if not inspect.isclass(value) and not inspect.isfunction(value):
        home = "lifecycle.config"

    listed = [*MODULES, *(f"lifecycle.dropin.{module}" for module in DROPINS)]
    assert f"lifecycle.{name}" in CLASSES or home in listed


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_in_a_module_of_the_page_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)

    assert inspect.getdoc(module)
    for thing, value in public(module).items():
        assert inspect.getdoc(value), thing
        members = vars(value) if inspect.isclass(value) else {}
        for member, what in members.items():
            callable_ = inspect.isfunction(what) or isinstance(what, property | classmethod)
            if callable_ and not member.startswith("_"):
                assert inspect.getdoc(what), f"{thing}.{member}"


@pytest.mark.parametrize("path", CLASSES)
def test_a_class_of_the_page_exists(path: str) -> None:
    module, _, name = path.rpartition(".")

    assert inspect.isclass(getattr(importlib.import_module(module), name))
