"""Windows: the bars of held-out pieces that generated clips are compared with.

A comparison is fair only where both sides are cut alike. A window is `bars` whole bars in one meter and begins at the
first bar that sounds, of the first section of a piece that is long enough; so each piece gives at most one, and all of
them are beginnings, as what is made from nothing is a beginning. For `continue` the window is the `bars` bars behind a
prompt of the piece's first bars, whose last notes may sound into it. Notes end where the window ends, as those of a
generated clip do. A generated clip has
the bars, the meter and the tempo of one window, and is taken as the engine gives it: silence at its beginning counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from continuo_daw.assistant.music.clip import Clip
from continuo_daw.training.corpus.pieces import Piece


@dataclass(frozen=True)
class Window:
    """Some bars of a piece, the number of that piece, and the bars before them: `prompt`, empty or whole bars."""

    piece: int
    clip: Clip
    prompt: Clip


def windows(pieces: Sequence[Piece], split: str, bars: int, before: int = 0) -> list[Window]:
    """The window of each piece of a split that is long enough, with a prompt of `before` bars; notes in both."""
    numbered = ((number, piece) for number, piece in enumerate(pieces) if piece.split == split)
    found = ((number, _window(piece, bars, before)) for number, piece in numbered)
    return [Window(number, *parts) for number, parts in found if parts]


def _window(piece: Piece, bars: int, before: int) -> tuple[Clip, Clip] | None:
    for section in piece.sections:
        first = first_bar(section)
        start, end = first + before * section.bar, first + (before + bars) * section.bar
        if end <= section.bars * section.bar:
            clip, prompt = whole(section, start, end), sounding(section, first, start)
            if clip.notes and (prompt.notes or not before):
                return clip, prompt
    return None


def first_bar(clip: Clip) -> int:
    """The tick at which the first bar begins that has a note; the end of a clip without any."""
    onset = next((note.start for note in clip.notes if not note.muted), clip.bars * clip.bar)
    return onset // clip.bar * clip.bar


def whole(clip: Clip, start: int, end: int) -> Clip:
    """The ticks `start` to `end` of a clip without muted notes; no note sounds over the end."""
    part = sounding(clip, start, end)
    return replace(part, notes=tuple(replace(n, duration=min(n.duration, part.length - n.start)) for n in part.notes))


def sounding(clip: Clip, start: int, end: int) -> Clip:
    """The notes of a clip that start in the ticks `start` to `end`, without muted ones."""
    part = clip.window(start, end)
    return replace(part, notes=tuple(note for note in part.notes if not note.muted))
