"""`vary`: a clip like the given one, near it in the latent space, or moved there in density, pitch ..."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.phrases import Bars, apart, written_onset
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent import common as meet
from continuo_daw.assistant.latent.moves import edited, held, moved
from continuo_daw.assistant.latent.space import CLOSED, FREE, Codes, Forced, Latent, clip_from, levelled
from continuo_daw.assistant.music.attributes import attributes
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.sampling.measures import measures_of
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Stop, in_turn
from continuo_daw.assistant.tasks.sampling import count as count

NAME = "vary"
SUMMARY = "other versions of a clip: near it, or with more or less of something"
MOVES = (
    Option("density", "float", 0.0, "notes a quarter more, or fewer", -8, 8),
    Option("pitch", "float", 0.0, "semitones that the mean pitch rises or falls", -36, 36),
    Option("syncopation", "float", 0.0, "change of the share of syncopated notes", -1, 1),
    Option("length", "float", 0.0, "change of the share of the time to the next note that a note sounds", -1, 1),
    Option("velocity", "float", 0.0, "change of the mean velocity", -127, 127),
)
OPTIONS = (
    Option("amount", "float", None, "0 stays, 1 goes anywhere; left out: 0.3, or 0 where something is moved", 0.0, 1.0),
    Option("keep", "choice", "nothing", "what stays as it is", choices=("nothing", "rhythm", "pitches")),
    *MOVES,
)
PLACE = "free"
CLIPS = (1, 1)
AMOUNT = 0.3
HELD = {"nothing": (), "rhythm": ("density", "syncopation", "length"), "pitches": ("pitch", "density")}  # by keep
APART = 0.15  # how far from the clip further candidates of a move begin


def suits(bundle: Bundle, clips: Clips, options: Options) -> float:
    """How well a bundle does; the best is taken where none is named."""
    return meet.suits(bundle, clips, binary=False)


def check(clips: Clips, options: Options) -> None:
    """Raises AssistantError where the clip cannot be varied so."""
    meet.check_clips(clips)
    kept = str(options["keep"])
    for name in steps_of(options):
        if name in HELD[kept]:
            raise AssistantError("bad_args", f"{name} {options[name]:g} cannot change while keep {kept} holds it")


def steps_of(options: Options) -> dict[str, float]:
    """The attributes that are to change, and by how much."""
    return {option.key: float(options[option.key] or 0) for option in MOVES if options[option.key]}


def slices(network: Network, clips: Clips, options: Options, stop: Stop) -> Iterator[News]:
    """One candidate after the other."""
    latent = meet.latent_of(network, clips)
    return in_turn(_candidates(latent, clips[0], options, stop), count(clips, options))


def _candidates(latent: Latent, clip: Clip, options: Options, stop: Stop) -> Iterator[Candidate]:
    steps = steps_of(options)
    if steps and latent.binary:
        raise AssistantError("bad_args", f"{latent.network.bundle.card.name} has binary codes, which cannot be moved")
    amount = float((0.0 if steps else AMOUNT) if options["amount"] is None else options["amount"])
    known = latent.bars_of(clip)
    code = latent.encode_bars(known)
    forced, bias = _held(latent, known, str(options["keep"]))
    compared = not steps and forced is None and amount > 0
    plain = latent.decode(code[None], clip.bars, known.steps)[0] if compared else None
    examples = [latent.encode(edited(clip, name, change)) for name, change in steps.items()]

    for index in range(count((clip,), options)):
        if stop():
            return
        seed = [int(options["seed"] or 0), index]
        far = max(amount, APART) if steps and index else amount  # else all would find the same way
        near = _near(latent, code, far, np.random.default_rng(seed))

        def play(codes: Codes) -> list[Clip]:
            found: list[Clip] = []
            size = max(1, meet.PHRASES_A_RUN // codes.shape[1])
            for at in range(0, len(codes), size):
                if stop():
                    break
                made = latent.decode(codes[at : at + size], clip.bars, known.steps, forced=forced, bias=bias)
                found += [_finished(latent, clip, _whole(bars, known, options), options) for bars in made]
            return found

        if steps:
            made = moved(near, steps, clip, latent.space, examples, play, [*seed, 1], stop)[1]
        elif amount == 0:
            made = clip
        elif plain is not None:
            made = _restored(clip, plain, latent.decode(near[None], clip.bars, known.steps)[0], latent, options)
        else:
            made = next(iter(play(near[None])), clip)
        yield Candidate(made, 0, measures_of(made) | {name: round(attributes(made)[name], 3) for name in steps})


def _near(latent: Latent, code: Codes, amount: float, random: np.random.Generator) -> Codes:
    """A code (K, Z) on the way from the given one to one of the corpus; of binary codes some bits are flipped."""
    if latent.binary:
        return np.where(random.random(code.shape) < amount / 2, -code, code).astype(np.float32)
    mean = latent.space.mean
    far = latent.space.draw(random, len(code)) - mean
    return np.asarray(mean + np.sqrt(1 - amount**2) * (code - mean) + amount * far, np.float32)


def _held(latent: Latent, known: Bars, kept: str) -> tuple[Forced | None, NDArray[np.float32] | None]:
    """What the decoder is told where the rhythm or the pitches stay: numbers of notes, and that it may not end a bar
    before all notes have come."""
    if kept == "nothing":
        return None, None
    positions = latent.codec.positions
    forced = np.full((*known.notes.shape[:2], 4), FREE, np.int64)
    there = np.arange(known.notes.shape[1]) < known.count[:, None]
    for column in (0, 2, 3) if kept == "rhythm" else (1,):
        forced[..., column] = np.where(there, known.notes[..., column], FREE)
    forced[..., 0] = np.where(there, forced[..., 0], positions)
    bias = np.zeros(positions + 1, np.float32)
    bias[positions] = CLOSED
    return forced, bias


def _whole(bars: Bars, known: Bars, options: Options) -> Bars:
    """Where pitches stay, a bar in which not all of them found a place is the clip's own bar."""
    if options["keep"] != "pitches":
        return bars
    notes, count = bars.notes.copy(), bars.count.copy()
    for bar in np.flatnonzero(count < known.count):
        width = max(notes.shape[1], known.count[bar])
        notes = np.pad(notes, ((0, 0), (0, width - notes.shape[1]), (0, 0)))
        count[bar] = known.count[bar]
        notes[bar, : count[bar]] = known.notes[bar, : count[bar]]
    return Bars(notes, count, bars.steps)


def _finished(latent: Latent, clip: Clip, bars: Bars, options: Options) -> Clip:
    """What was decoded, as loud as was asked; where the rhythm stays, with the very onsets, lengths and velocities."""
    made = clip_from(latent, bars, clip)
    if options["keep"] == "rhythm":
        made = replace(made, notes=_with_rhythm(made, clip), length=clip.length)
    if options["keep"] == "rhythm" and not options["velocity"]:
        return made
    if options["length"]:
        made = held(made, attributes(clip)["length"] + float(options["length"]))
    level = meet.mean_velocity(clip) + float(options["velocity"] or 0)
    return replace(made, notes=levelled(made.notes, level))


def _with_rhythm(made: Clip, clip: Clip) -> tuple[Note, ...]:
    """The notes of `clip` with the pitches of `made`, onset by onset from low to high."""
    pitches: dict[int, list[int]] = {}
    for note in made.notes:
        pitches.setdefault(note.start, []).append(note.pitch)
    given = Counter(written_onset(note.start, clip.length) for note in clip.notes if not note.muted)
    whole = {onset for onset, count in given.items() if len(pitches.get(onset, ())) >= count}
    notes = []
    for note in clip.notes:
        onset = written_onset(note.start, clip.length)
        # a chord of which a network for one voice made one note stays as it is
        left = pitches.get(onset) if onset in whole else None
        notes.append(replace(note, pitch=left.pop(0)) if left and not note.muted else note)
    return tuple(notes)


def _restored(clip: Clip, plain: Bars, varied: Bars, latent: Latent, options: Options) -> Clip:
    """The variation; a bar in which it says what the code of the clip itself says is the clip's own bar."""
    made = _finished(latent, clip, varied, options)
    same = [
        int(a) == int(b) and np.array_equal(one[:a], two[:b])
        for one, a, two, b in zip(plain.notes, plain.count, varied.notes, varied.count, strict=True)
    ]
    notes = [
        note
        for whose, own in ((clip, True), (made, False))
        for note in whose.notes
        if same[min(note.start // clip.bar, len(same) - 1)] == own
    ]
    if clip.monophonic:  # what was made may ring over what was kept
        sounding = sorted(note for note in notes if not note.muted)
        cut = [replace(a, duration=min(a.duration, b.start - a.start)) for a, b in apart(sounding)]
        notes = cut + [note for note in notes if note.muted]
    return replace(made, notes=tuple(notes), length=clip.length if same[-1] else made.length)
