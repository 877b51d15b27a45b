"""A Live set in the model of `live_model`, the hand that a Remote Script is given, and what a test does by hand."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from types import ModuleType, SimpleNamespace

import live_model as model
from live_notes import MidiNoteSpecification

NoteRow = tuple[int, float, float, float, int]  # pitch, start, duration, velocity, mute


class LiveSet:
    """A set with some MIDI tracks and one audio track, of `version` 11 or 12 of Live."""

    def __init__(self, version: int = 12, tracks: int = 2, scenes: int = 4) -> None:
        self.version = version
        self.ids = itertools.count(1)
        self.undo_steps: list[object] = []
        self.open_step: object = None
        self.most_scenes = 64
        self.scenes: list[SimpleNamespace] = []
        self.tracks = [
            self._state(name=f"{k + 1}-MIDI", midi=True, slots=[], arrangement=[], devices=[]) for k in range(tracks)
        ]
        self.tracks.append(self._state(name="Audio", midi=False, slots=[], arrangement=[], devices=[]))
        self.view = self._state(detail_clip=None, selected_track=self.tracks[0], slot=None, scene=None)
        self.song_state = self._state(tempo=120.0, numerator=4, denominator=4, data={}, view=self.view)
        for _ in range(scenes):
            self.add_scene()
        self.view.scene = self.scenes[0]

    @property
    def song(self) -> model.Song:
        return model.Song(self.song_state)

    def track(self, state: SimpleNamespace) -> model.Track:
        return (model.Track12 if self.version >= 12 else model.Track)(state)

    def add_scene(self) -> None:
        self.scenes.append(self._state())
        self.view_scene(self.scenes[-1])
        for track in self.tracks:
            track.slots.append(self._state(clip=None, track=track))

    def view_scene(self, scene: SimpleNamespace) -> None:
        if hasattr(self, "view"):
            self.view.scene = scene

    def new_clip(self, parent: model.Lom, length: float, at: float | None = None, midi: bool = True) -> SimpleNamespace:
        """The state of a clip; `at` is its place in the arrangement."""
        times = {"start_time": at or 0.0, "end_time": (at or 0.0) + length, "loop_start": 0.0, "loop_end": length}
        times["start_marker"] = 0.0
        kind = {"midi": midi, "looping": at is None, "name": "", "numerator": 4, "denominator": 4}
        return self._state(parent=parent, notes={}, **kind, **times)

    # what a musician does

    def make(
        self, notes: Iterable[NoteRow], length: float, *, track: int = 0, row: int | None = 0, at: float = 0.0,
        start: float = 0.0, meter: tuple[int, int] = (4, 4), midi: bool = True,
    ) -> SimpleNamespace:  # fmt: skip
        """A clip in a slot, or with `row` None in the arrangement at beat `at`; its visible part begins at `start`."""
        owner = self.tracks[track]
        parent = self.track(owner) if row is None else model.ClipSlot(owner.slots[row])
        clip = self.new_clip(parent, length, at if row is None else None, midi)
        clip.name = "mine"
        clip.loop_start, clip.loop_end, clip.start_marker = start, start + length, start
        clip.numerator, clip.denominator = meter
        for pitch, begin, duration, velocity, mute in notes:
            rest: dict[str, object] = {"probability": 0.5, "velocity_deviation": 3.0, "release_velocity": 41.0}
            first = {"pitch": pitch, "start_time": begin + start, "duration": duration}
            key = next(self.ids)
            rest["mpe"] = f"the slides of {key}"
            clip.notes[key] = {**first, "velocity": float(velocity), "mute": bool(mute), **rest}
        if row is None:
            owner.arrangement.append(clip)
        else:
            owner.slots[row].clip = clip
        return clip

    def show(self, clip: SimpleNamespace | None, track: int = 0) -> None:
        """Click a clip, or nothing."""
        self.view.detail_clip = clip
        self.view.selected_track = self.tracks[track]

    def undo(self) -> None:
        """Edit > Undo."""
        self._restore(self.undo_steps.pop())

    def in_slots(self, track: int = 0) -> list[SimpleNamespace | None]:
        return [slot.clip for slot in self.tracks[track].slots]

    # undo

    def changing(self) -> None:
        """Something is about to change: outside of an open step that is a step of its own."""
        if self.open_step is None:
            self.undo_steps.append(self.snapshot())

    def snapshot(self) -> object:
        return [
            (
                [self._frozen(slot.clip) for slot in track.slots],
                [self._frozen(clip) for clip in track.arrangement],
            )
            for track in self.tracks
        ]

    def _restore(self, tracks: object) -> None:
        for track, (slots, arrangement) in zip(self.tracks, tracks, strict=True):  # type: ignore[call-overload]
            del track.slots[len(slots) :]
            for slot, frozen in zip(track.slots, slots, strict=True):
                slot.clip = self._thawed(frozen)
            track.arrangement[:] = [self._thawed(frozen) for frozen in arrangement]
        del self.scenes[len(self.tracks[0].slots) :]

    @staticmethod
    def _frozen(clip: SimpleNamespace | None) -> object:
        if clip is None:
            return None
        values = {key: value for key, value in vars(clip).items() if key not in ("set", "parent", "alive")}
        return clip, copy.deepcopy(values)

    @staticmethod
    def _thawed(frozen: object) -> SimpleNamespace | None:
        if frozen is None:
            return None
        clip, values = frozen  # type: ignore[misc]
        vars(clip).update(copy.deepcopy(values))
        clip.alive = True
        return clip  # type: ignore[no-any-return]

    def _state(self, **values: object) -> SimpleNamespace:
        return SimpleNamespace(set=self, alive=True, **values)


class CInstance:
    """What Live gives to `create_instance`."""

    def __init__(self, live_set: LiveSet) -> None:
        self.messages: list[str] = []
        self.log: list[str] = []
        self._set = live_set

    def song(self) -> model.Song:
        return self._set.song

    def handle(self) -> int:
        return 4711

    def show_message(self, message: str) -> None:
        if not isinstance(message, str):
            raise TypeError("show_message takes a str")
        self.messages.append(message)

    def log_message(self, message: str) -> None:
        self.log.append(message)


def live_module(forwarded: set[tuple[int, int]]) -> ModuleType:
    """The module `Live`; `forwarded` gets channel and note of the MIDI that a script asks for."""

    def forward_midi_note(script_handle: int, midi_map_handle: int, channel: int, note: int) -> bool:
        assert script_handle == 4711 and midi_map_handle == 42 and 0 <= channel <= 15 and 0 <= note <= 127
        forwarded.add((channel, note))
        return True

    live = ModuleType("Live")
    live.Clip = SimpleNamespace(Clip=model.Clip, MidiNoteSpecification=MidiNoteSpecification)  # type: ignore[attr-defined]
    live.Track = SimpleNamespace(Track=model.Track)  # type: ignore[attr-defined]
    mode = SimpleNamespace(absolute=0)
    live.MidiMap = SimpleNamespace(forward_midi_note=forward_midi_note, MapMode=mode)  # type: ignore[attr-defined]
    return live
