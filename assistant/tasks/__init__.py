"""The musical operations, one module each; `TASKS` is the only list of them."""

from __future__ import annotations

from types import ModuleType

from assistant.option import Option
from assistant.tasks import blend, continue_, generate, interpolate, vary, walk

# What every task knows. `reply_port` and `reply_file` concern the wire and are read by the bridge.
COMMON = (
    Option("model", "text", "", "name of the model; empty lets the task choose"),
    Option("seed", "int", None, "same request and seed, same notes; left out: a new one each time", 0, 2**31 - 1),
    Option("candidates", "int", 1, "how many different answers", 1, 16),
    Option(
        "reply_port",
        "int",
        0,
        "answer this request at this UDP port of the asking host (0: where it came from)",
        0,
        65535,
    ),
    Option("reply_file", "text", "", "also write the answers to files of this name in the spool folder"),
)

TASKS: dict[str, ModuleType] = {task.NAME: task for task in (generate, continue_, interpolate, blend, vary, walk)}


def options_of(task: str) -> tuple[Option, ...]:
    """The whole option table of a task: its own rows, then the common ones."""
    return (*TASKS[task].OPTIONS, *COMMON)
