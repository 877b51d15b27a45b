"""The map of a corpus in latent space as one HTML page, which names what the pointer is on.

The page loads nothing: its policy forbids it to. What others wrote, such as titles, comes in escaped.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from string import Template

from continuo_daw.assistant.drawing.ink import BAR_LINE, BEAT_LINE, FAINT, INK, LANE_WHITE, PAPER, SMALL, TEXT, Color
from continuo_daw.assistant.drawing.map_layout import (
    CORPUS,
    DOT,
    LEFT,
    MARK,
    PHRASE,
    PLOT,
    SHADE,
    SHADE_OF_WAY,
    SIZE,
    TOP,
    Frame,
    Map,
    colors,
    frame_of,
    leader,
    name_boxes,
    short,
)
from continuo_daw.assistant.drawing.piano_roll import MARGIN
from continuo_daw.assistant.files import write_whole

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>$heading</title>
<style>
body { margin: 0; background: $paper; color: $ink; font: 16px sans-serif }
svg { display: block; margin: auto; max-width: 100%; max-height: 100vh; font-family: sans-serif }
text { font-size: ${small}px; fill: $ink }
.faint { fill: $faint }
.heading { font-size: ${large}px }
.name { font-size: ${text}px; paint-order: stroke; stroke: $paper; stroke-width: 8px; stroke-linejoin: round }
.dot { fill: $corpus; fill-opacity: $shade }
.on { fill-opacity: 1; stroke: $ink; stroke-width: 3px }
#tip { position: fixed; padding: 4px 8px; background: $ink; color: $paper; border-radius: 4px; pointer-events: none;
 max-width: 24em; overflow-wrap: anywhere }
#tip[hidden] { display: none }
</style>
<svg viewBox="0 0 $width $height" width="$width" height="$height" role="img" aria-label="$heading">
$shapes
</svg>
<div id="tip" hidden></div>
<script type="application/json" id="texts">$texts</script>
<script>
"use strict";
const REACH = 16; // pixels of the map
const texts = JSON.parse(document.getElementById("texts").textContent);
const svg = document.querySelector("svg"), tip = document.getElementById("tip");
const marks = Array.from(svg.querySelectorAll("[data-text]"), (shape) => ({
  shape, x: +shape.getAttribute("cx"), y: +shape.getAttribute("cy"), text: +shape.dataset.text }));
let lit = [];

function nearest(event) { // of marks that are as near the last, which lies on top
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  let found = null, least = REACH * REACH;
  for (const mark of marks) {
    const far = (mark.x - at.x) ** 2 + (mark.y - at.y) ** 2;
    if (far <= least) [found, least] = [mark, far];
  }
  return found;
}

function show(event) { // the title, and all phrases of the same piece
  const mark = event.type === "pointerleave" ? null : nearest(event);
  for (const shape of lit) shape.classList.remove("on");
  lit = mark ? marks.filter((other) => other.text === mark.text).map((other) => other.shape) : [];
  for (const shape of lit) shape.classList.add("on");
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = texts[mark.text];
  const left = event.clientX + 16, top = event.clientY + 16;
  tip.style.left = Math.min(left, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = (top + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : top) + "px";
}

for (const kind of ["pointermove", "pointerdown", "pointerleave"]) svg.addEventListener(kind, show);
</script>
</html>
""")


def map_page(whole: Map, path: str | Path) -> None:
    """Write the map as a page. Raises AssistantError where it cannot be written."""
    width, height = SIZE
    texts: dict[str, int] = {}  # each once, with its number
    page = PAGE.substitute(
        heading=html.escape(whole.heading),
        paper=_css(PAPER),
        ink=_css(INK),
        faint=_css(FAINT),
        corpus=_css(CORPUS),
        shade=f"{SHADE / 255:.2f}",
        small=SMALL,
        text=TEXT,
        large=TEXT + 8,
        width=width,
        height=height,
        shapes="\n".join(_shapes(whole, texts)),
        texts=json.dumps(list(texts)).replace("<", "\\u003c"),  # no title can end the script
    )
    write_whole(page.encode(), path)


def _css(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _text(x: float, y: float, text: str, kind: str = "", rest: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" {rest}>{html.escape(text)}</text>'


def _shapes(whole: Map, texts: dict[str, int]) -> Iterator[str]:
    """The picture in SVG, from below to the top; what its dots say is added to `texts`."""
    frame = frame_of(whole)
    yield from _axes(whole, frame)
    for (x, y), title in zip(frame.at(whole.points.reshape(-1, 2)).tolist(), whole.titles.tolist(), strict=True):
        number = texts.setdefault(title, len(texts))
        yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{DOT}" data-text="{number}"/>'
    yield from _clips(whole, frame, texts)


def _axes(whole: Map, frame: Frame) -> Iterator[str]:
    bottom, middle = TOP + PLOT, LEFT + PLOT / 2
    yield _text(LEFT, MARGIN + 24, whole.heading, "heading")
    yield _text(LEFT, MARGIN + 64, whole.summary + "; point at one to see its title", "faint")
    yield f'<rect x="{LEFT}" y="{TOP}" width="{PLOT}" height="{PLOT}" fill="{_css(LANE_WHITE)}"/>'
    for number, far in frame.ticks(0):
        color = _css(BEAT_LINE if number else BAR_LINE)
        yield f'<path d="M{LEFT + far:.1f} {TOP}v{PLOT}" stroke="{color}"/>'
        yield _text(LEFT + far, bottom + 28, str(number), "faint", 'text-anchor="middle"')
    for number, far in frame.ticks(1):
        color = _css(BEAT_LINE if number else BAR_LINE)
        yield f'<path d="M{LEFT} {bottom - far:.1f}h{PLOT}" stroke="{color}"/>'
        yield _text(LEFT - 12, bottom - far + 7, str(number), "faint", 'text-anchor="end"')
    yield _text(middle, bottom + 66, whole.axes[0], "", 'text-anchor="middle"')
    turned = f'text-anchor="middle" transform="rotate(-90 {MARGIN + 14} {TOP + PLOT / 2})"'
    yield _text(MARGIN + 14, TOP + PLOT / 2, whole.axes[1], "", turned)


def _clips(whole: Map, frame: Frame, texts: dict[str, int]) -> Iterator[str]:
    """The ways of all clips, then their marks, then their names."""
    marks, names = [], []
    for place, color, box in zip(whole.places, colors(whole.places), name_boxes(whole, frame), strict=True):
        steps = frame.at(place.phrases).tolist() if len(place.phrases) > 1 else []
        way, paint = (
            " ".join(f"{x:.1f},{y:.1f}" for x, y in steps),
            f'stroke="{_css(color)}" stroke-opacity="{SHADE_OF_WAY / 255:.2f}"',
        )
        yield f'<polyline points="{way}" fill="none" {paint} stroke-width="2"/>'
        for (x, y), (first, last) in zip(steps, place.bars, strict=bool(steps)):
            number = texts.setdefault(f"{place.name}: bars {first} to {last}", len(texts))
            yield _mark(x, y, PHRASE, color, 2, number)
        x, y = frame.mark(place)
        marks.append(_mark(x, y, MARK - 1.5, color, 3, texts.setdefault(place.name, len(texts))))
        if end := leader((x, y), box):
            marks.insert(0, f'<path d="M{x:.1f} {y:.1f}L{end[0]:.1f} {end[1]:.1f}" stroke="{_css(color)}"/>')
        look = f'text-anchor="middle" style="fill: {_css(color)}"'
        names.append(_text((box.left + box.right) / 2, (box.top + box.bottom) / 2 + 9, short(place.name), "name", look))
    yield from (*marks, *names)


def _mark(x: float, y: float, radius: float, color: Color, ring: int, number: int) -> str:
    look = f'fill="{_css(color)}" stroke="{_css(PAPER)}" stroke-width="{ring}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {look} data-text="{number}"/>'
