"""What a run is a function of besides its settings."""

import subprocess
import sys
from pathlib import Path

from lifecycle.sweep.code import WITHOUT_EFFECT, code_digest, file_digest

LOADED = """
import sys
from lifecycle.run.compare import Entrant, Job
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.sweep.code import code_digest
from lifecycle.sweep.plan import Block, Source
from lifecycle.sweep.play import play_block

job = Job(Entrant("stable", "stable"), RunConfig(market=MarketConfig(minutes=1.5)))
[ended] = play_block(Block(code_digest(), Source("generated"), (("key", job),)))
assert ended.error == "", ended.error
print(*sys.modules)
"""


def test_what_is_left_out_is_imported_by_no_run() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )

    loaded = found.stdout.split()
    assert "lifecycle.core.manager" in loaded
    left_out = [folder.replace("/", ".") for folder in WITHOUT_EFFECT]
    assert [name for name in loaded if name.startswith(tuple(left_out))] == []


def test_a_file_is_known_by_its_contents(tmp_path: Path) -> None:
    for name, text in (("a", "same"), ("b", "same"), ("c", "other")):
        (tmp_path / name).write_text(text)

    one, two, three = (file_digest(str(tmp_path / name)) for name in "abc")

    assert one == two != three


def test_the_code_is_the_same_as_long_as_nobody_changes_it() -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == 64
