"""Speed of what is steered, over UDP, and of the search for copies, in the engine."""

from __future__ import annotations

import statistics
import time
from typing import Any

from tqdm import tqdm

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.request import Request
from continuo_daw.osc_bridge.clients.child import daemon
from continuo_daw.osc_bridge.clients.client import Client

BARS = 8
ASKED: dict[str, dict[str, Any]] = {"free": {}, "steered": {"density": 2, "register": 67, "key": "G", "pitch_low": 55}}


def steering(rounds: int, quiet: bool) -> dict[str, Any]:
    """Medians in milliseconds: wall time of `generate` over UDP, free and steered in turns; for each model with an
    index, processor time of one search on one thread, and of the first one, which prepares the index."""
    taken: dict[str, list[float]] = {name: [] for name in ASKED}
    with daemon() as child, Client(child.host, child.port) as client:
        for seed in tqdm(range(rounds + 2), "steering", disable=quiet):
            for name, options in ASKED.items():
                began = time.perf_counter()
                client.run("generate", bars=BARS, seed=seed, **options)
                taken[name].append((time.perf_counter() - began) * 1000)
    times = {name: round(statistics.median(each[2:]), 1) for name, each in taken.items()}
    return {"bars": BARS, "median_ms": times, "search": searches(rounds)}


def searches(rounds: int) -> dict[str, dict[str, float]]:
    """For each model that samples and has an index: milliseconds of the first search, and the median of the others."""
    engine, found = Engine(device="cpu", threads=1), {}
    for name, bundle in engine.bundles.items():
        index = engine.network(name).index if bundle.family.samples else None
        if index is None:
            continue
        taken = []
        for seed in range(rounds + 1):
            request = Request("generate", (), {"model": name, "bars": BARS, "seed": seed, "originality": "off"})
            clip = engine.run(request).candidates[0].clip
            began = time.process_time()
            index.search(clip)
            taken.append((time.process_time() - began) * 1000)
        found[name] = {"first_ms": round(taken[0], 1), "median_ms": round(statistics.median(taken[1:]), 1)}
    return found


def as_text(found: dict[str, Any]) -> str:
    """The figures as lines for people."""
    times = ", ".join(f"{name} {ms} ms" for name, ms in found["median_ms"].items())
    searches = "; ".join(f"{n} {row['median_ms']} ms (first {row['first_ms']})" for n, row in found["search"].items())
    return f"generate, {found['bars']} bars over UDP: {times}\nsearch for copies: {searches or 'no model has an index'}"
