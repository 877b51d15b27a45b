// A strict model of the Bitwig Studio controller API, as far as daw_scripts/bitwig uses it, for an ES5 engine.
// What it does not know does not exist: a call of anything else ends the test.
//
// | behaviour | where Bitwig's documentation of API 17 says it |
// |---|---|
// | settings, cursors and observers only in init() | Value.markInterested: "only ... during the driver's init method" |
// | get() of a value that nobody marked is an error | Value.markInterested: "an error will be reported" |
// | an observer marks its value | Value.markInterested: "Adding an observer ... will automatically mark" |
// | buttons, choices, texts of the project | DocumentState; Settings.getSignalSetting, getEnumSetting ... |
// | a note is reported where it starts, an emptied cell too | Clip.addNoteStepObserver, NoteStep.state |
// | x counts steps of setStepSize beats, y keys from scrollToKey | Clip.setStepSize, scrollToKey; NoteStep.x, y |
// | velocity 0..1, duration in beats, "if there is a note started" | NoteStep.setVelocity, setDuration |
// | notes move by whole steps | Clip.moveStep (API 16) |
// | the loop or the play marks bound a clip | Clip.isLoopEnabled, getLoopStart, getLoopLength, getPlayStart ... |
// | files go into slots | ClipLauncherSlotOrScene.replaceInsertionPoint, InsertionPoint.insertFile |
// | a cursor that is pinned does not follow the selection | PinnableCursor.isPinned |
// | OSC values are Integer, Double, String ... | OscConnection.sendMessage |
// | a server takes its port in start(), which may fail | OscModule.createUdpServer(space), OscServer.start |
// | a connection needs no address space | OscModule.connectToUdpServer: "can be null" |
// | timers | ControllerHost.scheduleTask(callback, delay in ms) |
// | load("file") beside the script | ControllerHost.load |
//
// Not in that documentation: changes arrive a moment later, so a read at once still gives the old value (here: until
// settle()); methods of the host have no apply() (github.com/trixtan/MpkMiniMkIIBC/issues/1); a script has no access
// to Java, so it can start no process (github.com/teotigraphix/Framework4Bitwig/issues/265: objects such as UUID
// "cannot be created"); an exception of start() is what a taken port gives.

var world = { ready: false, now: 0, tasks: [], changes: [], settings: {}, taken: [], receive: null };

function tell(kind, value) { print("@@" + JSON.stringify([kind, value])); }
function must(fact, text) { if (!fact) throw new Error("Bitwig would refuse this: " + text); }
function inInit(what) { must(!world.ready, what + " after init()"); }
function later(change) { world.changes.push(change); }
function whole(value, low, high, what) {
    must(typeof value === "number" && value % 1 === 0 && value >= low && value <= high, what + " " + value);
}

function settle() { // what was asked of Bitwig happens now
    while (world.changes.length) world.changes.shift()();
}

function advance(milliseconds) {
    settle();
    world.now += milliseconds;
    world.tasks.sort(function (a, b) { return a.at - b.at; });
    while (world.tasks.length && world.tasks[0].at <= world.now) {
        world.tasks.shift().run();
        settle();
    }
}

function makeValue(read, write) {
    var marked = false, observers = [], last;
    var value = {
        markInterested: function () { inInit("markInterested"); marked = true; },
        addValueObserver: function (observer) { inInit("addValueObserver"); marked = true; observers.push(observer); },
        get: function () { must(marked, "get() without markInterested()"); return read(); },
        getRaw: function () { return value.get(); },
        set: function (given) { must(write, "set() of this value"); later(function () { write(given); }); }
    };
    makeValue.all.push(function () {
        if (read() === last) return;
        last = read();
        observers.forEach(function (observer) { observer(last); });
    });
    return value;
}
makeValue.all = [];
function notify() { makeValue.all.forEach(function (check) { check(); }); }

// A note: {channel, key, start, duration, velocity, muted}; a clip: {notes, loop, start, length, playStart, playStop}.
function makeCursor(width, height, selected) {
    whole(width, 1, 1 << 16, "grid width");
    must(height === 128, "this model shows all 128 keys");
    var size = 0.25, observers = [], shown = {}, drawn = "";
    function x(note) { return Math.floor(note.start / size + 1e-6); }
    function at(channel, step, key) {
        var clip = selected();
        return clip && clip.notes.filter(function (note) {
            return note.channel === channel && note.key === key && x(note) === step;
        })[0];
    }
    function stepOf(channel, step, key) {
        whole(channel, 0, 15, "channel"); whole(step, 0, width - 1, "x"); whole(key, 0, 127, "y");
        var note = at(channel, step, key);
        function set(name, low, high) {
            return function (given) {
                must(given >= low && given <= high, name + " " + given);
                later(function () {
                    var there = at(channel, step, key);
                    if (there) { there[name] = given; tell("set", [name, there.key, there.start, given]); }
                });
            };
        }
        return {
            x: function () { return step; }, y: function () { return key; }, channel: function () { return channel; },
            state: function () { return note ? "NoteOn" : "Empty"; },
            velocity: function () { return note ? note.velocity : 0; },
            duration: function () { return note ? note.duration : 0; },
            isMuted: function () { return note ? note.muted : false; },
            setVelocity: set("velocity", 0, 1), setDuration: set("duration", 1e-9, 1e9)
        };
    }
    function report() {
        var now = {}, content = JSON.stringify([size, selected()]);
        if (content === drawn) return;
        drawn = content;
        (selected() ? selected().notes : []).forEach(function (note) {
            var cell = [note.channel, x(note), note.key];
            if (cell[1] >= 0 && cell[1] < width) now[cell] = cell;
        });
        for (var key in shown) if (!now[key]) tellStep(shown[key]);
        for (key in now) tellStep(now[key]);
        shown = now;
    }
    function tellStep(cell) { observers.forEach(function (observer) { observer(stepOf(cell[0], cell[1], cell[2])); }); }
    function bound(name) { return makeValue(function () { return selected() ? selected()[name] : 0; }); }
    var exists = makeValue(function () { return !!selected(); });
    var loop = makeValue(function () { return !!selected() && selected().loop; });
    var loopStart = bound("start"), loopLength = bound("length");
    var playStart = bound("playStart"), playStop = bound("playStop");
    makeCursor.all.push(report);
    return {
        exists: function () { return exists; }, isLoopEnabled: function () { return loop; },
        getLoopStart: function () { return loopStart; }, getLoopLength: function () { return loopLength; },
        getPlayStart: function () { return playStart; }, getPlayStop: function () { return playStop; },
        setStepSize: function (beats) { must(beats > 0, "step size"); size = beats; later(report); },
        scrollToKey: function (key) { must(key === 0, "this model shows all keys"); },
        addNoteStepObserver: function (observer) { inInit("addNoteStepObserver"); observers.push(observer); },
        getStep: stepOf,
        moveStep: function (channel, step, key, dx, dy) {
            whole(step + dx, 0, width - 1, "x after the move");
            must(dy === 0, "this model moves in time only");
            later(function () {
                var note = at(channel, step, key);
                if (!note) return;
                must(!at(channel, step + dx, key) || dx === 0, "a move onto another note");
                note.start += dx * size;
                tell("move", [note.key, note.start]);
            });
        }
    };
}
makeCursor.all = [];
function see() { settle(); notify(); settle(); makeCursor.all.forEach(function (report) { report(); }); settle(); }

// What is selected, and the slots of the one track.
var selection = {
    Launcher: null, Arranger: null, slots: [], slot: 0, pinned: false, notes: true, name: "Keys", tempo: 96.5, meter: [3, 4]
};
for (var s = 0; s < 64; s++) selection.slots.push({ exists: s < 6, content: false });

function makeSlot(k) {
    var exists = makeValue(function () { return selection.slots[k].exists; });
    var content = makeValue(function () { return selection.slots[k].content; });
    var chosen = makeValue(function () { return selection.slot === k; });
    return {
        exists: function () { return exists; }, hasContent: function () { return content; },
        isSelected: function () { return chosen; },
        replaceInsertionPoint: function () {
            return { insertFile: function (path) {
                must(typeof path === "string", "a path");
                later(function () { selection.slots[k].content = true; tell("insert", [k, path]); });
            } };
        }
    };
}

function makeTrack() {
    var pinned = makeValue(function () { return selection.pinned; }, function (on) {
        selection.pinned = on;
        tell("pinned", on);
    });
    var notes = makeValue(function () { return selection.notes; });
    var name = makeValue(function () { return selection.name; });
    var slots = selection.slots.map(function (_, k) { return makeSlot(k); });
    var bank = { getItemAt: function (k) { whole(k, 0, slots.length - 1, "slot"); return slots[k]; } };
    return {
        isPinned: function () { return pinned; }, canHoldNoteData: function () { return notes; },
        name: function () { return name; },
        clipLauncherSlotBank: function () { return bank; },
        createLauncherCursorClip: function (id, name, width, height) {
            inInit("createLauncherCursorClip");
            return makeCursor(width, height, function () { return selection.Launcher; });
        }
    };
}

function makeKept(now) {
    return makeValue(function () { return now; }, function (given) { now = given; });
}

function addSetting(label, setting) {
    inInit("a setting");
    must(!world.settings[label], "a second setting named " + label);
    return world.settings[label] = setting;
}

var osc = {
    createAddressSpace: function () {
        inInit("createAddressSpace");
        return { setName: function () {}, registerDefaultMethod: function (method) { this.method = method; } };
    },
    createUdpServer: function (space) {
        inInit("createUdpServer");
        return { start: function (port) {
            whole(port, 1024, 65535, "port");
            if (world.taken.indexOf(port) >= 0) throw new Error("java.net.BindException");
            world.receive = space.method;
            tell("listens", port);
        } };
    },
    connectToUdpServer: function (name, port, space) {
        inInit("connectToUdpServer");
        must(space === null, "the answers come to the server");
        function sendMessage(address) {
            var values = Array.prototype.slice.call(arguments, 1);
            must(values.length < 254, values.length + " arguments in one call");
            values.forEach(function (value) {
                var fits = typeof value === "string" || (typeof value === "number" && isFinite(value));
                must(fits, "the OSC value " + value);
            });
            tell("send", [name, port, address, values]);
        }
        sendMessage.apply = sendMessage.call = undefined;
        return { sendMessage: sendMessage };
    }
};

var host = {
    setShouldFailOnDeprecatedUse: function (fail) { must(fail === true, "deprecated calls"); },
    defineController: function (vendor, name, version, uuid, author) {
        must(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) && author, "the definition");
    },
    defineMidiPorts: function (ins, outs) { whole(ins, 0, 16, "ports"); whole(outs, 0, 16, "ports"); },
    getDocumentState: function () {
        inInit("getDocumentState");
        return {
            getSignalSetting: function (label, category, action) {
                var observers = [];
                must(action, "an action");
                return addSetting(label, {
                    addSignalObserver: function (observer) { inInit("addSignalObserver"); observers.push(observer); },
                    fire: function () { observers.forEach(function (observer) { observer(); }); }
                });
            },
            getEnumSetting: function (label, category, choices, first) {
                must(choices.indexOf(first) >= 0, "a first choice that is none");
                return addSetting(label, makeKept(first));
            },
            getStringSetting: function (label, category, length, first) {
                whole(length, 1, 10000, "length");
                return addSetting(label, makeKept(first));
            }
        };
    },
    createTransport: function () {
        inInit("createTransport");
        var tempo = makeValue(function () { return selection.tempo; });
        var top = makeValue(function () { return selection.meter[0]; });
        var bottom = makeValue(function () { return selection.meter[1]; });
        var meter = { numerator: function () { return top; }, denominator: function () { return bottom; } };
        return {
            tempo: function () { return { value: function () { return tempo; } }; },
            timeSignature: function () { return meter; }
        };
    },
    createCursorTrack: function (id, name, sends, scenes, follows) {
        inInit("createCursorTrack");
        must(scenes === 64 && sends === 0 && follows === true, "the cursor track");
        return makeTrack();
    },
    createArrangerCursorClip: function (width, height) {
        inInit("createArrangerCursorClip");
        return makeCursor(width, height, function () { return selection.Arranger; });
    },
    getOscModule: function () { inInit("getOscModule"); return osc; },
    scheduleTask: function (run, delay) {
        must(typeof run === "function" && delay >= 0, "a task");
        world.tasks.push({ run: run, at: world.now + delay });
    },
    showPopupNotification: function (text) { must(typeof text === "string", "a text"); tell("popup", text); },
    println: function (text) { tell("line", text); },
    errorln: function (text) { tell("error", text); }
};
function loadAPI(version) { must(version === 17, "another API"); }
function load(path) { must(FILES[path], "no file " + path); (0, eval)(FILES[path]); }

// for the test
function start() { init(); world.ready = true; see(); }
function push(label) { world.settings[label].fire(); see(); }
function hear(address, values) {
    var list = { size: function () { return values.length; }, get: function (k) { return values[k]; } };
    var message = { getAddressPattern: function () { return address; }, getArguments: function () { return list; } };
    world.receive(null, message);
    see();
}
