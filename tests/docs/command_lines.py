"""Reads command lines out of texts, and parses them by the real commands without running them.

A text may show a prompt, an explanation two spaces or a `#` behind the command, a pipe, and several
commands joined by `&&`. What is checked is what goes stale: that the command and each option exist,
that each value is of its option's kind, and that nothing is missing. Files need not exist.
"""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

import click

from lifecycle.cli import main

_PROMPT: Final = re.compile(r"^\s*\$ ")
_EXPLAINED: Final = re.compile(r"\s{2,}(?![\s-]).*|\s#\s.*")
_VARIABLE: Final = re.compile(r"^[A-Z_]+=\S+\s+")


class StaleCommandError(ValueError):
    """A command line that the commands would refuse."""


def root_context() -> click.Context:
    """Return a context as `lifecycle` itself makes it; commands keep what their first one says."""
    return click.Context(main, info_name="lifecycle", **main.context_settings)


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each single command of a text, in order."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    for line in joined.splitlines():
        plain = _EXPLAINED.sub("", _PROMPT.sub("", line.strip()))
        if plain.startswith("#"):
            continue
        for part in re.split(r"\s(?:&&|;)\s", plain):
            alone = re.split(r"\s[|>&]{1,2}(?:\s|$)", _VARIABLE.sub("", part))[0]
            if alone.strip():
                yield _words(alone)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        # Not a command: some words with an apostrophe.
        return line.split()


def ours(words: list[str]) -> list[str] | None:
    """Return the arguments of a command of `lifecycle`, None for any other program."""
    if PurePosixPath(words[0]).name == "lifecycle":
        return words[1:]
    if PurePosixPath(words[0]).name.startswith("python") and words[1:3] == ["-m", "lifecycle"]:
        return words[3:]
    return None


def check(words: list[str], *, is_whole: bool = True) -> bool:
    """Check one command; False where it is not of a kind known here.

    A sentence may name a command without all that it needs; then it is not whole.
    Raises StaleCommandError with what is wrong.
    """
    arguments = ours(words)
    if arguments is not None:
        check_arguments(arguments, is_whole=is_whole)
        return True
    if PurePosixPath(words[0]).name.startswith("python") and words[1:2] == ["-m"]:
        name = words[2]
        if name.startswith(("tools", "lifecycle")) and importlib.util.find_spec(name) is None:
            raise StaleCommandError(f"python -m {name} must name a module, does not")
        return True
    return False


def check_arguments(arguments: list[str], *, is_whole: bool = True) -> None:
    """Check the arguments of `lifecycle`; raises StaleCommandError."""
    here, rest = root_context(), arguments
    while isinstance(here.command, click.Group) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        command = here.command.get_command(here, name)
        if command is None:
            raise StaleCommandError(f"{here.command_path} {name} must be a command, is none")
        here = click.Context(command, info_name=name, parent=here)
    _parse(here.command, here, rest, is_whole)


def _parse(
    command: click.Command, ctx: click.Context, arguments: list[str], is_whole: bool
) -> None:
    if {"-h", "--help"} & set(arguments):
        return
    try:
        values, left, _ = command.make_parser(ctx).parse_args(list(arguments))
        for parameter in command.get_params(ctx):
            value = values.get(str(parameter.name))
            if not _is_given(value):
                if parameter.required and is_whole:
                    raise StaleCommandError(f"{ctx.command_path} must have {parameter.name}")
            elif not isinstance(parameter.type, click.Path | click.File):
                parameter.type_cast_value(ctx, value)
    except click.UsageError as error:
        raise StaleCommandError(f"{ctx.command_path}: {error.format_message()}") from error
    if left:
        raise StaleCommandError(f"{ctx.command_path} must end before {' '.join(left)}")


def _is_given(value: Any) -> bool:
    # What click has for nothing given is an enum's member, and differs between its versions.
    return value is not None and value != () and not type(value).__name__.startswith("Sentinel")
