"""What comes back for one request of a client, put together in whatever order it came, and the result it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from continuo_daw.assistant.music.clip import TICKS, Clip, Note, order_of
from continuo_daw.assistant.request import FREE, Candidate, Placement, Result
from continuo_daw.osc_bridge.clients.osc import Argument, Message
from continuo_daw.osc_bridge.daemon.addresses import ACCEPTED, DATA, DONE, FAIL, NOTES, PAIRS, PROGRESS, RESULT, ROWS
from continuo_daw.osc_bridge.wire.notes import read_notes

OnNotes = Callable[[int, int, tuple[Note, ...], int], None]  # candidate, first, notes, total
OnProgress = Callable[[float], None]
Row = tuple[float | str, ...]


@dataclass
class Collected:
    """What has arrived of the answers to a request for `clips`."""

    clips: tuple[Clip, ...]
    on_notes: OnNotes | None = None
    on_progress: OnProgress | None = None
    accepted: bool = False
    notes: dict[int, dict[int, Note]] = field(default_factory=dict)  # by candidate, then by index
    data: dict[int, dict[str, dict[int, Row]]] = field(default_factory=dict)  # by candidate and key, then by index
    results: dict[int, tuple[Argument, ...]] = field(default_factory=dict)  # total, at, length, pairs
    last: Message | None = None  # done or fail
    _rows: dict[tuple[int, str], int] = field(default_factory=dict)  # how many there will be

    @property
    def whole(self) -> bool:
        """True where no candidate, no note and no row is missing."""
        notes = all(len(self.notes.get(index, {})) == total for index, (total, *_) in self.results.items())
        rows = all(len(self.data[index][key]) == total for (index, key), total in self._rows.items())
        return notes and rows and self.last is not None and len(self.results) == self.last.arguments[2]

    def take(self, message: Message) -> None:
        """One answer to the request; parts may come twice and in any order."""
        address, arguments = message
        if address in (DONE, FAIL):
            self.last = message
        elif address == ACCEPTED:
            self.accepted = True
        elif address == PROGRESS and self.on_progress:
            self.on_progress(_number(arguments[1]))
        elif address == RESULT:
            self.results[int(_number(arguments[1]))] = arguments[2:]
        elif address == DATA:
            self._take_rows(arguments)
        elif address == NOTES:
            self._take_notes(arguments)

    def result(self) -> Result:
        """The result, once all is `whole`."""
        assert self.last is not None
        _, _, _, model, seed, seconds = self.last.arguments
        candidates = tuple(self._candidate(index) for index in sorted(self.results))
        return Result(candidates, str(model), int(_number(seed)), _number(seconds))

    def _take_notes(self, arguments: tuple[Argument, ...]) -> None:
        candidate, first, total = (int(_number(value)) for value in arguments[1:4])
        notes = read_notes(arguments[4:], first)
        known = self.notes.setdefault(candidate, {})
        new = any(index not in known for index in range(first, first + len(notes)))
        known.update(enumerate(notes, first))
        if new and self.on_notes:
            self.on_notes(candidate, first, notes, total)

    def _take_rows(self, arguments: tuple[Argument, ...]) -> None:
        candidate, key, first, total = int(_number(arguments[1])), str(arguments[2]), *map(_number, arguments[3:5])
        width = len(ROWS.get(key, ("beat", "value")))
        values = [value if isinstance(value, str) else _number(value) for value in arguments[5:]]
        rows = [tuple(values[start : start + width]) for start in range(0, len(values), width)]
        self.data.setdefault(candidate, {}).setdefault(key, {}).update(enumerate(rows, int(first)))
        self._rows[candidate, key] = int(total)

    def _candidate(self, index: int) -> Candidate:
        _, at, length, *pairs = self.results[index]
        said = {str(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}
        what = {key: said.pop(key) for key in PAIRS if key in said}
        notes = tuple(note for _, note in sorted(self.notes.get(index, {}).items()))
        ticks = _ticks(at), _ticks(length)
        placement = _placement(what, self.clips, *ticks)
        clip = _clip(notes, ticks[1], what, self.clips, placement)
        order = order_of(notes) if placement.place == "in_place" else None
        rows = self.data.get(index, {}).items()
        data = tuple((key, tuple(row for _, row in sorted(found.items()))) for key, found in rows)
        return Candidate(clip, ticks[0], said, order, placement, data)  # type: ignore[arg-type]


def _placement(what: dict[str, Argument], clips: tuple[Clip, ...], at: int, length: int) -> Placement:
    place = str(what.get("place", FREE.place))
    stretches = {
        "over": (_ticks(what.get("from")), _ticks(what.get("to"))),
        "in_place": (0, clips[0].length if clips else length),
        "behind": (at, 0),
        "beside": (at, 0),
    }
    return Placement(place, *stretches.get(place, (0, 0)))


def _clip(
    notes: tuple[Note, ...], length: int, what: dict[str, Argument], clips: tuple[Clip, ...], placement: Placement
) -> Clip:
    """The clip of a result. Its name is that of the given clip, and where it is that clip changed, the changes of tempo
    and meter inside it are, too."""
    channel, program = (int(_number(what[key])) if key in what else None for key in ("channel", "program"))
    meter = int(_number(what.get("numerator", 4))), int(_number(what.get("denominator", 4)))
    tempo = round(_number(what.get("tempo", 120)), 3)  # as exact as single precision carries it
    name = clips[0].name if clips else ""
    drums, upbeat = bool(what.get("drums")), _ticks(what.get("upbeat"))
    clip = Clip(notes, length, tempo, meter, drums, upbeat, name=name, channel=channel, program=program)
    return clip.timed(clips[0].time) if clips and placement.place == "in_place" else clip


def _number(value: Argument) -> float:
    return float(value or 0)


def _ticks(beats: Argument) -> int:
    return round(_number(beats) * TICKS)
