"""Small pictures in SVG for pages: curves, dots with intervals, points, steps and piano rolls.

Each function gives one `<svg>` as text, in units of which one is about a pixel. Colours are classes that the page's
style sheet names after what they show, so that a page can be light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.music.clip import Clip

Array = NDArray[np.float64]
Named = Sequence[tuple[str, str, Array]]  # name, class, values

WIDTH, HEIGHT = 340, 190
LEFT, RIGHT, TOP, BOTTOM = 38, 10, 10, 34
LEGEND = 16
MOST_POINTS = 1500
BLACK = (1, 3, 6, 8, 10)


@dataclass(frozen=True)
class Frame:
    """A plot of `width` by `height` whose axes reach from `x` to `y`."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = WIDTH
    height: float = HEIGHT

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a value lies in the picture."""
        right, bottom = self.width - RIGHT, self.height - BOTTOM
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return LEFT + across * (right - LEFT), bottom - up * (bottom - TOP)

    def line(self, xs: Iterable[float], ys: Iterable[float]) -> str:
        """The path through some points."""
        return "M" + "L".join("{:.1f} {:.1f}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))

    def axes(self, below: str, beside: str = "", y_ticks: bool = True, most: int = 6) -> Iterator[str]:
        """Grid, numbers and what they count; about `most` numbers across."""
        bottom = self.height - BOTTOM
        for value in nice(*self.x, most):
            x = self.at(value, 0)[0]
            yield f'<path class="rule" d="M{x:.1f} {TOP}V{bottom}"/>'
            yield text(x, bottom + 13, f"{value:g}", "small", "middle")
        for value in nice(*self.y) if y_ticks else ():
            y = self.at(0, value)[1]
            yield f'<path class="rule" d="M{LEFT} {y:.1f}H{self.width - RIGHT}"/>'
            yield text(LEFT - 5, y + 3.5, f"{value:g}", "small", "end")
        yield text((LEFT + self.width - RIGHT) / 2, self.height - 5, below, "small", "middle")
        if beside:
            middle = (TOP + bottom) / 2
            turned = f'transform="rotate(-90 9 {middle:.0f})"'
            yield f'<text class="small" x="9" y="{middle:.0f}" text-anchor="middle" {turned}>{escape(beside)}</text>'


def nice(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [round(float(k * step), 10) + 0.0 for k in np.arange(first, last + 1)]


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def svg(width: float, height: float, title: str, shapes: Iterable[str]) -> str:
    """A picture; `title` is what it is for those who do not see it."""
    inside = "".join(shapes)
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">{inside}</svg>'


def legend(names: Iterable[tuple[str, str]]) -> Iterator[str]:
    """(name, class) as words with coloured dots, below each other at the top right."""
    for number, (name, kind) in enumerate(names):
        y = TOP + 14 + LEGEND * number
        yield text(WIDTH - RIGHT - 14, y, name, "small", "end")
        yield f'<circle class="{kind} dot" cx="{WIDTH - RIGHT - 5}" cy="{y - 4}" r="4"/>'


def curves(title: str, grid: Array, lines: Named, below: str, note: str = "") -> str:
    """Densities (class `area` under the first) over one grid."""
    top = max(float(np.nanmax(values)) for _, _, values in lines) * 1.05 or 1.0
    heaviest = lines[0][2]
    reach = np.flatnonzero(heaviest > heaviest.max() / 300)
    keep = slice(0, max(int(reach[-1]) if len(reach) else len(grid), 8))
    some = slice(keep.start, keep.stop, max(1, (keep.stop - keep.start) // 150))
    x = grid[some]
    frame = Frame((float(x[0]), float(x[-1])), (0, top))
    shapes = [*frame.axes(below, y_ticks=False)]
    for number, (_, kind, values) in enumerate(lines):
        path = frame.line(x, values[some])
        if not number:
            (right, bottom), (left, _) = frame.at(x[-1], 0), frame.at(x[0], 0)
            shapes.append(f'<path class="{kind} area" d="{path}L{right:.1f} {bottom:.1f}L{left:.1f} {bottom:.1f}Z"/>')
        shapes.append(f'<path class="{kind} line" d="{path}"/>')
    shapes.append(text(WIDTH - RIGHT, TOP + 12, note, "figure", "end"))
    return svg(WIDTH, HEIGHT, title, shapes)


def dots(title: str, rows: Mapping[str, tuple[str, Sequence[float]]]) -> str:
    """A figure of each row, name: (class, (figure, from, to)), as a dot on the line of its interval."""
    values = [v for _, figures in rows.values() for v in figures if np.isfinite(v)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.06 or 0.05
    height, name = 24 * len(rows) + TOP + BOTTOM, 118
    frame = Frame((low - room, high + room), (len(rows), 0), WIDTH - name, height)
    shift = name - LEFT + 8
    shapes = [f'<g transform="translate({shift} 0)">', *frame.axes("", y_ticks=False, most=4), "</g>"]
    for number, (label, (kind, (value, start, end))) in enumerate(rows.items()):
        if not np.isfinite(value):
            continue
        x, y = frame.at(value, number + 0.5)
        left, right = (frame.at(v, 0)[0] if np.isfinite(v) else x for v in (start, end))
        shapes.append(text(name, y + 3.5, label, "small strong" if kind == "ours" else "small", "end"))
        shapes.append(f'<path class="{kind} line" d="M{left + shift:.1f} {y:.1f}H{right + shift:.1f}"/>')
        shapes.append(f'<circle class="{kind} dot" cx="{x + shift:.1f}" cy="{y:.1f}" r="4.5"/>')
    return svg(WIDTH, height, title, shapes)


def points(title: str, asked: Array, reached: Array, axis: str, kind: str, note: str, band: float = 0.0) -> str:
    """Reached (N,) over asked (N,) with the line where both are equal; `band`: what share to either side is shaded."""
    known = np.isfinite(asked) & np.isfinite(reached)
    a, b = asked[known], reached[known]
    shown = np.random.default_rng(0).permutation(len(a))[:MOST_POINTS]
    ends = [float(v) for v in (min(a.min(), b.min()), max(a.max(), b.max()))] if len(a) else [0.0, 1.0]
    size = 260
    frame = Frame((ends[0], ends[1]), (ends[0], ends[1]), size, size)
    shapes = [*frame.axes(f"asked: {axis}", "reached")]
    low, high = max(ends[0], 0.0) if band else ends[0], ends[1]
    if band:
        over = [(low, low * (1 + band)), (high / (1 + band), high), (high, high), (high, high * (1 - band))]
        path = frame.line(*zip(*over, (low, low * (1 - band)), strict=True))
        shapes.append(f'<path class="{kind} area" d="{path}Z"/>')
    shapes.append(f'<path class="people line" d="{frame.line(ends, ends)}"/>')
    places = "".join("M{:.1f} {:.1f}h0".format(*frame.at(x, y)) for x, y in zip(a[shown], b[shown], strict=True))
    shapes.append(f'<path class="{kind} points" d="{places}"/>')
    shapes.append(text(LEFT + 8, TOP + 14, note, "figure"))
    return svg(size, size, title, shapes)


def survival(title: str, lines: Named, below: str) -> str:
    """For each of some sets of values (N,) which share is at least as large, as steps."""
    highest = max(float(np.percentile(values, 99)) for _, _, values in lines)
    frame = Frame((0, max(highest, 1.0)), (0, 100))
    shapes = [*frame.axes(below, "% of clips")]
    for _, kind, values in lines:
        x = np.arange(0, int(frame.x[1]) + 1)
        share = 100 * (values[None] >= x[:, None]).mean(1)
        xs, ys = np.repeat(x, 2)[1:], np.repeat(share, 2)[:-1]
        shapes.append(f'<path class="{kind} line" d="{frame.line(xs, ys)}"/>')
    return svg(WIDTH, HEIGHT, title, [*shapes, *legend([(name, kind) for name, kind, _ in lines])])


def roll(title: str, clip: Clip, kind: str) -> str:
    """A piano roll that shows all of a clip; loud notes are darker."""
    pitches = [note.pitch for note in clip.notes] or [60]
    spare = max(0, 18 - (max(pitches) - min(pitches)))
    low, high = max(0, min(pitches) - 1 - spare // 2), min(127, max(pitches) + 1 + spare // 2)
    width, height = 520.0, 110.0
    lane, tick = height / (high - low + 1), width / max(clip.length, 1)
    shapes = [f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>']
    shapes += [
        f'<rect class="black" y="{(high - pitch) * lane:.1f}" width="{width:.0f}" height="{lane:.1f}"/>'
        for pitch in range(low, high + 1)
        if pitch % 12 in BLACK
    ]
    shapes += [f'<path class="rule" d="M{bar * clip.bar * tick:.1f} 0V{height:.0f}"/>' for bar in range(1, clip.bars)]
    for note in clip.notes:
        x, y, long = note.start * tick, (high - note.pitch) * lane, max(note.duration * tick - 1, 1.5)
        look = f'fill-opacity="{0.45 + 0.55 * note.velocity / 127:.2f}"'
        box = f'x="{x:.1f}" y="{y:.1f}" width="{long:.1f}" height="{max(lane - 0.6, 1):.1f}" rx="1.5"'
        shapes.append(f'<rect class="{kind} note" {box} {look}/>')
    return svg(width, height, title, shapes)
