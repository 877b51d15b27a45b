"""A stretch of a clip as the networks see music: tick 0 is a bar line, one meter, one tempo."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from continuo_daw.assistant.music.clip import Clip


class Frame(NamedTuple):
    """`clip` stands in the bars of the end of a stretch, continued to its front; tick 0 of it is tick `origin` of the
    given clip, which may lie before it, and the stretch is the ticks `start` to `end` of the given clip."""

    clip: Clip
    origin: int
    start: int
    end: int

    @property
    def ahead(self) -> int:
        """Ticks of the frame before the stretch begins."""
        return self.start - self.origin


def framed(clip: Clip, start: int = 0, end: int | None = None, behind: bool = False) -> Frame:
    """The notes that start in `start` to `end` (None: the length) in a frame. The meter and the tempo are those that
    the stretch ends in; with `behind` those of what comes there, which a change at its end begins."""
    end = clip.length if end is None else end
    time, last = clip.time, end if behind else max(start, end - 1)
    meter, bar = time.meter_at(last), time.bar_at(last)
    origin = bar.start - -(-(bar.start - start) // bar.ticks) * bar.ticks
    notes = tuple(replace(n, start=n.start - origin) for n in clip.notes if start <= n.start < max(end, start + 1))
    plain = Clip(notes, end - origin, time.tempo_at(last), meter, clip.drums)
    return Frame(plain, origin, start, end)
