"""The card's style sheet: light and dark by what the reader prefers, tables that scroll on a phone."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --back: #ffffff; --soft: #6a7178; --rule: #dfe3e7;
  --model: #1463c4; --champion: #b3540c; --baseline: #8a9299; --note: #fff3d6 }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ea; --back: #15181b; --soft: #98a1a9;
  --rule: #31373d; --model: #6cb0ff; --champion: #f0a05a; --baseline: #79828a; --note: #3d3317 } }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } h2 { margin-top: 2.2rem; border-top: 1px solid var(--rule);
  padding-top: 1rem } h3 { font-size: 1rem; color: var(--soft) } small { color: var(--soft) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; font-weight: normal } thead th, tr > th { color: var(--soft); white-space: nowrap }
td { overflow-wrap: anywhere } thead + tr td, thead ~ tr td { white-space: nowrap }
.note { background: var(--note); padding: .5rem .8rem; border-radius: .4rem }
svg { width: 100%; height: auto; display: block }
text { font-size: 12px; fill: var(--soft) }
line { stroke: var(--rule) } .ideal { stroke: var(--soft); stroke-dasharray: 4 4 }
.whisker { stroke: var(--soft); stroke-width: 1.5 } .bar, .model { fill: var(--model) }
.champion { fill: var(--champion) } .baseline { fill: var(--baseline) }
""".strip()
