"""The evaluation as one page that a person would rather look at than read.

The page is one file and loads nothing: its policy forbids it to. What others wrote, such as titles, comes in escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from continuo_daw.assistant.files import write_whole
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.training.evaluation.clip_statistics import STATISTICS
from continuo_daw.training.evaluation.control import COLUMNS as ATTRIBUTES
from continuo_daw.training.evaluation.control import STEERED, Control
from continuo_daw.training.evaluation.features import FEATURES, Distances
from continuo_daw.training.evaluation.generated import Generated
from continuo_daw.training.evaluation.generation import HELD, HUMAN, OURS, Study
from continuo_daw.training.evaluation.generation_rows import BLEU, COLUMNS, Interval
from continuo_daw.training.evaluation.plots import curves, dots, points, roll, survival
from continuo_daw.training.evaluation.published import Published
from continuo_daw.training.evaluation.report_style import STYLE

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head><body><main>
"""
ROLLS = 6
KINDS = {OURS: "ours", STEERED: "ours", HUMAN: "others", HELD: "people", "first-order Markov": "markov"}
COPIED = 0  # column of `Measured.copied`: notes of the longest run
WHAT = {"generate": "From nothing", "continue": "Behind four bars of a piece"}
ASKED = {"density": "notes a quarter", "register": "mean pitch", "pitch_classes": "share of a pitch class"}


def kind_of(row: str) -> str:
    """The colour of a row."""
    return KINDS.get(row, "gram" if "gram" in row and "uni" not in row else "trivial")


def write_report(file: Path, found: Mapping[str, Any], title: str, whole: Generated) -> None:
    """Writes the page; `found` is what `--json` prints. Raises AssistantError where it cannot be written."""
    made, steered = whole.studies, whole.control
    parts = [HEAD.format(title=escape(title), style=STYLE), *_head(title, found, made, steered)]
    for study in made:
        parts += _rolls(study)
        parts += _overlaps(study)
    for study in made[:1]:
        parts += _runs(study)
    if steered:
        parts += _control(steered)
    parts += _likelihood(found)
    parts += _published(whole.published)
    parts += _tables(made, steered)
    write_whole(("\n".join(parts) + "\n</main></body></html>\n").encode(), file)


def section(title: str, how: str) -> str:
    """A heading and one sentence on how to read what follows."""
    return f'<h2>{escape(title)}</h2><p class="how">{escape(how)}</p>'


def card(picture: str, title: str = "", below: str = "") -> str:
    """A picture in a frame."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div class="card">{head}{picture}{f"<small>{escape(below)}</small>" if below else ""}</div>'


def grid(cards: Sequence[str], kind: str = "grid") -> str:
    """Cards beside each other as far as there is room."""
    return f'<div class="{kind}">{"".join(cards)}</div>'


def _head(title: str, found: Mapping[str, Any], made: Sequence[Study], steered: Control | None) -> Iterator[str]:
    how = f"Measured on pieces of the {found['split']} split, which the network has never seen."
    if made:
        how += (
            " Orange is what the network made, blue and green are music by people; the line through a dot is its 95 % "
            "interval over pieces."
        )
    yield f'<h1>{escape(title)}</h1><p class="how">{escape(how)}</p>'
    tiles = []
    for study in made[:1]:
        rows = study.rows
        tiles.append((f"{rows[OURS]['overlap'][0]:.2f}", "overlap with held-out music; 1 is alike"))
        if HUMAN in rows:
            tiles.append((f"{rows[HUMAN]['overlap'][0]:.2f}", "the same of other pieces by people"))
        tiles.append((f"{rows['first-order Markov']['overlap'][0]:.2f}", "the same of a Markov chain"))
        tiles.append((f"{rows[OURS]['copied notes'][0]:.0f}", "notes: 9 of 10 clips share no longer run with a piece"))
        tiles.append((f"{rows[HELD]['copied notes'][0]:.0f}", "the same of music by people"))
    if steered:
        worst = min(steered.figures[f"rank correlation, {name}"][0] for name in ATTRIBUTES)
        tiles.append((f"{worst:.2f}", "asked against reached: the lowest of three rank correlations"))
    yield grid([f'<div class="card tile"><b>{a}</b><span>{escape(b)}</span></div>' for a, b in tiles], "tiles")


def _rolls(study: Study) -> Iterator[str]:
    how = (
        "Time runs to the right, pitch upwards; each box is all of eight bars. Left the network, right the bars of a "
        "held-out piece in the same meter: what differs is what the figures below count."
    )
    yield section(f"{WHAT[study.task]}: made, and written", how)
    yield beside(study.sets[OURS][0].clips, study.sets[HELD][0].clips, "made", ROLLS)


def beside(made: Sequence[Clip], held: Sequence[Clip], how: str, count: int) -> str:
    """Piano rolls of some clips, each beside the held-out window that it was made for."""
    cards = []
    for ours, window in [*zip(made, held, strict=True)][:count]:
        meter = "{}/{}".format(*window.meter)
        cards.append(card(roll(f"{how} by the network in {meter}", ours, "ours"), below=f"{how}, {meter}"))
        cards.append(card(roll(f"written by people in {meter}", window, "people"), below=f"written, {meter}"))
    return grid(cards, "pairs")


def _overlaps(study: Study) -> Iterator[str]:
    how = (
        "Each dot says how far the seven features of a row's clips are spread as those of held-out music are: further "
        "right is more alike, and other pieces by people are as far as one can hope to come."
    )
    yield section(f"{WHAT[study.task]}: how alike to music by people", how)
    rows = {name: (kind_of(name), row) for name, row in study.rows.items()}
    pick = {name: (kind, row["overlap"]) for name, (kind, row) in rows.items() if "overlap" in row}
    cards = [card(dots("mean overlapped area of each row", pick), "All seven features", COLUMNS["overlap"])]
    held, ours, markov = (study.sets[name][0].features for name in (HELD, OURS, "first-order Markov"))
    for name, what in FEATURES.items():
        both = Distances.of(held[name], ours[name]).densities()
        chain = Distances.of(held[name], markov[name]).densities()
        lines = [
            ("people", "people", both.within),
            ("ours", "ours", both.between),
            ("Markov", "markov", np.interp(both.grid, chain.grid, chain.between, right=0)),
        ]
        label = f"{study.rows[OURS][f'overlap, {name}'][0]:.2f}"
        picture = curves(f"densities of distances by {name}", both.grid, lines, "distance of two clips", label)
        cards.append(card(picture, name.capitalize(), what))
    yield grid(cards)
    yield (
        '<p class="how">The curves: how far two clips lie apart by one feature, blue for two pieces by people, orange '
        "for a piece and a clip of the network, violet for a piece and a Markov chain's, all of the first seed. "
        "The area that blue and orange share, as a mean over the seeds, is the number at the top right.</p>"
    )
    cards = []
    for name, what in STATISTICS.items():
        some = {row: (kind, figures[name]) for row, (kind, figures) in rows.items()}
        cards.append(card(dots(f"{name} of each row", some), name.capitalize(), what))
    some = {row: (kind, figures[BLEU]) for row, (kind, figures) in rows.items()}
    cards.append(card(dots(f"{BLEU} of each row", some), BLEU, "it is to be near people, not high"))
    yield "<h3>Pitch, rhythm, wording: best is where people are (blue, green)</h3>" + grid(cards)


def _runs(study: Study) -> Iterator[str]:
    how = (
        "How many clips share a run of at least so many notes, whatever its key, with one piece that the network has "
        "learnt from. People repeat each other, too: orange should not lie above blue and green."
    )
    yield section("Is it somebody's tune?", how)
    shown = [name for name in (HELD, HUMAN, OURS) if name in study.sets]
    labels = {HELD: "held-out", HUMAN: "other people", OURS: "ours"}
    runs = [(n, np.concatenate([s.copied[:, COPIED] for s in study.sets[n]])) for n in shown]
    lines = [(labels[name], kind_of(name), values) for name, values in runs]
    rows = {name: (kind_of(name), row["copied share"]) for name, row in study.rows.items()}
    share = card(dots("copied share of each row", rows), "Copied 12-grams", COLUMNS["copied share"])
    yield grid([card(survival("lengths of shared runs", lines, "notes of the longest run"), "Longest run"), share])


def _control(steered: Control) -> Iterator[str]:
    how = (
        "Each point is one clip: what was asked for, taken from a held-out window, and what came. On the blue line "
        "both are equal; density, mean pitch and pitch classes were asked for together."
    )
    yield section("Does it do what it is asked?", how)
    cards = []
    for name, where in ATTRIBUTES.items():
        asked, reached = steered.asked[:, where].ravel(), steered.reached[:, where].ravel()
        label = f"{steered.figures[f'rank correlation, {name}'][0]:.3f}"
        band = 0.1 if name == "density" else 0.0
        picture = points(f"reached over asked {name}", asked, reached, ASKED[name], "ours", label, band)
        cards.append(card(picture, name.replace("_", " ").capitalize(), "the number: their rank correlation"))
    yield grid(cards)
    yield "<h3>Asked for what the right one has, and the right one</h3>"
    yield beside(steered.sets[STEERED][0].clips, steered.sets[HELD][0].clips, "steered", ROLLS // 2)
    rows = {name: (kind_of(name), row["overlap"]) for name, row in steered.rows.items() if "overlap" in row}
    picture = dots("overlap of steered and free clips", rows)
    broken = sum(steered.broken.values())
    limits = f"{broken} of {steered.limited} clips broke a limit: " + ", ".join(
        f"{key} {count}" for key, count in steered.broken.items()
    )
    moved = "".join(
        f"<tr><th>{escape(name)} alone</th>"
        + "".join(f"<td>{others[key]:.2f}</td>" if key in others else "<td>asked</td>" for key in ATTRIBUTES)
        + "</tr>"
        for name, others in steered.drift.items()
    )
    heads = "".join(f"<th>{name}</th>" for name in ATTRIBUTES)
    table = f'<div class="scroll"><table><tr><th>asked for</th>{heads}</tr>{moved}</table></div>'
    yield grid(
        [
            card(picture, "Does steering cost overlap?", "mean overlapped area with the windows that were asked for"),
            card(table, "How far the others move, in standard deviations", limits),
        ]
    )


def _likelihood(found: Mapping[str, Any]) -> Iterator[str]:
    rows: dict[str, dict[str, float]] = {**found.get("card_rows", {}), **found["rows"]}
    if rows:
        yield section(
            "On held-out pieces", "The model beside what it has to beat; a cost in nats is better where it is lower."
        )
        columns = [*dict.fromkeys(key for row in rows.values() for key in row)]
        heads = "".join(f"<th>{escape(key.replace('_', ' '))}</th>" for key in columns)
        lines = [
            f"<tr><th>{escape(name)}</th>"
            + "".join(f"<td>{row[key]:.4g}</td>" if key in row else "<td></td>" for key in columns)
            + "</tr>"
            for name, row in rows.items()
        ]
        yield card(f'<div class="scroll"><table><tr><th></th>{heads}</tr>{"".join(lines)}</table></div>')


def _published(some: Sequence[Published]) -> Iterator[str]:
    if some:
        yield section("Published figures", "Others measured otherwise; the last column says what stands between them.")
        heads = "<tr><th>what</th><th>figure</th><th>source</th><th>not the same</th></tr>"
        lines = "".join(f"<tr>{''.join(f'<td>{escape(v)}</td>' for v in asdict(one).values())}</tr>" for one in some)
        yield card(f'<div class="scroll"><table class="words">{heads}{lines}</table></div>')


def _tables(made: Sequence[Study], steered: Control | None) -> Iterator[str]:
    tables: dict[str, Mapping[str, Mapping[str, Interval]]] = {WHAT[study.task]: study.rows for study in made}
    if steered:
        tables |= {"Control": steered.rows, "Control, asked against reached": {STEERED: steered.figures}}
    if tables:
        yield section("All figures", "Each with the 95 % interval over pieces; what a column counts is said below.")
    for title, rows in tables.items():
        yield f"<details><summary>{escape(title)}</summary>{card(_table(rows))}</details>"
    if tables:
        items = "".join(f"<li><b>{escape(key)}</b>: {escape(what)}</li>" for key, what in COLUMNS.items())
        yield f"<details><summary>What the columns count</summary><ul>{items}</ul></details>"


def _table(rows: Mapping[str, Mapping[str, Interval]]) -> str:
    columns = [*dict.fromkeys(key for row in rows.values() for key in row)]
    heads = "".join(f"<th>{escape(key)}</th>" for key in columns)
    lines = []
    for name, row in rows.items():
        cells = (_cell(row[key]) if key in row else "<td></td>" for key in columns)
        lines.append(f'<tr class="{kind_of(name)}"><th>{escape(name)}</th>{"".join(cells)}</tr>')
    return f'<div class="scroll"><table><tr><th></th>{heads}</tr>{"".join(lines)}</table></div>'


def _cell(figure: Interval) -> str:
    value, low, high = figure
    return f"<td>{value:.3g} <small>{low:.3g} to {high:.3g}</small></td>" if np.isfinite(value) else "<td></td>"
