"""The screen of a run: one moment of it, drawn.

A pure function of a frame and the size of the terminal. Every order keeps its lane, so that the
eye can follow it; what does not fit is dropped, the least important first.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lifecycle.run.frame import Frame, OrderRow
from lifecycle.views import text

WIDTH_MAX: Final = 160
"""Wider than this nothing gets clearer."""
SIDE_BY_SIDE: Final = 72
"""From here on the counters stand in columns."""
LANES_MIN: Final = 2
MEASURED_MAX: Final = 14
"""Widest that a measured column gets; longer text is cut."""
WHY_MAX: Final = 24
"""No reason is longer; room that is still left stays empty."""
MEASURED_MIN: Final = 7
CAUSES_SHOWN: Final = 4
HEADER_LINES: Final = 4
COUNTER_LINES: Final = 3
CYCLE_LINES: Final = 3
_BORDER: Final = 4
"""What a panel takes for its borders and padding."""
_GAP: Final = 1
"""What stands between two columns."""


class _Column(NamedTuple):
    """A column of the orders table."""

    head: str
    width: int
    """What its longest usual text needs; prices are measured instead (0)."""
    shown: Callable[[OrderRow], str]
    right: bool = False
    style: Callable[[OrderRow], str] = lambda _: ""


def _side_style(order: OrderRow) -> str:
    return f"side.{text.side(order.side)}"


def _state_style(order: OrderRow) -> str:
    return f"state.{order.state}"


_COLUMNS: Final = {
    "side": _Column("side", 4, lambda o: text.side(o.side), style=_side_style),
    "level": _Column("lvl", 3, lambda o: str(o.level) if o.level >= 0 else text.NONE, right=True),
    "state": _Column("state", 14, lambda o: o.state, style=_state_style),
    "price": _Column("price", 0, lambda o: o.price, right=True),
    "target": _Column("target", 0, lambda o: o.target or text.NONE, right=True),
    "drift": _Column("drift", 6, lambda o: text.signed(o.drift_bps), right=True),
    "band": _Column("band", 5, lambda o: f"±{text.number(o.band_bps)}", right=True),
    "qty": _Column("qty", 0, lambda o: o.qty, right=True),
    "filled": _Column("filled", 0, lambda o: o.filled, right=True),
    "ahead": _Column("ahead", 0, lambda o: o.ahead or text.NONE, right=True),
    "age": _Column("age", 4, lambda o: text.age(o.age_s), right=True),
    "why": _Column("why", 12, lambda o: o.why),
    "cloid": _Column("cloid", 0, lambda o: o.cloid),
}
"""In the order in which they stand, left to right."""

_IMPORTANCE: Final = (
    "side",
    "price",
    "state",
    "level",
    "drift",
    "why",
    "target",
    "band",
    "ahead",
    "age",
    "qty",
    "filled",
    "cloid",
)
"""Who stays when it gets narrow; a narrower terminal shows a beginning of this list."""


def live(frame: Frame, width: int, height: int | None = None) -> RenderableType:
    """Draw `frame` for a terminal of `width` columns, and of `height` lines where that matters.

    The console must have `lifecycle.views.theme.THEME`.
    """
    width = min(width, WIDTH_MAX)
    wide = width >= SIDE_BY_SIDE
    lanes = max([LANES_MIN, *(order.lane + 1 for order in frame.orders)])
    shown: list[RenderableType] = [_header(frame, width), _orders(frame, lanes, width)]
    header_lines = HEADER_LINES if wide else HEADER_LINES + 1
    room = None if height is None else height - header_lines - (lanes + 3)
    causes, quota = _causes(frame, CAUSES_SHOWN if wide else 3), _quota(frame)
    if wide:
        lines = max(len(quota), len(causes)) + 2
        counters = [(lines, _beside(frame, causes, width))]
    else:
        counters = [
            (COUNTER_LINES + 2, _panel("presence", _presence(frame), width)),
            (len(quota) + 2, _panel("quota", quota, width)),
            (len(causes) + 2, _panel("churn", causes, width)),
        ]
    counters.append((CYCLE_LINES + 2, _cycles(frame, width)))
    for lines, part in counters:
        if room is not None and room < lines:
            break
        shown.append(part)
        room = None if room is None else room - lines
    # Two lines are the border; the newest reports stay where not all fit.
    count = len(frame.reports) if room is None else min(len(frame.reports), room - 2)
    if count > 0:
        newest = [Text(line, overflow="ellipsis", no_wrap=True) for line in frame.reports[-count:]]
        shown.append(_box("reports", Group(*newest), width))
    return Group(*shown)


def _box(title: str, content: RenderableType, width: int, subtitle: str = "") -> Panel:
    return Panel(
        content,
        title=Text(title, style="view.title", overflow="ellipsis", no_wrap=True),
        title_align="left",
        subtitle=Text(subtitle) if subtitle else None,
        subtitle_align="right",
        border_style="view.border",
        box=box.ROUNDED,
        width=width,
    )


def _header(frame: Frame, width: int) -> RenderableType:
    times = f"{text.clock(frame.now)} / {text.clock(frame.end)}"
    done = min(1.0, frame.now / frame.end) if frame.end > 0 else 1.0
    bar_width = max(4, width - _BORDER - len(times) - 7)
    top = Table.grid(padding=(0, 1))
    if frame.end > 0:
        bar = ProgressBar(total=1.0, completed=done, width=bar_width)
        top.add_row(times, bar, f"{int(100 * done):>3} %")
    else:
        top.add_row(f"{text.clock(frame.now)}, until it is stopped")
    market = [f"mid {frame.mid or text.NONE}", f"spread {text.number(frame.spread_bps, 2)} bps"]
    if not frame.warm:
        # First, so that it is not what gets cut.
        market.insert(0, "warming up")
    ours = [f"position {frame.position}"]
    ours.append(f"worst case {frame.exposure_long} / {frame.exposure_short}")
    lines = [[*market, *ours]] if width >= SIDE_BY_SIDE else [market, ours]
    facts = [Text("  ".join(line), overflow="ellipsis", no_wrap=True) for line in lines]
    if frame.alerts:
        alarm = (f"{', '.join(frame.alerts)}  ", "alert")
        facts[0] = Text.assemble(alarm, facts[0], overflow="ellipsis", no_wrap=True)
    return _box(f"{frame.policy} on {frame.market}", Group(top, *facts), width, "q ends")


def _orders(frame: Frame, lanes: int, width: int) -> RenderableType:
    names, widths = _chosen(frame, width - _BORDER)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="view.label")
    for name in names:
        column = _COLUMNS[name]
        table.add_column(
            column.head,
            width=widths[name],
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    by_lane = {order.lane: order for order in frame.orders}
    for lane in range(lanes):
        order = by_lane.get(lane)
        if order is None:
            table.add_row(Text("·", style="view.label"))
        else:
            table.add_row(
                *(Text(_COLUMNS[n].shown(order), style=_COLUMNS[n].style(order)) for n in names)
            )
    return _box("orders", table, width)


def _chosen(frame: Frame, room: int) -> tuple[list[str], dict[str, int]]:
    """Return the columns that fit into `room`, as they stand, and the width of each.

    What is left over goes to the reason, the only column whose text has no usual length.
    """
    widths: dict[str, int] = {}
    for name in _IMPORTANCE:
        width = _width(_COLUMNS[name], frame.orders)
        if sum(widths.values()) + len(widths) * _GAP + width > room:
            break
        widths[name] = width
    if "why" in widths:
        left = room - sum(widths.values()) - (len(widths) - 1) * _GAP
        widths["why"] = min(WHY_MAX, widths["why"] + left)
    return [name for name in _COLUMNS if name in widths], widths


def _width(column: _Column, orders: tuple[OrderRow, ...]) -> int:
    if column.width:
        return column.width
    longest = max((len(column.shown(order)) for order in orders), default=0)
    # At least as wide as usual prices, or the columns would jump with the first order.
    return min(MEASURED_MAX, max(longest, len(column.head), MEASURED_MIN))


def _quota(frame: Frame) -> list[tuple[str, str]]:
    cap = ", no limit" if frame.request_cap is None else f" of {frame.request_cap}"
    rows = [
        ("last minute", f"{frame.calls_last_minute} calls"),
        ("used", f"{frame.requests_used}{cap}"),
        ("headroom", text.share(frame.headroom)),
    ]
    if frame.horizon_h is not None:
        rows.append(("empty in", text.hours(frame.horizon_h)))
    return rows


def _presence(frame: Frame) -> list[tuple[str, str]]:
    summary = frame.summary
    bid, ask = summary.presence.bid, summary.presence.ask
    rms, limit = summary.staleness_rms_bps, summary.staleness_limit_bps
    return [
        ("bid", text.share(bid if summary.cycles else None)),
        ("ask", text.share(ask if summary.cycles else None)),
        ("stale", f"{text.number(rms, 2)}/{text.number(limit, 2)}"),
    ]


def _causes(frame: Frame, count: int) -> list[tuple[str, str]]:
    """Return what was sent, and the most frequent causes of leaving an order alone."""
    summary = frame.summary
    sent = f"{summary.placed}/{summary.modified}/{summary.cancelled}"
    often = sorted(summary.kept_by.items(), key=lambda item: (-item[1], item[0]))
    return [
        ("place/modify/cancel", sent),
        ("fills", str(summary.fills)),
        *((cause, str(times)) for cause, times in often[:count]),
    ]


def _cycles(frame: Frame, width: int) -> RenderableType:
    """Show the last cycle, how the last ones stand, and what the smoother has held back."""
    held = [f"{name} {count}" for name, count in frame.summary.suppressed.items() if count]
    lines = (frame.cycle_line, frame.window_line, f"smoother held {', '.join(held) or text.NONE}")
    shown = [Text(line or text.NONE, overflow="ellipsis", no_wrap=True) for line in lines]
    return _box("cycles", Group(*shown), width)


def _panel(title: str, rows: list[tuple[str, str]], width: int) -> RenderableType:
    lines = []
    for label, value in rows:
        room = width - _BORDER - len(value) - 1
        line = Text(label, style="view.label", overflow="ellipsis", no_wrap=True)
        line.truncate(max(room, 0), overflow="ellipsis", pad=True)
        lines.append(Text.assemble(line, " ", value, no_wrap=True, overflow="ellipsis"))
    return _box(title, Group(*lines), width)


def _beside(frame: Frame, causes: list[tuple[str, str]], width: int) -> RenderableType:
    # Causes have the longest words.
    first, second = width * 28 // 100, width * 33 // 100
    quota = _quota(frame)
    lines = max(len(quota), len(causes))
    contents = (
        ("presence", _presence(frame), first),
        ("quota", quota, second),
        ("churn", causes, width - first - second),
    )
    grid = Table.grid()
    grid.add_row(
        *(
            _panel(title, rows + [("", "")] * (lines - len(rows)), each)
            for title, rows, each in contents
        )
    )
    return grid
