"""Speed of `interpolate` over UDP, beside eager PyTorch with the same weights."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.paths import examples_dir
from continuo_daw.assistant.tasks.interpolate import ROUNDS
from continuo_daw.osc_bridge.clients.child import daemon
from continuo_daw.osc_bridge.clients.client import Client

STEPS, BARS = 8, 4


def ends() -> tuple[Clip, Clip]:
    """Four bars of each of two tunes in one meter."""
    clips = (read_midi(examples_dir() / name) for name in ("sicilian_mariners.mid", "ah_vous_dirai_je.mid"))
    first, last = (clip.window(0, BARS * clip.bar) for clip in clips)
    return first, replace(last, tempo=first.tempo)


def interpolation(model: str, run: Path | None, rounds: int, quiet: bool) -> dict[str, Any]:
    """Medians in milliseconds, taken in turns: a request over UDP, and of a run with the same weights eager torch that
    plays the same number of codes, all bars side by side, and as many as are asked for, one phrase after the other."""
    first, last = ends()
    with daemon() as child, Client(child.host, child.port) as client:

        def ask() -> object:
            return client.run("interpolate", [first, last], steps=STEPS, model=model, seed=1)

        work: dict[str, Callable[[], object]] = {"udp": ask}
        if run is not None:
            work |= _eager(run, first, last)
        taken: dict[str, list[float]] = {name: [] for name in work}
        for call in work.values():
            call()
        for _ in tqdm(range(rounds), "interpolate", disable=quiet):
            for name, call in work.items():
                began = time.perf_counter()
                call()
                taken[name].append((time.perf_counter() - began) * 1000)
    found = {name: round(statistics.median(times), 1) for name, times in taken.items()}
    times = {name: round(found[name] / found["udp"], 1) for name in found if name != "udp"}
    return {"model": model, "steps": STEPS, "bars": BARS, "median_ms": found, "times": times}


def _eager(run: Path, first: Clip, last: Clip) -> dict[str, Callable[[], object]]:
    try:
        rivals = importlib.import_module("continuo_daw.export.bench.eager_phrases")
    except ModuleNotFoundError as error:
        raise AssistantError("bad_args", f"--run needs {error.name}: pip install 'continuo-daw[bench]'") from None
    net, codec = rivals.network_of(run)
    points = sum(finer * (STEPS - 1) - 1 for finer, _ in ROUNDS)
    return {
        "eager, same work": rivals.eager_interpolation(net, codec, first, last, points, in_turn=False),
        "eager, the steps alone": rivals.eager_interpolation(net, codec, first, last, STEPS, in_turn=True),
    }


def as_text(found: dict[str, Any]) -> str:
    """The figures as a line for people."""
    head = f"interpolate, {found['steps']} clips of {found['bars']} bars by {found['model']} over UDP: "
    median = found["median_ms"]
    others = ", ".join(f"{name} {median[name]} ms ({times} times)" for name, times in found["times"].items())
    return head + f"median {median['udp']} ms" + (f"; {others}" if others else "")
