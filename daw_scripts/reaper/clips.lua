-- Continuo in REAPER: items to clips, and answers to items. Positions are project quarter notes (QN) until they are
-- written. What goes wrong is a text for the musician.

local PROGRAM, DRUMS = 0xC0, 9 -- the status of a program change; channel 10, counted from 0
local NEAR = 1 / 1900 -- QN, a little more than half of Continuo's smallest step

-- The functions for a project; `in_editor` is true where the action was called in a MIDI editor.
return function (Continuo, project, in_editor)

-- Where the music of an item stands, and the length of the loop that it repeats, nil for none.
local function item_span (take, item)
	local position = reaper.GetMediaItemInfo_Value (item, "D_POSITION")
	local from = reaper.TimeMap2_timeToQN (project, position)
	local to = reaper.TimeMap2_timeToQN (project, position + reaper.GetMediaItemInfo_Value (item, "D_LENGTH"))
	local length, is_qn = reaper.GetMediaSourceLength (reaper.GetMediaItemTake_Source (take))
	length = length / reaper.GetMediaItemTakeInfo_Value (take, "D_PLAYRATE")
	local loops = is_qn and length > 0 and reaper.GetMediaItemInfo_Value (item, "B_LOOPSRC") == 1
	return from, to, loops and length < to - from + NEAR and length or nil
end

local function rounded (number) return math.floor (number * 1e6 + 0.5) / 1e6 end

local function place_at (qn)
	local numerator, denominator, tempo =
		reaper.TimeMap_GetTimeSigAtTime (project, reaper.TimeMap2_QNToTime (project, qn))
	return { tempo = tempo, numerator = numerator, denominator = denominator }
end

-- Tell a clip that begins at a QN where its first bar line lies, and where tempo and meter change inside it.
local function add_time (clip, from, to)
	local _, line, following = reaper.TimeMap_QNToMeasures (project, from + NEAR)
	clip.upbeat = from > line + NEAR and rounded (following - from) or 0
	clip.tempos, clip.meters = {}, {}
	local last = clip
	for index = 0, reaper.CountTempoTimeSigMarkers (project) - 1 do
		local _, time = reaper.GetTempoTimeSigMarker (project, index)
		local qn = reaper.TimeMap2_timeToQN (project, time)
		if qn > from + NEAR and qn < to - NEAR then
			local now, at = place_at (qn), rounded (qn - from)
			if now.tempo ~= last.tempo then table.insert (clip.tempos, { at = at, tempo = now.tempo }) end
			if now.numerator ~= last.numerator or now.denominator ~= last.denominator then
				table.insert (clip.meters, { at = at, numerator = now.numerator, denominator = now.denominator })
			end
			last = now
		end
	end
end

-- The program of a channel, counted from 1: the last that is set in a take up to a place, nil for none.
local function program_at (take, channel, ppq)
	local _, _, count = reaper.MIDI_CountEvts (take)
	local program
	for index = 0, count - 1 do
		local _, _, _, at, kind, on, value = reaper.MIDI_GetCC (take, index)
		if kind == PROGRAM and on == channel and at <= ppq then program = value + 1 end
	end
	return program
end

-- The clip that a take shows: the notes that begin inside its item, inside the time selection where that touches the
-- item, and of the selected ones only, where the action was called in the MIDI editor and there are any.
local function read_clip (take)
	local item = reaper.GetMediaItemTake_Item (take)
	local start, stop, loop = item_span (take, item)
	local from, to = start, loop and math.min (stop, start + loop) or stop
	local first, last = reaper.GetSet_LoopTimeRange2 (project, false, false, 0, 0, false)
	first, last = reaper.TimeMap2_timeToQN (project, first), reaper.TimeMap2_timeToQN (project, last)
	if last > first and first < to - NEAR and last > from + NEAR then
		from, to = math.max (from, first), math.min (to, last)
	end
	local clip = place_at (from)
	clip.notes, clip.length = {}, rounded (to - from)
	clip.take, clip.track, clip.from, clip.stop = take, reaper.GetMediaItemTake_Track (take), from, stop
	clip.loop = loop
	clip.name = select (2, reaper.GetSetMediaTrackInfo_String (clip.track, "P_NAME", "", false))
	clip.hash = select (2, reaper.MIDI_GetHash (take, true, ""))
	clip.drums = true
	local chosen_only = in_editor and reaper.MIDI_EnumSelNotes (take, -1) >= 0
	local _, count = reaper.MIDI_CountEvts (take)
	for index = 0, count - 1 do
		local _, selected, muted, start_ppq, end_ppq, channel, pitch, velocity = reaper.MIDI_GetNote (take, index)
		local at, till = reaper.MIDI_GetProjQNFromPPQPos (take, start_ppq), reaper.MIDI_GetProjQNFromPPQPos (take, end_ppq)
		local shift = loop and at < start - NEAR and math.ceil ((start - NEAR - at) / loop) * loop or 0
		local begin = at + shift
		if begin > from - NEAR and begin < to - NEAR and (selected or not chosen_only) then
			clip.drums = clip.drums and channel == DRUMS
			clip.notes[#clip.notes + 1] = { index = index, start_ppq = start_ppq, end_ppq = end_ppq, shift = shift,
				pitch = pitch, velocity = velocity, mute = muted, channel = channel, start = rounded (math.max (0, begin - from)),
				duration = rounded (math.max (2 * NEAR, math.min (till + shift, stop) - begin)) }
		end
	end
	Continuo.sort (clip.notes)
	local first = clip.notes[1]
	clip.drums = clip.drums and first ~= nil
	clip.channel = first and first.channel + 1
	clip.program = first and program_at (take, first.channel, first.start_ppq)
	add_time (clip, from, to)
	return clip
end

-- The takes that an action works on, by time, and a text where there are none.
local function chosen_takes (least)
	local editor = reaper.MIDIEditor_GetActive ()
	local edited = editor and reaper.MIDIEditor_GetTake (editor)
	if edited and in_editor and least < 2 then return { edited } end
	local takes, count = {}, reaper.CountSelectedMediaItems (project)
	for index = 0, count - 1 do
		local take = reaper.GetActiveTake (reaper.GetSelectedMediaItem (project, index))
		if take and reaper.TakeIsMIDI (take) then takes[#takes + 1] = take end
	end
	if count == 0 and edited then return { edited } end
	local text = count == 0 and "Nothing is selected. Select a MIDI item." or "The selected item is not MIDI."
	return takes, #takes == 0 and text or nil
end

-- Where music goes that continues nothing: after the selected item, or at the edit cursor of the selected track.
local function free_place ()
	local item = reaper.GetSelectedMediaItem (project, 0)
	local track = item and reaper.GetMediaItem_Track (item) or reaper.GetSelectedTrack (project, 0)
	if not track then return nil, "Select a track or an item first: the new music goes there." end
	local at = reaper.GetCursorPositionEx (project)
	if item then
		at = reaper.GetMediaItemInfo_Value (item, "D_POSITION") + reaper.GetMediaItemInfo_Value (item, "D_LENGTH")
	end
	local stop = reaper.TimeMap2_timeToQN (project, at)
	return { track = track, stop = stop, place = place_at (stop) }
end

-- The clips that a task takes, by time, and where its answer goes: { track, stop, from, place, row }. Nil, nil and
-- a text where there is nothing to work on.
local function selected (task)
	local takes, none = chosen_takes (task.clips_min)
	if none and task.clips_min > 0 then return nil, nil, none end
	local taken, fault = Continuo.clips_taken (task, #takes)
	if not taken then return nil, nil, fault end
	local clips, silent = {}, false
	for index = 1, taken do
		clips[index] = read_clip (takes[index])
		silent = silent or #clips[index].notes == 0
	end
	if silent and task.clips_min > 0 then return nil, nil, "There are no notes in the selected part of the item." end
	if silent or taken == 0 then
		local target, missing = free_place ()
		return target and {}, target, missing
	end
	table.sort (clips, function (a, b) return a.from < b.from end)
	local target = { track = clips[1].track, from = clips[1].from, stop = clips[1].stop, row = #clips > 1 }
	for _, clip in ipairs (clips) do target.stop = math.max (target.stop, clip.stop) end
	return clips, target
end

-- Writing --------------------------------------------------------------------------------------------------------

local function undoable (name, work)
	reaper.Undo_BeginBlock2 (project)
	reaper.PreventUIRefresh (1)
	local fine, fault = pcall (work)
	reaper.PreventUIRefresh (-1)
	reaper.Undo_EndBlock2 (project, name, -1)
	reaper.UpdateArrange ()
	return not fine and tostring (fault) or nil
end

local function ppq (take, qn) return math.floor (reaper.MIDI_GetPPQPosFromProjQN (take, qn) + 0.5) end

local function new_item (target, at, length, candidate, name)
	local item = reaper.CreateNewMIDIItemInProj (target.track, at, at + length, true)
	local take = reaper.GetActiveTake (item)
	local channel, program = (candidate.said.channel or 1) - 1, candidate.said.program
	if program then reaper.MIDI_InsertCC (take, false, false, 0, PROGRAM, channel, program - 1, 0) end
	for _, note in ipairs (candidate.notes) do
		local from, to = ppq (take, at + note.start), ppq (take, at + note.start + note.duration)
		reaper.MIDI_InsertNote (take, false, note.mute, from, to, channel, note.pitch, note.velocity, true)
	end
	reaper.MIDI_Sort (take)
	reaper.SetMediaItemInfo_Value (item, "B_LOOPSRC", 0)
	reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", name, true)
	return item, take
end

-- Candidates become the takes of one item, and the steps of a way between two clips a row of items.
local function write_new (target, _, task, undo, candidates)
	if not reaper.ValidatePtr2 (project, target.track, "MediaTrack*") then return "The track is not there any more." end
	if #candidates == 0 then return "Continuo has made nothing." end
	local at, length = target.stop, 0
	if target.from and candidates[1].said.place == "behind" then at = math.max (at, target.from + candidates[1].at) end
	for _, candidate in ipairs (candidates) do length = math.max (length, candidate.length) end
	return undoable (undo, function ()
		local item, active
		for number, candidate in ipairs (candidates) do
			local name = #candidates == 1 and task or task .. " " .. number
			if target.row then
				new_item (target, at, candidate.length, candidate, name)
				at = at + candidate.length
			elseif not item then
				item, active = new_item (target, at, length, candidate, name)
			else
				-- only an item that REAPER makes has a source that takes notes, and setting a source copies it
				local other, made = new_item (target, at, length, candidate, name)
				local take = reaper.AddTakeToMediaItem (item)
				reaper.SetMediaItemTake_Source (take, reaper.GetMediaItemTake_Source (made))
				reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", name, true)
				reaper.DeleteTrackMediaItem (target.track, other)
			end
		end
		if active then reaper.SetActiveTake (active) end
	end)
end

-- Why the notes of a clip cannot be changed any more; nil where they can.
local function gone (clip)
	if not reaper.ValidatePtr2 (project, clip.take, "MediaItem_Take*") then
		return "The clip is not there any more, so nothing was written."
	elseif select (2, reaper.MIDI_GetHash (clip.take, true, "")) ~= clip.hash then
		return "The clip was changed meanwhile, so nothing was written. Press the button again."
	end
end

-- The notes that start in a stretch of the clip go, and those of the answer take their place.
local function write_over (_, clip, _, undo, candidates)
	local fault, candidate, take = gone (clip), candidates[1], clip.take
	if fault then return fault end
	return undoable (undo, function ()
		local said, old = candidate.said, {}
		for _, note in ipairs (clip.notes) do
			if note.start > said.from - NEAR and note.start < said.to - NEAR then old[#old + 1] = note.index end
		end
		table.sort (old, function (a, b) return a > b end) -- from the last on, so that the others keep their indices
		for _, index in ipairs (old) do reaper.MIDI_DeleteNote (take, index) end
		for _, note in ipairs (candidate.notes) do
			local start = clip.from + candidate.at + note.start
			-- a loop has its notes once, those before the begin of the item too
			if clip.loop and start - reaper.MIDI_GetProjQNFromPPQPos (take, 0) > clip.loop - NEAR then start = start - clip.loop end
			reaper.MIDI_InsertNote (take, false, note.mute, ppq (take, start), ppq (take, start + note.duration),
				(said.channel or clip.channel or 1) - 1, note.pitch, note.velocity, true)
		end
		reaper.MIDI_Sort (take)
	end)
end

-- The notes that were read get what the answer says; all else of the take stays.
local function write_in_place (_, clip, _, undo, candidates)
	local fault, candidate = gone (clip), candidates[1]
	if fault then return fault end
	if #candidate.notes ~= #clip.notes then return "The answer does not fit the clip." end
	return undoable (undo, function ()
		local moved, take = {}, clip.take
		for k, note in ipairs (clip.notes) do
			local made, begin = candidate.notes[k], clip.from - note.shift
			local from, to = note.start_ppq, note.end_ppq
			if math.abs (made.start - note.start) > NEAR then from = ppq (take, begin + made.start) end
			if math.abs (made.start + made.duration - note.start - note.duration) > NEAR then
				to = ppq (take, begin + made.start + made.duration)
			end
			moved[k] = { from, math.max (to, from + 1) }
		end
		-- to the right from the last note on, then to the left from the first: notes of one pitch never meet on their way
		for k = #clip.notes, 1, -1 do
			local note, from, to = clip.notes[k], table.unpack (moved[k])
			from, to = math.max (from, note.start_ppq), math.max (to, note.end_ppq)
			reaper.MIDI_SetNote (take, note.index, nil, nil, from, to, nil, nil, candidate.notes[k].velocity, true)
		end
		for k, note in ipairs (clip.notes) do
			local from, to = table.unpack (moved[k])
			reaper.MIDI_SetNote (take, note.index, nil, nil, from, to, nil, nil, nil, true)
		end
		reaper.MIDI_Sort (take)
	end)
end

-- What is done with an answer, by what it is to the clip.
local PLACES = { in_place = write_in_place, over = write_over, behind = write_new, beside = write_new, free = write_new }

local function write (target, clip, task, undo, candidates)
	return PLACES[Continuo.place (candidates, clip)] (target, clip, task, undo, candidates)
end

return { selected = selected, write = write }

end
