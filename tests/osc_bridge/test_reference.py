"""The reference page and the tables that it is written from."""

from __future__ import annotations

import re

from pythonosc.osc_message import OscMessage
from wire import Wire

from continuo_daw.assistant.errors import CODES
from continuo_daw.assistant.tasks import COMMON, TASKS
from continuo_daw.osc_bridge.daemon import addresses
from continuo_daw.osc_bridge.daemon.reference import PAGE, page
from continuo_daw.osc_bridge.daemon.server import option_row
from continuo_daw.osc_bridge.wire.encode import NETWORK_SIZE, encode


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m continuo_daw.osc_bridge.daemon.reference"


def test_every_code_is_explained() -> None:
    assert tuple(addresses.CODES) == CODES


def test_every_address_of_the_page_has_a_handler(wire: Wire) -> None:
    for row in (*addresses.ASKING, *addresses.SETTING, *addresses.GIVING):
        wire.send(row.address)
    for task in TASKS:
        wire.send(addresses.PREFIX + task)
    wire.send("/continuo/sync", "end")
    messages = wire.until(addresses.SYNCED)
    while messages[-1][1] != "end":
        messages += wire.until(addresses.SYNCED)
    texts = [str(message[-1]) for message in messages if message[0] == addresses.FAIL]
    assert texts and not any("unknown address" in text for text in texts)


def test_an_option_of_every_task_fits_one_frame() -> None:
    for name, task in TASKS.items():
        for option in (*task.OPTIONS, *COMMON):
            assert len(encode(addresses.OPTION, name, *option_row(option))) <= NETWORK_SIZE
        assert len(encode(addresses.TASK, name, task.SUMMARY, "m" * 64, 0, 0)) <= NETWORK_SIZE


def test_the_datagrams_of_the_example_are_what_python_osc_reads() -> None:
    dumps = re.findall(r"bytes:\n\n((?:    (?:[0-9a-f]{2} )+ .*\n)+)", page())
    request, notes = (OscMessage(bytes.fromhex("".join(line[4:51] for line in dump.splitlines()))) for dump in dumps)
    assert [request.address, *request.params][:4] == ["/continuo/continue", 7, "bars", 4]
    assert [notes.address, *notes.params][:5] == ["/continuo/notes", 7, 0, 0, 3]
    assert notes.params[4:9] == [67, 0.0, 1.0, 92, 0]
