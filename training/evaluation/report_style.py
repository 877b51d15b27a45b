"""The look of the evaluation page: one style sheet, light and dark, that also names the colours of the pictures."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #fbfaf7; --card: #fff; --ink: #22262e; --faint: #667; --edge: #e4e1da;
 --grid: #ebe9e3; --black: #f3f1ec; --ours: #c8501e; --people: #2b5f9e; --others: #2a8a7a; --markov: #8a6bb0;
 --gram: #a08a2c; --trivial: #8b8f98 }
@media (prefers-color-scheme: dark) { :root { --page: #14161a; --card: #1c1f25; --ink: #e7e5df; --faint: #9aa0ab;
 --edge: #2d323b; --grid: #2a2e36; --black: #191c21; --ours: #ff9360; --people: #7db4f2; --others: #5cc9b4;
 --markov: #c3a4ea; --gram: #d9c25a; --trivial: #8d929c } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px }
h1 { font-size: clamp(24px, 5vw, 36px); line-height: 1.15; margin: 16px 0 4px }
h2 { font-size: 22px; margin: 48px 0 4px } h3 { font-size: 15px; margin: 0 0 4px }
p { margin: 4px 0 16px; max-width: 46em } .how { color: var(--faint) }
.tiles, .grid { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)) }
.tiles { grid-template-columns: repeat(auto-fit, minmax(min(160px, 100%), 1fr)); margin: 24px 0 }
.pairs { display: grid; gap: 12px 16px; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)) }
.grid + .grid, .pairs + .grid { margin-top: 16px }
.grid + h3, .pairs + h3 { margin-top: 24px }
.card small { color: var(--faint) }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 12px; min-width: 0 }
.tile b { display: block; font-size: 32px; line-height: 1.2 } .tile span { color: var(--faint); font-size: 14px }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif }
svg text { fill: var(--ink) } svg .small { fill: var(--faint) } svg .strong { fill: var(--ink); font-weight: 600 }
svg .figure { font-size: 15px; font-weight: 600 }
svg .rule { stroke: var(--grid); fill: none } .paper { fill: var(--card) } .black { fill: var(--black) }
.ours { --is: var(--ours) } .people { --is: var(--people) } .others { --is: var(--others) }
.markov { --is: var(--markov) } .gram { --is: var(--gram) } .trivial { --is: var(--trivial) }
.line { fill: none; stroke: var(--is); stroke-width: 1.8; stroke-linejoin: round } .dot, .note { fill: var(--is) }
.area { fill: var(--is); fill-opacity: .16; stroke: none }
.points { fill: none; stroke: var(--is); stroke-width: 3.4; stroke-linecap: round; stroke-opacity: .45 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 14px; width: 100% }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--edge); text-align: right; white-space: nowrap }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card) } td small { color: var(--faint) }
tr.ours th, tr.ours td { font-weight: 600; color: var(--ours) } summary { cursor: pointer; margin: 8px 0 }
.words td, .words th { text-align: left }
.words td { white-space: normal; min-width: 11em }
details li { margin: 2px 0 } code { overflow-wrap: anywhere }
"""
