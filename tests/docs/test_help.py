"""The help of every command teaches by example, and its examples can be typed."""

import click
import pytest
from click.testing import CliRunner

from lifecycle.cli import main
from lifecycle.cli.commands.completion import SHELLS
from tests.docs.command_lines import (
    StaleCommandError,
    check,
    check_arguments,
    command_lines,
    ours,
    root_context,
)

ROOT = root_context()
NAMES = main.list_commands(ROOT)


def command_of(name: str) -> click.Command:
    command = main.get_command(ROOT, name)
    assert command is not None
    return command


def examples(command: click.Command) -> list[list[str]]:
    found = [words for words in command_lines(command.epilog or "") if ours(words) is not None]
    return [words for words in found if words[0] == "lifecycle"]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_examples_of_itself(name: str) -> None:
    command = command_of(name)

    assert "Examples:" in (command.epilog or "")
    assert any(words[1:2] == [name] for words in examples(command))


@pytest.mark.parametrize("name", ["", *NAMES])
def test_every_example_in_the_help_can_be_typed(name: str) -> None:
    for words in examples(command_of(name) if name else main):
        assert check(words)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_is_for(name: str) -> None:
    options = [p for p in command_of(name).params if isinstance(p, click.Option)]

    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_in_a_sentence_what_it_does(name: str) -> None:
    assert (command_of(name).help or "").split("\n\n")[0].endswith(".")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_script_asks_this_command(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])

    assert result.exit_code == 0
    assert f"_LIFECYCLE_COMPLETE={shell}_complete" in result.stdout


STALE = [
    ["lifecycle", "rnu"],
    ["lifecycle", "run", "--markt", "x"],
    ["lifecycle", "run", "--minutes", "soon"],
    ["lifecycle", "run", "--policy", "wild"],
    ["lifecycle", "run", "extra"],
    ["lifecycle", "audit"],
    ["lifecycle", "fleet", "rnus"],
    ["lifecycle", "fleet", "prune", "postgresql://fleet@db/bots"],
    ["lifecycle", "--nothing"],
    ["python", "-m", "tools.nothing"],
]


@pytest.mark.parametrize("words", STALE, ids=" ".join)
def test_a_stale_command_is_noticed(words: list[str]) -> None:
    with pytest.raises(StaleCommandError):
        check(words)


def test_command_lines_are_read_as_people_write_them() -> None:
    text = """\
    $ .venv/bin/lifecycle run --seed 1  # once
    lifecycle verify         some seconds
    python3 -m venv .venv && lifecycle run --json - | jq .x
    lifecycle replay a \\
        --try b=1
    lifecycle run      --seed 2
    """

    found = [ours(words) for words in command_lines(text)]

    assert found == [
        ["run", "--seed", "1"],
        ["verify"],
        None,
        ["run", "--json", "-"],
        ["replay", "a", "--try", "b=1"],
        ["run", "--seed", "2"],
    ]
    check_arguments(["run", "--market", "no_such_file.csv"])
