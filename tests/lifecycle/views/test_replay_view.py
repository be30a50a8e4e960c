"""A replay as tables: what fits stands side by side, what does not follows."""

from io import StringIO

import pytest
from msgspec import structs
from rich.console import Console

from lifecycle.run.frame import Presence
from lifecycle.views.replay import MEASURES, error_line, replayed
from lifecycle.views.theme import THEME
from lifecycle.whatif.comparison import AS_IT_WAS, SAME, UNSEEN, Column, Comparison
from tests import summaries

MODEL = structs.replace(
    summaries.RUN, calls=16, fills=1, presence=Presence(1.0, 1.0), staleness_rms_bps=1.0
)
TRIED = structs.replace(summaries.RUN, calls=4, cancel_fill=None, violations=2)

FOUND = Comparison(
    journal="run.journal",
    market="the journal",
    latency="latency of 35 round trips",
    common="in_step=false",
    seed=1,
    seconds=300.0,
    records=120,
    columns=(
        Column(AS_IT_WAS, {}, summaries.RUN),
        Column(SAME, {}, MODEL),
        Column("latch_bps=4", {"bands.latch_bps": 4.0}, TRIED),
        Column("latch_bps=6, min_interval_ms=1000", {"bands.latch_bps": 6.0}, TRIED),
    ),
    notes=(UNSEEN,),
)

SIDE_BY_SIDE = """\
run.journal, 5.0 min, 40 cycles, market of the journal, latency of 35 round trips, seed 1
all that is tried with in_step=false

                                         the same,                         latch_bps=6,
                             as it was    modelled   latch_bps=4   min_interval_ms=1000
───────────────────────────────────────────────────────────────────────────────────────
API calls                           14          16             4                      4
API calls saved                                            +75 %                  +75 %
API calls per minute              3.50        3.50          3.50                   3.50
cycles without a call             85 %        85 %          85 %                   85 %
queue position kept             88.6 %      88.6 %        88.6 %                 88.6 %
modifies among changes            90 %        90 %          90 %                   90 %
cancels                              1           1             1                      1
cancels per fill                  0.50        0.50             ∞                      ∞

bids present                     100 %       100 %         100 %                  100 %
asks present                      90 %       100 %          90 %                   90 %
staleness, RMS bps                1.10        1.00          1.10                   1.10
its limit, half latch, bps        1.50        1.50          1.50                   1.50
fills                                2           1             2                      2
filled                             0.2         0.2           0.2                    0.2
mid after a fill, 5 s, bps        -1.2        -1.2          -1.2                   -1.2
position at the end                  0           0             0                      0
broken invariants                    0           0             2                      2

The model's own error, with the same settings: calls +2 of 14, presence +5.0 %, staleness -0.10 bps,
"""


def shown(found: Comparison, width: int) -> str:
    console = Console(file=StringIO(), width=width, theme=THEME, color_system=None)
    console.print(replayed(found, width))
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def test_where_there_is_room_all_stand_side_by_side() -> None:
    assert shown(FOUND, 100).startswith(SIDE_BY_SIDE)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_every_column_and_measure_is_shown_whatever_the_width(width: int) -> None:
    text = shown(FOUND, width)

    assert max(len(line) for line in text.splitlines()) <= width
    for heading in ("as it was", "modelled", "latch_bps=4", "min_interval_ms=1000"):
        assert heading in text
    for measure in MEASURES:
        assert (measure.label in text) or (measure.short in text)


def test_the_models_error_is_the_difference_of_the_first_two_columns() -> None:
    assert error_line(FOUND) == (
        "The model's own error, with the same settings: calls +2 of 14, presence +5.0 %, "
        "staleness -0.10 bps, fills -1 of 2."
    )


def test_without_calls_there_is_no_share_to_save() -> None:
    none = structs.replace(MODEL, calls=0)
    columns = (FOUND.columns[0], Column(SAME, {}, none), *FOUND.columns[2:])

    text = shown(structs.replace(FOUND, columns=columns), 100)

    [saved] = [line for line in text.splitlines() if line.startswith("API calls saved")]
    assert saved.split()[3:] == ["–", "–"]
