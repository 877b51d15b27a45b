"""Options: rows that the daemon gives, a text file to change them in, and values that stay in the Live set."""

from __future__ import annotations

import json
from pathlib import Path

from .daemon import data_folder

SET_KEY = "continuo"  # of the data that the Live set keeps
WIRE = "reply_"  # options of this name concern programs that cannot receive, not musicians
HEAD = """\
# Options of Continuo's buttons, for the Live set that is open. Take away the # before a line, change what stands
# behind the =, save the file, and press: the set remembers it. A line with # in front has the value that is shown.
"""
YES = ("1", "true", "yes", "on")


class Options:
    """What the tasks take, as the daemon says, and what the set has."""

    def __init__(self, song: object) -> None:
        self.clips = {}  # fewest and most clips of each task
        self._summaries = {}
        self._rows = {}  # of each task: key, type, minimum, maximum, default, choices, help
        self._song = song
        self._seen = self._stamp()  # a file from another set counts once it is saved again

    def add_task(self, name: str, summary: str, model: str, fewest: int, most: int) -> None:
        """A `/continuo/task` has come."""
        self.clips[name] = (fewest, most)
        self._summaries[name] = summary
        self._rows.setdefault(name, {})

    def add_row(self, task: str, key: str, *row: str) -> None:
        """A `/continuo/option` has come."""
        self._rows.setdefault(task, {})[key] = row

    def pairs(self, task: str, defaults: dict) -> list:
        """`key value` of everything that is set for a task, in the daemon's order, as it goes into the request.

        `defaults` are values that the set's own tempo and meter give, for keys that the task has.
        """
        stamp = self._stamp()
        if stamp not in (self._seen, 0):
            self._seen = stamp
            self._song.set_data(SET_KEY, json.dumps(_read(self.path)))
        values = self._values().get(task, {})
        pairs = []
        for key, row in self._rows[task].items():
            if key in values:
                pairs += [key, _typed(row[0], values[key])]
            elif key in defaults:
                pairs += [key, defaults[key]]
        for key in values:
            if key not in self._rows[task]:
                pairs += [key, values[key]]  # the daemon says what is wrong with it, and the nearest known name
        return pairs

    def write(self) -> None:
        """Write the file with all options, their ranges and their help, and the values of this set."""
        values = self._values()
        lines = [HEAD]
        for task, rows in self._rows.items():
            lines += [f"[{task}]", f"# {self._summaries.get(task, '')}"]
            given = values.get(task, {})
            for key, (kind, low, high, default, choices, text) in rows.items():
                if not key.startswith(WIRE):
                    between = choices.replace("|", ", ") or " to ".join(bound for bound in (low, high) if bound)
                    lines.append(f"    # {text} ({kind}{': ' if between else ''}{between})")
                    lines.append(f"{key} = {given[key]}" if key in given else f"#{key} = {default}")
            lines.append("")
        self.path.write_text("\n".join(lines), encoding="utf-8")
        self._seen = self._stamp()

    @property
    def path(self) -> Path:
        """The file beside daw.txt."""
        return data_folder() / "options.txt"

    def _values(self) -> dict:
        return json.loads(self._song.get_data(SET_KEY, "{}"))

    def _stamp(self) -> int:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0


def _read(path: Path) -> dict:
    """The values of a file by task and key, as text. Lines that are no `[task]` and no `key = value` do not count."""
    values = {}
    task = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            task = line[1:-1].strip()
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            values.setdefault(task, {})[key.strip()] = value.strip()
    return values


def _typed(kind: str, text: str) -> int | float | str:
    """A value in the type of its option; one that does not fit goes as text, and the daemon says what would."""
    try:
        if kind == "bool":
            return int(text.lower() in YES) if text.lower() in (*YES, "0", "false", "no", "off") else text
        return int(text) if kind == "int" else float(text) if kind == "float" else text
    except ValueError:
        return text
