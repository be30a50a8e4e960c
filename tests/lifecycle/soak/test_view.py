"""The end of a soak, as it is shown."""

from io import StringIO

from rich.console import Console, RenderableType

from exchange.units import MINUTE, SECOND
from lifecycle.soak.campaign import Soaked
from lifecycle.soak.kill import Killed
from lifecycle.soak.run import Failure, Outcome
from lifecycle.views.soak import killing, soaking, verdict
from lifecycle.views.theme import THEME


def shown(renderable: RenderableType, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, theme=THEME, highlight=False)
    console.print(renderable)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def of(*outcomes: Outcome) -> Soaked:
    found = Soaked("mix")
    for outcome in outcomes:
        found.add(outcome)
    return found


HELD = Outcome(1, 180 * MINUTE, cycles=9, counts={"gap": 2}, converged=7 * SECOND)
FAILED = Outcome(2, MINUTE, failure=Failure("S4", "2 beside 1", SECOND))


def test_each_kind_has_its_count_and_those_never_seen_say_so() -> None:
    lines = shown(soaking(of(HELD, HELD), 80)).splitlines()

    assert any(line.split() == ["gap", "4", "2"] for line in lines)
    assert any(line.split() == ["kill", "switch", "never", "0"] for line in lines)


def test_the_numbers_are_over_all_runs() -> None:
    text = shown(soaking(of(HELD, HELD), 80))

    assert "7 s / 7 s / 7 s" in text
    assert "2 runs, 6.0 simulated hours: every promise held" in text


def test_a_failed_run_is_the_verdict() -> None:
    assert verdict(of(HELD, FAILED)).plain == "1 of 2 runs failed"
    assert verdict(of()).plain.startswith("no run was played to its end")


def test_kills_are_shown_with_what_is_wrong() -> None:
    killed = Killed(
        kills=20, starts=22, records=900, fills=31, orders=70, market_s=300.0, in_flight=12,
        journal="kills-1.journal", wrong=[],
    )  # fmt: skip

    text = shown(killing(killed, 80))

    assert any(line.split() == ["kills", "20"] for line in text.splitlines())
    assert "nothing lost, nothing doubled, nothing unknown" in text
