"""State diagrams as SVG: reads what `tools.draw_charts` writes for Mermaid, and draws it in layers.

Mermaid's own renderer is a program of megabytes that runs in the reader's browser and is usually
fetched; three small charts do not need it. States stand in columns by how far they are from the
first; an arrow that leads back is drawn between the same columns; one that spans several
columns has a lane of its own in each. What leaves a state as it is stands inside its box.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from html import escape
from typing import Final

BOX: Final = 30
"""Least height of a state."""
LINE: Final = 13
"""Height of a line of small text."""
SMALL, BIG = 6.1, 7.6
"""Mean width of a character."""
ROW_GAP: Final = 16
MARGIN: Final = 8

_ARROW: Final = re.compile(r"^\s*(\S+) --> (\S+)(?: : (.*))?$")


@dataclass
class Edge:
    """An arrow; `chain` is its way through the columns, from left to right."""

    source: str
    target: str
    labels: tuple[str, ...]
    is_back: bool = False
    chain: list["Item"] = field(default_factory=list)

    @property
    def lane(self) -> float:
        """The height that it needs."""
        return LINE * len(self.labels) + 12


@dataclass
class Item:
    """What stands in a column: a state, or the lane of an arrow that passes."""

    name: str
    column: int
    height: float
    y: float = 0.0
    """Of its middle."""
    lines: tuple[str, ...] = ()
    is_state: bool = True


@dataclass
class Chart:
    """States and arrows as they are said."""

    initial: str = ""
    states: list[str] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    stays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    finals: set[str] = field(default_factory=set)


def parse(source: str) -> Chart:
    """Read a Mermaid `stateDiagram-v2`; raises ValueError for anything else."""
    head, *lines = source.strip().splitlines()
    if head.strip() != "stateDiagram-v2":
        raise ValueError(f"a drawing must be a stateDiagram-v2, was {head.strip()!r}")
    chart = Chart()
    for line in lines:
        found = _ARROW.match(line)
        if found is None:
            raise ValueError(f"a line of a state diagram must be an arrow, was {line.strip()!r}")
        source_name, target, said = found.groups()
        labels = tuple((said or "").split("<br/>")) if said else ()
        for name in (source_name, target):
            if name != "[*]" and name not in chart.states:
                chart.states.append(name)
        if source_name == "[*]":
            chart.initial = target
        elif target == "[*]":
            chart.finals.add(source_name)
        elif source_name == target:
            chart.stays[target] = labels
        else:
            chart.edges.append(Edge(source_name, target, labels))
    return chart


def svg(source: str) -> str:
    """Draw a Mermaid `stateDiagram-v2`."""
    chart = parse(source)
    columns = _columns(chart)
    ports = _arrange(chart, columns)
    return _drawn(chart, columns, ports)


def _ranks(chart: Chart) -> dict[str, int]:
    """Mark arrows that lead back, and return each state's column."""
    order: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        visiting.add(name)
        for edge in (e for e in chart.edges if e.source == name):
            if edge.target in visiting:
                edge.is_back = True
            elif edge.target not in order:
                visit(edge.target)
        visiting.discard(name)
        order.append(name)

    visit(chart.initial)
    ahead = [edge for edge in chart.edges if not edge.is_back]
    far = dict.fromkeys(order, 0)
    for name in reversed(order):
        for edge in (e for e in ahead if e.source == name):
            far[edge.target] = max(far[edge.target], far[name] + 1)
    # As late as what follows allows, so that states of one kind stand together.
    for name in order:
        after = [far[edge.target] for edge in ahead if edge.source == name]
        if after and name != chart.initial:
            far[name] = min(after) - 1
    return far


def _columns(chart: Chart) -> list[list[Item]]:
    """Return the columns with states and lanes, and give each arrow its chain."""
    ranks = _ranks(chart)
    columns: list[list[Item]] = [[] for _ in range(max(ranks.values()) + 1)]
    items = {}
    for name in chart.states:
        lines = tuple(f"· {label}" for label in chart.stays.get(name, ()))
        height = BOX + LINE * len(lines) + (4 if lines else 0)
        items[name] = Item(name, ranks[name], height, lines=lines)
        columns[ranks[name]].append(items[name])
    for edge in chart.edges:
        ends = (items[edge.source], items[edge.target])
        left, right = ends[::-1] if edge.is_back else ends
        lanes = [
            Item("", c, edge.lane, is_state=False) for c in range(left.column + 1, right.column)
        ]
        for lane in lanes:
            columns[lane.column].append(lane)
        edge.chain = [left, *lanes, right]
    return columns


_Ports = dict[tuple[int, int], float]
"""(arrow, index in its chain and side) to the height at which it meets the item."""


def _arrange(chart: Chart, columns: list[list[Item]]) -> _Ports:
    """Stack every column, and give each arrow its place at the side of each state."""
    sides: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for number, edge in enumerate(chart.edges):
        for index, item in enumerate(edge.chain):
            if index + 1 < len(edge.chain):
                sides[id(item), "right"].append((number, 2 * index + 1))
            if index:
                sides[id(item), "left"].append((number, 2 * index))
    every = [item for column in columns for item in column]
    for item in every:
        for side in ("left", "right"):
            need = sum(chart.edges[number].lane for number, _ in sides[id(item), side])
            item.height = max(item.height, need)
    for _ in range(8):
        _stack(columns)
        for column in columns[1:]:
            column.sort(key=lambda item: _pull(chart, item))
    _stack(columns)
    ports: _Ports = {}
    for item in every:
        for side in ("left", "right"):
            here = sides[id(item), side]
            here.sort(key=lambda port: _opposite(chart, port, side).y)
            y = item.y - sum(chart.edges[number].lane for number, _ in here) / 2
            for number, point in here:
                lane = chart.edges[number].lane
                # The line runs below its words.
                ports[number, point] = y + lane - 6
                y += lane
    return ports


def _opposite(chart: Chart, port: tuple[int, int], side: str) -> Item:
    number, point = port
    step = 1 if side == "right" else -1
    return chart.edges[number].chain[point // 2 + step]


def _pull(chart: Chart, item: Item) -> float:
    """Return the mean height of what an item is joined to on its left."""
    ys = [
        edge.chain[index - 1].y
        for edge in chart.edges
        for index, one in enumerate(edge.chain)
        if one is item and index
    ]
    # A little of its present place keeps equals in their order.
    return (sum(ys) + 0.01 * item.y) / (len(ys) + 0.01)


def _stack(columns: list[list[Item]]) -> None:
    heights = [sum(i.height for i in c) + ROW_GAP * (len(c) - 1) for c in columns]
    for column, height in zip(columns, heights, strict=True):
        y = MARGIN + (max(heights) - height) / 2
        for item in column:
            item.y = y + item.height / 2
            y += item.height + ROW_GAP


def _drawn(chart: Chart, columns: list[list[Item]], ports: _Ports) -> str:
    widths = [
        max(
            max(len(item.name) * BIG, *(len(line) * SMALL for line in (*item.lines, ""))) + 20
            for item in column
        )
        for column in columns
    ]
    gaps = [0.0] * len(columns)
    for edge in chart.edges:
        words = max(len(label) for label in edge.labels) * SMALL + 54
        gaps[edge.chain[0].column] = max(gaps[edge.chain[0].column], words)
    lefts = [
        MARGIN + sum(widths[:c]) + sum(max(g, 60) for g in gaps[:c]) for c in range(len(columns))
    ]
    width = lefts[-1] + widths[-1] + MARGIN
    height = max(i.y + i.height / 2 for c in columns for i in c) + MARGIN
    parts = [_arrow(edge, n, ports, lefts, widths) for n, edge in enumerate(chart.edges)]
    for column, left, wide in zip(columns, lefts, widths, strict=True):
        parts += [_box(chart, item, left, wide) for item in column if item.is_state]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width: {width:.0f}px; width: 100%" '
        'font-family="ui-sans-serif, system-ui, sans-serif" fill="currentColor">'
        f"<title>{escape(', '.join(chart.states))}</title>{''.join(parts)}</svg>"
    )


def _box(chart: Chart, item: Item, left: float, width: float) -> str:
    top, middle = item.y - item.height / 2, left + width / 2
    text = item.y - LINE * len(item.lines) / 2 + 5
    doubled = 3 if item.name in chart.finals or item.name == chart.initial else 1.2
    lines = "".join(
        f'<text x="{middle:.1f}" y="{text + 5 + LINE * n:.1f}" font-size="10.5" opacity="0.75" '
        f'text-anchor="middle">{escape(line)}</text>'
        for n, line in enumerate(item.lines, start=1)
    )
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{item.height:.1f}" rx="7" '
        f'fill="none" stroke="currentColor" stroke-width="{doubled}"/>'
        f'<text x="{middle:.1f}" y="{text:.1f}" font-size="13" font-weight="600" '
        f'text-anchor="middle">{escape(item.name)}</text>{lines}'
    )


def _arrow(edge: Edge, number: int, ports: _Ports, lefts: list[float], widths: list[float]) -> str:
    last = len(edge.chain) - 1
    first, final = edge.chain[0], edge.chain[-1]
    start = (lefts[first.column] + widths[first.column], ports[number, 1])
    end = (lefts[final.column], ports[number, 2 * last])
    path = f"M{start[0]:.1f} {start[1]:.1f}"
    for index in range(last):
        one, other = edge.chain[index], edge.chain[index + 1]
        x1, y1 = lefts[one.column] + widths[one.column], ports[number, 2 * index + 1]
        x2, y2 = lefts[other.column], ports[number, 2 * index + 2]
        # Level below the words, which are at the left.
        level, bend = x1 + (x2 - x1) * 0.5, x1 + (x2 - x1) * 0.75
        path += f"H{level:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        if index + 1 < last:
            path += f"H{x2 + widths[other.column]:.1f}"
    tip, way = (start, 1) if edge.is_back else (end, -1)
    head = f'<path d="M{tip[0]:.1f} {tip[1]:.1f}l{way * 8} -4v8z" stroke="none" opacity="0.7"/>'
    # Words stand at the left end, clear of a head that is there.
    x = start[0] + (12 if edge.is_back else 6)
    words = "".join(
        f'<text x="{x:.1f}" y="{start[1] - 4 - LINE * n:.1f}" font-size="10.5">'
        f"{escape(label)}</text>"
        for n, label in enumerate(reversed(edge.labels))
    )
    return f'<path d="{path}" fill="none" stroke="currentColor" opacity="0.55"/>{head}{words}'
