"""The Grafana dashboard, made from a table of its panels.

`python -m lifecycle.observe.dashboard > lifecycle.json` writes it as Grafana imports it; a copy is
in `docs/grafana-dashboard.json`. Panels flow from left to right in the order of the table, so
none overlaps another. In a query `@` stands for the selector of instrument and policy, and
`$window` for the time over which shares and ratios are taken.
"""

import json
import sys
from typing import Final, Literal, NamedTuple, TypeAlias

TITLE: Final = "Order lifecycle"
UID: Final = "order-lifecycle"
SCHEMA_VERSION: Final = 39
"""Of Grafana 10.3; later ones migrate it by themselves."""
COLUMNS: Final = 24
SELECTOR: Final = 'instrument=~"$instrument",policy=~"$policy"'

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
_Type: TypeAlias = Literal["stat", "timeseries", "row"]

GREEN, ORANGE, RED = "green", "orange", "red"
_Steps: TypeAlias = tuple[tuple[str, float | None], ...]
ANY_IS_BAD: Final[_Steps] = ((GREEN, None), (RED, 1))


class Panel(NamedTuple):
    """One panel: its queries with their legends, its unit and the thresholds of its colours."""

    title: str
    type: _Type
    width: int
    queries: tuple[tuple[str, str], ...] = ()
    unit: str = "short"
    steps: _Steps = ((GREEN, None),)
    meaning: str = ""


def _gained(metric: str) -> str:
    """Return by how much a counter has risen in the window, over all its series."""
    return f"sum(increase({metric}[$window]))"


_CALLS: Final = 'lifecycle_commands_total@{kind=~"place|modify|cancel"}'
_CANCELS: Final = _gained('lifecycle_commands_total@{kind="cancel"}')
_MODIFIES: Final = _gained('lifecycle_commands_total@{kind="modify"}')
_KEPT: Final = _gained("lifecycle_order_cycles_kept_total@")
_CHANCES: Final = _gained("lifecycle_order_cycles_total@")
_QUIET: Final = _gained("lifecycle_quiet_cycles_total@")
_CYCLES: Final = _gained("lifecycle_cycles_total@")
_JUDGED: Final = _gained("lifecycle_judged_cycles_total@")
_PRESENT: Final = "sum by (side) (increase(lifecycle_present_cycles_total@[$window]))"
_DECIDED: Final = "sum by (action, reason) (increase(lifecycle_decisions_total@[$window]))"
_JOURNAL: Final = "sum by (le) (rate(lifecycle_journal_append_seconds_bucket@[$window]))"
_CYCLE: Final = "sum by (le) (rate(lifecycle_cycle_seconds_bucket@[$window]))"

# fmt: off
PANELS: Final = (
    Panel("Alarms", "row", 24),
    Panel("Invariants broken", "stat", 4, (("sum(lifecycle_violations_total@)", ""),),
          steps=ANY_IS_BAD, meaning="Since the process started. Any is a fault of ours: stop."),
    Panel("Divergences", "stat", 4,
          (("sum(increase(lifecycle_divergences_total@[$__range]))", ""),),
          steps=((GREEN, None), (ORANGE, 0.5), (RED, 10)),
          meaning="Reports that contradict the record; each is reconciled. Many: read the log."),
    Panel("Blind", "stat", 4, (("max(lifecycle_blind@)", ""),), "bool_yes_no", ANY_IS_BAD,
          "Nothing is sent until a snapshot has come."),
    Panel("Halted", "stat", 4, (("max(lifecycle_halted@)", ""),), "bool_yes_no", ANY_IS_BAD,
          "Everything is withdrawn until the next restart."),
    Panel("Spiral or absence", "stat", 4, (("sum(lifecycle_alarm@)", ""),), steps=ANY_IS_BAD,
          meaning="Alarms of the churn layer that are on."),
    Panel("Cycles per minute", "stat", 4,
          (("sum(rate(lifecycle_cycles_total@[$__rate_interval])) * 60", ""),),
          steps=((RED, None), (GREEN, 0.1)), meaning="None: the loop stands still."),
    Panel("Goals", "row", 24),
    Panel("Calls per minute", "timeseries", 8,
          ((f"sum by (kind) (rate({_CALLS}[$__rate_interval])) * 60", "{{kind}}"),
           (f"sum(rate({_CALLS}[$window])) * 60", "all, window")),
          steps=((GREEN, None), (ORANGE, 5)),
          meaning="Places, modifies and cancels. Goal: 2 to 5."),
    Panel("Presence", "timeseries", 8,
          ((f"{_PRESENT} / on () group_left {_JUDGED}", "{{side}}"),),
          "percentunit", ((RED, None), (ORANGE, 0.95), (GREEN, 0.99)),
          "Cycles by whose end as many orders rested as were wanted. Goal: 99 %."),
    Panel("Staleness", "timeseries", 8,
          (("avg(avg_over_time(lifecycle_staleness_bps@[$__rate_interval]))", "RMS distance, bps"),
           ("avg(avg_over_time(lifecycle_staleness_limit_bps@[$__rate_interval]))",
            "half the latch band, bps")),
          meaning="Resting orders from the price wanted. Goal: below half the latch band."),
    Panel("Cancels per fill", "timeseries", 6,
          ((f"{_CANCELS} / {_gained('lifecycle_fills_total@')}", "window"),),
          steps=((GREEN, None), (ORANGE, 2), (RED, 10)),
          meaning="Goal: below 2. No point is drawn where nothing has filled or cancelled."),
    Panel("Queue kept", "timeseries", 6,
          ((f"{_KEPT} / {_CHANCES}", "window"),),
          "percentunit", ((RED, None), (ORANGE, 0.6), (GREEN, 0.8)),
          "Resting orders that a cycle left alone. Goal: above 80 %."),
    Panel("Modifies among changes", "timeseries", 6,
          ((f"{_MODIFIES} / ({_MODIFIES} + {_CANCELS})", "window"),),
          "percentunit", ((RED, None), (ORANGE, 0.6), (GREEN, 0.8)),
          "Of what changes a resting order: modifies and cancels. Goal: above 80 %."),
    Panel("Cycles without a call", "timeseries", 6,
          ((f"{_QUIET} / {_CYCLES}", "window"),),
          "percentunit", ((RED, None), (ORANGE, 0.6), (GREEN, 0.8)), "Goal: above 80 %."),
    Panel("Position and risk", "row", 24),
    Panel("Position and worst case", "timeseries", 8,
          (("lifecycle_position@", "{{instrument}} position"),
           ('lifecycle_exposure@{direction="long"}', "{{instrument}} long at worst"),
           ('-lifecycle_exposure@{direction="short"}', "{{instrument}} short at worst")),
          meaning="In base currency."),
    Panel("Fills per hour", "timeseries", 8,
          (("sum by (side) (increase(lifecycle_fills_total@[1h]))", "{{side}}"),)),
    Panel("Traded per hour", "timeseries", 8,
          (("sum by (side) (increase(lifecycle_filled_notional_total@[1h]))", "{{side}}"),),
          meaning="In quote currency; the sizes are `lifecycle_filled_quantity_total`."),
    Panel("Orders and decisions", "row", 24),
    Panel("Open orders", "timeseries", 8,
          (("sum by (side, state) (lifecycle_open_orders@) > 0", "{{side}} {{state}}"),
           ("sum by (side) (lifecycle_wanted_orders@)", "{{side}} wanted"))),
    Panel("Decisions per cycle", "timeseries", 8,
          ((f"{_DECIDED} / on () group_left {_CYCLES}", "{{action}}, {{reason}}"),)),
    Panel("Price and grid", "timeseries", 8,
          (("lifecycle_mid@", "{{instrument}} mid"),
           ("lifecycle_grid_step@", "{{instrument}} step"))),
    Panel("Venue and quota", "row", 24),
    Panel("Headroom", "timeseries", 6, (("min(lifecycle_headroom_ratio@)", "unused quota"),),
          "percentunit", ((RED, None), (ORANGE, 0.1), (GREEN, 0.3)),
          "Bands widen below 30 %, by up to three times at 10 %."),
    Panel("Quota lasts for", "timeseries", 6,
          (("min(lifecycle_quota_horizon_seconds@) < Inf", "at present burn and earnings"),), "s",
          ((RED, None), (ORANGE, 14400), (GREEN, 86400)), "Nothing is drawn where it never ends."),
    Panel("What goes wrong, per hour", "timeseries", 6,
          (("sum by (request) (increase(lifecycle_rejects_total@[1h]))", "{{request}} rejected"),
           ("sum by (request) (increase(lifecycle_doubts_total@[1h]))", "{{request}} in doubt"),
           ("sum by (outcome) (increase(lifecycle_unanswered_total@[1h]))", "{{outcome}}"))),
    Panel("Reports per minute", "timeseries", 6,
          (("sum by (kind) (rate(lifecycle_reports_total@[$__rate_interval])) * 60", "{{kind}}"),)),
    Panel("Health", "row", 24),
    Panel("Age of the market", "timeseries", 8,
          (("max(lifecycle_market_age_seconds@)", "newest thing seen"),), "s",
          ((GREEN, None), (ORANGE, 5), (RED, 30))),
    Panel("Cycle", "timeseries", 8,
          ((f"histogram_quantile(0.5, {_CYCLE})", "median"),
           (f"histogram_quantile(0.99, {_CYCLE})", "99 %")), "s"),
    Panel("Journal, per record", "timeseries", 8,
          ((f"histogram_quantile(0.5, {_JOURNAL})", "median"),
           (f"histogram_quantile(0.99, {_JOURNAL})", "99 %")), "s",
          ((GREEN, None), (ORANGE, 30e-6))),
)
# fmt: on

HEIGHTS: Final[dict[_Type, int]] = {"row": 1, "stat": 4, "timeseries": 8}
_SOURCE: Final[dict[str, Json]] = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> dict[str, Json]:
    """Return the dashboard as Grafana's JSON model."""
    return {
        "uid": UID,
        "title": TITLE,
        "description": "Order management by order-lifecycle: its goals, its health, its alarms.",
        "tags": ["trading", "order-lifecycle"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": _variables()},
        "panels": _laid_out(),
    }


def text() -> str:
    """Return the dashboard as the text of a file."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def query(expression: str) -> str:
    """Put the selector of instrument and policy where the table has `@`."""
    return expression.replace("@{", "{" + SELECTOR + ",").replace("@", "{" + SELECTOR + "}")


def _variables() -> list[Json]:
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "refresh": 1,
            "hide": 0,
        },
        *(_labels(name) for name in ("instrument", "policy")),
        {
            "name": "window",
            "label": "Window",
            "type": "custom",
            "query": "10m,1h,6h,24h",
            "current": {"selected": True, "text": "10m", "value": "10m"},
            "options": [
                {"selected": one == "10m", "text": one, "value": one}
                for one in ("10m", "1h", "6h", "24h")
            ],
            "hide": 0,
        },
    ]


def _labels(name: str) -> Json:
    values = f"label_values(lifecycle_cycles_total, {name})"
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": dict(_SOURCE),
        "definition": values,
        "query": {"query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _laid_out() -> list[Json]:
    """Let the panels flow from left to right, each line as high as its highest."""
    placed: list[Json] = []
    x = y = height = 0
    for number, panel in enumerate(PANELS, start=1):
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        place: dict[str, Json] = {"h": HEIGHTS[panel.type], "w": panel.width, "x": x, "y": y}
        placed.append({"id": number, "gridPos": place, **_panel(panel)})
        x += panel.width
        height = max(height, HEIGHTS[panel.type])
    return placed


def _panel(panel: Panel) -> dict[str, Json]:
    if panel.type == "row":
        return {"type": "row", "title": panel.title, "collapsed": False, "panels": []}
    is_stat = panel.type == "stat"
    steps: list[Json] = [{"color": colour, "value": value} for colour, value in panel.steps]
    has_limits = len(steps) > 1
    custom: dict[str, Json] = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 5,
        "showPoints": "never",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if has_limits else "off"},
    }
    targets: list[Json] = [
        {
            "refId": chr(ord("A") + index),
            "datasource": dict(_SOURCE),
            "expr": query(expression),
            "legendFormat": legend or "__auto",
            "range": not is_stat,
            "instant": is_stat,
        }
        for index, (expression, legend) in enumerate(panel.queries)
    ]
    return {
        "type": panel.type,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": dict(_SOURCE),
        "targets": targets,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "color": {"mode": "thresholds" if is_stat else "palette-classic"},
                "thresholds": {"mode": "absolute", "steps": steps},
                "mappings": [],
                "custom": {} if is_stat else custom,
            },
            "overrides": [],
        },
        "options": _STAT if is_stat else _SERIES,
    }


_STAT: Final[dict[str, Json]] = {
    "colorMode": "background",
    "graphMode": "none",
    "textMode": "value",
    "justifyMode": "center",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
}
_SERIES: Final[dict[str, Json]] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


if __name__ == "__main__":
    sys.stdout.write(text())
