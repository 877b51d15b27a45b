"""`continuo serve`: the daemon, from its arguments to its end."""

from __future__ import annotations

import argparse
import atexit
import errno
import ipaddress
import logging
import logging.handlers
import queue
import signal
import sys
import threading
import time
from pathlib import Path

from continuo_daw.assistant.engine import Engine
from continuo_daw.assistant.paths import spool_dir
from continuo_daw.osc_bridge.clients.reach import port_number
from continuo_daw.osc_bridge.daemon.link import Link
from continuo_daw.osc_bridge.daemon.server import Server
from continuo_daw.osc_bridge.wire.encode import is_loopback

LOG_LINES = 20  # a second
LOG_BYTES = 2**20  # of a log file, of which two are kept
PREPARE_SECONDS = 5.0  # until then the first press of a button has been answered, which this would slow down
SWITCH_SECONDS = 0.0005  # between Python threads, so that a datagram is answered while the engine is at work
TAKEN = (errno.EADDRINUSE, errno.EACCES, 10013, 10048)  # the last two are Windows' own

log = logging.getLogger("continuo")
_listeners: list[logging.handlers.QueueListener] = []  # the threads that write what is logged


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `continuo serve`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine alone)")
    parser.add_argument("--port", type=port_number, default=16180, help="UDP port (default: 16180; 0: any free one)")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        type=_address,
        metavar="ADDRESS",
        help="address of a client on the network, may be given several times; needed with a --host other than loopback",
    )
    parser.add_argument(
        "--model-dir", action="append", type=Path, help="folder of model bundles instead of the usual ones"
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where models run")
    parser.add_argument("--threads", type=_positive, default=1, help="processor cores a model may use (default: 1)")
    parser.add_argument("--queue", type=_positive, default=64, help="requests that may wait (default: 64)")
    parser.add_argument("--deadline", type=_seconds, default=60.0, help="seconds a request may take (default: 60)")
    parser.add_argument("--log", type=Path, help="file to log to (default: standard error)")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. 0 after an orderly end, 1 where the daemon cannot start."""
    if not is_loopback(args.host) and args.host != "localhost" and not args.allow:
        return _refuse(f"--host {args.host} opens the daemon to a network: name its clients with --allow")
    try:
        link = Link(args.host, args.port)  # before the models: where the port is taken, nobody wants to wait for them
    except OSError as error:
        return _refuse(_cannot_listen(error, args.host, args.port))
    try:
        _log_to(args.log)
    except OSError as error:
        return _refuse(f"--log {args.log} cannot be written: {error.strerror}")
    sys.setswitchinterval(SWITCH_SECONDS)
    engine = Engine(args.model_dir, args.device, args.threads)
    server = Server(engine, spool_dir(), link, allow=args.allow, queue=args.queue, deadline=args.deadline)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    host, port = server.address
    models = ", ".join(engine.bundles) or "none"
    print(f"continuo ready at {host}:{port}, device {engine.device}, models: {models}", flush=True)
    log.info("device %s: %s", engine.device, engine.device_note)
    for name, text in engine.broken.items():
        log.warning("model %s is left out: %s", name, text)
    if args.allow:
        log.warning("open to %s", ", ".join(args.allow))
    prepare = threading.Timer(PREPARE_SECONDS, engine.prepare)
    prepare.daemon = True
    prepare.start()
    server.serve()
    return 0


def _refuse(text: str) -> int:
    print(f"continuo: {text}", file=sys.stderr)
    return 1


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    if error.errno in TAKEN:
        return f"port {port} of {host} is taken, perhaps by another continuo: choose one with --port"
    return f"cannot listen at {host}, port {port}: {error.strerror or error} (--host, --port)"


def _log_to(path: Path | None) -> None:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    else:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()  # so that nobody who logs waits for the disk
    listener = logging.handlers.QueueListener(lines, handler)
    listener.start()
    _listeners.append(listener)
    before = logging.handlers.QueueHandler(lines)
    before.addFilter(Throttle())
    log.addHandler(before)
    log.setLevel(logging.INFO)


@atexit.register
def end_log() -> None:
    """Write what was logged so far, and end."""
    while _listeners:
        listener = _listeners.pop()
        listener.stop()
        for handler in listener.handlers:
            handler.close()


class Throttle(logging.Filter):
    """Lets `LOG_LINES` a second through, and says afterwards how many it held back."""

    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._lines = 0

    def filter(self, record: logging.LogRecord) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            if self._lines > LOG_LINES:
                record.msg = f"({self._lines - LOG_LINES} lines left out) {record.msg}"
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= LOG_LINES


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to 1024")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= 86_400.0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0, up to 86400")
    return seconds


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not an IP address") from None
