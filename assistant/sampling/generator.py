"""The generator: runs a sampling graph in slices, all candidates as one batch, and gives notes as they become final."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.runtime import Arrays, Graph
from continuo_daw.assistant.codecs.condition import HISTOGRAM, meter_index, positions
from continuo_daw.assistant.codecs.events import CLOSED, END, KINDS, EventCodec, NoteReader
from continuo_daw.assistant.codecs.stretch import starts_of, stretch_of
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.sampling.guide import Guidance, Guide
from continuo_daw.assistant.sampling.inputs import FORBIDDEN, sampling_inputs

PROMPT = 256  # tokens of the given clip that the network hears, the last ones
BARS_HEARD = 64  # so that clocks stay small whatever the clip
SLICES = (8, 24)  # steps of the first run, so that the first notes come soon, and of the others
MOST_TOKENS = 64  # for each quarter that is asked for: a row that writes more is stopped where it stands
RARE = 0.02  # share that a pitch class which has none yet is taken to have
FIRST_VELOCITY = 80  # until the network says one


@dataclass(frozen=True)
class Prompt:
    """What a network hears before it goes on: tokens (N,), and the clock at the first of them."""

    tokens: NDArray[np.int64]
    clock: int  # steps since the start of the clip


@dataclass(frozen=True)
class Sampling:
    """A generation in steps of the codec's grid, on the clock of the prompt's clip.

    begin: first step where a note may start; until: first step where none may; bar: steps a bar
    """

    prompt: Prompt
    begin: int
    until: int
    bar: int
    meter: tuple[int, int]
    condition: Callable[[int], NDArray[np.float32]]  # (SIZE,) of each candidate
    hold: float  # 0 to 1: how far pitches are held to the pitch classes of the condition
    seed: int
    candidates: int
    temperature: float
    top_p: float
    silent_until: int = 0  # with one voice: where the note that still sounds ends
    guidance: Guidance | None = None  # of every candidate, one token at a time
    first: int = 0  # number of the first candidate


@dataclass
class Row:
    """One candidate while it is made."""

    index: int
    reader: NoteReader
    random: np.random.Generator
    condition: NDArray[np.float32]
    bias: NDArray[np.float32]  # (V,) added to the logits
    notes: list[Note] = field(default_factory=list)
    tokens: int = 0
    guide: Guide | None = None


def recent(clip: Clip) -> Clip:
    """What a network hears of a clip: from the bar line before its last `PROMPT` notes, but no more than `BARS_HEARD`
    bars. No note reaches further than a bar behind the end."""
    onsets = [note.start for note in clip.notes if not note.muted][-PROMPT:]
    first = max(clip.length - BARS_HEARD * clip.bar, onsets[0] if onsets else 0)
    heard = clip.window(first // clip.bar * clip.bar, clip.length)
    longest = heard.length + heard.bar
    return replace(heard, notes=tuple(replace(n, duration=min(n.duration, longest - n.start)) for n in heard.notes))


def prompt_of(codec: EventCodec, clip: Clip, cut: bool) -> Prompt:
    """A `recent` clip as a prompt, where it is long its last `PROMPT` tokens; `cut`: it is not a piece's beginning."""
    # a note that is played ahead of the next bar line belongs to the clip all the same
    latest = max(round(clip.length / codec.step) - 1, 0) * codec.step
    early = replace(clip, notes=tuple(replace(note, start=min(note.start, latest)) for note in clip.notes))
    tokens = codec.encode(early, last=None)
    starts = starts_of(codec, tokens)
    late = starts[starts >= max(len(tokens) - PROMPT, 1 if cut else 0)]
    start = int(late[0] if len(late) else starts[-1])
    clock = np.cumsum(codec.grammar.add[tokens, 2])
    if len(tokens) == 1:  # all that was played is long ago
        return Prompt(tokens, round(clip.length / codec.step))
    return Prompt(stretch_of(codec, tokens, start, len(tokens)).tokens, int(clock[start - 1]) if start else 0)


def generate(
    bundle: Bundle, graph: Graph, plan: Sampling, stop: Callable[[], bool]
) -> Iterator[list[tuple[Row, list[Note], bool]]]:
    """After each slice: (row, its new final notes, whether it is whole) of the rows that were still open.

    Notes are on the clock of the prompt's clip, in ticks. Ends early where `stop` says so, between slices.
    """
    codec = bundle.events
    primed = _primed(bundle, graph, plan)
    rows = [_new_row(codec, plan, primed, plan.first + index) for index in range(plan.candidates)]
    state = _tiled(primed, len(rows))
    most = MOST_TOKENS * max(1, (plan.until - plan.begin) // codec.resolution)
    slices = chain(SLICES, repeat(SLICES[-1]))
    while rows and not stop():
        # until there is a note, and under guidance, what is ruled out changes with each token
        steps = next(slices) if not plan.guidance and all(row.notes for row in rows) else 1
        drawn = {"uniform": _uniform(rows, steps), "bias": _bias(codec, plan, rows)}
        drawn["condition"] = np.stack([row.condition for row in rows])
        if plan.guidance:
            told = [plan.guidance.condition(row.condition, row.reader.state[2]) for row in rows]
            drawn["condition"] = np.stack(told)
            state["state"] = np.stack([row.reader.state for row in rows])  # a guide may have moved it
        outputs = graph.run(_inputs(bundle, plan, len(rows), steps, **drawn, **state))
        news, keep = [], []
        for column, row in enumerate(rows):
            notes, whole = _read(row, outputs["tokens"][:, column], plan.until, most)
            row.notes += notes
            keep += [] if whole else [column]
            news.append((row, notes, whole))
        yield news
        rows = [rows[column] for column in keep]
        state = _after(outputs, keep)


def _new_row(codec: EventCodec, plan: Sampling, primed: Arrays, index: int) -> Row:
    said = plan.prompt.tokens[codec.kinds[plan.prompt.tokens] == KINDS.index("VELOCITY")]
    velocity = int(codec.values[said[-1]]) if len(said) else FIRST_VELOCITY
    reader = NoteReader(codec, int(plan.prompt.tokens[-1]), primed["state"][0], velocity)
    # a stream for each candidate: its notes are the same alone and among others
    guide = Guide(plan.guidance) if plan.guidance else None
    condition = plan.condition(index)
    bias = tonal_bias(codec, condition[HISTOGRAM], plan.hold)
    return Row(index, reader, np.random.default_rng([plan.seed, index]), condition, bias, guide=guide)


def tonal_bias(codec: EventCodec, shares: NDArray[np.float32], hold: float) -> NDArray[np.float32]:
    """(V,) what to add to the logits of pitches, so that pitch classes that have a share (12,) in the music so far are
    likelier; nothing where none has.

    A small network forgets the key while it plays many voices; together with the shares it predicts better how a piece
    really goes on. Notes with these shares keep their weight against other kinds of token.
    """
    bias = np.zeros(codec.size, np.float32)
    if hold and shares.any():
        prior = hold * np.log(shares + RARE)
        prior -= np.log((shares * np.exp(prior)).sum())
        pitches = codec.kinds == KINDS.index("PITCH")
        bias[pitches] = prior[codec.values[pitches] % 12]
    return bias


def _opening(clock: float, plan: Sampling) -> NDArray[np.float32]:
    """The grammar's state (3,) behind the prompt: nothing may join its last onset or start before `begin`."""
    if len(plan.prompt.tokens) == 1:  # nothing was given, so the first onset is open
        return np.array([0, 0, clock], np.float32)
    begin = max(plan.begin, plan.silent_until)
    return np.array([CLOSED, max(begin - clock, 1), clock], np.float32)


def _primed(bundle: Bundle, graph: Graph, plan: Sampling) -> Arrays:
    """The network's state after the prompt but for its last token, which the first slice feeds; one row."""
    tokens, codec = plan.prompt.tokens, bundle.events
    layers, cells = int(bundle.card.sizes["layers"]), int(bundle.card.sizes["hidden"])
    clock = (plan.prompt.clock + codec.grammar.add[tokens, 2].cumsum()).astype(np.float32)
    state: Arrays = {
        "token": tokens[-1:],
        "hidden": np.zeros((layers, 1, cells), np.float32),
        "cell": np.zeros((layers, 1, cells), np.float32),
        "state": _opening(float(clock[-1]), plan)[None],
    }
    if len(tokens) == 1:
        return state
    place = np.minimum(clock[:-1].astype(np.int64) % plan.bar, positions(codec.resolution) - 2)
    heard = {"prompt": tokens[:-1, None], "prompt_position": place[:, None]}
    return _after(graph.run(_inputs(bundle, plan, 1, 0, **heard, **state)), [0])


def _after(outputs: Arrays, rows: list[int]) -> Arrays:
    """The state that the outputs leave `rows` in."""
    return {name: np.take(outputs[f"next_{name}"], rows, axis) for name, axis in _ROW_AXIS.items()}


_ROW_AXIS = {"token": 0, "hidden": 1, "cell": 1, "state": 0}


def _tiled(state: Arrays, rows: int) -> Arrays:
    return {name: np.repeat(state[name], rows, axis) for name, axis in _ROW_AXIS.items()}


def _uniform(rows: Sequence[Row], steps: int) -> NDArray[np.float32]:
    return np.stack([row.random.random(steps, np.float32) for row in rows], axis=1)


def _bias(codec: EventCodec, plan: Sampling, rows: Sequence[Row]) -> NDArray[np.float32]:
    """(rows, V) what is added to the logits: what holds a row to its key, and what the task rules out."""
    bias = np.stack([row.bias for row in rows])
    bias[:, END] = FORBIDDEN  # the task says where the music ends
    time = codec.kinds == KINDS.index("TIME")
    # who asks for music wants to hear some in the first bar
    latest = min(max(plan.begin, plan.silent_until) + plan.bar, plan.until)
    for column, row in enumerate(rows):
        if not row.notes and not (plan.guidance and plan.guidance.rhythm):
            bias[column, time & (codec.values >= latest - row.reader.state[2])] = FORBIDDEN
        if row.guide:
            row.guide.lean(row.reader, bias[column])
    return bias


def _inputs(bundle: Bundle, plan: Sampling, rows: int, steps: int, **given: NDArray[Any]) -> Arrays:
    """The graph's inputs for rows of the plan, with what is `given`."""
    sizes = bundle.card.sizes
    planned: Arrays = {
        "until": np.full(rows, plan.until, np.float32),
        "bar": np.full(rows, plan.bar, np.float32),
        "meter": np.full(rows, meter_index(plan.meter), np.int64),
        "condition": np.repeat(plan.condition(plan.first)[None], rows, 0),
        "temperature": np.array([plan.temperature], np.float32),
        "top_p": np.array([plan.top_p], np.float32),
    }
    return sampling_inputs(sizes["layers"], sizes["hidden"], bundle.events.size, rows, steps, **(planned | given))


def _read(row: Row, tokens: NDArray[np.int64], until: int, most: int) -> tuple[list[Note], bool]:
    """The final notes in a slice of one row, and whether it has reached its end."""
    notes: list[Note] = []
    for token in tokens:
        if token == END:
            return notes, True
        news = row.reader.read(int(token))
        notes += news
        row.tokens += 1
        if row.guide:
            row.guide.took(row.reader, news)
        if row.reader.state[2] >= until or row.tokens >= most:
            return notes, True
    return notes, False
