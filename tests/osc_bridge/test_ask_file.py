"""Messages as text: what one side writes the other reads, and what is broken is named."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from golden import ACTIONS, ASKING, datagrams, messages, parsed
from hypothesis import given
from hypothesis import strategies as st

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.osc_bridge.clients.ask_file import MAX_BYTES, from_text, read_ask
from continuo_daw.osc_bridge.daemon.spool import as_text
from continuo_daw.osc_bridge.wire.decode import decode

VALUES = st.one_of(
    st.text(),
    st.text('aZ_/9-."\\ \n\r\t\x1c\x85\u2028\u00e9'),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.lists(VALUES))
def test_what_is_written_is_read(values: list[str | int | float]) -> None:
    expected = tuple(round(value, 6) if isinstance(value, float) else value for value in values)
    address, found = from_text(as_text("/continuo/x", values))
    assert (address, found, [*map(type, found)]) == ("/continuo/x", expected, [*map(type, expected)])


def test_what_scripts_write_otherwise_is_read_too() -> None:
    assert from_text('/a  word   0.250000 "two words" -3 1e-3 /b  ') == (
        "/a",
        ("word", 0.25, "two words", -3, 0.001, "/b"),
    )


def test_text_and_wire_hold_the_same_golden_messages() -> None:
    for action in (*ACTIONS, *ASKING):
        sent = [decode(datagram)[0][:2] for datagram in datagrams(action, "job")]
        lines = [as_text(*message) for message in messages(action, "job")]
        assert [as_text(*message) for message in sent] == lines
        assert [from_text(line) for line in lines] == messages(action, "job") == parsed("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "holds no message"),
        (b"/continuo/ping 1\ncontinuo/ping 2\n", "line 2: continuo/ping is not an address"),
        (b"/continuo/ping 1x", "line 1: 1x is neither a number nor a word"),
        (b'/continuo/ping "open', 'line 1: "open is neither a number'),
        (b'/continuo/ping "a"b', 'line 1: "a"b is neither'),
        (b"/continuo/ping \xff", "not text in UTF-8"),
    ],
)
def test_what_is_broken_is_said_with_its_line(text: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "job.ask").write_bytes(text)
    with pytest.raises(AssistantError, match=re.escape(said)) as error:
        read_ask(tmp_path / "job.ask")
    assert error.value.code == "bad_args"


def test_what_is_too_large_or_no_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "job.ask").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (tmp_path / "folder.ask").mkdir()
    for name, code in (("job", "too_large"), ("folder", "not_found"), ("none", "not_found")):
        with pytest.raises(AssistantError) as error:
            read_ask(tmp_path / f"{name}.ask")
        assert error.value.code == code


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "job.ask")
    with pytest.raises(AssistantError, match="there is no file"):
        read_ask(tmp_path / "job.ask")
