"""A comparison as tables and as a page: self-contained, well-formed, escaped, and readable."""

from html.parser import HTMLParser
from io import StringIO

import pytest
from msgspec import structs
from rich.console import Console

from lifecycle.run.compared import MEASURES, Board, contributions, standing
from lifecycle.run.policies import ABLATION, BOTH
from lifecycle.views.compare import COLUMNS, comparison
from lifecycle.views.compare_page import page
from lifecycle.views.theme import THEME
from tests import summaries

RUN = structs.replace(
    summaries.RUN,
    cancel_fill=None,
    series=[(60, None, None, None, 0), (120, 1.0, 0.9, 1.0, 3), (180, 1.0, 1.0, 1.2, 4)],
)


def board(names: tuple[str, ...] = BOTH, market: str = "generated") -> Board:
    """Return a board whose policies differ a little, and whose two seeds do too."""
    standings = tuple(
        standing(
            name,
            [
                (seed, structs.replace(RUN, calls_per_minute=30.0 / (1 + row) + seed))
                for seed in (1, 2)
            ],
        )
        for row, name in enumerate(names)
    )
    return Board(market, 5.0, standings, contributions(standings))


WHOLE = board(ABLATION)


def shown(boards: list[Board], width: int) -> str:
    console = Console(file=StringIO(), width=width, theme=THEME, color_system=None)
    console.print(comparison(boards, width))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


class Page(HTMLParser):
    """Checks that elements nest, and gathers what could load something."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; note what it could load."""
        self.seen.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "srcset", "data", "action"} or name.startswith("on"):
                self.loads.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element and close it."""
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close an element, which must be the one opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data


def parsed(text: str) -> Page:
    found = Page()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def test_every_measure_has_a_column() -> None:
    assert [column.key for column in COLUMNS] == [measure.key for measure in MEASURES]


@pytest.mark.parametrize("width", [80, 100, 160])
def test_two_policies_stand_side_by_side_with_the_least_and_the_greatest(width: int) -> None:
    text = shown([board()], width)

    assert text.startswith("generated, 5 min, median of 2 seeds")
    assert "31.5   31.0 … 32.0" in text
    assert all(column.label in text for column in COLUMNS)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_many_policies_stand_below_each_other_and_nothing_is_cut(width: int) -> None:
    text = shown([WHOLE], width)

    assert "…" not in text
    for name in ABLATION:
        assert any(line.startswith(name) for line in text.splitlines())
    assert all(column.short in text for column in COLUMNS)
    assert "what switching a layer on changes" in text
    assert all(len(line) <= width for line in text.splitlines())


def test_a_broken_invariant_in_one_seed_shows_though_the_median_has_none() -> None:
    runs = [(1, RUN), (2, RUN), (3, structs.replace(RUN, violations=4))]
    one = Board("generated", 5.0, (standing("stable", runs),), ())

    [line] = [line for line in shown([one], 80).splitlines() if "broken invariants" in line]

    assert line.split()[-1] == "4"
    assert '<td class="broken">4' in page([one], [])


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    text = page([WHOLE, board(market="eth.csv.gz")], [("runs", "80 of 80")])

    found = parsed(text)
    assert found.loads == []
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    assert not {"script", "link", "img", "iframe", "object"} & set(found.seen)
    assert len(found.ids) == len(set(found.ids))


def test_the_page_has_the_frontier_the_contributions_and_the_times_of_each_market() -> None:
    found = parsed(page([WHOLE, board(market="eth.csv.gz")], []))

    # Without the whole ablation there is nothing to attribute.
    assert found.seen.count("svg") == (1 + 2 + 3) + (1 + 3)
    assert found.seen.count("h2") == 3
    for words in ("The frontier", "What each layer contributes", "Over time", "Presence"):
        assert words in found.text


def test_the_page_escapes_what_comes_from_outside() -> None:
    evil = "<script>alert('&')</script>"

    text = page([board(market=evil)], [(evil, evil)])

    assert "script" not in parsed(text).seen
    assert evil in parsed(text).text


def test_the_page_names_each_policy_in_its_table() -> None:
    text = page([WHOLE], [])

    for name in ABLATION:
        assert f'<th scope="row">{name}</th>' in text


def test_equal_comparisons_give_equal_pages() -> None:
    assert page([board(ABLATION)], []) == page([board(ABLATION)], [])


def test_runs_without_a_cycle_leave_a_page() -> None:
    still = structs.replace(RUN, staleness_rms_bps=None, staleness_limit_bps=None, series=[])
    one = Board("generated", 0.1, (standing("stable", [(1, still)]),), ())

    assert "Nothing to draw" in parsed(page([one], [])).text
