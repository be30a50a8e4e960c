"""A file that cannot be played is refused, naming the file, the step and what is wrong."""

from pathlib import Path

import pytest

from lifecycle.conform.reading import ScenarioError, read_scenario

GOOD = """
id = "T"
title = "a test"
source = "here"
venue = "cancel-replace"

[[step]]
at = 1.0
cycle = { bids = [["2000.0", "0.10"]], asks = [] }
"""
CYCLE = 'cycle = { bids = [["2000.0", "0.10"]], asks = [] }'
FILL = 'kind = "fill", order = "b1", oid = "101", qty = "0.1", price = "2000.0", trade_id = "t1"'

ROW = '{ oid = "1", side = "up", price = "1", qty = "1" }'


def refusal(folder: Path, text: str) -> str:
    """Return how a file is refused, without its name."""
    path = folder / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    file, _, rest = str(caught.value).partition(": ")
    assert file == str(path)
    return rest


def test_the_file_that_all_others_spoil_is_good(tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_text(GOOD, encoding="utf-8")

    assert len(read_scenario(path).steps) == 1


@pytest.mark.parametrize("key", ["id", "title", "source", "venue"])
def test_a_missing_header_is_named(tmp_path: Path, key: str) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} "))

    assert refusal(tmp_path, text) == f"header: scenario must have '{key}'"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "T"', "id = 7", "id must be a text, was 7"),
        ('id = "T"', 'id = "T"\nauthor = "me"', "scenario has no 'author'; it takes"),
        ('"cancel-replace"', '"swap"', "venue must be one of cancel-replace, amend, was 'swap'"),
        (GOOD[GOOD.index("[[step]]") :], "step = []", "step must be an array of tables"),
        (GOOD[GOOD.index("[[step]]") :], "step = 3", "step must be an array of tables"),
        ("[[step]]", "[config]\nlatch = 3\n[[step]]", "config: config has no 'latch'; it takes"),
        ("[[step]]", "[config]\nlatch_bps = true\n[[step]]", "config: latch_bps must be a number"),
        ("[[step]]", '[config]\ntick = "x"\n[[step]]', "config: tick must be a number, was 'x'"),
        ("[[step]]", "[config]\nlot = 0\n[[step]]", "config: lot must be positive, was 0"),
        ("[[step]]", "[config]\nlot = -1\n[[step]]", "config: lot must be finite and not negative"),
        ("[[step]]", "[config]\nlot = nan\n[[step]]", "config: lot must be finite"),
        ("[[step]]", "[config]\nquota = 3\n[[step]]", "config: quota must be a table, was 3"),
        ("[[step]]", "[config.quota]\ncap = -1\n[[step]]", "config: quota.cap must be a whole"),
        ("[[step]]", "[config.quota]\nleft = 1\n[[step]]", "config: quota has no 'left'"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    told = refusal(tmp_path, GOOD.replace(old, new, 1))

    assert told.startswith(f"header: {complaint}")


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        # The step itself.
        ("tick = true", "step must have 'at'"),
        ("at = 0.5\ntick = true", "at must not decrease, was 0.5"),
        ("at = 'x'\ntick = true", "at must be a number, was 'x'"),
        ("at = 1e300\ntick = true", "at: must be at most 9223372036 seconds"),
        ("at = -1\ntick = true", "at: must be seconds, exact in nanoseconds"),
        ('at = "soon"\ntick = true', "at must be a number, was 'soon'"),
        ("at = true\ntick = true", "at must be a number, was True"),
        ('at = "2.0000000001"\ntick = true', "at: must be seconds, exact in nanoseconds"),
        ("at = inf\ntick = true", "at: must be seconds"),
        ("at = 2", "a step must have exactly one of cycle, report, reports, tick, crash, had 0"),
        ("at = 2\ntick = true\ncrash = true", "a step must have exactly one of"),
        ("at = 2\ntick = false", "tick must be true, was False"),
        ("at = 2\ntick = true\nsleep = 3", "step has no 'sleep'; it takes"),
        ('at = 2\ntick = true\nmarket = { bid = "1" }', "market must stand beside a cycle"),
        # Cycles.
        ("at = 2\ncycle = 3", "cycle must be a table, was 3"),
        ("at = 2\ncycle = { bid = [] }", "cycle has no 'bid'; it takes"),
        ("at = 2\ncycle = { bids = 3 }", "bids must be an array of [price, qty], was 3"),
        ('at = 2\ncycle = { bids = [["1"]] }', "bids must be an array of [price, qty], had ['1']"),
        ('at = 2\ncycle = { bids = [["x", "1"]] }', "price must be a number, was 'x'"),
        ('at = 2\ncycle = { bids = [["2000.05", "1"]] }', "price: price must be a multiple of 0.1"),
        ('at = 2\ncycle = { bids = [["2000", "-1"]] }', "qty must not be negative, was '-1'"),
        ('at = 2\ncycle = { bids = [[true, "1"]] }', "price must be a number, was True"),
        (
            f'at = 2\n{CYCLE[:-1]}, market = {{ bid = "1" }} }}\nmarket = {{ bid = "1" }}',
            "market must be given once",
        ),
        (f'at = 2\n{CYCLE}\nmarket = {{ mid = "1" }}', "market has no 'mid'; it takes ask, bid"),
        # Reports.
        ("at = 2\nreport = 3", "a report must be a table with a kind, was 3"),
        ('at = 2\nreport = { order = "b1" }', "a report must be a table with a kind"),
        ("at = 2\nreports = []", "reports must be an array of reports"),
        ('at = 2\nreport = { kind = "lost" }', "kind must be one of accepted, "),
        ('at = 2\nreport = { kind = "accepted", order = "b1" }', "accepted must have 'oid'"),
        (
            'at = 2\nreport = { kind = "accepted", order = "b2", oid = "1" }',
            "order must name a place of this story (b1, a1, …), was 'b2'",
        ),
        (
            'at = 2\nreport = { kind = "accepted", order = "c1", oid = "1" }',
            "order must name a place of this story (b1, a1, …), was 'c1'",
        ),
        (
            'at = 2\nreport = { kind = "accepted", order = "b1", oid = 1 }',
            "oid must be a text, was 1",
        ),
        (
            'at = 2\nreport = { kind = "accepted", order = "b1", cloid = "x", oid = "1" }',
            "an order must be named once",
        ),
        ('at = 2\nreport = { kind = "rejected" }', "a report must name its order"),
        ('at = 2\nreport = { kind = "limited", order = "b1" }', "limited has no 'order'"),
        (f"at = 2\nreport = {{ {FILL.replace('0.1', '0')} }}", "qty must be positive in a fill"),
        (f"at = 2\nreport = {{ {FILL.replace('0.1', '0.001')} }}", "qty: size must be a multiple"),
        (
            'at = 2\nreport = { kind = "cancelled", order = "b1", oid = "1", reason = "rain" }',
            "reason must be one of expired, ",
        ),
        (
            'at = 2\nreport = { kind = "cancel_rejected", order = "b1", reason = "no" }',
            "reason must be one of too_late, unknown, was 'no'",
        ),
        (
            'at = 2\nreport = { kind = "modify_rejected", order = "b1", alive = "maybe" }',
            "alive, if not true or false, must be one of unknown, was 'maybe'",
        ),
        (
            'at = 2\nreport = { kind = "unanswered", order = "b1", command = "query" }',
            "command must be one of cancel, modify, place, was 'query'",
        ),
        (
            'at = 2\nreport = { kind = "order_status", order = "b1", status = "gone" }',
            "status must be one of cancelled, filled, ",
        ),
        (
            'at = 2\nreport = { kind = "snapshot", open = [], taken_at = 2.5 }',
            "taken_at must not be later than at",
        ),
        ('at = 2\nreport = { kind = "snapshot", open = 3 }', "open and fills must be arrays"),
        (
            f"at = 2\nreport = {{ kind = 'snapshot', open = [{ROW}] }}",
            "side must be one of buy, sell, was 'up'",
        ),
        # Expectations.
        ("at = 2\ntick = true\nsent = { places = 1 }", "sent has no 'places'; it takes"),
        ("at = 2\ntick = true\nsent = { place = 1.5 }", "place must be a whole number, was 1.5"),
        ("at = 2\ntick = true\nsent = { place = true }", "place must be a whole number, was True"),
        ("at = 2\ntick = true\ndiverged = -1", "diverged must be a whole number, was -1"),
        ("at = 2\ntick = true\norder = 3", "order must be a table by name, was 3"),
        ('at = 2\ntick = true\norder.b1 = { status = "open" }', "order has no 'status'"),
        ('at = 2\ntick = true\norder.b1 = { state = "open" }', "state must be one of cancelled, "),
        ('at = 2\ntick = true\norder.a1 = { filled = "0" }', "order must name a place"),
        ('at = 2\ntick = true\norder.b1 = { request = "?" }', "request must be one of cancelling,"),
        ("at = 2\ntick = true\nreason = 3", "reason must be a table by name, was 3"),
        ('at = 2\ntick = true\nreason.b1 = "mood"', "reason must be one of backoff, "),
        ("at = 2\ntick = true\nlive = { both = 1 }", "live has no 'both'; it takes asks, bids"),
        ('at = 2\ntick = true\nposition = "0.001"', "position: size must be a multiple of 0.01"),
        ('at = 2\ntick = true\nexposure = { long = "-1" }', "long must not be negative"),
    ],
)
def test_a_wrong_step_is_named(tmp_path: Path, step: str, complaint: str) -> None:
    told = refusal(tmp_path, f"{GOOD}\n[[step]]\n{step}\n")

    assert told.startswith(f"step 2: {complaint}")


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "id = ").startswith("must be TOML: ")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ScenarioError, match=r"bad\.toml: must be TOML: "):
        read_scenario(path)


def test_a_file_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.toml: must be readable: No such file"):
        read_scenario(tmp_path / "none.toml")
