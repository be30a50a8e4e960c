"""The compiler of the charts: what it refuses, what it writes, and what `--check` says."""

import enum
from pathlib import Path
from typing import Any, Final

import pytest
from statemachine import Event, State

from spec.charts import Chart, stays
from spec.states import PhaseEvent
from tools.compile_charts import (
    PAGE_PATH,
    SOURCES,
    TABLES_PATH,
    ChartError,
    Source,
    compile_chart,
    first_difference,
    main,
    outputs,
    render_tables,
)
from tools.draw_charts import diagram, grid, member_docs

COMMAND: Final = "run `python -m tools.compile_charts`"


class Light(enum.IntEnum):
    """The states of a small machine."""

    RED = 0
    GREEN = 1


class LightEvent(enum.IntEnum):
    """Its events."""

    GO = 0
    STOP = 1


class Other(enum.IntEnum):
    """The same numbers by other names."""

    RED = 0
    GREEN = 1


def refusal(chart: type[Chart], events: type[enum.IntEnum] = LightEvent) -> str:
    """Return what the compiler says against a chart."""
    with pytest.raises(ChartError) as refused:
        compile_chart(Source("LIGHT", chart, Light, events))
    return str(refused.value)


def test_a_sound_chart_becomes_its_cells() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green) | stays(green)
        stop = green.to(red)

    table = compile_chart(Source("LIGHT", LightChart, Light, LightEvent))

    assert table.cells == ((1, -2), (-1, 0))
    assert table.initial == Light.RED
    assert table.final == frozenset()


def test_an_event_may_carry_an_underscore_to_differ_from_a_state() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go_ = red.to(green)
        stop = green.to(red)

    table = compile_chart(Source("LIGHT", LightChart, Light, LightEvent))

    assert table.cells == ((1, -2), (-2, 0))


def test_an_eventless_transition_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)
        green.to(red)

    assert "LightChart.green must move by events only" in refusal(LightChart)


def test_a_guard_is_refused() -> None:
    class LightChart(Chart):
        is_day = True
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green, cond="is_day")
        stop = green.to(red)

    assert "LightChart.red on go must have no guards" in refusal(LightChart)


@pytest.mark.parametrize("group", ["before", "on", "after", "validators", "unless"])
def test_a_callback_of_a_transition_is_refused(group: str) -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green, **{group: lambda: None})
        stop = green.to(red)

    assert "LightChart.red on go must have no guards, validators or actions" in refusal(LightChart)


@pytest.mark.parametrize("group", ["enter", "exit", "invoke"])
def test_a_callback_of_a_state_is_refused(group: str) -> None:
    action: dict[str, Any] = {group: lambda: None}

    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN, **action)
        go = red.to(green)
        stop = green.to(red)

    assert "LightChart.green must have no actions" in refusal(LightChart)


@pytest.mark.parametrize(
    "name",
    ["on_go", "before_stop", "after_transition", "on_enter_red", "on_exit_state", "helper"],
)
def test_a_method_is_refused_by_whatever_name(name: str) -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)

        locals()[name] = lambda self: None  # noqa: ARG005 - what a method looks like.

    assert refusal(LightChart) == f"LightChart must have no methods, was {name}"


def test_a_listener_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)
        listeners = [object()]  # noqa: RUF012 - as the library wants it.

    assert "LightChart must have no listeners" in refusal(LightChart)


def test_a_chart_that_is_laxer_than_the_base_is_refused() -> None:
    class LightChart(Chart):
        allow_event_without_transition = True
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)

    assert "allow_event_without_transition must be False" in refusal(LightChart)


def test_an_event_that_no_member_names_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)
        blink = stays(green)

    assert "every event must be a member of LightEvent, was BLINK" in refusal(LightChart)


def test_a_member_that_no_event_answers_to_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green) | green.to(red)

    assert "every LightEvent must be an event, was not: STOP" in refusal(LightChart)


def test_a_state_without_its_member_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        amber = State(value=Light.GREEN)
        go = red.to(amber)
        stop = amber.to(red)

    said = refusal(LightChart)

    assert "the value of amber must be the member of Light of that name" in said
    assert "every Light must be a state, was not: GREEN" in said


def test_a_member_of_another_enum_is_refused_although_its_number_is_equal() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Other.GREEN)
        go = red.to(green)
        stop = green.to(red)

    assert "the value of green must be the member of Light of that name" in refusal(LightChart)


def test_two_answers_for_one_cell_are_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green) | stays(red)
        stop = green.to(red)

    assert "LightChart.red must have one transition for go, was two" in refusal(LightChart)


def test_an_external_self_transition_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green) | green.to(green)
        stop = green.to(red)

    assert "LightChart.green on go must stay by an internal transition" in refusal(LightChart)


def test_a_transition_without_a_target_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green) | green.to(None)
        stop = green.to(red)

    assert "LightChart.green on go must have one target, was 0" in refusal(LightChart)


def test_a_compound_state_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)

        class green(State.Compound):  # noqa: N801 - a state, by the library's spelling.
            dim = State(initial=True)
            bright = State()
            brighten = dim.to(bright) | bright.to(dim)

        go = red.to(green)
        stop = green.to(red)

    assert "LightChart.green must be a plain state, was compound" in refusal(LightChart)


def test_a_delayed_event_is_refused() -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = Event(red.to(green), delay=50)
        stop = green.to(red)

    assert "LightChart.red: go must come at once" in refusal(LightChart)


def test_an_enum_with_a_gap_is_refused() -> None:
    class GapEvent(enum.IntEnum):
        GO = 0
        STOP = 2

    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)

    assert "GapEvent must count from zero without gaps, was [0, 2]" in refusal(LightChart, GapEvent)


def test_two_tables_may_not_give_one_name_two_numbers() -> None:
    class Swapped(enum.IntEnum):
        GREEN = 0
        RED = 1

    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green)
        stop = green.to(red)

    class SwappedChart(Chart):
        green = State(initial=True, value=Swapped.GREEN)
        red = State(value=Swapped.RED)
        go = red.to(green)
        stop = green.to(red)

    tables = [
        compile_chart(Source("LIGHT", LightChart, Light, LightEvent)),
        compile_chart(Source("SWAPPED", SwappedChart, Swapped, LightEvent)),
    ]

    with pytest.raises(ChartError, match="cell names must differ, was GREEN twice"):
        render_tables(tables)


def test_the_committed_files_are_what_the_charts_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_nothing_is_written_where_a_chart_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class LightChart(Chart):
        red = State(initial=True, value=Light.RED)
        green = State(value=Light.GREEN)
        go = red.to(green) | green.to(red)

    source = Source("LIGHT", LightChart, Light, LightEvent)

    assert main([], tmp_path, [source]) == 1
    assert "was not: STOP" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_written_files_pass_the_check(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


@pytest.mark.parametrize("name", [TABLES_PATH, PAGE_PATH])
def test_the_check_names_the_first_line_that_differs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    lines = (tmp_path / name).read_text(encoding="utf-8").splitlines()
    lines[4] = "changed by hand"
    (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert main(["--check"], tmp_path) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{name}:5 must be ")
    assert said.endswith(f"was 'changed by hand'; {COMMAND}\n")


def test_the_check_names_a_file_that_is_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    (tmp_path / PAGE_PATH).unlink()

    assert main(["--check"], tmp_path) == 1
    assert f"{PAGE_PATH}:1 must be " in capsys.readouterr().err


def test_a_file_that_is_too_long_differs_behind_its_end() -> None:
    said = first_difference("a.py", "one\n\n", "one\n")

    assert said == "a.py:3 must be the end of the file, was ''"


def test_a_missing_newline_at_the_end_is_a_difference() -> None:
    said = first_difference("a.py", "one", "one\n")

    assert said == "a.py:2 must be '', was the end of the file"


def test_an_unknown_argument_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chekc"]) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_every_row_of_a_written_table_stands_under_its_events() -> None:
    rows = outputs()[TABLES_PATH].splitlines()

    staffs = next(line for line in rows if line.startswith("   # |") and set(line) <= set(" #|"))
    row = next(line for line in rows if line.endswith("# pending_new"))
    starts = [index for index, mark in enumerate(staffs) if mark == "|"]
    assert len(starts) == len(PhaseEvent)
    assert all(row[start].isalpha() and row[start - 1] in " (" for start in starts)


def test_the_diagrams_show_what_is_expected_as_loops() -> None:
    for source in SOURCES:
        table = compile_chart(source)
        drawing = diagram(table)
        for state, row in zip(table.states, table.cells, strict=True):
            name = state.name.lower()
            assert (f"    {name} --> {name} : " in drawing) == (-1 in row)


def test_the_page_has_every_cell() -> None:
    for source in SOURCES:
        table = compile_chart(source)
        lines = grid(table).splitlines()[2:]
        assert len(lines) == len(source.states)
        for line, row in zip(lines, table.cells, strict=True):
            written = [cell.strip() for cell in line.strip("|").split("|")][1:]
            words = {-1: "·", -2: "✗"} | {int(s): s.name.lower() for s in source.states}
            assert written == [words[answer] for answer in row]


def test_the_legend_explains_every_event_of_a_report() -> None:
    assert set(member_docs(PhaseEvent)) == {event.name for event in PhaseEvent}
