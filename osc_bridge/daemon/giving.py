"""The messages that give a clip: their arguments, checked, to the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from continuo_daw.assistant.music.clip import TICKS
from continuo_daw.assistant.option import Option, Value
from continuo_daw.osc_bridge.daemon.addresses import PREFIX
from continuo_daw.osc_bridge.daemon.arguments import (
    AT,
    DENOMINATOR,
    FIRST,
    LENGTH,
    NUMERATOR,
    TEMPO,
    TOTAL,
    TRACK,
    argument,
    read_pairs,
    required_text,
)
from continuo_daw.osc_bridge.daemon.store import Info, Store
from continuo_daw.osc_bridge.wire.decode import Argument
from continuo_daw.osc_bridge.wire.notes import read_notes

INFO_ARGUMENTS = 5  # of clip/info before its pairs

Arguments = Sequence[Argument]
Take = Callable[[Store, str, Arguments], None]  # for a host


def take_notes(store: Store, host: str, arguments: Arguments) -> None:
    """`/continuo/clip`"""
    name = _name(arguments)
    first = int(FIRST.check(argument(arguments, 1)))
    total = int(TOTAL.check(argument(arguments, 2)))
    store.add(host, name, first, total, read_notes(arguments[3:], first))


def take_info(store: Store, host: str, arguments: Arguments) -> None:
    """`/continuo/clip/info`"""
    name = _name(arguments)
    length = argument(arguments, 1)
    ticks = None if length is None else _ticks(LENGTH.check(length))
    tempo = float(_or_default(TEMPO, argument(arguments, 2)))
    meter = int(_or_default(NUMERATOR, argument(arguments, 3))), int(_or_default(DENOMINATOR, argument(arguments, 4)))
    track = read_pairs(TRACK, arguments[INFO_ARGUMENTS:])
    track["upbeat"] = _ticks(track["upbeat"] or 0)
    store.describe(host, name, Info(ticks, tempo, meter, **track))  # type: ignore[arg-type]


def take_tempo(store: Store, host: str, arguments: Arguments) -> None:
    """`/continuo/clip/tempo`"""
    name, tick = _name(arguments), _at(arguments)
    store.change_tempo(host, name, tick, float(TEMPO.check(argument(arguments, 2))))


def take_meter(store: Store, host: str, arguments: Arguments) -> None:
    """`/continuo/clip/meter`"""
    name, tick = _name(arguments), _at(arguments)
    meter = int(NUMERATOR.check(argument(arguments, 2))), int(DENOMINATOR.check(argument(arguments, 3)))
    store.change_meter(host, name, tick, meter)


TAKES: dict[str, Take] = {
    PREFIX + "clip": take_notes,
    PREFIX + "clip/info": take_info,
    PREFIX + "clip/meter": take_meter,
    PREFIX + "clip/tempo": take_tempo,
}


def _name(arguments: Arguments) -> str:
    return required_text(arguments, 0, "the name of the clip")


def _at(arguments: Arguments) -> int:
    return _ticks(AT.check(argument(arguments, 1)))


def _ticks(beats: object) -> int:
    return round(float(beats) * TICKS)  # type: ignore[arg-type]


def _or_default(option: Option, value: Argument) -> Value:
    return option.check(option.default if value is None else value)
