"""Logs of other bots: how they are read, what they are held to, and how bad ones are refused."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from exchange.instrument import Instrument
from lifecycle.audit.audited import Audited
from lifecycle.audit.log_audit import Given, audit_log
from lifecycle.audit.log_lines import LogFile
from lifecycle.audit.mapping import (
    Dialect,
    Kind,
    LogError,
    kind_of,
    read_dialect,
    side_of,
    unit_of,
)

LOGS: Final = Path(__file__).parent / "logs"
ETH: Final = Instrument(
    "ETH", price_unit=Decimal("0.1"), lot=Decimal("0.01"), min_notional=Decimal(10)
)
HEAD: Final = "time,event,cloid,oid,side,price,qty\n"
AMERICAN: Final = "cancelled".replace("ll", "l")
PLACED: Final = "1,place,a,,buy,100.1,0.5\n2,ack,a,7,,,\n"


def audit(path: Path, given: Given | None = None, dialect: Dialect | None = None) -> Audited:
    form = "csv" if path.suffix == ".csv" else "jsonl"
    given = given or Given(instrument=ETH)
    return audit_log(path, "csv" if form == "csv" else "jsonl", dialect or Dialect(), given)


def broken(found: Audited) -> list[tuple[str, int, str | None]]:
    return [(one.invariant, one.record, one.cloid) for one in found.violations]


def written(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_naive_bot_is_found_out_line_by_line() -> None:
    found = audit(LOGS / "naive.csv", Given(instrument=ETH, levels=1))

    assert broken(found) == [
        ("S4", 7, "n3"),  # Cancelled and placed again in one breath.
        ("S1", 11, "n2"),  # A cancel repeated while the first is unanswered.
        ("S4", 15, "n5"),  # A second place after a timeout: both filled.
        ("S2", 20, "n4"),  # A cancel of what has filled.
        ("S4", 21, "n3"),
        ("S17", 21, "n3"),  # A cloid used again.
    ]
    assert found.judged == 9
    assert found.read.fills == 2


def test_without_the_number_of_levels_what_needs_it_is_not_judged() -> None:
    found = audit(LOGS / "naive.csv")

    assert {name for name, _, _ in broken(found)} == {"S1", "S2", "S17"}
    assert found.excused["S4"].startswith("needs --levels")


def test_a_clean_bot_holds() -> None:
    dialect = read_dialect(LOGS / "clean.toml")
    given = Given(
        instrument=ETH,
        levels=1,
        exposure_cap=Decimal("0.3"),
        request_cap=100,
        order_max=Decimal(1),
        requests_per_minute=60,
    )

    found = audit(LOGS / "clean.jsonl", given, dialect)

    assert broken(found) == []
    assert found.judged == 12
    assert (found.read.orders, found.read.modifies, found.read.cancels) == (3, 2, 2)
    assert found.read.fills == 1


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (Given(instrument=ETH, exposure_cap=Decimal("0.4")), "S6"),
        (Given(instrument=ETH, position=Decimal("0.2"), exposure_cap=Decimal("0.6")), "S6"),
        (Given(instrument=ETH, order_max=Decimal("0.4")), "S25"),
        (Given(instrument=ETH, request_cap=0), "S11"),
    ],
)
def test_a_limit_that_is_given_is_judged(tmp_path: Path, given: Given, name: str) -> None:
    found = audit(written(tmp_path, HEAD + PLACED), given)

    assert [one.invariant for one in found.violations] == [name]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("3,reject,a,,,,\n4,place,b,,buy,100.1,0.5\n4.1,reject,b,,,,\n4.2,place,c,,buy,100.1,0.5\n",
         "S12"),
        ("3,place,b,,sell,100.0,0.5\n", "S9"),
        ("3,place,b,,buy,100.0,0.01\n", "S10"),
        ("3,modify,a,7,sell,100.2,0.5\n", "S15"),
        ("3,cancel,x,,,,\n", "S18"),
        ("3,cancel,a,99,,,\n", "S18"),
        ("3,fill,a,7,,100.1,0.5\n4,modify,a,7,,100.2,0.5\n", "S2"),
    ],
)  # fmt: skip
def test_each_promise_that_the_log_alone_can_break_is_seen(
    tmp_path: Path, lines: str, name: str
) -> None:
    found = audit(written(tmp_path, HEAD + PLACED + lines))

    assert [one.invariant for one in found.violations] == [name]


@pytest.mark.parametrize(
    "lines",
    [
        "3,modify,a,7,,100.2,\n4,modified,a,8,,,\n5,cancel,a,8,,,\n6,cancelled,a,8,,,\n",
        "3,modify,a,7,,100.2,\n4,ack,a,,,,\n5,cancel,a,,,,\n6,ack,a,,,,\n",
        "3,cancel,a,7,,,\n4,reject,a,,,,\n5,open,a,7,,,\n6,cancel,a,7,,,\n",
        "3,modify,a,7,,100.2,\n4,rejected,a,,,,\n5.5,modify,a,7,,100.3,\n",
        "3,modify,a,7,,100.2,\n3.5,timeout,a,,,,\n4,modified,a,8,,,\n5,cancel,a,8,,,\n",
        f"3,cancel,,7,,,\n4,{AMERICAN},,7,,,\n",
        "3,fill,a,7,,100.1,0.2\n4,cancel,a,7,,,\n5,expired,a,7,,,\n",
    ],
)
def test_a_life_without_fault_breaks_nothing(tmp_path: Path, lines: str) -> None:
    found = audit(written(tmp_path, HEAD + PLACED + lines), Given(instrument=ETH, levels=1))

    assert broken(found) == []


def test_lines_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "2,ack,a,7,,,\n1,place,a,,buy,100.1,0.5\n")

    found = audit(path)

    assert broken(found) == []
    assert "1 lines were out of order, and sorted by time" in found.notes


def test_without_an_instrument_the_units_are_the_finest_steps(tmp_path: Path) -> None:
    found = audit(written(tmp_path, HEAD + PLACED), Given())

    assert dict(found.about)["instrument"] == "log, 0.1 × 0.1"
    assert found.notes[0].startswith("the units are the finest steps")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: a log must begin with the names of its columns"),
        ("time,event\n", "line 1: a column must say the cloid, there are time, event: name it"),
        ("moment,event,cloid\n1,place,a\n", "line 1: a column must say the time"),
        (HEAD, "a log must have events, had none"),
        (HEAD + "1,place,a\n", "line 2: a line must have 7 fields, was 3"),
        (HEAD + "x,place,a,,buy,1,1\n", "line 2: column 'time' (time) must be an ISO time, was"),
        (HEAD + "1,place,a,,buy,1,1\ny,ack,a,,,,\n", "line 3: column 'time' (time) must be a numb"),
        (HEAD + ",place,a,,buy,1,1\n", "line 2: column 'time' (time) must not be empty"),
        (
            HEAD + "1,dance,a,,buy,1,1\n",
            "line 2: column 'event' (event) must be known, was 'dance'",
        ),
        (
            HEAD + "1,place,a,,up,1,1\n",
            "line 2: column 'side' (side) must be buy or sell, was 'up'",
        ),
        (HEAD + "1,place,a,,buy,1 0,1\n", "line 2: column 'price' (price) must be a number, was"),
        (HEAD + "1,place,a,,buy,-1,1\n", "line 2: column 'price' (price) must be finite and not"),
        (HEAD + "1,place,a,,buy,,1\n", "line 2: column 'price' (price) must be given for 'place'"),
        (HEAD + "1,place,a,,,1,1\n", "line 2: column 'side' (side) must be given for 'place'"),
        (HEAD + "1,place,a,,buy,1.05,1\n", "line 2: column 'price' (price): price must be a mult"),
        (HEAD + "1,place,a,,buy,1,0.005\n", "line 2: column 'qty' (qty): size must be a multiple"),
        (HEAD + "1,cancel,,,,,\n", "line 2: 'cancel' must name an order"),
        (HEAD + '1,"place,a\n', "must be CSV"),
    ],
)
def test_a_bad_line_is_named_with_its_column_and_value(
    tmp_path: Path, text: str, words: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(LogError) as caught:
        audit(path)

    assert str(caught.value).startswith("log.csv")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{\n", "line 1: a line must be JSON"),
        ("[1]\n", "line 1: a line must be a JSON object, was [1]"),
        ('{"time": 1}\n', "line 1: a column must say the event"),
        ('{"time": 1, "event": "place"}\n', "line 1: 'place' must name an order"),
    ],
)
def test_a_bad_json_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LogError) as caught:
        audit(written(tmp_path, text, "log.jsonl"))

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("PLACE", Kind.PLACE), (AMERICAN, Kind.CANCELLED), ("CANCELLED", Kind.CANCELLED),
        ("cancel", Kind.CANCEL), ("partially_filled", Kind.FILL), ("PartialFill", Kind.FILL),
        ("replace", Kind.MODIFY), ("replaced", Kind.MODIFIED), ("order-ack", None),
    ],
)  # fmt: skip
def test_words_are_known_however_they_are_spelt(word: str, kind: Kind | None) -> None:
    if kind is None:
        with pytest.raises(ValueError, match="say what it is with --event order-ack=KIND"):
            kind_of(word, {})
        assert kind_of(word, {"order-ack": Kind.ACK}) is Kind.ACK
    else:
        assert kind_of(word, {}) is kind


@pytest.mark.parametrize(
    ("word", "side"),
    [("B", 1), ("A", -1), ("Buy", 1), ("-1", -1), ("1", 1), ("BID", 1), ("ask", -1), ("short", -1)],
)
def test_sides_are_known_however_they_are_spelt(word: str, side: int) -> None:
    assert side_of(word, {}) == side


@pytest.mark.parametrize(
    ("column", "first", "unit"),
    [
        ("ts", "1756987200", "s"), ("ts", "1756987200000", "ms"), ("ts", "1756987200000000", "us"),
        ("ts", "1756987200000000000", "ns"), ("ts_ms", "5", "ms"), ("ts", "2025-09-04", "iso"),
        ("ts", "0.5", "s"), ("s", "1756987200000", "ms"),
    ],
)  # fmt: skip
def test_the_unit_of_times_is_found(column: str, first: str, unit: str) -> None:
    assert unit_of(column, first) == unit


def test_times_are_exact_to_the_nanosecond(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "1756987200.123456789,place,a,,buy,1,1\n")

    (line,) = LogFile(path, "csv", Dialect()).lines()

    assert line.at == 1_756_987_200_123_456_789


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[columns]\ncolour = 'x'\n", "a column must be one of time, event"),
        ("[columns\n", "a mapping must be TOML"),
        ("[columns]\ntime = 3\n", "columns.time must be the name of a column, was 3"),
        ("[colums]\n", "a mapping must have columns, events, sides or time_unit, was 'colums'"),
        ("columns = 3\n", "columns must be a table, [columns], was 3"),
        ('[events]\ngo = "dance"\n', "events.go must be one of place, new, modify, "),
        ('[sides]\nL = "long"\n', "sides.L must be one of buy, sell, was 'long'"),
        ('time_unit = "h"\n', "time_unit must be one of s, ms, us, ns, iso, was 'h'"),
    ],
)
def test_a_bad_mapping_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text, "map.toml")

    with pytest.raises(LogError) as caught:
        read_dialect(path)

    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_a_column_that_is_named_must_be_there(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + PLACED)

    with pytest.raises(LogError, match="column 'stamp' \\(time\\) must be one of time, event"):
        audit(path, dialect=Dialect({"time": "stamp"}))


def test_request_numbers_are_judged_where_a_column_has_them(tmp_path: Path) -> None:
    text = "time,event,cloid,side,price,qty,nonce\n1,place,a,buy,100,1,5\n2,place,b,buy,99,1,5\n"
    path = written(tmp_path, text)

    assert broken(audit(path)) == []
    assert broken(audit(path, dialect=Dialect({"request": "nonce"}))) == [("S17", 3, "b")]
