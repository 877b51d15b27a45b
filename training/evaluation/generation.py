"""What a model makes of nothing and behind a prompt, beside held-out windows, other held-out pieces and samplers.

For each seed some windows of the test split are drawn (see `windows.py`); ours is asked for a clip in the meter and
tempo of each, through the engine as a musician asks it; each sampler makes one, too; and as many windows of
the valid split, which are other pieces, say how well music of people fits them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.codecs.events import EventCodec
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.option import Value
from continuo_daw.assistant.originality.index import Index
from continuo_daw.assistant.request import Request
from continuo_daw.assistant.tasks import options_of
from continuo_daw.training.corpus.pieces import Piece
from continuo_daw.training.evaluation.bleu import Gram, references
from continuo_daw.training.evaluation.generation_rows import Interval, Measured, intervals, measured
from continuo_daw.training.evaluation.samplers import Make, learnt
from continuo_daw.training.evaluation.windows import Window, windows

BARS, PROMPT = 8, {"generate": 0, "continue": 4}  # bars that are compared, and before them
CANDIDATES = int(next(option.high or 1 for option in options_of("generate") if option.key == "candidates"))
OURS, HUMAN, HELD = "ours", "people, other pieces", "people, held out"
SEEDS = 1000  # of requests of one seed of the evaluation


@dataclass(frozen=True)
class Bench:
    """A bundle in an engine, the pieces of its corpus, and what was learnt of the train split: samplers by name, the
    references of BLEU, and the index that finds copies."""

    engine: Engine
    bundle: Bundle
    pieces: Sequence[Piece]
    makes: Mapping[str, Make]
    known: Mapping[Gram, int]
    index: Index

    @property
    def splits(self) -> list[str]:
        """The split of each piece."""
        return [piece.split for piece in self.pieces]

    def measured(self, clips: Sequence[Clip], windows: Sequence[Window]) -> Measured:
        """What is found of a clip for each window."""
        return measured(clips, [window.piece for window in windows], self.known, self.index)


@dataclass(frozen=True)
class Study:
    """Of one task: the figures of each row with their intervals, and what was measured, for each seed."""

    task: str
    rows: Mapping[str, Mapping[str, Interval]]
    sets: Mapping[str, Sequence[Measured]]


def bench_of(engine: Engine, bundle: Bundle, pieces: Sequence[Piece]) -> Bench:
    """What the train split teaches. The index is the one that the bundle carries, else it is made of the pieces."""
    codec = codec_of(bundle)
    train = [piece for piece in pieces if piece.split == "train"]
    index = engine.network(bundle.card.name).index
    index = index or Index.of([(piece.title, piece.sections) for piece in train], one=codec.voices == "one")
    known = references(piece.sections for piece in train)
    return Bench(engine, bundle, pieces, learnt(pieces, codec), known, index)


def codec_of(bundle: Bundle) -> EventCodec:
    """The events of a bundle; of a phrase autoencoder those on its grid."""
    codec: Any = bundle.codec
    return codec if isinstance(codec, EventCodec) else EventCodec(codec.resolution, codec.voices)


def study(bench: Bench, task: str, clips: int, seeds: int, **options: Value) -> Study:
    """The study of a task. clips: of each row, of all seeds together; options: of the task

    Raises AssistantError `bad_args` where the data have too few pieces.
    """
    test, other = (windows(bench.pieces, split, BARS, PROMPT[task]) for split in ("test", "valid"))
    count = min(max(clips // seeds, 2), len(test))
    if count < 2:
        text = f"fewer than two pieces of the test split have {BARS + PROMPT[task]} bars in one meter for {task}"
        raise AssistantError("bad_args", text)
    sets: dict[str, list[Measured]] = defaultdict(list)
    for seed in tqdm(range(seeds), f"{task}: clips"):
        drawn = _drawn(test, count, seed)
        made = {
            name: [make(window, np.random.default_rng([seed, number])) for number, window in enumerate(drawn)]
            for name, make in bench.makes.items()
        }
        made[OURS] = ours(bench, task, drawn, seed, **options)
        made[HELD] = [window.clip for window in drawn]
        for name, some in made.items():
            sets[name].append(bench.measured(some, drawn))
        if len(other) > 1:
            human = _drawn(other, count, seed)
            sets[HUMAN].append(bench.measured([window.clip for window in human], human))
    ordered = {name: sets[name] for name in (*bench.makes, OURS, HUMAN, HELD) if name in sets}
    return Study(task, intervals(ordered, sets[HELD], bench.splits), ordered)


def _drawn(found: Sequence[Window], count: int, seed: int) -> list[Window]:
    order = np.random.default_rng([seed]).permutation(len(found))[:count]
    return [found[number] for number in order.tolist()]


def ours(bench: Bench, task: str, drawn: Sequence[Window], seed: int, **options: Value) -> list[Clip]:
    """A clip for each window, as the engine gives it where nothing but the options is said."""
    made: list[Clip] = [drawn[0].clip] * len(drawn)
    for number, (some, clips, said) in enumerate(_asked(task, drawn)):
        asked = {"model": bench.bundle.card.name, "seed": SEEDS * seed + number, "bars": BARS, "candidates": len(some)}
        result = bench.engine.run(Request(task, clips, asked | said | dict(options)))
        for where, candidate in zip(some, result.candidates, strict=True):
            made[where] = replace(candidate.clip, tempo=drawn[where].clip.tempo)
    return made


def _asked(task: str, drawn: Sequence[Window]) -> Iterator[tuple[list[int], tuple[Clip, ...], dict[str, Value]]]:
    """Requests: the windows that one is for, its clips and its options. From nothing, windows of one meter come
    together: no note depends on the tempo."""
    if task == "continue":
        yield from (([number], (window.prompt,), {}) for number, window in enumerate(drawn))
        return
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, window in enumerate(drawn):
        alike[window.clip.meter].append(number)
    for meter, numbers in alike.items():
        for at in range(0, len(numbers), CANDIDATES):
            yield numbers[at : at + CANDIDATES], (), {"meter": "{}/{}".format(*meter)}
