"""No secret is anywhere but in memory: everything that a key passes by is searched for it."""

import copy
import json
import os
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lifecycle.cli import main
from lifecycle.cli.errors import BAD_INPUT
from tests.lifecycle.cli.served import ADDRESS, AT_ONCE, KEY, serving

pytest.importorskip("aiohttp", reason="needs the extra hyperliquid")
pytest.importorskip("eth_account", reason="needs the extra hyperliquid")

from exchange.hyperliquid import keystore
from exchange.hyperliquid.keystore import KeystoreError
from exchange.hyperliquid.signing import Key

PASSWORD = "correct horse battery staple 7"  # noqa: S105 - to be looked for
CONFIG = """
[risk]
exposure_cap = 2
order_qty_max = 1
[timing]
cycle_s = 1
request_timeout_s = 2
[quoter]
warmup_s = 2
"""


def leaks(text: str | bytes) -> list[str]:
    """Return what of the secrets stands in a text, however it is written.

    Half of the key is looked for as well, in hexadecimal, as bytes and as a number.
    """
    data = text.encode() if isinstance(text, str) else text
    digits = KEY.removeprefix("0x")
    raw = bytes.fromhex(digits)
    forms = {
        "key": digits,
        "first half": digits[:32],
        "second half": digits[32:],
        "number": str(int(digits, 16)),
        "bytes": repr(raw)[2:-1],
        "password": PASSWORD,
    }
    found = [name for name, form in forms.items() if form.lower().encode() in data.lower()]
    return found + (["raw bytes"] if raw in data else [])


def all_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield everything that was written."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep everything that is written in one folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("LIFECYCLE_PRIVATE_KEY", raising=False)
    monkeypatch.delenv("LIFECYCLE_KEYSTORE_PASSWORD", raising=False)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a keystore with the key."""
    path = tmp_path_factory.mktemp("keys") / "agent.json"
    keystore.write(path, KEY, PASSWORD)
    return path


def invoke(*args: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, args, env=env)


@pytest.mark.parametrize(
    "text", [KEY, KEY[2:].upper(), f"x{KEY[2:34]}x", str(int(KEY, 16)), bytes.fromhex(KEY[2:])]
)
def test_the_search_finds_a_secret(text: str | bytes) -> None:
    assert leaks(text)


def test_a_key_does_not_show_itself() -> None:
    key = Key(KEY)
    shown = [repr(key), str(key), f"{key}", f"{key!r:>80}", repr([key]), repr(vars(Key))]

    assert [text for text in shown if leaks(text)] == []
    for spread in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as refused:
            spread(key)
        assert leaks("".join(traceback.format_exception(refused.value))) == []


@pytest.mark.parametrize("broken", [KEY[:-1], KEY + "0", KEY.replace("4", "g"), f"{KEY} {KEY}"])
def test_a_key_that_is_none_is_refused_without_a_word_of_it(broken: str) -> None:
    result = invoke(
        *("doctor", "--network", "http://127.0.0.1:9", "--coin", "ETH"),
        env={"LIFECYCLE_PRIVATE_KEY": broken},
    )

    assert result.exit_code == BAD_INPUT
    assert result.stderr == (
        "lifecycle: LIFECYCLE_PRIVATE_KEY: a key must be 32 bytes in hexadecimal, was something "
        "else\n"
    )
    with pytest.raises(ValueError, match="32 bytes") as refused:
        Key(broken)
    told = "".join(traceback.format_exception(refused.value, limit=0))
    assert broken not in told
    assert leaks(told) == []
    assert refused.value.__context__ is None


def test_a_keystore_file_holds_no_key_and_is_ours_alone(stored: Path) -> None:
    assert leaks(stored.read_bytes()) == []
    assert stored.stat().st_mode & 0o777 == 0o600
    assert keystore.read(stored, PASSWORD).address.lower() == ADDRESS


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        json.dumps({"key": KEY}),
        json.dumps({"crypto": {"cipher": KEY}, "version": 3}),
        json.dumps([KEY]),
        f"{{{KEY}",
    ],
)
def test_a_file_that_is_no_keystore_is_refused_without_a_word_of_it(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(content)

    with pytest.raises(KeystoreError) as refused:
        keystore.read(path, PASSWORD)

    assert leaks("".join(traceback.format_exception(refused.value))) == []
    assert refused.value.__context__ is None


def test_a_wrong_password_is_one_line_without_it(stored: Path) -> None:
    with pytest.raises(KeystoreError, match="wrong password") as refused:
        keystore.read(stored, PASSWORD + "!")

    assert leaks("".join(traceback.format_exception(refused.value))) == []


def test_the_command_that_makes_a_keystore_says_the_address_only(tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    env = {"LIFECYCLE_PRIVATE_KEY": KEY, "LIFECYCLE_KEYSTORE_PASSWORD": PASSWORD}

    result = invoke("keystore", str(path), env=env)

    assert result.exit_code == 0, result.output
    assert result.stdout.strip().lower() == ADDRESS
    assert leaks(result.output) == []
    assert leaks(path.read_bytes()) == []
    again = invoke("keystore", str(path), env=env)
    assert again.exit_code == BAD_INPUT
    assert "must be a new file" in again.stderr


def test_a_new_key_is_in_its_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.json"

    result = invoke("keystore", str(path), "--new", env={"LIFECYCLE_KEYSTORE_PASSWORD": PASSWORD})

    assert re.fullmatch("0x[0-9a-fA-F]{40}\n", result.stdout)
    assert keystore.read(path, PASSWORD).address == result.stdout.strip()


def test_a_secret_is_asked_for_only_where_nobody_sees_it(tmp_path: Path) -> None:
    result = invoke("keystore", str(tmp_path / "a.json"))

    assert result.exit_code == BAD_INPUT
    assert "must be typed at a terminal" in result.stderr


@pytest.mark.parametrize("option", ["--key", "--private-key", "--secret", "--password"])
def test_no_option_takes_a_secret(option: str) -> None:
    for command in ("run", "doctor", "keystore", "capture"):
        result = invoke(command, option, KEY)

        assert result.exit_code == BAD_INPUT
        assert leaks(result.output) == []


def test_an_account_that_is_a_key_by_mistake_is_not_repeated() -> None:
    for option in ("--account", "--vault"):
        result = invoke("doctor", "--network", "testnet", "--coin", "ETH", option, KEY)

        assert result.exit_code == BAD_INPUT
        assert leaks(result.output) == []


def test_a_live_run_writes_no_secret_anywhere(tmp_path: Path, stored: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text(CONFIG)
    files = ("--journal", tmp_path / "a.journal", "--log", tmp_path / "a.jsonl")
    env = {**os.environ, "LIFECYCLE_KEYSTORE_PASSWORD": PASSWORD, "PYTHONDEVMODE": "1"}
    with serving("--coin", "ETH", "--speed", "5", "--lost-acks", "0.2", *AT_ONCE) as url:
        where = ("--network", url, "--coin", "ETH", "--keystore", stored, "--config", config)
        live = ("run", "--venue", "hyperliquid", *where, "--live", "--yes", *files)
        commands: list[tuple[str | Path, ...]] = [
            (*live, "--minutes", "0.1", "--json", tmp_path / "run.json")
        ]
        commands += [("doctor", *where, "--json", tmp_path / "doctor.json"), ("doctor", *where)]
        outputs = [
            subprocess.run(
                [sys.executable, "-m", "lifecycle", *map(str, command)],
                capture_output=True,
                env=env,
                timeout=120,
                check=True,
            )
            for command in commands
        ]

    assert [leaks(output.stdout + output.stderr) for output in outputs] == [[], [], []]
    written = dict(all_files(tmp_path))
    assert {"a.journal", "a.jsonl", "run.json", "doctor.json"} <= written.keys()
    assert {name: leaks(data) for name, data in written.items() if leaks(data)} == {}


def test_a_crash_tells_no_secret(tmp_path: Path) -> None:
    crashing = (
        "import sys\n"
        "from exchange.hyperliquid import venue\n"
        "from lifecycle.cli import main\n"
        "def fail(*_): raise RuntimeError('it broke here')\n"
        "venue.HyperliquidVenue.keep_alive = fail\n"
        "main(sys.argv[1:])\n"
    )
    config = tmp_path / "bot.toml"
    config.write_text(CONFIG)
    env = {**os.environ, "LIFECYCLE_PRIVATE_KEY": KEY, "PYTHONFAULTHANDLER": "1"}
    with serving("--coin", "ETH", *AT_ONCE) as url:
        crashed = subprocess.run(
            [
                *(sys.executable, "-c", crashing, "run", "--venue", "hyperliquid", "--network"),
                *(url, "--coin", "ETH", "--config", str(config), "--live", "--yes"),
                *("--journal", str(tmp_path / "a.journal")),
            ],
            capture_output=True,
            env=env,
            timeout=120,
            check=False,
        )

    assert b"it broke here" in crashed.stderr
    assert b"Traceback" in crashed.stderr
    assert leaks(crashed.stdout + crashed.stderr) == []
    assert {name: leaks(data) for name, data in all_files(tmp_path) if leaks(data)} == {}


def test_the_environment_has_the_key_no_longer_when_it_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIFECYCLE_PRIVATE_KEY", KEY)

    invoke("doctor", "--network", "http://127.0.0.1:9", "--coin", "ETH")

    assert "LIFECYCLE_PRIVATE_KEY" not in os.environ
