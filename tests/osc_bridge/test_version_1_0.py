"""A client of version 1.0: its datagrams are taken unchanged, and it finds its answers where they were."""

from __future__ import annotations

import hashlib

import pytest
from golden import ACTIONS, datagrams
from pythonosc.osc_message import OscMessage
from scale_engine import ScaleEngine
from wire import Wire

from continuo_daw.assistant.music.clip import TICKS

# of all that each button sent in version 1.0, byte for byte
SHA256 = {
    "generate": "cc59724e7195e9932b36506698da004c131bf0d8fa57a5bdc84d8addab844f09",
    "continue": "1ab8ee2957b9f03b565f85ed72860cd9de05f61d117a2b547466e31ba34569c2",
    "interpolate": "bf76d8d56bd4107747b549a8c93286c7bc16ccd3efe72381b61338845153f156",
    "vary": "90e9639c67f78aaa3ae18c5818b0156854be34037e63acc1a2c4d6d10bac4e6d",
    "walk": "2df39335514b0cb797037d2047a3f775e258817b5542c43e09f38118baca2c55",
    "refine_duration": "d83f9031624ba9015cd88784e4013af13575757e9fad5fa74b93adda8f792486",
    "refine_velocity": "6c838b618b07aff03c0eecc88a138aeea974705c7acbfe1f9a5e44afabf81cec",
    "refine": "903bda17a033ab53d5d920143c6695fb238d830fc4eb2be811403d233c5fc1ee",
}
KNOWN = {f"/continuo/{name}" for name in ("accepted", "notes", "result", "done")}
MEASURES = {"density": 4.0}  # of the engine of these tests


def read_as_1_0(messages: list[list[object]]) -> tuple[dict[int, list[object]], list[tuple[object, ...]]]:
    """Notes by index of the first candidate, and of each result its fixed arguments with the measures behind them."""
    notes: dict[int, list[object]] = {}
    results = []
    for address, *arguments in messages:
        if address == "/continuo/notes" and arguments[1] == 0:
            first, values = int(arguments[2]), arguments[4:]  # type: ignore[call-overload]
            notes.update({first + k // 5: values[k : k + 5] for k in range(0, len(values), 5)})
        elif address == "/continuo/result":
            results.append(tuple(arguments[1 : 5 + 2 * len(MEASURES)]))
    return notes, results


def test_the_datagrams_are_those_of_version_1_0() -> None:
    assert {action: hashlib.sha256(b"".join(datagrams(action))).hexdigest() for action in ACTIONS} == SHA256


@pytest.mark.parametrize("action", ACTIONS)
def test_a_button_of_version_1_0_is_answered(action: str, wire: Wire, engine: ScaleEngine) -> None:
    task, _, clips = ACTIONS[action]
    for datagram in datagrams(action):
        wire.send_bytes(datagram)
    messages = wire.answers()
    identity = OscMessage(datagrams(action)[-1]).params[0]
    assert {message[1] for message in messages} == {identity}
    assert messages[-1][2] == task
    notes, results = read_as_1_0(messages)
    candidate, total, at, length, key, density = results[0]
    assert (candidate, {key: density}) == (0, MEASURES)
    assert sorted(notes) == list(range(int(str(total)))) and float(str(length)) > 0
    (request,) = engine.requests
    assert [(clip.length, clip.tempo, clip.meter, clip.upbeat) for clip in request.clips] == [
        (6 * TICKS, 96.5, (3, 4), 0)
    ] * len(clips)
    assert float(str(at)) == (6.0 if task in ("continue", "walk") else 0.0)
    assert {message[0] for message in messages} <= KNOWN
