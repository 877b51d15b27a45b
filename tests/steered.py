"""Steered requests, and whether what comes keeps the limits that they name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.music.attributes import most_at_once
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, clip_of
from continuo_daw.assistant.music.keys import key_of
from continuo_daw.assistant.request import Candidate, Request

SCALE = clip_of([Note(i * TICKS, 60 + step, TICKS, 90) for i, step in enumerate((0, 2, 4, 5, 7, 5, 4, 2))])


def made(engine: Engine, clip: Clip | None = None, task: str = "", **options: object) -> list[Candidate]:
    task = task or ("continue" if clip else "generate")
    clips = (clip,) if clip else ()
    return list(engine.run(Request(task, clips, {"seed": 3, "originality": "off", **options})).candidates)


def keeps(clip: Clip, options: Mapping[str, object]) -> None:
    """Asserts every limit that the options name."""
    assert clip.notes
    assert all(note.end <= clip.length for note in clip.notes)
    tones = key_of(str(options["key"])).tones if "key" in options else np.ones(12, bool)
    checks = {
        "pitch_low": lambda low: min(n.pitch for n in clip.notes) >= low,
        "pitch_high": lambda high: max(n.pitch for n in clip.notes) <= high,
        "polyphony": lambda most: most_at_once(clip) <= most,
        "shortest": lambda short: min(n.duration for n in clip.notes) >= short * TICKS,
        "longest": lambda long: max(n.duration for n in clip.notes) <= long * TICKS,
        "scale_strict": lambda _: all(tones[n.pitch % 12] for n in clip.notes),
        "start_on_beat": lambda _: clip.notes[0].start % TICKS == 0,
        "end_on_tonic": lambda _: any(
            n.pitch % 12 == key_of(str(options["key"])).tonic for n in clip.notes if n.start == clip.notes[-1].start
        ),
    }
    for key, check in checks.items():
        assert key not in options or check(options[key]), (key, options[key])


def clip_in(length: int, *notes: tuple[int, int, int], meter: tuple[int, int] = (4, 4)) -> Clip:
    return Clip(tuple(Note(start, pitch, duration) for start, pitch, duration in notes), length, 120.0, meter)
