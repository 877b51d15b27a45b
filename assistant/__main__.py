"""The program `continuo`: finds the module of a command, and turns expected errors into one line.

A command module has `add_arguments(parser)` and `run(args) -> int`. Only the module of the command that is called
is imported, so that `continuo generate` needs nothing of `continuo train`, and `continuo ask`, which runs at the press
of a button, nothing of the tasks.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from functools import cache

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.version import VERSION

Rows = dict[str, tuple[str, str]]

PACKAGE = "continuo_daw"
# name: module of the package, what it does
OTHERS: Rows = {
    "demo": ("osc_bridge.clients.demo", "send the example clips to a daemon of its own and write what comes back"),
    "serve": ("osc_bridge.daemon.serve", "run the daemon that DAW scripts and OSC clients talk to"),
    "ask": ("osc_bridge.clients.ask", "send a file of messages to the daemon, for DAW scripts that cannot receive OSC"),
    "install": ("osc_bridge.install.command", "put the buttons into a DAW, or take them away"),
    "watch": ("assistant.commands.watch", "turn every MIDI file that is dropped into a folder into results beside it"),
    "map": ("assistant.commands.map", "draw clips among the corpus in latent space"),
    "tracks": ("assistant.commands.tracks", "list the tracks of a MIDI file"),
    "originality": ("assistant.commands.originality", "show what a clip shares with the corpus that a model learnt"),
    "models": ("assistant.commands.models", "list the models that are installed"),
    "paths": ("assistant.commands.paths", "print where models and files are kept"),
    "doctor": ("osc_bridge.install.doctor", "check what is installed, which device runs, and what is in the way"),
    "bench": ("export.bench.command", "measure speed and memory on this machine"),
    "evaluate": ("training.evaluation.evaluate", "measure a model on the test split of a corpus"),
    "measure": ("training.evaluation.measure", "measure interpolation, moves and walks of a model"),
    "index": ("training.evaluation.index", "index the corpus of a model, so that copies of it are found"),
    "frames": ("training.evaluation.likelihood", "measure what the frames of published piano-roll benchmarks cost"),
    "train": ("training.train", "train a network"),
    "ablation": ("training.ablation.command", "train the four rows of the Continuous SeqAE and print their table"),
    "export": ("export.export", "make a bundle of a training run"),
}
EXTRAS = {  # what brings the missing package
    "train": "train",
    "ablation": "train",
    "export": "train",
    "evaluate": "train",
    "measure": "train",
    "index": "train",
    "frames": "train",
    "bench": "bench",
}


@cache
def commands() -> Rows:
    """All rows: every task is a command of the same name. To load the tasks takes longer than some commands take."""
    from continuo_daw.assistant.tasks import TASKS

    return {name: ("assistant.commands.task", task.SUMMARY) for name, task in TASKS.items()} | OTHERS


def __getattr__(name: str) -> Rows:
    """`COMMANDS`, all rows."""
    if name != "COMMANDS":
        raise AttributeError(name)
    return commands()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 after an expected error, 130 after Ctrl-C. argparse exits with 2."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((a for a in arguments if not a.startswith("-")), "")
    try:
        args = _parser(command).parse_args(arguments)
        return int(args.run(args))
    except AssistantError as error:
        return _fail(error.text)
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing == PACKAGE or command not in EXTRAS:
            raise
        return _fail(f"{command} needs {missing}: pip install 'continuo-daw[{EXTRAS[command]}]'")
    except KeyboardInterrupt:
        return 130


def _parser(command: str) -> argparse.ArgumentParser:
    """The parser of the program, with the arguments of `command` filled in."""
    parser = argparse.ArgumentParser(
        prog="continuo", description="A composition assistant: MIDI clips in, new notes out."
    )
    parser.add_argument("--version", action="version", version=f"continuo {VERSION}")
    parts = parser.add_subparsers(metavar="COMMAND", required=True)
    rows = {command: OTHERS[command]} if command in OTHERS else commands()
    for name, (path, summary) in rows.items():
        part = parts.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
        if name == command:
            module = importlib.import_module(f"{PACKAGE}.{path}")
            part.set_defaults(command=name, run=module.run)
            module.add_arguments(part)
    return parser


def _fail(text: str) -> int:
    print(f"continuo: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
