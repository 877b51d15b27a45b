"""The musical operations, one module each; `TASKS` is the only list of them."""

from __future__ import annotations

from types import ModuleType

from continuo_daw.assistant.music.clip import MAX_TICK, TICKS
from continuo_daw.assistant.option import Option
from continuo_daw.assistant.tasks import (
    blend,
    continue_,
    generate,
    interpolate,
    refine,
    refine_duration,
    refine_velocity,
    vary,
    walk,
)

# What every task knows. `reply_port` and `reply_file` concern the wire and are read by the bridge.
COMMON = (
    Option("model", "text", "", "name of the model, or of the models joined by +; empty lets the task choose"),
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

# What the tasks know that take a clip and make new notes.
_BEATS = MAX_TICK // TICKS
RANGE = (
    Option("from", "float", None, "beat from which the clip is heard; left out: its start", 0, _BEATS),
    Option("to", "float", None, "beat before which the clip is heard; left out: its end", 0, _BEATS),
)

# What the tasks know that make new notes.
ORIGINALITY = Option(
    "originality",
    "choice",
    "report",
    "report what is shared with the corpus that the model learnt from; avoid also replaces what copies",
    choices=("report", "avoid", "off"),
)

TASKS: dict[str, ModuleType] = {
    task.NAME: task
    for task in (generate, continue_, interpolate, blend, vary, walk, refine_duration, refine_velocity, refine)
}


def needs_of(task: str) -> tuple[str, ...]:
    """The tasks whose models a task runs, in the order in which its `slices` takes them: its own, unless it has
    `NEEDS`."""
    needs: tuple[str, ...] = getattr(TASKS[task], "NEEDS", (task,))
    return needs


def in_place(task: str) -> bool:
    """True for a task that changes the notes of a clip one by one."""
    return bool(TASKS[task].PLACE == "in_place")


def options_of(task: str) -> tuple[Option, ...]:
    """The whole option table of a task: its own rows, then the common ones."""
    if in_place(task):  # these have rows of their own for the range
        return (*TASKS[task].OPTIONS, *COMMON)
    stretch = RANGE if TASKS[task].CLIPS[1] else ()
    return (*TASKS[task].OPTIONS, *stretch, ORIGINALITY, *COMMON)
