"""Throws damaged datagrams at a running daemon and watches how it does: `python fuzz.py PORT PID [COUNT] [SEED]`."""

from __future__ import annotations

import random
import socket
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

from continuo_daw.osc_bridge.daemon.link import Target
from continuo_daw.osc_bridge.wire.decode import decode
from continuo_daw.osc_bridge.wire.encode import encode

BURST = 50  # datagrams between two pings
INTERESTING = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xfc",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\x7f\xc0\0\0",
    b"#bundle\0",
    b",[[[",
)
NOTES = (60, 0.0, 1.0, 96, 0, 64, 1.0, 1.0, 90, 0)
SEEDS = (
    encode("/continuo/version"),
    encode("/continuo/status"),
    encode("/continuo/tasks"),
    encode("/continuo/sync", 3),
    encode("/continuo/cancel", 7),
    encode("/continuo/reply_port", 0),
    encode("/continuo/clip", "a", 0, 2, *NOTES),
    encode("/continuo/clip/info", "a", 8.0, 120.0, 4, 4),
    encode("/continuo/clip/info", "a", 8.0, 120.0, 4, 4, "name", "b", "channel", 4, "drums", 0, "upbeat", 1.5),
    encode("/continuo/clip/meter", "a", 4.0, 3, 4),
    encode("/continuo/clip/tempo", "a", 2.0, 90.0),
    encode("/continuo/continue", 7, "context", "a", "context_at", "a", -4.0, "notes", *NOTES),
    encode("/continuo/continue", 7, "bars", 2, "seed", 3, "notes", *NOTES),
    encode("/continuo/generate", "job", "candidates", 2, "temperature", 0.9),
    encode("/continuo/continue", 7, "clip", "a", "clip", "a"),
    encode("/continuo/generate", 1.0),
    encode("/continuo/{ping,st*}[a-z]?" + "*a" * 40),
    encode("/continuo/done", 7, "generate", 1),
)


class Report(NamedTuple):
    """What a run saw."""

    sent: int
    pings: int
    lost: int  # pings that had to be repeated
    slowest: float  # seconds of a ping
    grown: int  # bytes of memory from after the warm-up to the end; 0 where the system does not tell


def damaged(source: random.Random) -> bytes:
    """A datagram with something wrong with it, or with nothing."""
    data = bytearray(source.choice(SEEDS))
    for _ in range(source.choice((0, 0, 0, 1, 2))):
        other = source.choice(SEEDS)
        sizes = source.choice((len(data), len(data), -4, 0, 6, len(data) + 4, 2**31 - 1))
        tag = source.choice((1, 1, 0, 2**64 - 1, (int(time.time()) + 2_208_988_800 + source.randint(-5, 20)) << 32))
        data = bytearray(b"#bundle\0" + struct.pack(">Qi", tag, sizes) + data + struct.pack(">i", len(other)) + other)
    for _ in range(source.choice((0, 1, 1, 2, 5))):
        place = source.randrange(len(data) + 1)
        kind = source.randrange(5)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[place:place] = source.choice(INTERESTING)
        elif kind == 2:
            del data[place : place + source.choice((1, 4, 8))]
        elif kind == 3:
            data[place // 4 * 4 : place // 4 * 4 + 4] = source.choice(INTERESTING)[:4]
        else:
            data[place:place] = source.randbytes(source.choice((1, 4, 40)))
    return bytes(data[:60_000])


def run(target: Target, pid: int, count: int = 100_000, seed: int = 0) -> Report:
    """Send `count` datagrams in bursts, a ping behind each. Raises TimeoutError where the daemon stays silent."""
    source = random.Random(seed)
    prober = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # nobody reads what it is answered with
    lost = 0
    slowest = 0.0
    before = 0
    with prober, sender:
        prober.settimeout(1.0)
        for number in range(count // BURST):
            for _ in range(BURST):
                sender.sendto(damaged(source), target)
            tries, seconds = ping(prober, target, number)
            lost += tries - 1
            slowest = max(slowest, seconds)
            if number == count // BURST // 5:
                before = resident(pid)
    return Report(count // BURST * BURST, count // BURST, lost, slowest, resident(pid) - before)


def ping(prober: socket.socket, target: Target, token: int) -> tuple[int, float]:
    """Attempts, and the seconds of the last, until the daemon answered."""
    for attempt in range(1, 6):
        start = time.perf_counter()
        prober.sendto(encode("/continuo/ping", token), target)
        try:
            while decode(prober.recv(65_535))[0].arguments != (token,):
                pass
        except TimeoutError:
            continue
        return attempt, time.perf_counter() - start
    raise TimeoutError(f"the daemon did not answer ping {token}")


def resident(pid: int) -> int:
    """Bytes of memory that the process holds; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


if __name__ == "__main__":
    port, pid, *rest = map(int, sys.argv[1:])
    print(run(("127.0.0.1", port), pid, *rest))
