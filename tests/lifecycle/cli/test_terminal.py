"""`lifecycle run` on a pseudo-terminal: what a person at a screen gets."""

import os
import re
import select
import signal
import subprocess
import sys
import time

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import fcntl
import pty
import struct
import termios

SHORT = ("--minutes", "1.5", "--cycle", "2")
SCREEN_ON, SCREEN_OFF = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """A pseudo-terminal with `lifecycle run` on it."""

    def __init__(self, *args: str, columns: int = 80, lines: int = 30) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.mode = termios.tcgetattr(theirs)
        self._theirs = theirs
        environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environment.pop(name, None)
        self.child = subprocess.Popen(
            [sys.executable, "-m", "lifecycle", "run", *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        self._written = b""

    @property
    def output(self) -> str:
        """All that has been written."""
        return self._written.decode(errors="replace")

    def until(self, words: str, timeout_s: float = 30.0) -> None:
        """Read until `words` have been written."""
        deadline = time.monotonic() + timeout_s
        while words not in self.output:
            left = deadline - time.monotonic()
            if left <= 0:
                self.child.kill()
                self.child.wait()
            assert left > 0, f"{words!r} did not come: {self.output[-2000:]}"
            if select.select([self._ours], [], [], left)[0]:
                self._written += os.read(self._ours, 65_536)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def close(self) -> tuple[int, bool]:
        """Wait for the end; return the exit code and whether the terminal's mode is back."""
        while self.child.poll() is None:
            if select.select([self._ours], [], [], 0.05)[0]:
                self._written += os.read(self._ours, 65_536)
        while select.select([self._ours], [], [], 0)[0]:
            self._written += os.read(self._ours, 65_536)
        restored = termios.tcgetattr(self._theirs) == self.mode
        os.close(self._ours)
        os.close(self._theirs)
        return self.child.returncode, restored


def test_q_ends_the_run_and_the_table_of_what_was_run_remains() -> None:
    terminal = Terminal("--speed", "20")
    terminal.until("00:12 / 05:00")
    terminal.type("q")
    code, restored = terminal.close()

    _, _, after = terminal.output.partition(SCREEN_OFF)
    assert SCREEN_ON in terminal.output
    assert "legacy on generated, seed 1" in after
    assert (code, restored) == (0, True)


def test_a_terminated_run_gives_the_terminal_back() -> None:
    terminal = Terminal("--speed", "20")
    terminal.until(SCREEN_ON)
    terminal.until("05:00")
    terminal.child.send_signal(signal.SIGTERM)
    code, restored = terminal.close()

    assert SCREEN_OFF in terminal.output
    assert (code, restored) == (143, True)


def test_ctrl_c_is_another_way_to_end() -> None:
    terminal = Terminal("--speed", "20")
    terminal.until("05:00")
    terminal.child.send_signal(signal.SIGINT)
    code, restored = terminal.close()

    assert "legacy on generated, seed 1" in terminal.output.partition(SCREEN_OFF)[2]
    assert (code, restored) == (0, True)


def test_both_policies_are_watched_to_the_end() -> None:
    terminal = Terminal(*SHORT, "--speed", "max")
    code, restored = terminal.close()

    assert "legacy on generated" in terminal.output
    assert "stable on generated" in terminal.output
    assert "legacy and stable on generated" in terminal.output.partition(SCREEN_OFF)[2]
    assert (code, restored) == (0, True)


def test_headless_leaves_the_screen_alone() -> None:
    terminal = Terminal(*SHORT, "--headless", "--policy", "stable")
    terminal.close()

    assert SCREEN_ON not in terminal.output
    assert "stable on generated" in terminal.output


def test_the_traders_terminal_may_be_narrow() -> None:
    terminal = Terminal(*SHORT, "--speed", "max", columns=40, lines=20)
    code, _ = terminal.close()

    # A frame ends with a move to the corner or back from the screen, not with the end of a line.
    frames = re.sub(r"\x1b\[(H|\?1049l)", "\n", terminal.output)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frames)
    assert code == 0
    assert max(len(line) for line in re.split(r"[\r\n]+", plain)) <= 40
