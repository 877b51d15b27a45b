"""What every DAW script has to send: two clips, and for each action the messages and their exact datagrams.

A script's test puts clip A (and B) into its host or model of a host, sets the options of `ACTIONS[action]`, presses the
button, and compares what left the script with `messages`, `datagrams` or `lines`:

    sent = ...                                                    # what the script sent, datagrams as bytes
    assert sent == golden.datagrams("continue", identity)         # a script with a socket (Live, Bitwig)
    text = ...                                                    # what the script wrote to <spool>/<name>.ask
    assert golden.parsed(text) == golden.messages("continue", identity, reply_file=name)     # REAPER, Ardour

Fixed for all scripts:
- Times are beats relative to the start of the clip, rounded to six decimals before they are sent, so that a triplet has
  the same bytes from a script with a socket and from one that writes text.
- Types: times, tempo and options of type float are f, also where they are whole; pitch, velocity, mute, counts, options
  of type int, and bool as 0 or 1, are i; all else is s.
- Notes go in order of start, then pitch; `/continuo/clip/info` first or last makes no difference to the daemon, here it
  follows the notes of its clip.
- The id is `<daw>-<seconds since 1970>-<count>`; clips are named `<id>-A` and `<id>-B`, so that two DAWs never mix
  theirs; options go in the order of `/continuo/tasks`, then the clips, then `reply_file <name>` where files are asked
  for.
- Both clips lie in the same tempo and meter, because not every DAW has changes of them. A host that has no muted notes
  gives `muted=False` and sends mute 0. All starts lie on a grid of 1/12 beat; clips are cut at their last bar line.
- What a host knows of a clip's track goes behind the five arguments of `/continuo/clip/info`, in the order of `TRACK`;
  what it does not know is left out, and so are an empty name, `drums` where they are none, and an `upbeat` of 0.
  `told` says what it is by the letter of the clip. Without it these are the messages of version 1.0.
- `LONG` does not fit into one message. How it is cut is the script's affair, as long as no message is larger than
  `MOST_BYTES`: compare `collected(messages)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from continuo_daw.osc_bridge.wire.encode import Value, encode

MOST_BYTES = 4000
IDENTITY = "golden-1732200000-1"
TEMPO, METER = 96.5, (3, 4)  # quarters a minute
TRACK = ("name", "channel", "program", "drums", "upbeat")

Row = tuple[int, float, float, int, int]  # pitch, start, duration in beats, velocity, mute
Message = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True)
class GoldenClip:
    """Notes in the order in which they go, and the length in beats."""

    notes: tuple[Row, ...]
    length: float = 6.0

    def unmuted(self) -> GoldenClip:
        """The same where no note is muted."""
        return replace(self, notes=tuple((*note[:4], 0) for note in self.notes))


A = GoldenClip(
    (
        (48, 0.0, 3.0, 64, 0),  # a held bass under the others
        (60, 0.0, 0.45, 96, 0),
        (64, 1.0, 0.333333, 80, 0),  # a triplet
        (65, 1.333333, 0.333333, 72, 0),
        (67, 1.666667, 0.333333, 77, 0),
        (72, 2.0, 0.75, 110, 1),  # muted
        (72, 2.75, 0.25, 1, 0),  # the softest
        (47, 3.0, 1.5, 127, 0),  # the loudest
        (67, 3.0, 1.5, 90, 0),
        (65, 4.5, 0.5, 84, 0),
        (64, 5.0, 1.0, 70, 0),
    )
)
B = GoldenClip(
    (
        (55, 0.0, 1.0, 88, 0),
        (59, 0.0, 1.0, 78, 0),
        (62, 0.5, 0.25, 92, 0),
        (74, 1.25, 1.75, 101, 0),
        (71, 3.0, 0.666667, 60, 0),
        (69, 3.666667, 0.333333, 66, 0),
        (67, 4.0, 2.0, 100, 0),
    )
)
LONG = GoldenClip(tuple((36 + k % 60, k / 4, 0.25, 1 + k % 127, 0) for k in range(600)), 150.0)
CLIPS = {"A": A, "B": B, "LONG": LONG}

# action: task, options in the order of `/continuo/tasks`, clips
ACTIONS: dict[str, tuple[str, Mapping[str, Value], tuple[str, ...]]] = {
    "generate": ("generate", {"bars": 8, "tempo": TEMPO, "meter": "3/4", "seed": 11}, ()),
    "continue": ("continue", {"bars": 2, "temperature": 0.9, "seed": 11, "candidates": 2}, ("A",)),
    "interpolate": ("interpolate", {"steps": 5, "seed": 11}, ("A", "B")),
    "vary": ("vary", {"amount": 0.25, "keep": "rhythm", "seed": 11}, ("A",)),
    "walk": ("walk", {"bars": 4, "flips": 2, "theme_probability": 0.5, "seed": 11}, ("A",)),
    "refine_duration": ("refine_duration", {"tidy": "durations", "amount": 0.5, "seed": 11}, ("A",)),
    "refine_velocity": ("refine_velocity", {"spread": 12.0, "keep_accents": 1, "seed": 11}, ("A",)),
    "refine": ("refine", {"seed": 11}, ("A",)),
}


def messages(
    action: str,
    identity: str = IDENTITY,
    *,
    reply_file: str = "",
    muted: bool = True,
    clips: Sequence[str] = (),
    told: Mapping[str, Mapping[str, Value]] | None = None,
) -> list[Message]:
    """All that pressing a button sends. `clips` are others than those of `ACTIONS`.

    `action` may also be `cancel` (`identity` is the request to end), `options` or `status`.
    """
    if action in ASKING:
        address, arguments = ASKING[action]
        return [(address, (identity,) if arguments else ())]
    task, options, names = ACTIONS[action]
    given: list[Message] = []
    request: list[Value] = [identity]
    for key, value in options.items():
        request += [key, value]
    for letter, name in zip("AB", clips or names, strict=False):
        clip = CLIPS[name] if muted else CLIPS[name].unmuted()
        values = [value for note in clip.notes for value in note]
        called = f"{identity}-{letter}"
        given.append(("/continuo/clip", (called, 0, len(clip.notes), *values)))
        track = (told or {}).get(letter, {})
        pairs = [value for key in TRACK if key in track for value in (key, track[key])]
        given.append(("/continuo/clip/info", (called, clip.length, TEMPO, *METER, *pairs)))
        request += ["clip", called]
    if reply_file:
        request += ["reply_file", reply_file]
    return [*given, (f"/continuo/{task}", tuple(request))]


ASKING = {  # action: address, whether the id goes with it
    "cancel": ("/continuo/cancel", True),
    "options": ("/continuo/tasks", False),
    "status": ("/continuo/status", False),
}


def datagrams(action: str, identity: str = IDENTITY, **how: object) -> list[bytes]:
    """`messages` as they go over the wire, byte for byte."""
    return [encode(address, *arguments) for address, arguments in messages(action, identity, **how)]  # type: ignore[arg-type]


def parsed(text: str) -> list[Message]:
    """The messages of an `.ask` file, read without any of Continuo's code."""
    found = []
    for line in text.splitlines():
        address, _, rest = line.partition(" ")
        values: list[Value] = []
        while rest := rest.lstrip(" "):
            if rest.startswith('"'):
                value, end = json.JSONDecoder().raw_decode(rest)
            else:
                word = rest.split(" ", 1)[0]
                value, end = _value(word), len(word)
            values.append(value)
            rest = rest[end:]
        found.append((address, tuple(values)))
    return found


def collected(sent: Iterable[Message]) -> list[Message]:
    """`sent` with the parts of each clip put together into one message, where the last of them stood."""
    notes: dict[Value, dict[int, tuple[Value, ...]]] = {}
    whole: list[Message] = []
    for address, arguments in sent:
        if address != "/continuo/clip":
            whole.append((address, arguments))
            continue
        name, first, total, *values = arguments
        known = notes.setdefault(name, {})
        known.update({int(first) + k // 5: tuple(values[k : k + 5]) for k in range(0, len(values), 5)})
        if len(known) == total:
            flat = [value for index in sorted(known) for value in known[index]]
            whole.append((address, (name, 0, total, *flat)))
    return whole


def _value(word: str) -> Value:
    try:
        return float(word) if "." in word else int(word)
    except ValueError:
        return word
