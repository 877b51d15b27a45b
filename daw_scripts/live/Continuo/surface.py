"""The buttons: what is pressed, what is asked, what comes back. Everything happens in Live's own thread.

Live calls `update_display` about every 100 ms; nothing here waits for anything.
"""

from __future__ import annotations

import time

import Live

from .clips import Given, Place, chosen, neighbour, one_undo_step
from .daemon import Daemon, Problem, open_in_editor
from .job import Job
from .options import Options
from .osc import clip_messages, encode

CHANNEL = 15  # counted from 0: channel 16
BUTTONS = {  # MIDI note: what it is called, its task
    36: ("Generate", "generate"),
    37: ("Continue", "continue"),
    38: ("Interpolate", "interpolate"),
    39: ("Vary", "vary"),
    40: ("Walk", "walk"),
    41: ("Refine durations", "refine_duration"),
    42: ("Refine velocities", "refine_velocity"),
    43: ("Refine both", "refine"),
    44: ("Cancel", ""),
    45: ("Options", ""),
    46: ("Show", ""),
}
QUIET = 1.0  # seconds of silence, and what was asked is asked again
MISSING = 2.0  # seconds of silence, and the daemon is taken for missing where no error has said so
PATIENCE = 30.0  # seconds of silence, and the script gives up
LOSSES = 10  # times that a clip may arrive with parts missing
STARTING = 0.3  # seconds between questions to a daemon that is starting


class Surface:
    """The Control Surface, with the methods that Live calls; Live's own MackieControl has no base class either."""

    def __init__(self, c_instance: object) -> None:
        self._live = c_instance
        self._daemon = Daemon()
        self._options = Options(c_instance.song())
        self._job = None
        self._tasks_known = False
        self._shown = self._before = None  # the clip in the Clip View, and the one that was there before it
        self._count = 0
        self._last_error = ""

    def build_midi_map(self, midi_map_handle: int) -> None:
        """Live asks which MIDI the script wants."""
        for note in BUTTONS:
            Live.MidiMap.forward_midi_note(self._live.handle(), midi_map_handle, CHANNEL, note)

    def receive_midi(self, midi_bytes: tuple) -> None:
        """MIDI that was asked for; a note on with a velocity is a press."""
        if len(midi_bytes) == 3 and midi_bytes[0] == 0x90 + CHANNEL and midi_bytes[2] and midi_bytes[1] in BUTTONS:
            self._safely(self._press, *BUTTONS[midi_bytes[1]])

    def receive_midi_chunk(self, midi_chunk: tuple) -> None:
        """The same from newer versions of Live."""
        for midi_bytes in midi_chunk:
            self.receive_midi(midi_bytes)

    def update_display(self) -> None:
        """The tick."""
        self._safely(self._tick)

    def disconnect(self) -> None:
        """The script is switched off, or another set is opened."""
        self._drop()
        self._daemon.close()

    def connect_script_instances(self, instanciated_scripts: object) -> None:
        """Other scripts do not concern this one."""

    def refresh_state(self) -> None:
        """There are no lights to set."""

    def can_lock_to_devices(self) -> bool:
        return False

    def suggest_input_port(self) -> str:
        return ""

    def suggest_output_port(self) -> str:
        return ""

    def suggest_map_mode(self, cc_no: int, channel: int) -> object:
        return Live.MidiMap.MapMode.absolute

    # a press

    def _press(self, label: str, task: str) -> None:
        job = self._job
        if label == "Cancel":
            self._drop()
            self._say(f"{job.label}: cancelled" if job else "there is nothing to cancel")
        elif job:
            self._say(f"{job.label} is being made; Cancel ends it. {self._last_error}")
        else:
            self._daemon.open()
            self._job = Job(label, task)
            if task and self._tasks_known:
                self._request(self._job)
            else:
                self._job.datagrams = [encode("/continuo/status" if label == "Show" else "/continuo/tasks")]
                self._ask(self._job)

    def _drop(self) -> None:
        """Forget the press; what still comes for it finds nobody."""
        if self._job and self._job.identity:
            self._daemon.send([encode("/continuo/cancel", self._job.identity)])
        self._job = None

    def _request(self, job: Job) -> None:
        """Read the clips and ask for music."""
        if job.task not in self._options.clips:
            raise Problem(f"this version of Continuo knows no {job.label}")
        clips = chosen(self._song, self._before, *self._options.clips[job.task])
        job.place = Place(self._song, clips[-1] if clips else neighbour(self._song))
        job.given = [Given(clip) for clip in clips]
        self._count += 1
        job.identity = f"live-{int(time.time())}-{self._count}"
        job.names = [job.identity + "-" + "AB"[index] for index in range(len(clips))]
        tempo = float(self._song.tempo)
        defaults = {} if clips else {"tempo": tempo, "meter": "{}/{}".format(*self._meter)}
        pairs = self._options.pairs(job.task, defaults)
        job.datagrams = []
        for index, name in enumerate(job.names):
            given = job.given[index]
            job.datagrams += clip_messages(name, given.notes, given.length, tempo, given.meter, given.track)
            pairs += ["clip", name]
        job.datagrams.append(encode("/continuo/" + job.task, job.identity, *pairs))
        self._say(job.label + " ...")
        self._ask(job)

    def _ask(self, job: Job) -> None:
        job.asked = time.monotonic()
        self._daemon.send(job.datagrams[-1:] if job.accepted else job.datagrams)

    # the tick

    def _tick(self) -> None:
        shown = self._song.view.detail_clip
        if shown is not None and shown != self._shown:
            self._before, self._shown = self._shown, shown
        for address, arguments in self._daemon.receive():
            if address in TAKES:
                TAKES[address](self, *arguments)
            elif self._job and address in ANSWERS and arguments and self._job.owns(arguments[0]):
                ANSWERS[address](self, self._job, *arguments[1:])
        self._daemon.flush()
        if self._job:
            self._wait(self._job)

    def _wait(self, job: Job) -> None:
        """Ask again, start the daemon, or give up, after seconds of silence."""
        now = time.monotonic()
        silent = now - job.heard
        missing = self._daemon.refused or silent > MISSING
        if missing and job.label == "Show":
            self._end("Continuo is not running; the next button starts it. " + self._last_error)
        elif silent > PATIENCE or (self._daemon.refused and job.started and self._daemon.ended()):
            raise Problem(f"Continuo does not answer at port {self._daemon.port}; 'continuo doctor' says why")
        elif self._daemon.refused and not job.started:
            self._say("Continuo is starting ...")
            self._daemon.start()
            job.started = True
        elif now - job.asked > (STARTING if self._daemon.refused else QUIET):
            self._ask(job)

    # what the daemon says to everyone

    def _on_task(self, *row: object) -> None:
        self._options.add_task(*row)

    def _on_option(self, *row: object) -> None:
        self._options.add_row(*row)

    def _on_status(self, device: str, running: int, queued: int, done: int, failed: int, *rest: object) -> None:
        if self._job and self._job.label == "Show":
            state = f"Continuo runs on {device}: {running} running, {queued} waiting, {done} done, {failed} failed. "
            self._end(state + self._last_error)

    def _on_done(self, identity: object, task: str, count: int, *rest: object) -> None:
        job = self._job
        if job and job.owns(identity):
            if job.is_whole(count):
                self._apply(job)
            else:
                self._ask(job)  # what was lost comes again
        elif task == "tasks" and identity == "" and job and not job.identity and len(self._options.clips) >= count:
            job.heard = time.monotonic()
            self._tasks_known = True
            if job.task:
                self._request(job)
            elif job.label == "Options":
                self._options.write()
                self._end(f"Options: change {self._options.path} and save it; the next press uses it")
                open_in_editor(self._options.path)

    # what the daemon says to the request

    def _on_accepted(self, job: Job, *rest: object) -> None:
        job.accepted = True

    def _on_progress(self, job: Job, fraction: float) -> None:
        if job.percent != int(fraction * 100):
            job.percent = int(fraction * 100)
            self._say(f"{job.label} {job.percent} %")

    def _on_notes(self, job: Job, candidate: int, first: int, total: int, *values: float) -> None:
        job.take_notes(candidate, first, values)

    def _on_result(self, job: Job, candidate: int, total: int, at: float, length: float, *pairs: object) -> None:
        job.take_result(candidate, total, at, length, pairs)

    def _on_fail(self, job: Job, code: str, text: str) -> None:
        job.accepted = False
        job.losses += 1
        if code in ("incomplete", "not_found") and job.losses < LOSSES:  # a part of the clip, or all of it, was lost
            self._ask(job)
        else:
            self._tasks_known = False  # it may be another daemon than the one that was asked
            raise Problem(f"{job.label}: {text}")

    def _apply(self, job: Job) -> None:
        """Write the result as one undo step."""
        self._job = None
        whereto = job.whereto()
        if whereto in WRITES and job.given[0].clip == None:  # noqa: E711 - it was deleted meanwhile
            raise Problem(f"{job.label}: the clip is gone")
        with one_undo_step(self._song):
            self._say(f"{job.label}: {WRITES.get(whereto, Surface._write_new)(self, job)}")

    def _write_new(self, job: Job) -> str:
        _, _, said = job.first()
        known = "numerator" in said and "denominator" in said
        meter = (said["numerator"], said["denominator"]) if known else self._meter
        return job.place.add(job.clips(), job.label, meter)

    def _write_in_place(self, job: Job) -> str:
        return f"{job.given[0].refine(job.first()[1])} notes changed"

    def _write_over(self, job: Job) -> str:
        at, notes, said = job.first()
        return f"{job.given[0].replace(at, notes, said['from'], said['to'])} notes changed"

    # small things

    @property
    def _song(self) -> object:
        return self._live.song()

    @property
    def _meter(self) -> tuple[int, int]:
        return self._song.signature_numerator, self._song.signature_denominator

    def _end(self, text: str) -> None:
        self._job = None
        self._say(text)

    def _safely(self, work: object, *arguments: object) -> None:
        """Do what Live asks for, and say what goes wrong: an error left alone would come again with every tick."""
        try:
            work(*arguments)
            return
        except Problem as problem:
            text = str(problem)
        except Exception as error:  # Live refuses with RuntimeError and others
            self._live.log_message(f"Continuo: {error!r}")
            text = f"that did not work: {error}"
        self._last_error = "Last error: " + text
        self._end(text)

    def _say(self, text: str) -> None:
        self._live.show_message(text if text.startswith("Continuo") else "Continuo: " + text)


TAKES = {
    "/continuo/task": Surface._on_task,
    "/continuo/option": Surface._on_option,
    "/continuo/status.reply": Surface._on_status,
    "/continuo/done": Surface._on_done,
}
ANSWERS = {
    "/continuo/accepted": Surface._on_accepted,
    "/continuo/progress": Surface._on_progress,
    "/continuo/notes": Surface._on_notes,
    "/continuo/result": Surface._on_result,
    "/continuo/fail": Surface._on_fail,
}
WRITES = {"in_place": Surface._write_in_place, "over": Surface._write_over}  # what is no new clip, by its place
