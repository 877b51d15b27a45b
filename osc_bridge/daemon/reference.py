"""The reference page: `python -m continuo_daw.osc_bridge.daemon.reference` writes `PROTOCOL.md` from the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from continuo_daw.assistant.errors import CODES as ERROR_CODES
from continuo_daw.assistant.music.clip import TICKS, clip_of
from continuo_daw.assistant.tasks import COMMON, TASKS, options_of
from continuo_daw.osc_bridge.daemon.addresses import (
    ACCEPTED,
    ANSWERS,
    ASKING,
    CODES,
    DONE,
    GIVING,
    NOTES,
    PAIRS,
    PLACES,
    PREFIX,
    PROGRESS,
    RESULT,
    ROWS,
    SETTING,
    Address,
)
from continuo_daw.osc_bridge.daemon.arguments import MAX_CONTEXTS, TRACK
from continuo_daw.osc_bridge.daemon.gate import MAX_AHEAD
from continuo_daw.osc_bridge.daemon.jobs import MAX_PER_CLIENT
from continuo_daw.osc_bridge.daemon.reference_text import TEXT
from continuo_daw.osc_bridge.daemon.server import option_row
from continuo_daw.osc_bridge.daemon.store import MAX_CHANGES, MAX_CLIPS
from continuo_daw.osc_bridge.wire.encode import LOOPBACK_SIZE, NETWORK_SIZE, encode
from continuo_daw.osc_bridge.wire.notes import FIELDS, MAX_NOTES, read_notes

PAGE = Path(__file__).parents[1] / "PROTOCOL.md"
EXAMPLE_CLIP = (60, 0.0, 1.0, 96, 0, 64, 1.0, 1.0, 90, 0)
EXAMPLE_PAIRS = ("place", "behind", "drums", 0, "tempo", 120.0, "numerator", 4, "denominator", 4, "upbeat", 0.0)
EXAMPLE_ANSWER = (67, 0.0, 1.0, 92, 0, 65, 1.0, 0.5, 84, 0, 64, 1.5, 0.5, 80, 0)


def page() -> str:
    """The whole page as Markdown."""
    request = encode(PREFIX + "continue", 7, "bars", 4, "seed", 11, "notes", *EXAMPLE_CLIP)
    notes = read_notes(EXAMPLE_ANSWER)
    at = clip_of(read_notes(EXAMPLE_CLIP)).length / TICKS
    first = (ACCEPTED, 7, "continue", "melody"), (PROGRESS, 7, 0.25)
    streamed = NOTES, 7, 0, 0, 3
    last = (RESULT, 7, 0, 3, at, 16.0, "density", 0.75, *EXAMPLE_PAIRS), (DONE, 7, "continue", 1, "melody", 11, 0.031)
    replies = [*first, (*streamed, *EXAMPLE_ANSWER), *last]
    datagram = encode(*streamed, notes=notes)
    return TEXT.format(
        loopback=f"{LOOPBACK_SIZE:,}",
        network=f"{NETWORK_SIZE:,}",
        ahead=f"{MAX_AHEAD:.0f}",
        fields="\n".join(f"| `{name}` | {text} |" for name, *_, text in FIELDS),
        asking=_addresses("send", "get", ASKING),
        setting=_addresses("send", "meaning", SETTING),
        track=_options(map(option_row, TRACK)),
        changes=f"{MAX_CHANGES:,}",
        contexts=MAX_CONTEXTS,
        pairs=_table("key", PAIRS),
        places=_table("place", PLACES),
        rows=_table("key", {key: " ".join(names) for key, names in ROWS.items()}, "one row"),
        giving=_addresses("send", "meaning", GIVING),
        clips=MAX_CLIPS,
        notes=f"{MAX_NOTES:,}",
        common=_options(map(option_row, COMMON)),
        tasks="\n\n".join(map(_task, TASKS)),
        answers=_addresses("get", "when", ANSWERS),
        per_client=MAX_PER_CLIENT,
        codes="\n".join(f"| `{code}` | {CODES[code]} |" for code in ERROR_CODES),
        request_size=len(request),
        request=_dump(request),
        replies="\n".join("    " + " ".join(map(str, reply)) for reply in replies),
        notes_size=len(datagram),
        notes_datagram=_dump(datagram),
    )


def _task(name: str) -> str:
    task = TASKS[name]
    low, high = task.CLIPS
    clips = str(low) if low == high else f"{low} to {high}"
    own = [option for option in options_of(name) if option not in COMMON]
    summary = task.SUMMARY[:1].upper() + task.SUMMARY[1:]
    return f"### {PREFIX}{name}\n\n{summary}. Clips: {clips}.\n\n{_options(map(option_row, own))}".rstrip()


def _options(rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| key | type | from | to | default | meaning |", "|---|---|---|---|---|---|"]
    for key, kind, low, high, default, choices, text in rows:
        words = choices.replace("|", ", ")
        meaning = f"{text} ({words})" if words else text
        lines.append(f"| `{key}` | {kind} | {low} | {high} | {default} | {_cell(meaning)} |")
    return "\n".join(lines)


def _addresses(first: str, second: str, rows: Iterable[Address]) -> str:
    lines = [f"| {first} | {second} |", "|---|---|"]
    lines += [f"| `{' '.join((row.address, row.arguments)).strip()}` | {_cell(row.text)} |" for row in rows]
    return "\n".join(lines)


def _table(first: str, rows: Mapping[str, str], second: str = "meaning") -> str:
    return "\n".join([f"| {first} | {second} |", "|---|---|", *(f"| `{key}` | {text} |" for key, text in rows.items())])


def _cell(text: str) -> str:
    """Text for a table, where a bare bar would end the cell."""
    return text.replace("|", "\\|")


def _dump(datagram: bytes) -> str:
    """Sixteen bytes a line, as numbers and as characters."""
    lines = []
    for start in range(0, len(datagram), 16):
        row = datagram[start : start + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"    {row.hex(' '):<47}  {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
