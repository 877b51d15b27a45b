"""What every candidate says of its own originality, and the replacing of those that copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from continuo_daw.assistant.bundles.network import Network
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.originality.index import alarm_level, human_level
from continuo_daw.assistant.request import Candidate
from continuo_daw.assistant.tasks.answer import News, Options, Slice, Stop, at_once

TRIES = 6  # rounds of candidates, each with a seed of its own
STRIDE = 1_000_003  # between those seeds, so that the rounds of neighbouring seeds do not meet

Run = Callable[[Options], Iterator[News]]


def compared(network: Network, candidate: Candidate) -> tuple[Candidate, float]:
    """The candidate with what it shares with the corpus among its measures, and how far that lies above what people
    share: 1 or less is within the human level. Without an index nothing is said, and nothing is above."""
    if network.index is None:
        return candidate, 0.0
    found, card = network.index.search(candidate.clip), network.bundle.card
    measures: dict[str, float | str] = {
        "copied_notes": float(found.copied_notes),
        "copied_share": round(found.copied_share, 4),
        "nearest": found.nearest,
    }
    notes = len(candidate.clip.notes)
    human, alarm = human_level(card, notes), alarm_level(card, notes)
    above = [found.copied_notes / max(human[0], 1.0)] if human else []
    above += [found.similarity / max(alarm, 0.01)] if alarm is not None else []
    return replace(candidate, measures={**candidate.measures, **measures}), max(above, default=0.0)


def watched(network: Network, run: Run, options: Options, count: int, stop: Stop) -> Iterator[News]:
    """The news of `run` as the option `originality` wants them. Raises AssistantError `bad_args` where nothing can be
    avoided, for the model has no index."""
    wanted = options.get("originality", "off")
    if wanted == "avoid":
        if network.index is None:
            name = network.bundle.card.name
            raise AssistantError("bad_args", f"originality avoid needs a model with an index, which {name} has not")
        yield from _avoiding(network, run, options, count, stop)
        return
    for parts, reached in run(options):
        yield [_reported(network, part) if wanted == "report" else part for part in parts], reached


def _reported(network: Network, part: Slice) -> Slice:
    return replace(part, whole=compared(network, part.whole)[0]) if part.whole else part


def _avoiding(network: Network, run: Run, options: Options, count: int, stop: Stop) -> Iterator[News]:
    """Whole candidates within the human level; after `TRIES` rounds, for those that are still missing, the nearest to
    it."""
    best: dict[int, tuple[float, Candidate]] = {}
    ready: set[int] = set()
    for round_ in range(TRIES):
        seed = (int(options["seed"] or 0) + round_ * STRIDE) % 2**31
        for parts, _ in run({**options, "seed": seed}):
            news = []
            for part in parts:
                if part.whole is None or part.candidate in ready:
                    continue
                candidate, above = compared(network, part.whole)
                if part.candidate not in best or above < best[part.candidate][0]:
                    best[part.candidate] = above, candidate
                if above <= 1:
                    ready.add(part.candidate)
                    news.append(at_once(part.candidate, candidate))
            yield news, len(ready) / count
        if len(ready) == count or stop():
            return
    yield [at_once(index, best[index][1]) for index in sorted(best.keys() - ready)], 1.0
