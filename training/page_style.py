"""The style sheet of every page that is written to a file: light and dark by what the reader prefers, tables
that scroll on a phone, and on paper all that a screen folds away."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --back: #ffffff; --soft: #5c646c; --rule: #dfe3e7;
  --model: #1463c4; --champion: #b3540c; --baseline: #79828a; --note: #fff3d6; --card: #f6f8fa;
  --one: #1463c4; --two: #2a9d8f; --three: #e0a526; --four: #d1603d; --five: #8a63b8; --fault: #f8d7d0 }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ea; --back: #15181b; --soft: #a2abb3;
  --rule: #31373d; --model: #6cb0ff; --champion: #f0a05a; --baseline: #8b949c; --note: #3d3317;
  --card: #1d2226; --one: #6cb0ff; --two: #4fc3b3; --three: #f0c35a; --four: #f08a68;
  --five: #b794e0; --fault: #4a2a24 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 68rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { margin-top: 2.2rem; border-top: 1px solid var(--rule); padding-top: 1rem; font-size: 1.25rem }
h3 { font-size: 1rem; color: var(--soft) } small { color: var(--soft) }
p, li { max-width: 46rem }
a { color: var(--model) } nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; font-weight: normal } thead th, tr > th { color: var(--soft); white-space: nowrap }
td { overflow-wrap: anywhere } thead + tbody td { white-space: nowrap }
table.broken td:last-child { white-space: normal; min-width: 11rem }
.note { background: var(--note); padding: .5rem .8rem; border-radius: .4rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .7rem;
  margin: 1rem 0; padding: 0; list-style: none }
.tiles li { background: var(--card); border-radius: .5rem; padding: .7rem .9rem }
.tiles strong { display: block; font-size: 1.45rem; line-height: 1.3; font-weight: 600 }
.tiles span { color: var(--soft); font-size: .88rem; display: block }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr));
  gap: 1rem 2rem }
.pair > * { min-width: 0 } figure { margin: .6rem 0 }
figcaption, summary { color: var(--soft); font-size: .92rem } summary { cursor: pointer; padding: .3rem 0 }
ol.feed { padding-left: 1.9rem; margin: .4rem 0 } ol.feed li { padding: .3rem 0;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere }
ol.feed li::marker { color: var(--soft) }
.worth { float: right; margin-left: .6rem; font-variant-numeric: tabular-nums }
:focus-visible { outline: 2px solid var(--model); outline-offset: 2px }
svg { width: 100%; height: auto; display: block }
code { font-size: .92em; overflow-wrap: anywhere }
text { font-size: 13px; fill: var(--soft) }
line { stroke: var(--rule) } .ideal { stroke: var(--soft); stroke-dasharray: 4 4 }
.whisker { stroke: var(--soft); stroke-width: 1.5 } .bar, .model { fill: var(--model) }
.champion { fill: var(--champion) } .baseline { fill: var(--baseline) }
.one { fill: var(--one) } .two { fill: var(--two) } .three { fill: var(--three) } .four { fill: var(--four) }
.five { fill: var(--five) } .fault { fill: var(--fault) }
@media print { :root { --text: #000; --back: #fff; --soft: #444; --rule: #bbb; --card: #fff }
  body { font-size: 11pt } nav { display: none } figure, tr, .tiles li { break-inside: avoid }
  .wide { overflow: visible } td, thead + tbody td { white-space: normal; font-size: .9em }
  details::details-content { content-visibility: visible; display: block } }
""".strip()
