"""Values and notes of Live's Python API, for `live_model`: what they take, and what they refuse."""

from __future__ import annotations

PRIVATE = object()


def to_float(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"Python argument types did not match C++ signature: {value!r} is no float")
    return float(value)


def to_int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"Python argument types did not match C++ signature: {value!r} is no int")
    return int(value)


def to_bool(value: object) -> bool:
    return bool(to_int(value))


def to_str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"Python argument types did not match C++ signature: {value!r} is no str")
    return value


TYPES = {
    "pitch": to_int,
    "start_time": to_float,
    "duration": to_float,
    "velocity": to_float,
    "mute": to_bool,
    "probability": to_float,
    "velocity_deviation": to_float,
    "release_velocity": to_float,
}


class MidiNote:
    """A copy of a note; nothing of the clip changes with it."""

    __slots__ = ("_note_id", *TYPES)

    def __init__(self, token: object, note_id: int, **values: object) -> None:
        assert token is PRIVATE, "Raises an exception: this class cannot be instantiated from Python"
        object.__setattr__(self, "_note_id", note_id)
        for name in TYPES:
            setattr(self, name, values[name])

    @property
    def note_id(self) -> int:
        return self._note_id

    def __setattr__(self, name: str, value: object) -> None:
        if name not in TYPES:
            raise AttributeError(f"can't set attribute {name}")
        object.__setattr__(self, name, TYPES[name](value))

    def values(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in TYPES}


class MidiNoteVector:
    """What holds notes on their way out of Live and back."""

    def __init__(self, token: object = None, notes: object = ()) -> None:
        if token is not PRIVATE:
            raise TypeError("This class cannot be instantiated from Python")
        self._notes = list(notes)  # type: ignore[call-overload]

    def __len__(self) -> int:
        return len(self._notes)

    def __iter__(self) -> object:
        return iter(self._notes)

    def __getitem__(self, index: int) -> MidiNote:
        return self._notes[index]  # type: ignore[no-any-return]


class MidiNoteSpecification:
    """What a new note is to be; it cannot be read."""

    __slots__ = ("_data",)

    def __init__(
        self, pitch: int, start_time: float, duration: float, velocity: float = 100.0, mute: bool = False,
        probability: float = 1.0, velocity_deviation: float = 0.0, release_velocity: float = 64.0,
    ) -> None:  # fmt: skip
        given = dict(locals())
        self._data = {name: check(given[name]) for name, check in TYPES.items()}
        if not 0 <= pitch <= 127 or duration <= 0 or not 0 <= velocity <= 127:
            raise RuntimeError(f"Invalid note: {self._data}")
