ardour {
	["type"] = "EditorHook",
	name = "Continuo",
	license = "MIT",
	author = "Continuo",
	category = "Continuo",
	description = [[Does what the buttons of Continuo ask for: sends the selected MIDI regions away and brings the music back.]]
}

function signals () return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true }) end

-- Called ten times a second in the thread of the user interface, it never waits. A button says with a line in a file
-- that it was pressed. Requests go out over OSC; Ardour's Lua cannot receive, so answers are files of the daemon.
-- Ardour keeps factory() and nothing else of this file, so all of it stands in there.
function factory ()
-- CONTINUO CORE

local PPQN = 1920 -- ticks a quarter in Ardour
local ALIVE_SECONDS = 10 -- between signs of life for the buttons
local SILENT_SECONDS = 2 -- of a whole-second clock: one to two seconds without a file, and the daemon may not be there
local LOST_SECONDS = 90 -- a daemon ends every request within 60

local settings, tasks -- see Continuo.settings and Continuo.tasks
local waiting = {} -- what an answer is expected to: { id, born, finish }, requests have lines and title, too
local count = 0
local last_alive = 0
local own -- how the names of this session's files in the spool start
local window -- of a progress bar that the user asked to see
local busy = false -- dialogs and imports run the main loop, and with it this hook

local function need (value, text)
	if not value then error (text, 0) end
	return value
end

local function write (path, content)
	local file, fault = io.open (path, "wb")
	need (file, "Continuo cannot write " .. tostring (fault))
	file:write (content)
	file:close ()
end

local function show (text, kind)
	LuaDialog.Message ("Continuo", text, LuaDialog.MessageType[kind], LuaDialog.ButtonType.Close):run ()
end

local function guarded (call, ...)
	local ok, fault = pcall (call, ...)
	if ok then return end
	pcall (write, own .. ".error", os.date ("%H:%M:%S ") .. tostring (fault) .. "\n")
	show (tostring (fault), "Error")
end

-- What is selected ----------------------------------------------------------------------------------------------

local function ticks (beats) -- this Lua sees of a Temporal::Beats only its text
	local quarters, rest = beats:str ():match ("^(%-?%d+):(%d+)$")
	return math.tointeger (quarters) * PPQN + math.tointeger (rest)
end

local function notes_of (region)
	return ARDOUR.LuaAPI.note_list (region:to_midiregion ():model ()):iter ()
end

local function place_of (position) -- where music will stand, and in which time
	local map = Temporal.TempoMap.read ()
	local meter = map:meter_at (position)
	return { ticks = position:ticks (), tempo = map:quarters_per_minute_at (position),
		numerator = meter:divisions_per_bar (), denominator = meter:note_value () }
end

-- The visible part of a region: notes of a region are in the time of its source, those before and behind it included.
local function clip_of (region)
	local clip = place_of (region:position ())
	clip.first, clip.region, clip.notes, clip.drums = region:start ():ticks (), region:to_stateful ():id ():to_s (), {}, true
	clip.length = region:length ():ticks () / PPQN
	for note in notes_of (region) do
		local start = (ticks (note:time ()) - clip.first) / PPQN
		if start >= 0 and start < clip.length then
			clip.notes[#clip.notes + 1] = { pitch = note:note (), start = start, velocity = note:velocity (),
				duration = math.max (ticks (note:length ()), 2) / PPQN, time = ticks (note:time ()), channel = note:channel () }
			clip.drums = clip.drums and note:channel () == 9
		end
	end
	clip.drums = clip.drums and #clip.notes > 0
	Continuo.sort (clip.notes)
	return clip
end

local function track_of (region)
	for route in Session:get_tracks ():iter () do
		local found = route:to_track ():playlist ():region_by_id (region:to_stateful ():id ())
		if not found:isnil () then return route end
	end
end

-- Clips in the order of their places, the place behind the last, the track, and whether something was no MIDI.
local function selected ()
	local regions, other = {}, false
	for region in Editor:get_selection ().regions:regionlist ():iter () do
		if region:to_midiregion ():isnil () then other = true else regions[#regions + 1] = region end
	end
	table.sort (regions, function (a, b) return a:position ():ticks () < b:position ():ticks () end)
	local clips, route, at = {}, nil, Temporal.timepos_t (Session:transport_sample ())
	for index, region in ipairs (regions) do
		local stop = region:position () + region:length ()
		clips[index] = clip_of (region)
		route = route or track_of (region)
		if index == 1 or stop:ticks () > at:ticks () then at = stop end
	end
	if not route then
		for one in Editor:get_selection ().tracks:routelist ():iter () do
			if not one:to_track ():isnil () and not one:to_track ():to_midi_track ():isnil () then route = route or one end
		end
	end
	local place = place_of (at)
	place.track = route and route:to_stateful ():id ():to_s ()
	return clips, place, other
end

-- What comes back -----------------------------------------------------------------------------------------------

-- Where nothing could be undone before, Ardour leaves its Undo grey after a script's command: its own undo wakes it.
local function wake_undo ()
	Editor:undo (1)
	Editor:redo (1)
end

-- Import the files of the daemon; the regions get the names of the files.
local function import (job, count, mode, track)
	local files = C.StringVector ()
	for index = 0, count - 1 do files:push_back (("%s/%s.%d.mid"):format (settings.spool, job.id, index)) end
	Editor:do_import (files, Editing.ImportSerializeFiles, mode, ARDOUR.SrcQuality.SrcBest,
		ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
		Temporal.timepos_t.from_ticks (job.place.ticks), ARDOUR.PluginInfo (), track, false)
end

-- New regions one behind the other. To import several onto a track would be a step to undo for each; imported to no
-- track and laid out here they are one step, and behind it some "insert file" of Ardour's that change nothing.
local function lay_out (job, count)
	local route = Session:route_by_id (PBD.ID (job.place.track))
	need (count > 0, "Continuo has sent no notes.")
	need (not route:isnil (), "The track is not there any more.")
	local track, name, regions = route:to_track (), job.title .. os.date (" %H%M%S", job.born), {}
	local file = "^" .. job.id:gsub ("%-", "%%-") .. "%.(%d+)"
	if count == 1 then
		import (job, count, Editing.ImportToTrack, track)
		for region in track:playlist ():region_list ():iter () do
			if region:name ():find (file) then region:set_name (name) end
		end
		return
	end
	import (job, count, Editing.ImportAsRegion, ARDOUR.Track ())
	for _, whole in ARDOUR.RegionFactory.regions ():iter () do
		local index = whole:whole_file () and whole:name ():match (file)
		if index then regions[math.tointeger (index) + 1] = whole end
	end
	need (#regions == count, "Ardour has not imported what Continuo sent.")
	local playlist, at = track:playlist (), job.place.ticks
	Session:begin_reversible_command ("Continuo: " .. job.title)
	playlist:to_stateful ():clear_changes ()
	for index, whole in ipairs (regions) do
		local region = ARDOUR.RegionFactory.clone_region (whole, true, false)
		region:set_name (("%s %d of %d"):format (name, index, count))
		playlist:add_region (region, Temporal.timepos_t.from_ticks (at), 1, false)
		at = at + region:length ():ticks ()
	end
	Session:add_stateful_diff_command (playlist:to_statefuldestructible ())
	Session:commit_reversible_command (nil)
	wake_undo ()
end

-- The very notes of the clip get what has changed of them; what came back as it was sent stays to the tick.
local function refine (job, answer)
	local clip = job.clips[1]
	local region = ARDOUR.RegionFactory.region_by_id (PBD.ID (clip.region))
	need (not region:isnil (), "The region is not there any more.")
	local present = {} -- lists of notes that look alike
	local function alike (...)
		local key = table.concat ({ ... }, " ")
		present[key] = present[key] or {}
		return present[key]
	end
	for note in notes_of (region) do
		table.insert (alike (ticks (note:time ()), note:note (), note:velocity (), note:channel ()), note)
	end
	local model = region:to_midiregion ():model ()
	local command = model:new_note_diff_command ("Continuo: " .. job.title)
	for index, sent in ipairs (clip.notes) do
		local got = need (answer.notes[index], "Continuo has sent too few notes.")
		local note = table.remove (alike (sent.time, sent.pitch, sent.velocity, sent.channel), 1)
		need (note, "The notes have been changed meanwhile. Nothing was done.")
		local function moved (name) -- 1/960 beat is the resolution of the daemon
			return math.abs (got[name] - sent[name]) > 1 / 960 and math.floor (got[name] * PPQN + 0.5)
		end
		local start, length = moved ("start"), moved ("duration")
		if start or length or got.velocity ~= sent.velocity then
			command:remove (note)
			command:add (ARDOUR.LuaAPI.new_noteptr (note:channel (),
				start and Temporal.Beats.ticks (clip.first + start) or note:time (),
				length and Temporal.Beats.ticks (length) or note:length (), note:note (), got.velocity))
		end
	end
	model:apply_diff_command_as_commit (Session, command)
	wake_undo ()
end

-- Talking to the daemon -----------------------------------------------------------------------------------------

local function send (lines)
	local daemon = ARDOUR.LuaOSC.Address ("osc.udp://127.0.0.1:" .. (settings.port or "16180"))
	for number, line in ipairs (lines) do
		local values, types = Continuo.values (line), {}
		for index = 2, #values do
			local value = values[index]
			types[index - 1] = math.type (value) == "integer" and "i" or type (value) == "number" and "f" or "s"
		end
		daemon:send (values[1], table.concat (types), table.unpack (values, 2))
		if number % 8 == 0 then ARDOUR.LuaAPI.usleep (1000) end -- UDP drops what a receiver cannot take at once
	end
end

local function expect (job)
	job.born = os.time ()
	waiting[#waiting + 1] = job
end

local function new_id ()
	count = count + 1
	return Continuo.job_id ("ardour", count)
end

-- Ask through the command line, which starts the daemon where none runs. `finish` gets the lines of the answer.
local function ask (line, finish)
	local id = new_id ()
	need (Continuo.write_ask (settings, id, { line }))
	os.forkexec (settings.command, "ask", id)
	expect ({ id = id, finish = function (lines)
		local fail = Continuo.answers (lines).fail
		need (not fail, fail and fail.text)
		finish (lines)
	end })
end

local function options_file () return Session:path () .. "/continuo.txt" end

-- The values that the musician has chosen in this session, by the name of the task.
local function remembered ()
	local found = {}
	for line in (Continuo.read (options_file ()) or ""):gmatch ("[^\r\n]+") do
		found[line:match ("^[^ ]*")] = Continuo.recall (line)
	end
	return found
end

local function request (action, clips, place, other)
	local task = need (tasks[action], "This Continuo cannot " .. action .. ".")
	need (#clips > 0 or task.clips_min == 0 or not other, "What is selected is no MIDI region.")
	local taken = need (Continuo.clips_taken (task, #clips))
	need (place.track, "Select a MIDI track or a MIDI region first.")
	clips = table.move (clips, 1, taken, 1, {})
	local values = remembered ()[action] or {}
	if values.drums == nil and clips[1] and clips[1].drums then values.drums = true end
	local job = { id = new_id (), action = action, title = action:gsub ("_", " "), clips = clips, place = place }
	job.lines = Continuo.request_lines (task, job.id, clips, values, place)
	job.finish = function (lines)
		local answers = Continuo.answers (lines)
		need (not answers.fail, answers.fail and answers.fail.text)
		if action:find ("^refine") then refine (job, need (answers.candidates[1], "Continuo has sent no notes."))
		else lay_out (job, #answers.candidates) end
	end
	send (job.lines)
	expect (job)
end

-- The buttons ---------------------------------------------------------------------------------------------------

local function edit_options ()
	local names = {}
	for _, task in ipairs (tasks) do
		if task.clips_max <= 2 then names[task.name .. ": " .. task.summary] = task.name end -- those that have a button
	end
	local chosen = LuaDialog.Dialog ("Continuo: options of", {
		{ type = "dropdown", key = "task", title = "Options of", values = names } }):run ()
	if not chosen then return end
	local all, rows = remembered (), {}
	local values = all[chosen.task] or {}
	for _, option in ipairs (tasks[chosen.task].options) do
		rows[#rows + 1] = { type = "entry", key = option.key, default = Continuo.value_shown (option, values[option.key]),
			title = ("%s: %s (%s)"):format (option.key, option.help, Continuo.range_text (option)) }
	end
	local typed = LuaDialog.Dialog ("Continuo: " .. chosen.task, rows):run ()
	if not typed then return end
	local new = {}
	for _, option in ipairs (tasks[chosen.task].options) do
		local value, fault = Continuo.option_value (option, typed[option.key])
		need (not fault, fault)
		new[option.key] = value
	end
	all[chosen.task] = new
	local lines = {}
	for name, one in pairs (all) do lines[#lines + 1] = Continuo.remember (one):gsub ("^options", name) .. "\n" end
	table.sort (lines)
	write (options_file (), table.concat (lines))
end

local function with_tasks (again, call, ...)
	local arguments = table.pack (...)
	if tasks and not again then return call (...) end
	ask ("/continuo/tasks", function (lines)
		tasks = Continuo.tasks (lines)
		call (table.unpack (arguments, 1, arguments.n))
	end)
end

local function running () -- the request that was made first and has not ended
	for _, job in ipairs (waiting) do
		if job.lines and not job.ended then return job end
	end
end

local function cancel ()
	need (running (), "Nothing is running.")
	for job in running do
		send ({ Continuo.message ("/continuo/cancel", { job.id }) })
		job.ended = true -- whatever still comes of it
	end
end

local BUTTONS = {
	cancel = cancel,
	options = function () with_tasks (true, edit_options) end,
	status = function ()
		if running () then
			window = LuaDialog.ProgressWindow ("Continuo", true)
			return
		end
		ask ("/continuo/status", function (lines)
			local fault = Continuo.read (own .. ".error")
			show (Continuo.status_text (lines) .. (fault and "\n\nLast error: " .. fault or ""), "Info")
		end)
	end,
}

local function press (action)
	if BUTTONS[action] then return BUTTONS[action] () end
	with_tasks (false, request, action, selected ())
end

-- Ten times a second --------------------------------------------------------------------------------------------

local function look_for (job)
	local lines, age = Continuo.read_reply (settings, job.id), os.time () - job.born
	job.ended = lines or age > LOST_SECONDS
	if lines then
		job.finish (lines)
	elseif job.ended then
		error ("Continuo does not answer any more.", 0)
	elseif job.lines and not job.looked and age >= SILENT_SECONDS and not Continuo.read_progress (settings, job.id) then
		job.looked = true
		-- a request that the daemon has already is refused when it comes again, and goes on
		ask ("/continuo/ping 1", function () if not job.ended then send (job.lines) end end)
	end
end

local function draw ()
	local job = running ()
	if job then
		local done = Continuo.read_progress (settings, job.id)
		if window:progress (done or -1, job.title) then cancel () end
	else
		window:done ()
		window = nil
	end
end

local function tick ()
	local pressed = Continuo.read (own .. ".press")
	if pressed then
		os.remove (own .. ".press")
		for action in pressed:gmatch ("[%w_]+") do guarded (press, action) end
	end
	for _, job in ipairs (table.move (waiting, 1, #waiting, 1, {})) do
		if not job.ended then guarded (look_for, job) end
	end
	for index = #waiting, 1, -1 do
		if waiting[index].ended then table.remove (waiting, index) end
	end
	if window then guarded (draw) end
end

return function ()
	if not Session or busy then return end
	settings = settings or Continuo.settings ("ardour")
	if not settings then return end -- the buttons say it
	local session = settings.spool .. "/ardour-" .. Session:path ():gsub ("%W", "-"):sub (-80)
	if own ~= session then own, waiting, last_alive = session, {}, 0 end -- nothing goes over into another session
	if os.time () - last_alive >= ALIVE_SECONDS then
		last_alive = os.time ()
		pcall (write, own .. ".alive", last_alive)
	end
	busy = true
	guarded (tick)
	busy = false
end
end
