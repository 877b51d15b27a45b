"""What `generate` and `continue` share: options of sampling, and from sampled notes to candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.codecs.notes import NoteCodec
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.sampling.generator import Prompt, Sampling, generate
from continuo_daw.assistant.sampling.guide import Guidance
from continuo_daw.assistant.sampling.measures import reached, short_of
from continuo_daw.assistant.sampling.rules import with_rules
from continuo_daw.assistant.sampling.wishes import STEERING, Wishes, wishes_of
from continuo_daw.assistant.tasks.answer import Clips, News, Options, Slice, Stop, at_once

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
    *STEERING,
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
GROUP, TOGETHER = 8, 4  # rows from which a steered candidate is chosen, and such candidates in one batch
Given = Callable[[int], NDArray[np.float32]]  # the condition of each candidate


def voices_of(bundle: Bundle) -> str:
    """`one` or `many`; nothing for a model that makes no notes."""
    return "" if isinstance(bundle.codec, NoteCodec) else bundle.codec.voices


def suits(bundle: Bundle, voices: str) -> int:
    """How well a bundle does for a task that samples events."""
    return 2 * bundle.family.samples + (voices_of(bundle) == voices)


def count(clips: Clips, options: Options) -> int:
    """How many candidates there will be."""
    return int(options["candidates"] or 1)


def sample(
    network: Network,
    clip: Clip,
    prompt: Prompt,
    given: Given,
    options: Options,
    stop: Stop,
    at: int,
    asked: Clip | None,
) -> Iterator[News]:
    """The bars that follow `clip`, a `recent` one, which gives end and meter; `at` ticks after the clip as given;
    `asked`: the whole clip as given, which `auto` and what is kept look at."""
    wishes = wishes_of(options, asked, clip)
    plan = _plan(network.bundle.events, clip, prompt, given, options, wishes)
    make = _chosen if wishes.asked else _streamed
    return make(network, plan, clip, wishes, stop, at)


def _streamed(network: Network, plan: Sampling, clip: Clip, wishes: Wishes, stop: Stop, at: int) -> Iterator[News]:
    """Notes as soon as they are final."""
    end = wishes.bars * clip.bar
    made: list[list[Note]] = [[] for _ in range(plan.candidates)]
    done: set[int] = set()
    for news in generate(network.bundle, network.graphs[MODEL], plan, stop):
        slices = []
        for row, notes, whole in news:
            placed = tuple(_placed(note, clip.length, end) for note in notes)
            first = len(made[row.index])
            made[row.index] += placed
            done |= {row.index} if whole else set()
            candidate = None
            if whole:
                new = with_rules(made[row.index], None, wishes, clip)
                candidate = Candidate(new, at, reached(new, wishes))
            slices.append(Slice(row.index, first, placed, candidate))
        yield slices, _share(dict(enumerate(made)), done, end)


def _chosen(network: Network, plan: Sampling, clip: Clip, wishes: Wishes, stop: Stop, at: int) -> Iterator[News]:
    """Whole candidates, each the best of `GROUP` that were made for it."""
    end, total = wishes.bars * clip.bar, plan.candidates
    assert plan.guidance
    for index in range(0, total, TOGETHER):
        some = range(index, min(index + TOGETHER, total))
        rows = replace(plan, first=index * GROUP, candidates=len(some) * GROUP)
        made: dict[int, list[Note]] = {rows.first + k: [] for k in range(rows.candidates)}
        whole: set[int] = set()
        for news in generate(network.bundle, network.graphs[MODEL], rows, stop):
            for row, notes, last in news:
                made[row.index] += [_placed(note, plan.guidance.origin, end) for note in notes]
                whole |= {row.index} if last else set()
            yield [], (index + len(some) * _share(made, whole, end)) / total
        if len(whole) < rows.candidates:
            return
        best = []
        for k in some:
            clips = [with_rules(made[k * GROUP + j], plan.guidance, wishes, clip) for j in range(GROUP)]
            new = min(clips, key=lambda made: short_of(made, wishes))
            best.append(at_once(k, Candidate(new, at, reached(new, wishes))))
        yield best, (index + len(some)) / total


def _share(made: Mapping[int, Sequence[Note]], whole: set[int], end: int) -> float:
    """How much of all rows is made: a row as far as its last note lies on the way to `end`, all of it once whole."""
    shares = [1.0 if row in whole else (notes[-1].start / end if notes else 0.0) for row, notes in made.items()]
    return min(1.0, sum(shares) / len(shares))


def _plan(codec: EventCodec, clip: Clip, prompt: Prompt, given: Given, options: Options, wishes: Wishes) -> Sampling:
    hold, step = options.get("hold"), codec.step
    begin, until = round(clip.length / step), -(-(clip.length + wishes.bars * clip.bar) // step)
    guidance = Guidance(codec, wishes, begin, until, clip) if wishes.asked else None
    return Sampling(
        prompt=prompt,
        begin=begin,
        until=until,
        bar=clip.bar // step,
        meter=clip.meter,
        condition=given,
        # what is asked of the pitch classes is not held to those of before
        hold=0.0 if wishes.shares else SUITING_HOLD[codec.voices] if hold is None else float(hold),
        seed=int(options["seed"] or 0),
        candidates=count((), options),
        temperature=float(options["temperature"] or 1.0),
        top_p=float(options["top_p"] or 1.0),
        silent_until=_still(codec, clip, begin, until, guidance),
        guidance=guidance,
    )


def _still(codec: EventCodec, clip: Clip, begin: int, until: int, guidance: Guidance | None) -> int:
    """Where one voice has sung the last note of the clip to its end: it waits, but never through more than half of
    what was asked for, nor where its own notes could not start any more, nor for a rhythm or a beat that is asked."""
    if codec.voices == "many" or (guidance and (guidance.rhythm or guidance.wishes.beat)):
        return 0
    sounding = max((round(note.end / codec.step) for note in clip.notes if not note.muted), default=0)
    return min(sounding, (begin + until) // 2, guidance.latest if guidance else until)


def _placed(note: Note, origin: int, end: int) -> Note:
    """A note on the clock of the new clip, cut where that clip begins and ends."""
    start = max(0, note.start - origin)
    return replace(note, start=start, duration=max(min(note.end - origin, end) - start, 1))
