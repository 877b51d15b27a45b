"""An engine that plays scales: the interface of the real one, with notes that a test can foretell."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip, Note, bar_ticks, clip_of
from continuo_daw.assistant.plan import Plan, placed, plan_of
from continuo_daw.assistant.request import Candidate, Request, Result
from continuo_daw.assistant.tasks.answer import Slice
from continuo_daw.osc_bridge.daemon import serve as daemon

SLICE = 4  # notes that become final at once


def scale(seed: int, candidate: int, length: int) -> tuple[Note, ...]:
    """Sixteenths that climb; the pitch of the first is `seed` plus `candidate`, within an octave."""
    low = 36 + (seed + candidate) % 12
    return tuple(Note(index * TICKS // 4, low + index % 48, TICKS // 4, 1 + index % 127) for index in range(length))


class ScaleEngine:
    """Plays `length` notes a candidate, in `seconds` altogether, and counts its runs.

    The time is spent behind the notes, so the first are there at once; `seconds` set to 0 ends a run that goes on.
    """

    device = "cpu"
    device_note = "for tests"

    def __init__(self, length: int = 8, seconds: float = 0.0) -> None:
        self.bundles: dict[str, object] = {"scale": None}
        self.broken: dict[str, str] = {}
        self.length = length
        self.seconds = seconds
        self.requests: list[Request] = []
        self.deaf = False  # does not look at `stop`
        self.stopped = 0  # runs that `stop` ended
        self.fault: Exception | None = None
        self.data: tuple[tuple[str, tuple[tuple[float | str, ...], ...]], ...] = ()  # that its candidates have

    def prepare(self) -> None:
        """It searches for no copies."""

    def plan(self, request: Request) -> Plan:
        plan = plan_of(request)
        if plan.options["model"] not in ("", "scale"):
            raise AssistantError("no_model", f"no model {plan.options['model']}")
        return replace(plan, models=("scale",))

    def run(
        self,
        asked: Request | Plan,
        *,
        on_notes: Callable[[int, int, tuple[Note, ...], int], None] = lambda *_: None,
        on_candidate: Callable[[int, Candidate], None] = lambda *_: None,
        on_progress: Callable[[float], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Result:
        plan = asked if isinstance(asked, Plan) else self.plan(asked)
        request, options = plan.request, plan.options
        self.requests.append(request)
        if self.fault:
            raise self.fault
        seed = int(options["seed"] or 0)
        count = plan.task.count(plan.clips, options)
        candidates = []
        for index in range(count):
            notes = scale(seed, index, self.length)
            if request.task.startswith("refine"):
                notes = tuple(replace(n, velocity=1 + k % 127) for k, n in enumerate(request.clips[0].notes))
            for first in range(0, len(notes), SLICE):
                last = first + SLICE
                on_notes(index, first, notes[first:last], len(notes) if last >= len(notes) else -1)
                on_progress((index + first / len(notes)) / count)
                self._spend(SLICE / len(notes) / count, stop)
            candidates.append(self._candidate(plan, index, notes))
            on_candidate(index, candidates[-1])
        return Result(tuple(candidates), plan.model, seed, self.seconds)

    def _candidate(self, plan: Plan, index: int, notes: tuple[Note, ...]) -> Candidate:
        """In the time of the clip, else as the options say; what it is to the clip, the real plan says."""
        request, told = plan.request, plan.options
        if plan.frames and request.task != "generate":
            tempo, meter = plan.frames[0].clip.tempo, plan.frames[0].clip.meter
        else:
            numerator, _, denominator = str(told.get("meter") or "4/4").partition("/")
            tempo, meter = float(told.get("tempo") or 120), (int(numerator), int(denominator))
        if plan.task.PLACE == "in_place":
            clip = replace(request.clips[0], notes=notes)
        else:
            clip = clip_of(notes, tempo, meter) if notes else Clip((), bar_ticks(meter), tempo, meter)
        if plan.task.PLACE == "free" and len(plan.frames) == 1:  # its networks begin with the bar
            clip = clip.shifted(plan.frames[0].ahead)
        ((part,), _) = placed(plan, ([Slice(index, 0, (), Candidate(clip, 0, {"density": 4.0}))], 1.0))
        assert part.whole
        return replace(part.whole, data=self.data)

    def _spend(self, share: float, stop: Callable[[], bool]) -> None:
        """Let this share of the `seconds` pass."""
        start = time.monotonic()
        while True:
            if stop() and not self.deaf:
                self.stopped += 1
                raise AssistantError("cancelled", "stopped")
            seconds = share * self.seconds
            if time.monotonic() - start >= seconds:
                return
            time.sleep(min(0.01, seconds))


if __name__ == "__main__":  # the real daemon as a process of its own, playing scales; the first argument is `seconds`
    import argparse

    daemon.Engine = lambda *_: ScaleEngine(seconds=float(sys.argv[1]))  # type: ignore[assignment,misc]
    parser = argparse.ArgumentParser()
    daemon.add_arguments(parser)
    sys.exit(daemon.run(parser.parse_args(sys.argv[2:])))
