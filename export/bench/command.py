"""`continuo bench`: tokens a second of the shipped graph, and answers over UDP, on this machine.

The graph is measured against eager PyTorch with the same weights and transformers' `generate`, in rounds that take
turns, so that whatever else the machine does falls on all of them; where torch or transformers is missing, their
figures are null.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from continuo_daw.assistant.bundles.bundle import Bundle
from continuo_daw.assistant.bundles.families import MODEL
from continuo_daw.assistant.bundles.runtime import Graph
from continuo_daw.assistant.codecs.condition import meter_index
from continuo_daw.assistant.codecs.events import END
from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import Clip
from continuo_daw.assistant.music.midi import read_midi
from continuo_daw.assistant.paths import examples_dir
from continuo_daw.assistant.sampling.inputs import FORBIDDEN, sampling_inputs
from continuo_daw.export.bench import latent as bench_latent
from continuo_daw.export.bench import refine as bench_refine
from continuo_daw.export.bench import steering as bench_steering
from continuo_daw.osc_bridge.clients.child import daemon
from continuo_daw.osc_bridge.clients.client import Client

Steps = Callable[[int], object]  # samples so many tokens
# of one thread, what else the machine does shall not count; of several, processor time is the sum over all
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}
OTHERS = ("eager", "generate")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo bench`."""
    parser.add_argument("--model", default="piano", help="bundle to measure (default: piano)")
    parser.add_argument("--tokens", type=int, default=256, help="tokens of one run (default: 256)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each kind (default: 7)")
    parser.add_argument("--requests", type=int, default=40, help="requests over UDP (default: 40)")
    parser.add_argument("--clip", type=Path, default=examples_dir() / "sonatina.mid", help="clip to continue over UDP")
    parser.add_argument("--latent", default="melody-2bars", help="bundle that interpolates (default: melody-2bars)")
    parser.add_argument("--run", type=Path, dest="folder", help="run of that bundle, to measure eager torch beside it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Measure everything and print it."""
    bundles = Engine().bundles
    for name in (args.model, args.latent):
        if name not in bundles:
            raise AssistantError("no_model", f"no model {name}; known: {', '.join(bundles) or 'none'}")
    bundle = bundles[args.model]
    cores = os.cpu_count() or 1
    report: dict[str, Any] = {"model": args.model, "load_before": _load(), "cores": cores}
    for name, threads, clock in (("one_thread", 1, "cpu"), ("all_threads", cores, "wall")):
        report[name] = tokens_per_s(bundle, threads, clock, args.tokens, args.rounds, quiet=args.json)
    report["tokens_per_s"] = report["one_thread"]["tokens_per_s"]
    report |= over_udp(read_midi(args.clip), args.requests, quiet=args.json)
    report["interpolate"] = bench_latent.interpolation(args.latent, args.folder, args.rounds, quiet=args.json)
    report["refine"] = bench_refine.refinement(args.rounds, quiet=args.json)
    report["steering"] = bench_steering.steering(args.rounds, quiet=args.json)
    report["load_after"] = _load()
    print(json.dumps(report) if args.json else as_text(report))
    return 0


def tokens_per_s(bundle: Bundle, threads: int, clock: str, tokens: int, rounds: int, quiet: bool) -> dict[str, Any]:
    """Medians of tokens per second of a clock at batch 1, and how many times the others the graph makes."""
    steps: dict[str, Steps] = {"graph": graph_steps(bundle, threads)}
    size = None
    try:
        torch = importlib.import_module("torch")
        torch.set_num_threads(threads)
        rivals = importlib.import_module("continuo_daw.export.bench.eager")
        steps["eager"] = rivals.eager_steps(rivals.network_of(bundle), bundle.events)
        steps["generate"], size = rivals.gpt2_steps(bundle.card.sizes["parameters"], bundle.events.size)
    except ModuleNotFoundError as error:
        if not quiet:
            print(f"{error.name} is missing, so not everything is measured: pip install 'continuo-daw[bench]'")
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step(8)
    for _ in tqdm(range(rounds), f"{threads} threads", disable=quiet):
        for name, step in steps.items():
            began = CLOCKS[clock]()
            step(tokens)
            seconds[name].append(CLOCKS[clock]() - began)
    speed = {name: tokens / statistics.median(taken) for name, taken in seconds.items()}
    ratio = {name: round(speed["graph"] / speed[name], 1) for name in OTHERS if name in speed}
    rounded = {name: round(speed[name]) if name in speed else None for name in ("graph", *OTHERS)}
    sizes = {"parameters": bundle.card.sizes["parameters"], "gpt2": size}
    return {"tokens_per_s": rounded, "times": ratio, "clock": clock, **sizes}


def graph_steps(bundle: Bundle, threads: int) -> Steps:
    """Sampling in the bundle's graph."""
    graph = Graph(bundle.files[MODEL], str(bundle.folder), threads=threads)
    sizes = bundle.card.sizes
    bias = np.zeros((1, bundle.events.size), np.float32)
    bias[:, END] = FORBIDDEN

    def steps(count: int) -> object:
        inputs = sampling_inputs(
            sizes["layers"],
            sizes["hidden"],
            bundle.events.size,
            1,
            count,
            uniform=np.random.default_rng(0).random((count, 1), np.float32),
            bar=np.full(1, 4 * bundle.events.resolution, np.float32),
            meter=np.full(1, meter_index((4, 4))),
            bias=bias,
            top_p=np.full(1, 0.95, np.float32),
        )
        return graph.run(inputs)

    return steps


def over_udp(clip: Clip, requests: int, quiet: bool) -> dict[str, Any]:
    """`continue`, 4 bars, 8 candidates, each request with a seed of its own, on a daemon of its own."""
    whole, first = [], []
    with daemon() as child, Client(child.host, child.port) as client:
        for seed in tqdm(range(requests + 2), "over UDP", disable=quiet):
            heard: list[float] = []
            began = time.perf_counter()
            client.run(
                "continue", [clip], bars=4, candidates=8, seed=seed,
                on_notes=lambda *_, heard=heard, began=began: heard.append(time.perf_counter() - began),
            )  # fmt: skip
            whole.append(time.perf_counter() - began)
            first.append(heard[0])
        memory = _memory_mb(child.pid)
    whole, first = whole[2:], first[2:]  # the first ones pay for what later ones find ready
    return {
        "udp": {
            "median_ms": round(statistics.median(whole) * 1000, 1),
            "p95_ms": round(float(np.quantile(whole, 0.95)) * 1000, 1),
            "first_notes_ms": round(statistics.median(first) * 1000, 1),
        },
        "ready_s": round(child.ready_s, 3),
        "rss_mb": memory,
    }


def as_text(report: dict[str, Any]) -> str:
    """The figures as lines for people."""
    lines = [f"{report['model']}, {report['cores']} cores, load {report['load_before']} to {report['load_after']}"]
    for name in ("one_thread", "all_threads"):
        speed, times, clock = (report[name][key] for key in ("tokens_per_s", "times", "clock"))
        others = ", ".join(f"{other} {speed[other]} ({times[other]} times)" for other in times)
        lines.append(
            f"{name.replace('_', ' ')}, {clock} time: graph {speed['graph']} tokens/s"
            + (f", {others}" if others else "")
        )
    udp = report["udp"]
    lines.append(
        f"continue, 4 bars, 8 candidates over UDP: median {udp['median_ms']} ms, p95 {udp['p95_ms']} ms, "
        f"first notes {udp['first_notes_ms']} ms"
    )
    lines += [bench_latent.as_text(report["interpolate"]), bench_refine.as_text(report["refine"])]
    lines.append(bench_steering.as_text(report["steering"]))
    lines.append(f"ready after {report['ready_s']} s, memory {report['rss_mb']} MB")
    return "\n".join(lines)


def _load() -> list[float] | None:
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None


def _memory_mb(pid: int) -> float | None:
    """Resident memory of a process; None where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)
