"""What `generate` and `continue` share: options of sampling, and from sampled notes to candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.bundle import MODEL, Bundle
from assistant.clip import TICKS, Clip, Note
from assistant.codecs.events import KINDS, EventCodec
from assistant.codecs.notes import NoteCodec
from assistant.condition import DENSITY, GIVEN, MOST_DENSE, PITCH
from assistant.generator import Plan, Prompt, generate
from assistant.network import Network
from assistant.option import Option
from assistant.request import Candidate
from assistant.tasks.answer import Clips, News, Options, Slice, Stop

BARS = Option("bars", "int", 4, "how many bars to make", 1, 64)
SAMPLING = (
    Option("temperature", "float", 0.95, "below 1 safer, above 1 bolder", 0.1, 2.0),
    Option(
        "top_p",
        "float",
        0.95,
        "leave out the unlikeliest notes that share the rest of the probability; a latent space has none",
        0.05,
        1.0,
    ),
    Option("density", "float", None, "notes a quarter; left out: as the clip, or free", 0.05, MOST_DENSE),
    Option(
        "register", "float", None, "mean pitch as a MIDI number, 60 is middle C; left out: as the clip, or free", 0, 127
    ),
)


HOLD = Option(
    "hold",
    "float",
    None,
    "0 wanders as the network likes, 1 holds to the pitch classes of the clip; left out: as suits",
    0,
    1,
)
SUITING_HOLD = {"one": 0.0, "many": 0.5}  # what predicts the true continuations of the valid split best, by voices
RARE = 0.02  # share that a pitch class which the clip has not yet is taken to have


def steered(given: NDArray[np.float32], options: Options) -> NDArray[np.float32]:
    """A condition with the density and register that the options ask for."""
    given = given.copy()
    flags = np.arange(GIVEN.start, GIVEN.stop)
    for key, column, scale, flag in (("register", PITCH, 127.0, flags[1]), ("density", DENSITY, MOST_DENSE, flags[2])):
        value = options[key]
        if value is not None:
            given[column], given[flag] = float(value) / scale, 1
    return given


def tonal_bias(codec: EventCodec, clip: Clip, hold: float) -> NDArray[np.float32]:
    """(V,) what to add to the logits of pitches, so that those of the clip's own pitch classes are likelier.

    A small network forgets the key while it plays many voices; together with what the clip has played so far it
    predicts better how the clip really goes on. The clip's own notes keep their share against other kinds of token.
    """
    bias = np.zeros(codec.size, np.float32)
    sung = [note.pitch % 12 for note in clip.notes if not note.muted]
    if sung:
        share = np.bincount(sung, minlength=12) / len(sung)
        prior = hold * np.log(share + RARE)
        prior -= np.log((share * np.exp(prior)).sum())
        pitches = codec.kinds == KINDS.index("PITCH")
        bias[pitches] = prior[codec.values[pitches] % 12]
    return bias


def voices_of(bundle: Bundle) -> str:
    """`one` or `many`; nothing for a model that makes no notes."""
    return "" if isinstance(bundle.codec, NoteCodec) else bundle.codec.voices


def suits(bundle: Bundle, voices: str) -> int:
    """How well a bundle does for a task that samples events."""
    return 2 * (bundle.card.family == "charrnn") + (voices_of(bundle) == voices)


def count(clips: Clips, options: Options) -> int:
    """How many candidates there will be."""
    return int(options["candidates"] or 1)


def sample(
    network: Network, clip: Clip, prompt: Prompt, given: NDArray[np.float32], options: Options, stop: Stop, at: int
) -> Iterator[News]:
    """The bars that follow `clip`, a `recent` one, which gives end and meter; `at` ticks after the clip as given."""
    codec, graph = network.bundle.events, network.graphs[MODEL]
    bars, candidates = int(options["bars"] or 1), count((), options)
    plan = _plan(codec, clip, prompt, given, options)
    end = bars * clip.bar
    made: list[list[Note]] = [[] for _ in range(candidates)]
    finished: set[int] = set()
    for news in generate(network.bundle, graph, plan, stop):
        slices = []
        for row, notes, whole in news:
            placed = tuple(_placed(note, clip.length, end) for note in notes)
            first = len(made[row.index])
            made[row.index] += placed
            candidate = candidate_of(tuple(made[row.index]), clip, bars, at) if whole else None
            finished |= {row.index} if whole else set()
            slices.append(Slice(row.index, first, placed, candidate))
        reached = [1.0 if k in finished else (n[-1].start / end if n else 0.0) for k, n in enumerate(made)]
        yield slices, min(1.0, sum(reached) / candidates)


def _plan(codec: EventCodec, clip: Clip, prompt: Prompt, given: NDArray[np.float32], options: Options) -> Plan:
    bars, hold, step = int(options["bars"] or 1), options.get("hold"), codec.step
    begin, until = round(clip.length / step), -(-(clip.length + bars * clip.bar) // step)
    sounding = max((round(note.end / step) for note in clip.notes if not note.muted), default=0)
    return Plan(
        prompt=prompt,
        begin=begin,
        until=until,
        bar=clip.bar // step,
        meter=clip.meter,
        condition=steered(given, options),
        bias=tonal_bias(codec, clip, SUITING_HOLD[codec.voices] if hold is None else float(hold)),
        seed=int(options["seed"] or 0),
        candidates=count((), options),
        temperature=float(options["temperature"] or 1.0),
        top_p=float(options["top_p"] or 1.0),
        # one voice waits for the note that still sounds, but never through more than half of what was asked for
        silent_until=min(sounding, (begin + until) // 2) if codec.voices == "one" else 0,
    )


def _placed(note: Note, origin: int, end: int) -> Note:
    """A note on the clock of the new clip, cut where that clip ends."""
    start = max(0, note.start - origin)
    return replace(note, start=start, duration=min(note.duration, end - start))


def candidate_of(notes: tuple[Note, ...], clip: Clip, bars: int, at: int) -> Candidate:
    """A whole candidate of `bars` bars with the tempo and meter of `clip`, and measures of it."""
    made = Clip(notes, bars * clip.bar, clip.tempo, clip.meter)
    return Candidate(made, at, measures_of(made))


def measures_of(clip: Clip) -> dict[str, float | str]:
    """What is said of a candidate: notes a quarter, and the mean pitch where there are notes."""
    measures: dict[str, float | str] = {"density": round(len(clip.notes) * TICKS / (clip.length or clip.bar), 3)}
    if clip.notes:
        measures["register"] = round(sum(note.pitch for note in clip.notes) / len(clip.notes), 2)
    return measures
