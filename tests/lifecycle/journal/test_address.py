"""The URL of a fleet's journal: what it means, and what of it is never shown."""

import pytest

from lifecycle.journal.address import Address, is_address
from lifecycle.journal.base import JournalError


@pytest.mark.parametrize(
    ("text", "shown", "url", "run"),
    [
        ("postgresql://db/bots", "postgresql://db/bots", "postgresql://db/bots", None),
        (
            "postgresql://joe:s3cret@db:5433/bots?sslmode=require&run=ab12.2",
            "postgresql://joe@db:5433/bots?run=ab12.2",
            "postgresql://joe:s3cret@db:5433/bots?sslmode=require",
            "ab12.2",
        ),
        (
            "postgres://joe@one,two/bots?run=a%2Fb&host=%2Frun%2Fpg",
            "postgres://joe@one,two/bots?run=a/b",
            "postgres://joe@one,two/bots?host=%2Frun%2Fpg",
            "a/b",
        ),
        (
            "postgresql://joe:p@ss/w:rd@db/bots",
            "postgresql://joe@db/bots",
            "postgresql://joe:p@ss/w:rd@db/bots",
            None,
        ),
        (
            "postgresql://db/bots?user=joe&password=s3cret",
            "postgresql://db/bots",
            "postgresql://db/bots?user=joe&password=s3cret",
            None,
        ),
    ],
)
def test_an_address_is_shown_without_its_secrets(
    text: str, shown: str, url: str, run: str | None
) -> None:
    address = Address.parse(text)

    assert (str(address), address.url, address.run) == (shown, url, run)
    assert "s3cret" not in repr(address)
    assert is_address(text)


def test_a_secret_is_hidden_in_what_others_say_quoted_or_not() -> None:
    address = Address.parse("postgresql://joe:p%40ss@db/bots?sslpassword=other")

    assert address.hide("no p@ss,\n no p%40ss,  no other") == "no ***, no ***, no ***"


def test_what_is_no_url_is_not_repeated() -> None:
    with pytest.raises(JournalError, match=r"^a fleet's journal must be a URL, as in") as error:
        Address.parse("mysql://joe:s3cret@db/bots")

    assert "s3cret" not in str(error.value)
    assert not is_address("run.journal")
