"""The table of addresses: what the daemon takes, what it sends. The reference page is written from it."""

from __future__ import annotations

from typing import NamedTuple

PROTOCOL = 1
REVISION = "1.1"  # of it: what was added since 1.0
PREFIX = "/continuo/"
PONG, VERSION, STATUS, TASK, OPTION, SYNCED, ACCEPTED, PROGRESS, NOTES, DATA, RESULT, DONE, FAIL = (
    PREFIX + name
    for name in (
        *("pong", "version.reply", "status.reply", "task", "option", "synced"),
        *("accepted", "progress", "notes", "data", "result", "done", "fail"),
    )
)


class Address(NamedTuple):
    """One row: an address with its arguments, and in words what comes back or when it is sent."""

    address: str
    arguments: str
    text: str


ASKING = (
    Address(PREFIX + "ping", "token", "`/continuo/pong token`"),
    Address(PREFIX + "version", "", "`/continuo/version.reply name version protocol revision`"),
    Address(
        PREFIX + "status",
        "",
        "`/continuo/status.reply device running queued done failed uptime_sec models spool`; `models` joined by `,`",
    ),
    Address(
        PREFIX + "tasks",
        "",
        "a `/continuo/task` for each task, a `/continuo/option` for each of its options, then "
        '`/continuo/done "" tasks count`',
    ),
    Address(PREFIX + "sync", "n", "`/continuo/synced n` once every request received before it has ended"),
    Address(PREFIX + "cancel", "id", "the request ends with `/continuo/fail id cancelled text` within 200 ms"),
)
GIVING = (
    Address(
        PREFIX + "clip",
        "name first total (pitch start duration velocity mute)*",
        "notes `first`, `first` + 1 ... of the `total` notes of the clip; nothing comes back but an error",
    ),
    Address(
        PREFIX + "clip/info",
        "name length_beats tempo_bpm numerator denominator [key value]...",
        "the rest of the clip (default: up to the last bar touched, 120 bpm, 4/4); the keys are in the table below; "
        "nothing comes back but an error",
    ),
    Address(
        PREFIX + "clip/meter",
        "name at_beats numerator denominator",
        "the meter changes there, and a new bar begins; nothing comes back but an error",
    ),
    Address(
        PREFIX + "clip/tempo",
        "name at_beats tempo_bpm",
        "the tempo changes there; nothing comes back but an error",
    ),
)
SETTING = (
    Address(
        PREFIX + "reply_port",
        "port",
        "from now on every answer to this host also goes, as a copy, to this port of it; 0 ends it",
    ),
)
ANSWERS = (
    Address(PONG, "token", "answers `/continuo/ping`"),
    Address(
        VERSION,
        "name version protocol revision",
        "answers `/continuo/version`; `protocol` is 1, `revision` is text, 1.1 for what stands on this page",
    ),
    Address(STATUS, "device running queued done failed uptime_sec models spool", "answers `/continuo/status`"),
    Address(TASK, "name summary model clips_min clips_max", "one for each task"),
    Address(
        OPTION,
        "task key type minimum maximum default choices help",
        "one for each option; `type` is `int`, `float`, `bool`, `text` or `choice`; minimum, maximum and default are "
        "text, empty where there is none; choices are joined by `|`",
    ),
    Address(SYNCED, "n", "answers `/continuo/sync`"),
    Address(ACCEPTED, "id task model", "at once, or `fail`"),
    Address(PROGRESS, "id fraction", "at most ten a second, 0 to 1"),
    Address(
        NOTES,
        "id candidate first total (pitch start duration velocity mute)*",
        "as soon as notes are final; `total` may be -1 while the candidate is still being made",
    ),
    Address(
        DATA,
        "id candidate key first total value...",
        "what is not notes, before the `result`: rows `first`, `first` + 1 ... of the `total` rows of this key",
    ),
    Address(
        RESULT,
        "id candidate total at_beats length_beats [key value]...",
        "when a candidate is whole; the pairs are measures of it, and behind them what it is",
    ),
    Address(DONE, "id task candidates model seed seconds", "last, exactly once, or"),
    Address(FAIL, "id code text", "last, exactly once"),
)
PAIRS = {  # of a result, behind the measures: what each key says
    "place": "what the answer is to the clip that was given, see below",
    "from": "with `over`: the beat from which notes are replaced",
    "to": "with `over`: the beat before which they are",
    "channel": "MIDI channel, 1 to 16, where it is known",
    "program": "General MIDI program, 1 to 128, where it is known",
    "drums": "1 where pitches name drums, else 0",
    "tempo": "quarter notes a minute at the start of the answer",
    "numerator": "of the meter at its start",
    "denominator": "of the meter at its start",
    "upbeat": "beats from its start to its first bar line",
}
PLACES = {  # the values of `place`
    "behind": "it goes on at `at_beats`, behind the clip",
    "over": "it takes the place of the notes of the clip that start at `from` or later and before `to`",
    "in_place": "note k of it is note k of the clip as it was given, changed",
    "beside": "it is a new track that sounds together with the clip",
    "free": "it is a clip of its own",
}
ROWS = {"chord": ("beat", "symbol"), "map": ("beat", "beat"), "key": ("beat", "name")}  # of `data`, by key
CODES = {
    "bad_packet": "the datagram is not OSC as described under Transport",
    "bad_args": "an address, a key or a value is wrong; the text names it, its range and the nearest known name",
    "not_found": "nothing of this name: a clip that was not given in the last ten minutes, a request that is not there",
    "incomplete": "a clip with notes missing; the text names them: send them and then the request again",
    "too_large": "more notes than a clip may have",
    "busy": "the queue is full, or the reply file is in use: wait for an answer, then ask again",
    "timeout": "not done within the deadline of the daemon",
    "cancelled": "ended by `/continuo/cancel`, or by the end of the daemon",
    "no_model": "no installed model serves the task, or none has this name",
    "internal": "a fault of the daemon; its log says more",
}
ONLY_SENT = frozenset(row.address for row in ANSWERS)
