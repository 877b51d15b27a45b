-- Continuo in Ardour: regions, what is selected of them and what comes back. This stands in factory() of hook.lua, which
-- has `settings`, `need` and PPQN.

-- What is selected ----------------------------------------------------------------------------------------------

local function ticks (beats) -- this Lua sees of a Temporal::Beats only its text
	local quarters, rest = beats:str ():match ("^(%-?%d+):(%d+)$")
	return math.tointeger (quarters) * PPQN + math.tointeger (rest)
end

local function whole_ticks (beats) return math.floor (beats * PPQN + 0.5) end

local function notes_of (region)
	return ARDOUR.LuaAPI.note_list (region:to_midiregion ():model ()):iter ()
end

local function place_of (position) -- where music will stand, and in which time
	local map = Temporal.TempoMap.read ()
	local behind = Temporal.timepos_t.from_ticks (position:ticks () + 1) -- right at a change Ardour says what was before
	local meter = map:meter_at (behind)
	return { ticks = position:ticks (), tempo = map:quarters_per_minute_at (behind),
		numerator = meter:divisions_per_bar (), denominator = meter:note_value () }
end

-- Tell a clip, which has a place and a length, where its first bar line lies and where tempo and meter change inside
-- it. The map is looked at on every beat, so a ramp becomes steps.
local function add_time (clip)
	local map = Temporal.TempoMap.read ()
	local first, stop = clip.ticks, clip.ticks + clip.length * PPQN
	local last, tick = clip, clip.ticks
	clip.tempos, clip.meters = {}, {}
	while tick < stop do
		local position = Temporal.timepos_t.from_ticks (math.tointeger (tick))
		local now, at = place_of (position), (tick - first) / PPQN
		local unit = PPQN * 4 // now.denominator -- ticks a beat of the meter
		local beat, rest = map:bbt_at (position):str ():match ("|(%d+)|(%d+)$")
		local inside = (math.tointeger (beat) - 1) * unit + math.tointeger (rest) -- ticks since the bar line
		if tick == first then clip.upbeat = inside > 0 and (now.numerator * unit - inside) / PPQN or 0 end
		if now.tempo ~= last.tempo then table.insert (clip.tempos, { at = at, tempo = now.tempo }) end
		if now.numerator ~= last.numerator or now.denominator ~= last.denominator then
			table.insert (clip.meters, { at = at, numerator = now.numerator, denominator = now.denominator })
		end
		last, tick = now, tick + unit - inside % unit
	end
	return clip
end

local function track_of (region)
	for route in Session:get_tracks ():iter () do
		local found = route:to_track ():playlist ():region_by_id (region:to_stateful ():id ())
		if not found:isnil () then return route end
	end
end

-- The visible part of a region: notes of a region are in the time of its source, those before and behind it included.
local function clip_of (region)
	local clip, route = place_of (region:position ()), track_of (region)
	clip.first, clip.region, clip.notes, clip.drums = region:start ():ticks (), region:to_stateful ():id ():to_s (), {}, true
	clip.length, clip.name = region:length ():ticks () / PPQN, route and route:name ()
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
	clip.channel = clip.notes[1] and clip.notes[1].channel + 1
	return add_time (clip)
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
local function lay_out (job, candidates)
	local count, clip = #candidates, job.clips[1]
	if count > 0 and clip and candidates[1].said.place == "behind" then
		job.place.ticks = clip.ticks + whole_ticks (candidates[1].at)
	end
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

-- The region of a clip, and a function that takes notes out of those that it has now: one that looks like a note sent.
local function present (clip)
	local region = ARDOUR.RegionFactory.region_by_id (PBD.ID (clip.region))
	need (not region:isnil (), "The region is not there any more.")
	local alike = {} -- lists of notes by how they look
	local function list (...)
		local key = table.concat ({ ... }, " ")
		alike[key] = alike[key] or {}
		return alike[key]
	end
	for note in notes_of (region) do
		table.insert (list (ticks (note:time ()), note:note (), note:velocity (), note:channel ()), note)
	end
	return region, function (sent)
		local found = table.remove (list (sent.time, sent.pitch, sent.velocity, sent.channel), 1)
		return need (found, "The notes have been changed meanwhile. Nothing was done.")
	end
end

-- One step of Undo that changes the notes of a region: `change` is called with the command.
local function change_notes (job, region, change)
	local model = region:to_midiregion ():model ()
	local command = model:new_note_diff_command ("Continuo: " .. job.title)
	change (command)
	model:apply_diff_command_as_commit (Session, command)
	wake_undo ()
end

-- The very notes of the clip get what has changed of them; what came back as it was sent stays to the tick.
local function refine (job, candidates)
	local clip, answer = job.clips[1], candidates[1]
	local region, take = present (clip)
	change_notes (job, region, function (command)
		for index, sent in ipairs (clip.notes) do
			local got = need (answer.notes[index], "Continuo has sent too few notes.")
			local note = take (sent)
			local function moved (name) -- 1/960 beat is the resolution of the daemon
				return math.abs (got[name] - sent[name]) > 1 / 960 and whole_ticks (got[name])
			end
			local start, length = moved ("start"), moved ("duration")
			if start or length or got.velocity ~= sent.velocity then
				command:remove (note)
				command:add (ARDOUR.LuaAPI.new_noteptr (note:channel (),
					start and Temporal.Beats.ticks (clip.first + start) or note:time (),
					length and Temporal.Beats.ticks (length) or note:length (), note:note (), got.velocity))
			end
		end
	end)
end

-- The notes that start in a stretch of the clip go, and those of the answer take their place.
local function replace (job, candidates)
	local clip, answer = job.clips[1], candidates[1]
	local region, take = present (clip)
	local said = answer.said
	change_notes (job, region, function (command)
		for _, sent in ipairs (clip.notes) do
			local inside = sent.start > said.from - 1 / PPQN and sent.start < said.to - 1 / PPQN
			local note = take (sent) -- all are looked for: what has changed meanwhile is left alone
			if inside then command:remove (note) end
		end
		for _, note in ipairs (answer.notes) do
			command:add (ARDOUR.LuaAPI.new_noteptr ((said.channel or clip.channel or 1) - 1,
				Temporal.Beats.ticks (clip.first + whole_ticks (answer.at + note.start)),
				Temporal.Beats.ticks (math.max (1, whole_ticks (note.duration))), note.pitch, note.velocity))
		end
	end)
end

-- What is done with an answer, by what it is to the clip.
local PLACES = { in_place = refine, over = replace, behind = lay_out, beside = lay_out, free = lay_out }
