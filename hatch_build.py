"""Compiles the core while a wheel is built, if there is a compiler; without one, nothing is lost.

mypyc turns the same typed source into a C extension that gives the same results, several times
faster. The Python files go into the wheel as well: they are what a traceback shows, and what runs
where the extension does not fit. An editable install stays pure.

`LIFECYCLE_COMPILE` says what to do: `auto` (the default) compiles if it can, `0` never does, and
`1` fails where it cannot.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE: Final = "LIFECYCLE_COMPILE"
GROUP: Final = "order_lifecycle"
NOT_COMPILED: Final = frozenset({"__init__.py", "portfolio.py", "smoothed.py", "window.py"})
"""Values of msgspec's, whose classes mypyc does not make, and what is not hot."""
BESIDE: Final = ("exchange/columns.py", "exchange/instrument.py", "spec/lattice.py")
"""What the core asks for every order and every target, and the columns of a market."""
CHECK: Final = ("canon", "clone", "expand", "parts", "races", "truth", "world")
SPEC: Final = ("facts", "guards", "pushed", "staleness", "venue_model", "witness")
INVARIANTS: Final = ("base", "guards", "liveness", "quoting", "requests")
"""What is done for every state that is explored, and for every record that is audited."""
PAPER: Final = (
    "book",
    "column_feed",
    "course",
    "desk",
    "flow",
    "matching",
    "order",
    "replay",
    "venue",
)
BOT: Final = ("evidence", "glft", "kappa", "quoter")
"""What is done for every row of a market."""
RUN: Final = ("drive/driver", "run/metrics", "trace")
"""What is done for every cycle of a run."""
SETTINGS: Final = "[mypy]\nstrict = true\nfollow_imports = silent\n"


class CannotCompileError(RuntimeError):
    """There is no compiler, or it does not take what it was given."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the compiled core to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the wheel carry what comes of it; `version` is the kind of build."""
        wanted = os.environ.get(VARIABLE, "auto")
        if wanted not in ("auto", "0", "1"):
            raise ValueError(f"{VARIABLE} must be auto, 0 or 1, was {wanted!r}")
        if wanted == "0" or version == "editable":
            return
        # It has to last until the wheel is written.
        self._kept = tempfile.TemporaryDirectory(prefix="lifecycle-compiled-")
        try:
            built = compile_core(Path(self.root), Path(self._kept.name))
        except CannotCompileError as error:
            self._kept.cleanup()
            if wanted == "1":
                raise
            self.app.display_warning(f"the core stays pure Python: {error}")
            return
        build_data["force_include"] |= {str(path): name for name, path in built.items()}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Drop what was compiled: the wheel has it."""
        del version, build_data, artifact_path
        if hasattr(self, "_kept"):
            self._kept.cleanup()


def sources(root: Path) -> list[str]:
    """Return the files to compile, relative to the root."""
    found = sorted((root / "lifecycle" / "core").glob("*.py"))
    core = [f"lifecycle/core/{path.name}" for path in found if path.name not in NOT_COMPILED]
    folders = {
        "lifecycle/check": CHECK,
        "spec": SPEC,
        "spec/invariants": INVARIANTS,
        "exchange/paper": PAPER,
        "lifecycle": RUN,
        "lifecycle/bot": BOT,
    }
    others = [f"{folder}/{name}.py" for folder, names in folders.items() for name in names]
    return [*core, *BESIDE, *others]


def compile_core(root: Path, folder: Path) -> dict[str, Path]:
    """Compile into a folder; returns each extension by its path in the wheel.

    Raises CannotCompileError.
    """
    if sys.implementation.name != "cpython":
        raise CannotCompileError(f"mypyc needs CPython, was {sys.implementation.name}")
    try:
        from mypyc.build import mypycify
        from setuptools import Distribution
        from setuptools.command.build_ext import build_ext
        from setuptools.errors import BaseError, CCompilerError
    except ImportError as error:
        raise CannotCompileError(f"{error.name} is not installed") from error
    settings = folder / "mypy.ini"
    settings.write_text(SETTINGS)
    before = Path.cwd()
    os.chdir(root)
    try:
        extensions = mypycify(
            [*sources(root), "--config-file", str(settings), "--cache-dir", str(folder / "mypy")],
            group_name=GROUP,
            target_dir=str(folder / "c"),
            opt_level="2",
            debug_level="0",
        )
        command = build_ext(Distribution({"name": GROUP, "ext_modules": extensions}))
        command.build_lib = str(folder / "lib")
        command.build_temp = str(folder / "temp")
        command.ensure_finalized()
        command.run()
    except (BaseError, CCompilerError, OSError) as error:
        raise CannotCompileError(str(error)) from error
    except SystemExit as error:
        # So mypyc ends where the types do not fit.
        raise CannotCompileError(f"mypyc ended with {error.code}") from error
    finally:
        os.chdir(before)
    built = folder / "lib"
    return {str(path.relative_to(built)): path for path in built.rglob("*") if path.is_file()}
