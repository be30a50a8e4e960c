"""The table of what a log can be held to."""

from itertools import chain, combinations

from lifecycle.audit.applicable import APPLICABLE, Needs, excused, judged
from spec.invariants.all import INVARIANTS


def test_every_promise_has_exactly_one_row() -> None:
    assert [row.id for row in APPLICABLE] == [one.id for one in INVARIANTS]


def test_with_whatever_is_given_a_promise_is_judged_or_excused() -> None:
    options = [Needs.LEVELS, Needs.EXPOSURE_CAP, Needs.REQUEST_CAP, Needs.GUARDS]
    for given in chain.from_iterable(combinations(options, n) for n in range(5)):
        ids = [one.id for one in judged(given)]
        why_not = excused(given)

        assert sorted([*ids, *why_not]) == sorted(one.id for one in INVARIANTS)
        assert all(row.id in why_not for row in APPLICABLE if row.needs is Needs.MORE)
        assert all(row.id in ids for row in APPLICABLE if row.needs in given)


def test_an_option_that_would_help_is_named() -> None:
    assert excused([])["S4"].startswith("needs --levels: ")
    assert "S4" not in excused([Needs.LEVELS])
