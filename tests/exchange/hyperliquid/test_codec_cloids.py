"""Client order ids: there and back without loss, and without taking anyone else's for ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.hyperliquid.codec_cloids import OURS_MAX, OURS_MIN, from_wire, is_sent, to_wire
from lifecycle.drive.recovery import new_session

ours = st.text("0123456789abcdef", min_size=OURS_MIN, max_size=OURS_MAX)
theirs = st.text("0123456789abcdef", min_size=32, max_size=32).map("0x".__add__)


@given(ours)
def test_ours_come_back_as_they_went(cloid: str) -> None:
    sent = to_wire(cloid)

    assert re.fullmatch("0x[0-9a-f]{32}", sent)
    assert from_wire(sent) == cloid
    assert from_wire(sent.upper().replace("0X", "0x")) == cloid


@given(theirs)
def test_anyone_elses_go_out_as_they_came(text: str) -> None:
    assert to_wire(from_wire(text)) == text


@given(theirs.filter(lambda text: "c10d" not in text))
def test_anyone_elses_without_the_mark_stay_themselves(text: str) -> None:
    assert from_wire(text) == text


@given(st.lists(ours, unique=True))
def test_no_two_of_ours_are_one_at_the_venue(cloids: list[str]) -> None:
    assert len({to_wire(cloid) for cloid in cloids}) == len(cloids)


def test_what_a_manager_makes_fits() -> None:
    for number in (0, 42, 0xFFFFFFFF):
        cloid = f"{new_session()}{number:08x}"
        assert from_wire(to_wire(cloid)) == cloid


@pytest.mark.parametrize(
    "cloid",
    ["", "1234567", "0" * 29, "ABCDEF0123", "session-00000001", "0x12", "0x" + "A" * 32, "oid:77",
     "0123456\n", "0x" + "1" * 33],
)  # fmt: skip
def test_a_cloid_that_does_not_fit_is_refused_before_it_is_sent(cloid: str) -> None:
    with pytest.raises(ValueError, match="a cloid must be"):
        to_wire(cloid)


def test_a_name_that_stands_for_an_oid_is_not_sent() -> None:
    assert not is_sent("oid:77")
    assert is_sent("0123456789abcdef")


@pytest.mark.parametrize("text", ["", "0x1", "hello", "0x" + "0" * 32, "0x" + "7" * 32])
def test_a_text_that_is_not_one_of_ours_has_itself_as_a_name(text: str) -> None:
    assert from_wire(text) == text
