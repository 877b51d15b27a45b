// How a clip is read from Bitwig and a result written back: a part of Continuo.control.js, loaded by it.

var STEPS = 3072; // of the grid: 64 beats at 48 steps a beat
var GRIDS = [48, 24, 12]; // steps a beat: the finest in which the clip fits
var DRUMS = 9; // MIDI channel 10, counted from 0
var SLOTS = 64; // clip slots of the track
var SETTLE = 300; // ms until changed notes can be found at their new place

var slots = [];
var before = null; // what "Put back" writes

function watch(clip) {
    var view = { clip: clip, cells: {}, grid: GRIDS[0] };
    [clip.exists(), clip.isLoopEnabled(), clip.getLoopStart(), clip.getLoopLength(), clip.getPlayStart(),
        clip.getPlayStop()].forEach(function (value) { value.addValueObserver(function () { fit(view); }); });
    clip.setStepSize(1 / view.grid);
    clip.scrollToKey(0);
    clip.addNoteStepObserver(function (step) {
        var cell = [step.channel(), step.x(), step.y()];
        if (String(step.state()) === "NoteOn") view.cells[cell.join(" ")] = cell;
        else delete view.cells[cell.join(" ")];
    });
    return view;
}

function watchSlots(bank) {
    for (var k = 0; k < SLOTS; k++) {
        slots.push(bank.getItemAt(k));
        [slots[k].exists(), slots[k].hasContent(), slots[k].isSelected()]
            .forEach(function (value) { value.markInterested(); });
    }
}

function part(clip) { // the visible part: the loop, or where there is none from play start to stop
    if (clip.isLoopEnabled().get()) return { start: clip.getLoopStart().get(), length: clip.getLoopLength().get() };
    return { start: clip.getPlayStart().get(), length: clip.getPlayStop().get() - clip.getPlayStart().get() };
}

function fit(view) {
    var end = part(view.clip).start + part(view.clip).length;
    var grid = GRIDS.filter(function (steps) { return end * steps <= STEPS; })[0] || GRIDS[GRIDS.length - 1];
    if (grid === view.grid) return;
    view.grid = grid;
    view.cells = {};
    view.clip.setStepSize(1 / grid);
}

function beats(value) {
    return Math.round(value * 1e6) / 1e6;
}

function read(view) {
    var bounds = part(view.clip), notes = [];
    for (var key in view.cells) {
        var cell = view.cells[key], step = view.clip.getStep(cell[0], cell[1], cell[2]);
        var start = beats(cell[1] / view.grid - bounds.start);
        if (String(step.state()) !== "NoteOn" || start < 0 || start >= bounds.length) continue;
        var duration = beats(Math.min(step.duration(), bounds.length - start));
        var velocity = Math.max(1, Math.round(step.velocity() * 127));
        notes.push({
            cell: cell, velocity: step.velocity(), duration: step.duration(),
            values: [cell[2], start, duration, velocity, step.isMuted() ? 1 : 0]
        });
    }
    notes.sort(function (a, b) {
        return a.values[1] - b.values[1] || a.values[0] - b.values[0] || a.cell[0] - b.cell[0];
    });
    return {
        view: view, notes: notes, start: bounds.start, length: beats(bounds.length), end: bounds.start + bounds.length
    };
}

// What is known of the track and the time of a clip, as pairs. Bars count from beat 0 of the clip.
function told(clip, meter, name) {
    var pairs = name ? ["name", name] : [], bar = 4 * meter[0] / meter[1], inside = ((clip.start % bar) + bar) % bar;
    function isDrum(note) { return note.cell[0] === DRUMS; }
    if (clip.notes.length) pairs.push("channel", clip.notes[0].cell[0] + 1);
    if (clip.notes.length && clip.notes.every(isDrum)) pairs.push("drums", 1);
    if (beats(inside) > 0 && beats(inside) < bar) pairs.push("upbeat", beats(bar - inside));
    return pairs;
}

// the result

// What follows gives {text} or {problem}: words for the musician.

function placed(name, candidates, spool, track) { // the daemon's files into the empty slots after the selected one
    var empty = [], after = 0;
    if (!track.canHoldNoteData().get()) return { problem: "select an instrument track for the new clips." };
    slots.forEach(function (slot) {
        if (slot.isSelected().get()) after = empty.length;
        if (slot.exists().get() && !slot.hasContent().get()) empty.push(slot);
    });
    empty = empty.slice(after).concat(empty.slice(0, after)).slice(0, candidates);
    empty.forEach(function (slot, k) {
        slot.replaceInsertionPoint().insertFile(spool + "/" + name + "." + k + ".mid");
    });
    if (empty.length === candidates) return { text: candidates + (candidates === 1 ? " new clip" : " new clips") };
    return { problem: empty.length + " of " + candidates + " clips found an empty slot. All of them are in " + spool };
}

function refined(clip, answers) { // answers: [pitch, start, duration, velocity, mute] of each note of the clip
    var view = clip.view, old = clip.notes, now = read(view).notes;
    var same = now.length === old.length && now.every(function (note, k) {
        return String([note.cell, note.values]) === String([old[k].cell, old[k].values]);
    });
    var whole = old.every(function (_, k) { return answers[k]; });
    if (!same) return { problem: "the clip has changed, or another one is selected: nothing was written." };
    if (!whole) return { problem: "notes were lost on the way: press again." };
    var changes = [];
    old.forEach(function (note, k) {
        var was = note.values, answer = answers[k], moved = Math.round((answer[1] - was[1]) * view.grid);
        var change = { cell: note.cell, moved: moved, velocity: note.velocity, duration: note.duration };
        change.old = { velocity: note.velocity, duration: note.duration };
        if (answer[3] !== was[3]) change.velocity = answer[3] / 127;
        if (Math.abs(answer[2] - was[2]) > 1 / 960) change.duration = answer[2];
        if (moved || change.velocity !== note.velocity || change.duration !== note.duration) changes.push(change);
    });
    write(view.clip, changes);
    before = { view: view, grid: view.grid, changes: changes.map(reversed) };
    return { text: changes.length + (changes.length === 1 ? " note changed" : " notes changed") };
}

function reversed(change) {
    var cell = [change.cell[0], change.cell[1] + change.moved, change.cell[2]];
    return {
        cell: cell, moved: -change.moved, velocity: change.old.velocity, duration: change.old.duration,
        old: { velocity: change.velocity, duration: change.duration }
    };
}

// Velocities and shorter durations first, then moves from the side to which notes go, and last the longer durations:
// so no note is cut or covered by one that is still to be changed.
function write(clip, changes) {
    function step(change, moved) { return clip.getStep(change.cell[0], change.cell[1] + moved, change.cell[2]); }
    changes.forEach(function (change) {
        if (change.velocity !== change.old.velocity) step(change, 0).setVelocity(change.velocity);
        if (change.duration < change.old.duration) step(change, 0).setDuration(change.duration);
    });
    changes.filter(function (change) { return change.moved; }).sort(function (a, b) {
        return (b.moved > 0) - (a.moved > 0) || (a.moved > 0 ? b.cell[1] - a.cell[1] : a.cell[1] - b.cell[1]);
    }).forEach(function (change) {
        clip.moveStep(change.cell[0], change.cell[1], change.cell[2], change.moved, 0);
    });
    host.scheduleTask(function () {
        changes.forEach(function (change) {
            if (change.duration > change.old.duration) step(change, change.moved).setDuration(change.duration);
        });
    }, SETTLE);
}

function putBack() {
    if (!before) return "there is nothing to put back.";
    var here = before.changes.every(function (change) {
        return String(before.view.clip.getStep(change.cell[0], change.cell[1], change.cell[2]).state()) === "NoteOn";
    });
    if (!here || before.grid !== before.view.grid) {
        return "the refined clip has changed, or another one is selected: nothing was put back.";
    }
    write(before.view.clip, before.changes);
    var text = before.changes.length + " notes put back.";
    before = null;
    return text;
}
