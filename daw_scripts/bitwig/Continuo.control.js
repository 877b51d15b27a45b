// Continuo for Bitwig Studio 5: buttons in the I/O panel (Studio I/O, "Continuo") that send the selected clip to the
// Continuo daemon and write back what it answers. This file talks to the daemon, clip.js to the clip; plain JavaScript,
// controller API 17.
//
// What Bitwig leaves to a script, and what follows from it:
// - A script cannot start a process: start "continuo serve" once in a terminal.
// - Settings can be made only in init(), before the daemon is known: each task has one text of options
//   ("bars 2 temperature 0.9"), kept in the project; "Show options" names what there is.
// - A cursor follows one clip: Interpolate is pressed once on the first clip and once on the second.
// - Several changes cannot be made one undo step: "Put back" takes the last refinement back.
// - A clip is seen as a grid: starts are read to 1/48 beat (1/24 or 1/12 in long clips), durations exactly.

loadAPI(17);
host.setShouldFailOnDeprecatedUse(true);
host.defineController("Continuo", "Continuo", "0.1", "6f0d3c52-8a0e-4d0b-9d37-3a7c1d6be4c1", "Continuo");
host.defineMidiPorts(0, 0);
load("clip.js");

var DAEMON = 16180; // where Continuo listens
var FIRST_PORT = 16190; // where this script listens: the first free one of ten
var PART = 40; // notes in a message: the Java below takes at most 255 arguments in a call
var ANSWER = 2000; // ms in which the daemon has to say something
var WORK = 70000; // ms after which a job is given up: the daemon gives it up after 60 s
var ACTIONS = [
    ["Generate", "generate"], ["Continue", "continue"], ["Interpolate", "interpolate"], ["Vary", "vary"],
    ["Walk", "walk"], ["Refine durations", "refine_duration"], ["Refine velocities", "refine_velocity"],
    ["Refine both", "refine"]
];

var port, connection, transport, track, source, views, texts = {}, senders = {};
var table = {}; // what the daemon says of its tasks: {least, most, options}
var state = null; // the daemon's last status.reply
var asked = null; // what to do when the table is there
var job = null; // the press that is being worked on
var kept = []; // clips of a task that takes several
var waiting = 0, count = 0, lastError = "none";

function init() {
    var panel = host.getDocumentState();
    function button(label, pressed) {
        panel.getSignalSetting(label, "Continuo", label).addSignalObserver(pressed);
    }
    ACTIONS.forEach(function (action) {
        button(action[0], function () { press(action[0], action[1]); });
    });
    button("Cancel", cancel);
    button("Put back", function () { say(job ? "still busy with " + job.label + "." : putBack()); });
    button("Show options", function () { ask(showOptions); });
    button("Show what Continuo is doing", function () { ask(showState); });
    source = panel.getEnumSetting("Take notes from", "Continuo", ["Launcher", "Arranger"], "Launcher");
    source.markInterested();
    ACTIONS.forEach(function (action) {
        texts[action[1]] = panel.getStringSetting(action[0] + " options", "Continuo options", 200, "");
        texts[action[1]].markInterested();
    });
    transport = host.createTransport();
    [transport.tempo().value(), transport.timeSignature().numerator(), transport.timeSignature().denominator()]
        .forEach(function (value) { value.markInterested(); });
    track = host.createCursorTrack("CONTINUO", "Continuo", 0, SLOTS, true);
    [track.isPinned(), track.canHoldNoteData(), track.name()].forEach(function (value) { value.markInterested(); });
    watchSlots(track.clipLauncherSlotBank());
    views = {
        Launcher: watch(track.createLauncherCursorClip("CONTINUO_CLIP", "Continuo", STEPS, 128)),
        Arranger: watch(host.createArrangerCursorClip(STEPS, 128))
    };
    connect(host.getOscModule());
}

function flush() {}

function exit() {
    send("/continuo/reply_port", [0]);
}

function say(text) {
    host.showPopupNotification("Continuo: " + text);
}

// the wire

function connect(osc) {
    var space = osc.createAddressSpace();
    space.setName("Continuo");
    space.registerDefaultMethod(function (from, message) {
        var handler = HEARD[message.getAddressPattern()], list = message.getArguments(), values = [];
        for (var k = 0; k < list.size(); k++) values.push(list.get(k));
        if (handler) handler(values);
    });
    var server = osc.createUdpServer(space);
    for (port = FIRST_PORT; port < FIRST_PORT + 10; port++) {
        try {
            server.start(port);
            break;
        } catch (taken) {} // by another program, or by this script before it was restarted
    }
    connection = osc.connectToUdpServer("127.0.0.1", DAEMON, null);
    send("/continuo/reply_port", [port]);
}

// Methods of the host have no apply() in all of Bitwig's engines, so each number of arguments gets a call written out.
function send(address, values) {
    var n = values.length;
    if (!senders[n]) {
        var places = values.map(function (_, k) { return ", v[" + k + "]"; }).join("");
        senders[n] = new Function("c", "a", "v", "c.sendMessage(a" + places + ");");
    }
    try {
        senders[n](connection, address, values);
    } catch (error) {
        host.errorln("Continuo: " + error); // nobody listens there: wait() says it
    }
}

function wait(milliseconds) {
    var mark = ++waiting;
    host.scheduleTask(function () {
        if (mark === waiting) stop("does not answer. Start it in a terminal: continuo serve");
    }, milliseconds);
}

// Every button begins here: the daemon may have been started or changed since the last time.
function ask(then) {
    if (asked) return; // a question is on its way
    if (port === FIRST_PORT + 10) return stop("finds no free UDP port from " + FIRST_PORT + " on.");
    asked = function () {
        asked = null;
        waiting++;
        then();
    };
    table = {};
    send("/continuo/reply_port", [port]);
    send("/continuo/status", []);
    send("/continuo/tasks", []);
    wait(ANSWER);
}

var HEARD = {
    "/continuo/status.reply": function (values) { state = values; },
    "/continuo/task": function (values) { table[values[0]] = { least: values[3], most: values[4], options: [] }; },
    "/continuo/option": function (values) {
        if (table[values[0]]) table[values[0]].options.push(values.slice(1));
    },
    "/continuo/accepted": mine(function () {}),
    "/continuo/progress": mine(function (values) { say(job.label + " " + Math.round(values[1] * 100) + " %"); }),
    "/continuo/notes": mine(function (values) {
        for (var k = 4; values[1] === 0 && k < values.length; k += 5) {
            job.notes[values[2] + (k - 4) / 5] = values.slice(k, k + 5);
        }
    }),
    "/continuo/result": mine(function (values) {
        for (var k = 5; values[1] === 0 && k + 1 < values.length; k += 2) job.said[values[k]] = values[k + 1];
    }),
    "/continuo/done": function (values) {
        var then = values[0] === "" && values[1] === "tasks" && state ? asked : finish;
        if (then) then(values);
    },
    "/continuo/fail": mine(function (values) { stop(values[2]); })
};
var finish = mine(function (values) {
    var inPlace = job.clip && job.said.place === "in_place"; // all else becomes new clips
    var result = inPlace ? refined(job.clip, job.notes) : placed(job.id, values[2], state[7], track);
    (result.problem ? stop : end)(result.problem || result.text);
});

// Answers to other programs on this computer arrive here as well.
function mine(handler) {
    return function (values) {
        if (!job || values[0] !== job.id) return;
        wait(WORK);
        handler(values);
    };
}

// a press

function press(label, task) {
    if (job) return say("still busy with " + job.label + ". Wait, or press Cancel.");
    job = { label: label, task: task, id: "bitwig-" + Math.floor(Date.now() / 1000) + "-" + (++count), notes: {}, said: {} };
    job.pinned = track.isPinned().get();
    track.isPinned().set(true); // the result belongs on the track where the button was pressed
    ask(begin);
}

function end(text) { // of whatever runs
    if (job) track.isPinned().set(job.pinned);
    job = asked = null;
    waiting++;
    say(text);
}

function stop(problem) {
    lastError = problem;
    end(problem);
}

function begin() {
    var row = table[job.task], clips = [], view = views[source.get()], clip = read(view);
    if (!row) return stop("this version of Continuo has no " + job.label);
    if (row.least && !view.clip.exists().get()) return stop("nothing is selected in the " + source.get() + ".");
    if (row.least && !clip.notes.length) return stop("the selected clip has no notes in its visible part.");
    if (row.most && clip.end * GRIDS[GRIDS.length - 1] > STEPS) {
        return stop("the clip ends after beat " + STEPS / GRIDS[GRIDS.length - 1] + ": shorten its loop.");
    }
    if (row.most && clip.notes.length && view.clip.exists().get()) clips = [clip];
    if (row.least > 1) {
        clips = kept = kept.concat(clips);
        if (kept.length < row.least) {
            return end("clip " + kept.length + " kept. Select the next one and press " + job.label + " again.");
        }
        kept = [];
    }
    var options = chosen(row, clips.length), request = [job.id].concat(options || []);
    if (!options) return stop("write the options of " + job.label + " as: name value name value");
    clips.forEach(function (given, k) {
        var name = job.id + "-" + "ABCDEFGH"[k];
        give(name, given);
        request.push("clip", name);
    });
    if (clips.length === 1) job.clip = clip;
    request.push("reply_file", job.id);
    send("/continuo/" + job.task, request);
    wait(ANSWER);
}

function meter() {
    return [transport.timeSignature().numerator().get(), transport.timeSignature().denominator().get()];
}

function give(name, clip) {
    for (var first = 0; first < clip.notes.length; first += PART) {
        var values = [name, first, clip.notes.length];
        clip.notes.slice(first, first + PART).forEach(function (note) { values = values.concat(note.values); });
        send("/continuo/clip", values);
    }
    var info = [name, clip.length, beats(transport.tempo().value().getRaw())].concat(meter());
    send("/continuo/clip/info", info.concat(told(clip, meter(), track.name().get())));
}

// The options of the panel as pairs, in the daemon's order; a task without a clip takes tempo and meter of the project.
function chosen(row, clips) {
    var words = texts[job.task].get().split(/\s+/).filter(String), values = {}, pairs = [], types = {};
    if (words.length % 2) return null;
    row.options.forEach(function (option) { types[option[0]] = option[1]; });
    if (!clips && types.tempo) values.tempo = beats(transport.tempo().value().getRaw());
    if (!clips && types.meter) values.meter = meter().join("/");
    for (var k = 0; k < words.length; k += 2) {
        var number = /^(int|float|bool)$/.test(types[words[k]]) ? Number(words[k + 1]) : NaN;
        values[words[k]] = isNaN(number) ? words[k + 1] : number;
    }
    Object.keys(types).concat(Object.keys(values)).forEach(function (key, k, all) {
        if (key in values && all.indexOf(key) === k) pairs.push(key, values[key]);
    });
    return pairs;
}

// the other buttons

function cancel() {
    kept = [];
    if (!job) return say("nothing is running.");
    send("/continuo/cancel", [job.id]);
    end(job.label + " cancelled.");
}

function showOptions() {
    ACTIONS.forEach(function (action, k) {
        var lines = (table[action[1]] || { options: [] }).options.map(function (option) {
            host.println(action[0] + ": " + option.join("  "));
            return option[0] + " " + (option[5] || option[2] + ".." + option[3]);
        });
        host.scheduleTask(function () { say(action[0] + ": " + lines.join(", ")); }, k * 4000);
    });
}

function showState() {
    say("on " + state[0] + ", " + state[1] + " running, " + state[2] + " waiting, " + state[3] + " done, " + state[4] +
        " failed. " + (job ? "Yours: " + job.label + ". " : "") + "Last problem here: " + lastError);
}
