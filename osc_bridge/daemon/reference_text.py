"""The words of the reference page around its tables."""

TEXT = """\
# The OSC protocol of Continuo, version 1.1

This page is written by `python -m continuo_daw.osc_bridge.daemon.reference` from the tables that the daemon itself
works with. The protocol may grow; what stands here does not change meaning. A client that was written for version 1.0
works with 1.1: it finds everything where it was, and may pass over what is new.

## Transport

The daemon listens for OSC 1.0 over UDP at `127.0.0.1`, port `16180`. `continuo serve --host` and `--port` change that;
where the port is taken the daemon ends with a message and never takes another one in silence. A `--host` other than
loopback needs the address of every client in `--allow`. There is no TCP and no HTTP.

- **Types.** The daemon takes `i f d h s S T F N` and sends only `i f s`. Numbers are interchangeable where the value
  fits: `1`, `1.0` and true are the same. `N` stands for the default, and so does an optional argument left out. Any
  other type, a damaged datagram or a size that is no multiple of 4 is `bad_packet`.
- **Size.** Datagrams of the daemon have at most {loopback} bytes on loopback and {network} over a network. It takes up
  to 65,507 bytes; keep to the same sizes, as many receivers and networks do not.
- **Id.** A request carries an id of your choice as its first argument: a whole number of 32 bits, or text of up to 255
  bytes. Every answer to it carries the id first, in the type in which it came. A client that sends only floats should
  keep its ids below 16,777,216. Where an error cannot be tied to an id, because the datagram is damaged or has no first
  argument, the id of the `fail` is the empty text `""`. Messages that give a clip have its name in the place of the id.
- **Time** is in quarter-note beats from the start of the clip that it belongs to. An answer is a clip of its own:
  `at_beats` in its `result` says where it starts, counted from the start of the clip that was given.
- **Bundles** are taken. A time tag up to {ahead} seconds ahead is waited for; one further ahead is `bad_args`.
- **Patterns** (`*`, `?`, `[a-z]`, `{{a,b}}`) reach the questions about the daemon alone: no pattern ever starts a task.

## Where answers go

To the address and port that the request came from. A client that cannot receive there (oscsend, TouchOSC, Max) has two
ways: the option `reply_port 16181` in a request sends the answers to this request to that port instead, and one message
copies every answer from then on, so that other clients of the same host lose nothing:

{setting}

A port is 1024 or above. A reply host cannot be given.

## Notes

A note is five values, in the order of AbletonOSC and Live, and a list of notes is one flat list of them:

| value | takes |
|---|---|
{fields}

Anything else is `bad_args`, and the text names the note. Times are kept to 1/960 beat, velocities as whole numbers.

## Asking about the daemon

{asking}

## Giving a clip

A small clip rides inside the request, as its last option: `notes`, then the five values of every note.

A larger clip, or more than one, is given beforehand under a name, in messages that may come in any order:

{giving}

Behind its five arguments `clip/info` takes what is known of the track, in pairs of any order; `N` keeps the place of an
argument that is left out:

{track}

A clip that begins inside a bar has an `upbeat`, also where it is longer than what people call one: a clip of 4/4 that
begins on beat 3 has 2. Tempo and meter of `clip/info` are those at the start of the clip, `clip/tempo` and `clip/meter`
say where they change; at its end the last ones hold. There are at most {changes} changes of each in a clip, and another
one at the same beat takes the place of the one before.

`first` is the index of the first note in the message, `total` the number of notes in the clip. Parts may come in any
order, and sending one twice is harmless, so a part that was lost is simply sent again. Another `total` under the same
name starts a new clip. Take a new name for a clip that has changed: a lost part of it could otherwise go unnoticed.
An empty clip is `/continuo/clip name 0 0`.

The daemon keeps a clip for ten minutes from its last use, for all clients of the host, at most {clips} clips of a
host; after that the one unused longest goes. A clip has at most {notes} notes. Send many parts with short pauses (one
millisecond for eight parts): UDP drops what a receiver cannot take at once.

## Asking for music

    /continuo/<task> id [key value]... [notes (pitch start duration velocity mute)*]

Keys come in any order. `clip NAME` may stand several times, the order is the order of the clips; a clip that rides
inside comes last. Keys that every task knows:

{common}

`context NAME` names a clip that sounds beside those worked on, at most {contexts} of them: they are heard and never
changed. `context_at NAME BEATS`, the one key with two values, says where such a clip starts, counted from the start of
the first clip of the request; left out it is 0, and it may be below 0. As long as no model hears other tracks, results
say so with the measure `context 0`.

    /continuo/continue 7 clip tune context bass context drums context_at drums -4.0

{tasks}

A lone number as the only argument is a button, not an id: above zero it is the press and runs the task with its
defaults on the clip that the host gave last; zero is the release and does nothing. Every press is a new job, and its
answers carry the id 0. To ask with a number as id and no options, add one: `/continuo/generate 7 model ""`.

## Answers

{answers}

A request is answered by `accepted` at once, and ends with exactly one `done` or `fail`. In between come the notes of
every candidate, as soon as they are final. `candidate` counts from 0. `first` and `total` have the same meaning as in
`/continuo/clip`: put every note where `first` says, and neither order nor repetition matters. A task that runs several
models names them joined by `+`.

Look for the pairs of a `result` by their keys. First come the measures, then what the answer is:

{pairs}

A program acts on `place`, never on the name of a task:

{places}

`/continuo/data` carries what is not notes, in rows whose values the key says:

{rows}

The same id again, from the same client, while the request runs or for one minute after, gets the same answers again,
and nothing is computed twice. So a client that misses an answer just sends its request again. A client is an address
with its port, or with the `reply_port` of the request. Progress is not repeated. A request that was refused is not
remembered: send the missing part or mend the argument, and the same id may be used again.

At most {per_client} requests of one client may wait or run at a time; more are `busy`. Every request ends within the
daemon's `--deadline` (60 seconds), the time in the queue included. `/continuo/cancel id` ends one of this client, or
where it has none of this id, those of its host. Cancelling a request that has ended adds no answer.

## Errors

`/continuo/fail id code text`. The text says which argument, its value and its range.

| code | meaning |
|---|---|
{codes}

## Files, for hosts that cannot receive OSC

`reply_file name` in a request (up to 64 letters, digits, `-`, `_`) makes the daemon write files beside the OSC answers,
into the folder that `continuo paths` prints and `/continuo/status.reply` names. Each appears whole, under a temporary
name first. When a new request with the same name is accepted, the files of the one before are removed; while that one
has not ended, the new one is refused as `busy`.

| file | content |
|---|---|
| `name.progress` | while the job runs: one line, `/continuo/progress id fraction` |
| `name.<candidate>.mid` | the candidate: type 0, 960 ticks a quarter, end of track at the clip's length; with name, \
channel and program of the track, tempo, meter and their changes |
| `name.reply` | last of all: every answer but progress, as text, one message a line |

So wait for `name.reply`, read its last line, which is `done` or `fail`, then take the MIDI files or the notes. A
request that is refused writes its `fail` there as well, unless the name is in use. In a line the values stand apart by
one space. A number is bare and a float has a decimal point or an exponent. Text is bare where it is one word that
starts with a letter, `_` or `/`; all other text is in double quotes, with JSON's escapes. Files older than a day are
removed.

## An example with its datagrams

A client asks for four bars that continue two notes:

    /continuo/continue 7 bars 4 seed 11 notes 60 0.0 1.0 96 0 64 1.0 1.0 90 0

The datagram, {request_size} bytes:

{request}

What comes back, here with three notes in the answer:

{replies}

The third of these datagrams, {notes_size} bytes:

{notes_datagram}
"""
