"""Messages of a client through python-osc: what the daemon reads and writes with a codec of its own, another one reads
and writes here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pythonosc import osc_bundle, osc_message, osc_message_builder

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.music.clip import TICKS, Clip
from continuo_daw.osc_bridge.daemon.addresses import PREFIX
from continuo_daw.osc_bridge.wire.encode import NOTE_SIZE, Value, note_values

Argument = int | float | str | bool | None


class Message(NamedTuple):
    """One message that came."""

    address: str
    arguments: tuple[Argument, ...]


def build(address: str, *arguments: Value) -> bytes:
    """One message as a datagram. Raises AssistantError `bad_args` for what OSC cannot carry."""
    builder = osc_message_builder.OscMessageBuilder(address)
    try:
        for argument in arguments:
            builder.add_arg(argument)
        return builder.build().dgram
    except (osc_message_builder.BuildError, ValueError, OverflowError) as error:
        raise AssistantError("bad_args", f"{address} cannot be sent: {error}") from None


def read(datagram: bytes) -> list[Message]:
    """The messages of a datagram, none where it is not OSC: another program answers there."""
    try:
        if osc_bundle.OscBundle.dgram_is_bundle(datagram):
            return [message for part in osc_bundle.OscBundle(datagram) for message in _messages(part)]
        return list(_messages(osc_message.OscMessage(datagram)))
    except (osc_message.ParseError, osc_bundle.ParseError, UnicodeDecodeError):
        return []


def _messages(part: osc_message.OscMessage | osc_bundle.OscBundle) -> Iterator[Message]:
    if isinstance(part, osc_bundle.OscBundle):
        for inner in part:
            yield from _messages(inner)
    else:
        yield Message(part.address, tuple(part.params))


def clip_messages(name: str, clip: Clip, size: int) -> Iterator[bytes]:
    """The datagrams that give the daemon a clip, each of at most `size` bytes: the info first, then the changes of
    meter and tempo, then the notes."""
    address = PREFIX + "clip"
    yield build(address + "/info", name, clip.length / TICKS, clip.tempo, *clip.meter, *_track(clip))
    for tick, (numerator, denominator) in clip.meters:
        yield build(address + "/meter", name, tick / TICKS, numerator, denominator)
    for tick, tempo in clip.tempos:
        yield build(address + "/tempo", name, tick / TICKS, float(tempo))
    total = len(clip.notes)
    room = size - len(build(address, name, 0, total)) - 3  # the longer tag string may need 3 bytes more
    step = max(1, room // NOTE_SIZE)
    for first in range(0, max(total, 1), step):
        yield build(address, name, first, total, *note_values(clip.notes[first : first + step]))


def _track(clip: Clip) -> Sequence[Value]:
    """The pairs of clip/info."""
    known = {"name": clip.name or None, "channel": clip.channel, "program": clip.program, "drums": int(clip.drums)}
    told: dict[str, Value] = {key: value for key, value in known.items() if value is not None}
    if clip.upbeat:
        told["upbeat"] = clip.upbeat / TICKS
    return [value for pair in told.items() for value in pair]
