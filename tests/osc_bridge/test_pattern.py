"""Address patterns."""

from __future__ import annotations

import time

import pytest

from continuo_daw.osc_bridge.wire.pattern import is_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/continuo/*", "/continuo/ping"),
        ("/*/ping", "/continuo/ping"),
        ("/continuo/p?ng", "/continuo/ping"),
        ("/continuo/[o-q]ing", "/continuo/ping"),
        ("/continuo/[!a-o]ing", "/continuo/ping"),
        ("/continuo/{status,ping}", "/continuo/ping"),
        ("/continuo/{pi,p}*g", "/continuo/ping"),
        ("/continuo/***", "/continuo/ping"),
        ("/continuo/ping*", "/continuo/ping"),
    ],
)
def test_covers(pattern: str, address: str) -> None:
    assert matches(pattern, address)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("/continuo/*", "/continuo/clip/info"),
        ("/*", "/continuo/ping"),
        ("/continuo?ping", "/continuo/ping"),
        ("/continuo[!x]ping", "/continuo/ping"),
        ("/continuo/[z-a]ing", "/continuo/ming"),
        ("/continuo/{ping", "/continuo/ping"),
        ("/continuo/[ping", "/continuo/ping"),
        ("/continuo/{" + "x," * 16 + "ping}", "/continuo/ping"),
        ("/continuo/pin", "/continuo/ping"),
        ("/continuo/pingg", "/continuo/ping"),
    ],
)
def test_does_not_cover(pattern: str, address: str) -> None:
    assert not matches(pattern, address)


def test_many_stars_take_no_time() -> None:
    start = time.perf_counter()
    assert not matches("/" + "*a" * 120, "/" + "a" * 250 + "b")
    assert time.perf_counter() - start < 0.5


def test_plain_addresses_are_no_patterns() -> None:
    assert not is_pattern("/continuo/clip/info")
    assert is_pattern("/continuo/{ping,status}")
