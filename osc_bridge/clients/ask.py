"""`continuo ask NAME`: speaks OSC for a DAW script that cannot receive it; questions and answers are text files.

`<spool>/NAME.ask` holds one message a line, as `spool.as_text` writes them: one space between values, a string in the
quotes of JSON where it is no plain word, whole numbers as int, other numbers as float. The messages go to the daemon in
order, from one socket; where none runs, one is started, which stays. When the last message has been answered to its
end, all answers stand in `<spool>/NAME.reply`: the daemon writes it for a request with `reply_file NAME`, else this
program. Whatever goes wrong is its last line, `/continuo/fail NAME code text`.

It runs at every press of a button, so nothing that is slow to load is imported here.
"""

from __future__ import annotations

import argparse
import itertools
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.paths import spool_dir
from continuo_daw.osc_bridge.clients.ask_file import Question, read_ask
from continuo_daw.osc_bridge.clients.reach import MAX_DATAGRAM, log_file, port_number, reach, socket_to
from continuo_daw.osc_bridge.daemon.addresses import (
    DONE,
    FAIL,
    GIVING,
    PONG,
    PREFIX,
    PROGRESS,
    SETTING,
    STATUS,
    SYNCED,
    VERSION,
)
from continuo_daw.osc_bridge.daemon.spool import ReplyFile, as_text
from continuo_daw.osc_bridge.install.daw_file import read_daw_file
from continuo_daw.osc_bridge.wire.decode import Message, PacketError, decode
from continuo_daw.osc_bridge.wire.encode import encode

PORT = 16180
ATTEMPTS = 5  # what was sent is sent again after each silence
PATIENCE = 90.0  # seconds with nothing new; a daemon ends a request after 60, unless it is told otherwise
BATCH = 16  # messages on their way at once, so that no socket buffer overflows

# what ends the answers to a message; those to a request end with done or fail
ENDS = {
    PREFIX + "ping": PONG,
    PREFIX + "version": VERSION,
    PREFIX + "status": STATUS,
    PREFIX + "sync": SYNCED,
    PREFIX + "tasks": DONE,
}
QUIET = {row.address for row in (*GIVING, *SETTING)} | {PREFIX + "cancel"}  # answered only where they are wrong


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `continuo ask`."""
    parser.add_argument("name", metavar="NAME", help="of the file NAME.ask in the spool folder")
    parser.add_argument("--port", type=port_number, help=f"the daemon's port (default: as daw.txt says, else {PORT})")


def run(args: argparse.Namespace) -> int:
    """0 where the last message was answered as it should be, else 1."""
    settings = read_daw_file()
    if settings.get("spool") and "CONTINUO_HOME" not in os.environ:
        # a DAW does not know what was set where `continuo install` ran; a daemon that is started needs it too
        os.environ["CONTINUO_HOME"] = str(Path(settings["spool"]).parent)
    folder = spool_dir()
    file = ReplyFile(folder, args.name)
    answers: dict[str, None] = {}  # lines in order, each once: what is asked twice may be answered twice
    reply = folder / f"{args.name}.reply"
    try:
        reply.unlink(missing_ok=True)
        questions = read_ask(folder / f"{args.name}.ask")
        port = args.port or _port(settings)
        reach(port)
        with socket_to(port) as link:
            failed = Talk(link, answers).ask(questions).address == FAIL
    except Exception as error:  # the script waits for its file, whatever happened
        failed = True
        expected = error if isinstance(error, AssistantError) else AssistantError("internal", repr(error))
        answers[as_text(FAIL, (args.name, expected.code, expected.text))] = None
        print(f"continuo: {expected.text}", file=sys.stderr)
    if not reply.exists():
        file.finish(answers)
    return int(failed)


class Talk:
    """One conversation over a connected socket; every answer goes to `answers` as a line."""

    def __init__(self, link: socket.socket, answers: dict[str, None]) -> None:
        self._link = link
        self._answers = answers
        self._tokens = (f"ask-{os.getpid()}-{number}" for number in itertools.count())

    def ask(self, questions: Sequence[Question]) -> Message:
        """Send all; the message that ends the answers to the last one.

        Raises AssistantError with what the daemon says against a clip that the last one names, or `timeout`.
        """
        datagrams = [encode(address, *arguments) for address, arguments in questions]
        address, arguments = questions[-1]
        if address not in {*ENDS, *QUIET} and len(arguments) == 1 and not isinstance(arguments[0], str):
            raise AssistantError("bad_args", f"{address} {arguments[0]} is a button: its answers name no id")
        before = len(datagrams) - (address not in QUIET)
        for first in range(0, before, BATCH):
            for answer in self._until_answered(datagrams[first : min(first + BATCH, before)]):
                if answer.address == FAIL and answer.arguments[0] in arguments:
                    raise AssistantError(str(answer.arguments[1]), str(answer.arguments[2]))
        if address in QUIET:
            return Message(DONE, ())
        end, identity = ENDS.get(address, DONE), decode(datagrams[-1])[0].arguments[:1] or ("",)  # as the wire has it
        for answer in self._answers_to(datagrams[-1:]):
            self._keep(answer)
            whose = answer.arguments[:1]
            if answer.address == FAIL and whose in (identity, ("",)):
                return answer
            if answer.address == end and (whose == identity or end in (STATUS, VERSION)):
                return answer
        raise AssertionError("answers come until one of them ends the loop")

    def _until_answered(self, batch: list[bytes]) -> Iterator[Message]:
        """Send a batch with a ping behind it; what comes until that has been answered."""
        token = next(self._tokens)
        for answer in self._answers_to([*batch, encode(PREFIX + "ping", token)]):
            if answer.address == PONG and answer.arguments == (token,):
                return
            self._keep(answer)
            yield answer

    def _keep(self, answer: Message) -> None:
        if answer.address != PROGRESS:
            self._answers[as_text(answer.address, answer.arguments)] = None

    def _answers_to(self, datagrams: list[bytes]) -> Iterator[Message]:
        """Send, and again after a silence: a request is known by its id, parts of a clip are harmless twice."""
        attempts, send = ATTEMPTS, True
        last_news = time.monotonic()
        while attempts and time.monotonic() - last_news < PATIENCE:
            try:
                for datagram in datagrams if send else ():
                    self._link.send(datagram)
                received = decode(self._link.recv(MAX_DATAGRAM))
            except TimeoutError:
                attempts, send = attempts - 1, True
                continue
            except ConnectionError:
                break
            except PacketError:  # another program answers there
                received = []
            attempts, send = ATTEMPTS, False
            for answer in received:
                known = len(self._answers)
                yield answer
                if answer.address == PROGRESS or len(self._answers) > known:
                    last_news = time.monotonic()
        raise AssistantError("timeout", f"the daemon does not answer any more; its log is {log_file()}")


def _port(settings: dict[str, str]) -> int:
    """The port of daw.txt, where a usable one stands there."""
    text = settings.get("port", "")
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else PORT
