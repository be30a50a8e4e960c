"""The style sheet of a comparison's page, with the colours of its plots for light and for dark."""

from typing import Final

STYLE: Final = """
:root {
  --page: #fff; --ink: #1c2430; --dim: #5b6673; --rule: #d9dee4; --band: #f5f7f9; --bad: #b3261e;
  --c0: #0b63c5; --c1: #c4401a; --c2: #087f5b; --c3: #7a45b5; --c4: #946800; --c5: #b52d70;
  --c6: #4d6470; --c7: #62660a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --ink: #e4e9ef; --dim: #9aa7b4; --rule: #303943; --band: #191f27;
    --bad: #ff8a80;
    --c0: #6cb2ff; --c1: #ff9068; --c2: #45cf98; --c3: #c49df2; --c4: #e5b845; --c5: #ff86b8;
    --c6: #a9bcc6; --c7: #c9cc55;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem;
  background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { font-size: 1.7rem; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 1rem; padding-bottom: .4rem;
     border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 2.25rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0 1.75rem; }
figcaption, caption { color: var(--dim); font-size: .9rem; text-align: left; }
caption { padding-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; max-width: 60rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; vertical-align: top; white-space: nowrap; }
thead th { white-space: normal; vertical-align: bottom; color: var(--dim); font-weight: 500;
           border-bottom: 1px solid var(--rule); }
abbr { text-decoration: none; }
tbody th, .when { text-align: left; font-weight: 500; }
tbody tr:nth-child(even) { background: var(--band); }
tbody + tbody { border-top: 1px solid var(--rule); }
td small { display: block; color: var(--dim); font-size: .78rem; }
.broken { color: var(--bad); font-weight: 700; }
.none { color: var(--dim); }
svg text { fill: currentColor; font-family: inherit; }
svg .tick, svg .axis { fill: var(--dim); }
svg .small { font-size: 11px; paint-order: stroke; stroke: var(--page); stroke-width: 3px;
             stroke-linejoin: round; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .frame { fill: none; stroke: var(--dim); stroke-width: 1; }
svg .zero { stroke: var(--dim); stroke-width: 1; }
svg .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
svg .mark { fill: var(--c); stroke: var(--page); stroke-width: 1; }
svg rect { fill: var(--c); }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); }
.s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); }
.line.s1 { stroke-dasharray: 7 3; } .line.s2 { stroke-dasharray: 2 3; }
.line.s3 { stroke-dasharray: 9 3 2 3; } .line.s4 { stroke-dasharray: 4 2; }
.line.s5 { stroke-dasharray: 12 4; } .line.s6 { stroke-dasharray: 1 3; }
.line.s7 { stroke-dasharray: 6 2 1 2; }
@media print { body { max-width: none; padding: 0; } section { break-inside: avoid-page; } }
"""
"""Marks and dashes differ besides the colours, so that both themes and print can be read."""
