"""The engine: a request in, a result out; the same for daemon, command line, evaluation and tests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from continuo_daw.assistant.bundles.bundle import Bundle, describe, find_bundles, read_bundle
from continuo_daw.assistant.bundles.families import SPACE
from continuo_daw.assistant.bundles.network import Network, load
from continuo_daw.assistant.bundles.runtime import pick_device
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import check
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.originality.check import watched
from continuo_daw.assistant.paths import bundled_models, models_dir
from continuo_daw.assistant.plan import PLUS, Plan, placed, plan_of
from continuo_daw.assistant.request import Candidate, Request, Result
from continuo_daw.assistant.tasks import TASKS, needs_of
from continuo_daw.assistant.tasks.answer import News, Options

OnNotes = Callable[[int, int, tuple[Note, ...], int], None]


def _nothing(*arguments: object) -> None:
    pass


def _never() -> bool:
    return False


class Engine:
    """All bundles of some folders, loaded, on one device.

    folders: where bundles are looked for; of one name the last that works counts; None: the shipped ones
    and the user's own. device: `auto`, `cpu` or `cuda`. threads: of one graph; 1 leaves the DAW its cores.
    lazy: nothing but the cards is read until it is needed, for a command that runs once.
    A bundle that cannot be used is left out and named in `broken`.
    """

    def __init__(
        self, folders: Sequence[Path] | None = None, device: str = "auto", threads: int = 1, lazy: bool = False
    ) -> None:
        self.device, self.device_note = pick_device(device)
        self._threads, self._lazy = threads, lazy
        self.bundles: dict[str, Bundle] = {}
        self.broken: dict[str, str] = {}
        self._networks: dict[str, Network] = {}
        self._hidden: dict[str, list[Bundle]] = {}  # of a lazy engine: those of a name that a later one has, too
        for folder in find_bundles(folders if folders is not None else (bundled_models(), models_dir())):
            try:
                bundle = describe(folder) if lazy else read_bundle(folder)
                network = None if lazy or SPACE in bundle.files else self._loaded(bundle)
            except AssistantError as error:
                self.broken[folder.name] = error.text
                continue
            if lazy and bundle.card.name in self.bundles:
                self._hidden.setdefault(bundle.card.name, []).append(self.bundles[bundle.card.name])
            self.bundles[bundle.card.name] = bundle
            self._networks.pop(bundle.card.name, None)
            if network:
                self._networks[bundle.card.name] = network
        graphs = [graph for network in self._networks.values() for graph in network.graphs.values()]
        if self.device == "cuda" and any(graph.device == "cpu" for graph in graphs):
            self.device, self.device_note = "cpu", "onnxruntime could not start CUDA"

    def network(self, name: str) -> Network:
        """The bundle of that name, one of `bundles`, with its graphs loaded. Raises AssistantError `no_model`.

        Unless the engine is lazy, networks that sample are loaded from the start, so that the first press of a button
        is as fast as the others; latent spaces, which take more memory, when they are first asked for.
        """
        if name not in self._networks:
            bundle = self.bundles[name]
            self._networks[name] = self._loaded(read_bundle(bundle.folder) if self._lazy else bundle)
        return self._networks[name]

    def prepare(self) -> None:
        """Prepares the search for copies of all networks that are loaded, which the first request would wait for."""
        for network in list(self._networks.values()):
            if network.index is not None:
                network.index.search(Clip((Note(0, 60, 1), Note(1, 62, 1)), 2))

    def _loaded(self, bundle: Bundle) -> Network:
        network = load(bundle, self.device, self._threads)
        _ = network.index  # one that is damaged is found now
        if SPACE in bundle.files:
            check(network)
        return network

    def plan(self, request: Request) -> Plan:
        """The checked request with its models; runs none. Raises AssistantError where it cannot be done."""
        plan = plan_of(request)
        return replace(plan, models=self._models(plan))

    def _models(self, plan: Plan) -> tuple[str, ...]:
        """The names of the models for a request, one for each of the tasks that it needs."""
        task = plan.request.task
        needs = needs_of(task)
        wanted = str(plan.options["model"] or "")
        named = [name for name in (wanted.split(PLUS) if len(needs) > 1 else [wanted]) if name]
        models = tuple(self._model(need, named, plan) for need in needs)
        if not all(map(self._works, models)):
            return self._models(plan)
        for name in named:
            if name not in models:
                known = " + ".join(", ".join(self._able(need)) for need in needs)
                why = f" ({self.broken[name]})" if name in self.broken else ""
                raise AssistantError("no_model", f"no model {name} for {task}{why}; known: {known}")
        return models

    def _works(self, name: str) -> bool:
        """Whether a bundle can be used. One that a lazy engine finds broken is left out; the one that it hid takes its
        place."""
        try:
            return not self._lazy or bool(self.network(name))
        except AssistantError as error:
            self.broken[self.bundles.pop(name).folder.name] = error.text
            if self._hidden.get(name):
                self.bundles[name] = self._hidden[name].pop()
            return False

    def _able(self, task: str) -> dict[str, Bundle]:
        """The bundles that do a task: their card says so, and the runtime knows how their family does it."""
        able = {name: bundle for name, bundle in self.bundles.items() if task in bundle.family.tasks}
        return {name: bundle for name, bundle in able.items() if task in bundle.card.tasks}

    def _model(self, task: str, named: Sequence[str], plan: Plan) -> str:
        """One of the models that are able to do a task: a named one, else the one that suits the clips best."""
        able = self._able(task)
        if chosen := next((name for name in named if name in able), ""):
            return chosen
        if able:
            suits = TASKS[task].suits
            return max(able, key=lambda name: suits(able[name], plan.clips, plan.options))
        broken = "; ".join(self.broken.values())
        raise AssistantError("no_model", f"no model for {task} is installed" + (f": {broken}" if broken else ""))

    def run(
        self,
        asked: Request | Plan,
        *,
        on_notes: OnNotes = _nothing,
        on_candidate: Callable[[int, Candidate], None] = _nothing,
        on_progress: Callable[[float], None] = _nothing,
        stop: Callable[[], bool] = _never,
    ) -> Result:
        """All candidates of a request, or of one that `plan` has checked. `on_notes(candidate, first, notes, total)`
        gets notes as soon as they are final, `total` -1 while more may come, none of a candidate with an `order`;
        `on_candidate(index, candidate)` a whole one; `stop` is asked between slices.

        Raises AssistantError, `cancelled` where `stop` said so.
        """
        began = time.perf_counter()
        plan = asked if isinstance(asked, Plan) else self.plan(asked)
        seed = plan.options["seed"]
        options = plan.options | {"seed": secrets.randbelow(2**31) if seed is None else seed}
        networks = [self.network(model) for model in plan.models]
        count = plan.task.count(plan.clips, options)

        def run(options: Options) -> Iterator[News]:
            return (placed(plan, news) for news in plan.task.slices(*networks, plan.clips, options, stop))

        whole: dict[int, Candidate] = {}
        for news, reached in watched(networks[0], run, options, count, stop):
            for part in news:
                total = len(part.whole.clip.notes) if part.whole else -1
                if part.notes or part.whole:
                    on_notes(part.candidate, part.first, part.notes, total)
                if part.whole:
                    whole[part.candidate] = part.whole
                    on_candidate(part.candidate, part.whole)
            on_progress(reached)
        if len(whole) < count:
            raise AssistantError("cancelled", f"{plan.request.task} was cancelled")
        candidates = tuple(whole[index] for index in range(count))
        return Result(candidates, plan.model, int(options["seed"] or 0), time.perf_counter() - began)
