-- Continuo in Ardour: regions, what is selected of them and what comes back. This stands in factory() of hook.lua, which
-- has `settings`, `need` and PPQN.

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
