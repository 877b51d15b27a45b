"""Speed of the refine networks on a clip of 1,000 notes: each pass in the engine, and the whole task over UDP."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tqdm import tqdm

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.paths import examples_dir
from continuo_daw.assistant.refining.passes import loudness, tidied
from continuo_daw.assistant.request import Request
from continuo_daw.osc_bridge.clients.child import daemon
from continuo_daw.osc_bridge.clients.client import Client

NOTES = 1000
TASKS = ("refine_duration", "refine_velocity")


def long_clip(notes: int = NOTES) -> Clip:
    """The first `notes` notes of an example that is played again and again."""
    example = read_midi(examples_dir() / "sonatina.mid")
    whole = example
    while len(whole.notes) < notes:
        whole = whole.joined(example)
    return replace(whole, notes=whole.notes[:notes])


def refinement(rounds: int, quiet: bool) -> dict[str, Any]:
    """Medians in milliseconds, taken in turns: processor time of one pass on one thread, and wall time over UDP."""
    engine, clip = Engine(device="cpu", threads=1), long_clip()
    durations, velocities = (engine.network(engine.plan(Request(task, (clip,))).model) for task in TASKS)
    with daemon() as child, Client(child.host, child.port) as client:
        work: dict[str, tuple[Callable[[], object], Callable[[], float]]] = {
            "onsets": (lambda: tidied(durations, clip, durations=False), time.process_time),
            "lengths": (lambda: tidied(durations, clip, onsets=False), time.process_time),
            "velocities": (lambda: loudness(velocities, clip, False), time.process_time),
            **{f"{task} over UDP": (partial(client.run, task, [clip]), time.perf_counter) for task in TASKS},
        }
        taken: dict[str, list[float]] = {name: [] for name in work}
        for call, _ in work.values():
            call()
        for _ in tqdm(range(rounds), "refine", disable=quiet):
            for name, (call, clock) in work.items():
                began = clock()
                call()
                taken[name].append((clock() - began) * 1000)
    return {"notes": NOTES, "median_ms": {name: round(statistics.median(times), 1) for name, times in taken.items()}}


def as_text(found: dict[str, Any]) -> str:
    """The figures as a line for people."""
    return f"refine, {found['notes']} notes: " + ", ".join(f"{name} {ms} ms" for name, ms in found["median_ms"].items())
