"""What `continuo evaluate` says of what a model makes: studies of its tasks and of control, as JSON and as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from continuo_daw.assistant.bundles.bundle import CARD, Bundle
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.files import write_whole
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.card import engine_of
from continuo_daw.training.evaluation.control import STEERED, Control, control
from continuo_daw.training.evaluation.generation import BARS, PROMPT, Study, bench_of, study
from continuo_daw.training.evaluation.generation_rows import COLUMNS, Interval
from continuo_daw.training.evaluation.published import Published
from continuo_daw.training.families.table import FAMILIES

SHOWN = (  # columns of the tables in Markdown
    "overlap",
    "least overlap",
    "divergence",
    "pitch-class entropy",
    "scale consistency",
    "groove consistency",
    "BLEU-4",
    "BLEU-4 gap",
    "copied share",
    "copied notes",
)


@dataclass(frozen=True)
class Generated:
    """What was measured, and figures of others; `control` is None for networks that cannot be asked."""

    published: Sequence[Published]
    clips: int
    seeds: int
    studies: Sequence[Study]
    control: Control | None

    def json(self) -> dict[str, Any]:
        """As JSON has it: each figure as [figure, from, to], None where it is unknown."""
        found: dict[str, Any] = {"clips": self.clips, "seeds": self.seeds, "bars": BARS}
        found |= {one.task: _rows(one.rows) for one in self.studies}
        if self.control:
            c = self.control
            said = {"figures": _row(c.figures), "rows": _rows(c.rows), "drift": c.drift}
            found["control"] = said | {"limits": {"clips": c.limited, "broken": c.broken}}
        return found | {"published": [asdict(one) for one in self.published]}

    def markdown(self) -> Iterator[str]:
        """Lines of tables for `docs/evaluation.md`."""
        for one in self.studies:
            yield from _table(f"{one.task}, {BARS} bars", one.rows, SHOWN)
        if self.control:
            yield from _table("control", self.control.rows, SHOWN)
            yield from ("", f"| asked against reached, {STEERED} | figure |", "|---|---|")
            yield from (f"| {key} | {_cell(value)} |" for key, value in self.control.figures.items())
            broken, clips = sum(self.control.broken.values()), self.control.limited
            yield f"| hard limits broken, of {clips} clips with seven limits each | {broken} |"
            for name, others in self.control.drift.items():
                moved = ", ".join(f"{other} {value:.2f}" for other, value in others.items())
                yield f"| {name} asked alone: the others move by, in standard deviations | {moved} |"


def generated(bundle: Bundle, pieces: Sequence[Piece], clips: int, seeds: int) -> Generated:
    """All that a model makes, measured. clips: of each row of each table, of all seeds together

    Raises AssistantError `bad_args` where the data have too few pieces.
    """
    published = FAMILIES[bundle.card.family].published
    tasks = [task for task in PROMPT if task in bundle.card.tasks]
    if not tasks:
        return Generated(published, clips, seeds, (), None)
    bench = bench_of(engine_of(bundle), bundle, pieces)
    steered = control(bench, clips, seeds) if bundle.family.samples else None
    return Generated(published, clips, seeds, [study(bench, task, clips, seeds) for task in tasks], steered)


def write_card(folder: Path, found: Mapping[str, Any]) -> None:
    """Puts what was found into the card as `metrics["generation"]`. Raises AssistantError where that fails."""
    file = folder / CARD
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        card["metrics"]["generation"] = dict(found)
        write_whole((json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode(), file)
    except OSError as error:
        raise AssistantError("bad_args", f"cannot write {file}: {error.strerror or error}") from None


def _rows(rows: Mapping[str, Mapping[str, Interval]]) -> dict[str, dict[str, list[float | None]]]:
    return {name: _row(row) for name, row in rows.items()}


def _row(row: Mapping[str, Interval]) -> dict[str, list[float | None]]:
    return {key: [round(v, 4) if np.isfinite(v) else None for v in figure] for key, figure in row.items()}


def _table(title: str, rows: Mapping[str, Mapping[str, Interval]], columns: Sequence[str]) -> Iterator[str]:
    known = [key for key in columns if key in COLUMNS and any(key in row for row in rows.values())]
    yield from ("", f"| {title} | " + " | ".join(known) + " |", "|---" * (len(known) + 1) + "|")
    for name, row in rows.items():
        yield f"| {name} | " + " | ".join(_cell(row[key]) if key in row else "" for key in known) + " |"


def _cell(figure: Interval) -> str:
    value, low, high = figure
    return f"{value:.3f} ({low:.3f} to {high:.3f})" if np.isfinite(value) else ""
