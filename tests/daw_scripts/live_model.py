"""A model of the part of Ableton Live's Python API that the Remote Script uses, as strict as Live itself.

It is no Live. Each behaviour names where it is documented:

RT   docstrings and C++ signatures of Live 12.4's module `Live`, captured by Structure Void, and those of Live 11
     (midiremotescripts.structure-void.com/reference/live12; NSUSpray/Live_API_Doc 11.0.0.xml)
C74  Cycling '74, Live Object Model (docs.cycling74.com/apiref/lom)
MC   MackieControl, a script of Live's own without a base class (gluon/AbletonLive11_ and 12_MIDIRemoteScripts)
M    measured by others in Live 12.4.5, published with their scripts

What Live calls
- MC      `create_instance(c_instance)`, `build_midi_map`, `receive_midi`, `update_display` each 100 ms, `disconnect`;
          the object needs no base class
- M       newer versions call `receive_midi_chunk` where there is one
- RT, MC  `forward_midi_note(script_handle, midi_map_handle, channel, note)`; MIDI not asked for does not come
All objects
- RT      arguments of a wrong type raise TypeError: a float takes whole numbers, an int takes no float
- RT      what is read-only, or no property at all, cannot be set: AttributeError
- M       every access gives a new wrapper: `is` says nothing, `==` compares, a deleted object equals None
          (so does Ableton's own `liveobj_valid`)
- M       the API is for Live's main thread alone; here another thread raises
Notes
- RT, C74 `remove_notes_by_id(ids)` takes ids of notes of the clip
- C74     `Track.devices`, `Device.can_have_drum_pads`: true for a Drum Rack
- RT, C74 `get_notes_extended(from_pitch, pitch_span, from_time, time_span)`: a MidiNoteVector of copies of the notes
          that start there
- RT      `apply_note_modifications` takes a MidiNoteVector, which Python cannot make; a note of another clip raises
- RT      the per-note events of a note (MPE) stay with its id in `apply_note_modifications`; here they are `mpe`
- RT      `add_new_notes` takes MidiNoteSpecifications, whose values cannot be read back
- M       notes of one pitch never overlap: the later onset cuts, the same onset replaces
Clips
- RT      `create_clip(length)` raises where there is a clip and off MIDI tracks; it gives the clip back in Live 12 only
- RT      `Track.create_midi_clip(start, length)` is there since Live 12; it raises off MIDI tracks
- RT, M   `duplicate_clip_to_arrangement(clip, time)` gives the copy, in 11 and 12; it overwrites what lies there
- RT      `delete_clip` of an empty slot raises
- RT, M   `create_scene(-1)` appends one, selects it, every track has a slot more; above the edition's limit it raises
- C74     `loop_start`, `loop_end` are start and end of an unlooped clip too; `end_time` is the arrangement's right edge
The set
- RT      `set_data` and `get_data` keep a value in the set; the key is text
- RT, M   `begin_undo_step`, `end_undo_step`: one step of what is between; they are not counted, so twice is an error
- a change outside of them is a step of its own, as Live's manual says of every change
"""

from __future__ import annotations

import copy
import itertools
import threading
from types import SimpleNamespace

from live_notes import PRIVATE, TYPES, MidiNote, MidiNoteSpecification, MidiNoteVector, to_float, to_int, to_str

MAIN = threading.get_ident()


class Lom:
    """A wrapper around an object of the set, a new one with every access."""

    __slots__ = ("_s",)

    def __init__(self, state: SimpleNamespace) -> None:
        object.__setattr__(self, "_s", state)

    def __getattribute__(self, name: str) -> object:
        assert threading.get_ident() == MAIN, "Live's objects are for its main thread"
        return object.__getattribute__(self, name)

    def __eq__(self, other: object) -> bool:
        return not self._s.alive if other is None else isinstance(other, Lom) and self._s is other._s

    def __hash__(self) -> int:
        return id(self._s)


def plain(name: str, check: object = None) -> property:
    """A property of the state; without `check` it is read-only. Setting it can be undone."""

    def get(self: Lom) -> object:
        if not self._s.alive:
            raise RuntimeError("the object was deleted")
        return getattr(self._s, name)

    def put(self: Lom, value: object) -> None:
        self._s.set.changing()
        setattr(self._s, name, check(value))  # type: ignore[operator]

    return property(get, put if check else None)


class Clip(Lom):
    __slots__ = ()
    name = plain("name", to_str)
    is_midi_clip = plain("midi")
    looping = plain("looping")
    loop_start, loop_end = plain("loop_start"), plain("loop_end")
    start_marker = plain("start_marker")
    start_time, end_time = plain("start_time"), plain("end_time")
    signature_numerator, signature_denominator = plain("numerator", to_int), plain("denominator", to_int)

    @property
    def is_arrangement_clip(self) -> bool:
        return isinstance(self.canonical_parent, Track)

    @property
    def canonical_parent(self) -> Lom:
        return self._s.parent  # type: ignore[no-any-return]

    def get_notes_extended(
        self, from_pitch: int, pitch_span: int, from_time: float, time_span: float
    ) -> MidiNoteVector:
        low, high = to_int(from_pitch), to_int(from_pitch) + to_int(pitch_span)
        start, end = to_float(from_time), to_float(from_time) + to_float(time_span)
        if not self._s.midi:
            raise RuntimeError("Only MIDI clips have notes")
        found = sorted(self._s.notes.items(), key=lambda pair: (pair[1]["pitch"], pair[1]["start_time"]))
        inside = [(k, n) for k, n in found if low <= n["pitch"] < high and start <= n["start_time"] < end]
        copies = [MidiNote(PRIVATE, key, **{name: note[name] for name in TYPES}) for key, note in inside]
        return MidiNoteVector(PRIVATE, copies)

    def add_new_notes(self, specifications: object) -> list[int]:
        new = list(specifications)  # type: ignore[call-overload]
        if not all(isinstance(one, MidiNoteSpecification) for one in new):
            raise TypeError("add_new_notes takes MidiNoteSpecifications")
        self._s.set.changing()
        keys = [next(self._s.set.ids) for _ in new]
        self._s.notes.update({key: dict(one._data) for key, one in zip(keys, new, strict=True)})
        self._tidy()
        return keys

    def remove_notes_by_id(self, ids: object) -> None:
        keys = [to_int(key) for key in ids]  # type: ignore[attr-defined]
        if any(key not in self._s.notes for key in keys):
            raise ValueError("All given IDs must be present in clip")
        self._s.set.changing()
        for key in keys:
            del self._s.notes[key]

    def apply_note_modifications(self, notes: MidiNoteVector) -> None:
        if not isinstance(notes, MidiNoteVector):
            raise TypeError("Python argument types did not match C++ signature: apply_note_modifications(Clip, list)")
        if any(note.note_id not in self._s.notes for note in notes):  # type: ignore[attr-defined]
            raise ValueError("All given IDs must be present in clip")
        self._s.set.changing()
        for note in notes:  # type: ignore[attr-defined]
            self._s.notes[note.note_id].update(note.values())
        self._tidy()

    def _tidy(self) -> None:
        by_pitch = sorted(self._s.notes, key=lambda k: (self._s.notes[k]["pitch"], self._s.notes[k]["start_time"], k))
        for one, other in itertools.pairwise(by_pitch):
            first, second = self._s.notes[one], self._s.notes[other]
            if first["pitch"] == second["pitch"] and first["start_time"] + first["duration"] > second["start_time"]:
                first["duration"] = second["start_time"] - first["start_time"]
                if first["duration"] <= 0:
                    del self._s.notes[one]


class ClipSlot(Lom):
    __slots__ = ()

    @property
    def clip(self) -> Clip | None:
        return Clip(self._s.clip) if self._s.clip else None

    @property
    def has_clip(self) -> bool:
        return self._s.clip is not None

    @property
    def canonical_parent(self) -> Lom:
        return Track(self._s.track)

    def create_clip(self, length: float) -> Clip | None:
        if self._s.clip or not self._s.track.midi or to_float(length) <= 0:
            raise RuntimeError("create_clip: only empty slots of MIDI tracks, only a length above 0")
        self._s.set.changing()
        self._s.clip = self._s.set.new_clip(self, to_float(length))
        return self.clip if self._s.set.version >= 12 else None

    def delete_clip(self) -> None:
        if not self._s.clip:
            raise RuntimeError("the slot is empty")
        self._s.set.changing()
        self._s.clip.alive = False
        self._s.clip = None


class Device(Lom):
    __slots__ = ()
    can_have_drum_pads = plain("can_have_drum_pads")


class Track(Lom):
    __slots__ = ()
    name = plain("name", to_str)
    has_midi_input = plain("midi")

    @property
    def devices(self) -> tuple[Device, ...]:
        return tuple(Device(device) for device in self._s.devices)

    @property
    def clip_slots(self) -> tuple[ClipSlot, ...]:
        return tuple(ClipSlot(slot) for slot in self._s.slots)

    @property
    def arrangement_clips(self) -> tuple[Clip, ...]:
        return tuple(Clip(clip) for clip in self._s.arrangement)

    def duplicate_clip_to_arrangement(self, clip: Clip, destination_time: float) -> Clip:
        if not isinstance(clip, Clip):
            raise TypeError("Python argument types did not match C++ signature: no Clip")
        self._s.set.changing()
        new = self._s.set.new_clip(self, clip._s.loop_end - clip._s.loop_start, to_float(destination_time))
        new.notes = copy.deepcopy(clip._s.notes)
        for other in [c for c in self._s.arrangement if c.start_time < new.end_time and c.end_time > new.start_time]:
            other.alive = False
            self._s.arrangement.remove(other)
        self._s.arrangement.append(new)
        return Clip(new)


class Track12(Track):
    """A track of Live 12."""

    __slots__ = ()

    def create_midi_clip(self, start_time: float, length: float) -> Clip:
        if not self._s.midi:
            raise RuntimeError("create_midi_clip: only MIDI tracks")
        self._s.set.changing()
        self._s.arrangement.append(self._s.set.new_clip(self, to_float(length), to_float(start_time)))
        return Clip(self._s.arrangement[-1])


class View(Lom):
    __slots__ = ()

    @property
    def detail_clip(self) -> Clip | None:
        shown = self._s.detail_clip
        return Clip(shown) if shown is not None and shown.alive else None

    @property
    def selected_track(self) -> Track:
        return self._s.set.track(self._s.selected_track)  # type: ignore[no-any-return]

    @property
    def highlighted_clip_slot(self) -> ClipSlot | None:
        return ClipSlot(self._s.slot) if self._s.slot else None

    @property
    def selected_scene(self) -> Lom:
        return Lom(self._s.scene)

    @selected_scene.setter
    def selected_scene(self, scene: Lom) -> None:
        self._s.scene = scene._s


class Song(Lom):
    __slots__ = ()
    tempo = plain("tempo")
    signature_numerator, signature_denominator = plain("numerator"), plain("denominator")

    @property
    def view(self) -> View:
        return View(self._s.view)

    def get_data(self, key: str, default_value: object) -> object:
        return self._s.data.get(to_str(key), default_value)

    def set_data(self, key: str, value: object) -> None:
        self._s.data[to_str(key)] = value

    def begin_undo_step(self) -> None:
        assert self._s.set.open_step is None, "an undo step was left open"
        self._s.set.open_step = self._s.set.snapshot()

    def end_undo_step(self) -> None:
        assert self._s.set.open_step is not None, "no undo step is open"
        if self._s.set.open_step != self._s.set.snapshot():
            self._s.set.undo_steps.append(self._s.set.open_step)
        self._s.set.open_step = None

    def create_scene(self, index: int) -> Lom:
        if len(self._s.set.scenes) >= self._s.set.most_scenes:
            raise RuntimeError("Maximum number of scenes reached")
        assert to_int(index) == -1, "the model only appends"
        self._s.set.changing()
        self._s.set.add_scene()
        return self.view.selected_scene
