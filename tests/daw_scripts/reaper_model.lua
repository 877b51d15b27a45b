-- A model of REAPER for the tests of daw_scripts/reaper: the calls that those scripts make, and nothing else.
-- `lua5.4 reaper_model.lua FOLDER SCENARIO` runs the Lua file SCENARIO, which builds a project and presses the actions
-- in FOLDER with the functions of the table M (reaper_scenario.lua). A call that is not modelled is an error. The
-- scripts have not been run in REAPER itself; what each behaviour stands on is in reaper_model.md.

local SCENARIO = arg[2]
local PPQ = 960
M = { messages = {}, dialogs = {}, tips = {}, inputs = {}, toggled = {}, editor = nil, later = 0 }
local project = { kind = "ReaProject*", tracks = {}, tempo = { { 0, 120, 4, 4 } }, ext = {}, cursor = 0,
	loop = { 0, 0 } }
local ext_state, undo, redo = {}, {}, {}
local blocks, refresh, before = 0, 0, nil
local reaper = setmetatable ({}, { __index = function (_, name) error ("not modelled: reaper." .. name, 2) end })

-- Time: a list of { QN, quarters a minute, numerator, denominator }, each up to the next --------------------------

local function tempo_walk (reached)
	local seconds = 0
	for index, mark in ipairs (project.tempo) do
		local following = project.tempo[index + 1]
		local length = following and (following[1] - mark[1]) * 60 / mark[2] or math.huge
		if reached (seconds, length, mark) then return seconds, mark end
		seconds = seconds + length
	end
end
local function to_qn (time)
	local seconds, mark = tempo_walk (function (from, length) return time < from + length - 1e-9 end)
	return mark[1] + (time - seconds) * mark[2] / 60
end
local function to_time (qn)
	local seconds, mark = tempo_walk (function (_, length, at) return (qn - at[1]) * 60 / at[2] < length end)
	return seconds + (qn - mark[1]) * 60 / mark[2]
end
function reaper.TimeMap2_timeToQN (_, time) return to_qn (time) end
function reaper.TimeMap2_QNToTime (_, qn) return to_time (qn) end
function reaper.TimeMap_GetTimeSigAtTime (_, time)
	local _, mark = tempo_walk (function (from, length) return time < from + length - 1e-9 end)
	return mark[3], mark[4], mark[2]
end
function reaper.TimeMap_QNToMeasures (_, qn)
	local number = 0
	for index, mark in ipairs (project.tempo) do -- every mark begins a measure
		local length, following = mark[3] * 4 / mark[4], project.tempo[index + 1]
		local stop = following and following[1] or math.huge
		if qn < stop then
			local count = (qn - mark[1]) // length
			return number + count + 1, mark[1] + count * length, math.min (stop, mark[1] + (count + 1) * length)
		end
		number = number + math.ceil ((stop - mark[1]) / length)
	end
end
function reaper.CountTempoTimeSigMarkers () return #project.tempo end
function reaper.GetTempoTimeSigMarker (_, index)
	local mark = project.tempo[index + 1]
	return true, to_time (mark[1]), 0, 0, mark[2], mark[3], mark[4], false
end
function reaper.GetSet_LoopTimeRange2 (_, is_set, _, _, _, _)
	assert (not is_set, "the time selection is the musician's")
	return to_time (project.loop[1]), to_time (project.loop[2])
end
function reaper.GetCursorPositionEx () return to_time (project.cursor) end
function reaper.time_precise () return os.time () + M.later end

-- Objects --------------------------------------------------------------------------------------------------------

local function each (use)
	for _, track in ipairs (project.tracks) do
		use (track)
		for _, item in ipairs (track.items) do
			use (item)
			for _, take in ipairs (item.takes) do use (take) use (take.source) end
		end
	end
end
local function alive (pointer)
	local found = pointer == project
	each (function (object) found = found or object == pointer end)
	return found
end
local function copied (value, known)
	if type (value) ~= "table" then return value end
	if not known[value] then
		known[value] = {}
		for key, part in pairs (value) do known[value][key] = copied (part, known) end
	end
	return known[value]
end
local function change (pointer)
	assert (blocks == 1, "a change outside of an undo block")
	assert (refresh > 0, "a change while the screen is drawn")
	assert (alive (pointer), "a pointer to what is not there")
end
function reaper.EnumProjects (index) assert (index == -1) return project end
function reaper.ValidatePtr2 (_, pointer, kind) return alive (pointer) and pointer.kind == kind end
local function chosen ()
	local items = {}
	each (function (object) if object.kind == "MediaItem*" and object.selected then items[#items + 1] = object end end)
	return items
end
function reaper.CountSelectedMediaItems () return #chosen () end
function reaper.GetSelectedMediaItem (_, index) return chosen ()[index + 1] end
function reaper.GetSelectedTrack (_, index)
	assert (index == 0)
	for _, track in ipairs (project.tracks) do if track.selected then return track end end
end
function reaper.GetActiveTake (item) return item.takes[item.active] end
function reaper.SetActiveTake (take)
	change (take)
	for index, one in ipairs (take.item.takes) do if one == take then take.item.active = index end end
end
function reaper.GetMediaItem_Track (item) return item.track end
function reaper.GetSetMediaTrackInfo_String (track, name, _, set)
	assert (name == "P_NAME" and not set, "the tracks are the musician's")
	return true, track.name
end
function reaper.GetMediaItemTake_Item (take) return take.item end
function reaper.GetMediaItemTake_Track (take) return take.item.track end
function reaper.GetMediaItemTake_Source (take) return take.source end
function reaper.TakeIsMIDI (take) return take.source.notes ~= nil end
function reaper.MIDIEditor_GetActive () return M.editor and "editor" end
function reaper.MIDIEditor_GetTake (editor) assert (editor == "editor") return M.editor end
local ITEM_VALUES = { D_POSITION = "position", D_LENGTH = "length", B_LOOPSRC = "loops" }
function reaper.GetMediaItemInfo_Value (item, name) return item[assert (ITEM_VALUES[name], name)] end
function reaper.SetMediaItemInfo_Value (item, name, value) change (item) item[assert (ITEM_VALUES[name])] = value end
function reaper.GetMediaItemTakeInfo_Value (take, name) assert (name == "D_PLAYRATE") return take.rate end
function reaper.GetMediaSourceLength (source) return source.length, source.notes ~= nil end
function reaper.GetSetMediaItemTakeInfo_String (take, name, text, set)
	assert (name == "P_NAME" and set)
	change (take)
	take.name = text
end
function reaper.CreateNewMIDIItemInProj (track, from, to, in_qn)
	change (track)
	assert (in_qn and to > from)
	local item = M.item (track, from, to - from, {})
	item.selected = false
	return item
end
function reaper.AddTakeToMediaItem (item)
	change (item)
	item.takes[#item.takes + 1] = { kind = "MediaItem_Take*", item = item, rate = 1, name = "", source = {} }
	return item.takes[#item.takes]
end
function reaper.SetMediaItemTake_Source (take, source)
	change (take)
	take.source = alive (source) and copied (source, {}) or source
	return true
end
function reaper.DeleteTrackMediaItem (track, item)
	change (item)
	for index, one in ipairs (track.items) do if one == item then return table.remove (track.items, index) ~= nil end end
end

-- Notes ----------------------------------------------------------------------------------------------------------

local function begin_of (take) return to_qn (take.item.position) - take.source.offset end
function reaper.MIDI_GetProjQNFromPPQPos (take, ppq) return begin_of (take) + ppq / PPQ end
function reaper.MIDI_GetPPQPosFromProjQN (take, qn)
	return take.source.notes and (qn - begin_of (take)) * PPQ or -1
end
function reaper.MIDI_CountEvts (take)
	local count = 0
	for _, other in ipairs (take.source.others) do count = count + (other:find ("^text") and 0 or 1) end
	return true, #take.source.notes, count, #take.source.others - count
end
-- Of the other events of a source, written as "program 7 at 0" or "cc 64 at 0.5", on the channel of its first note.
function reaper.MIDI_GetCC (take, index)
	for _, other in ipairs (take.source.others) do
		local kind, value, at = other:match ("^(%l+) (%d+) at ([%d.]+)$")
		if kind and index == 0 then
			local status = kind == "program" and 0xC0 or 0xB0
			return true, false, false, tonumber (at) * PPQ, status, take.source.notes[1].channel, math.tointeger (value), 0
		end
		index = index - (kind and 1 or 0)
	end
end
function reaper.MIDI_InsertCC (take, selected, muted, at, kind, channel, value, second)
	change (take)
	assert (not selected and not muted and kind == 0xC0 and second == 0 and math.type (channel) == "integer")
	table.insert (take.source.others, ("program %d at %g"):format (value, at / PPQ))
	return true
end
function reaper.MIDI_DeleteNote (take, index)
	change (take)
	return table.remove (take.source.notes, index + 1) ~= nil
end
function reaper.MIDI_GetNote (take, index)
	local n = take.source.notes[index + 1]
	return true, n.selected, n.muted, n.from, n.to, n.channel, n.pitch, n.velocity
end
function reaper.MIDI_EnumSelNotes (take, index)
	for following = index + 1, #take.source.notes - 1 do
		if take.source.notes[following + 1].selected then return following end
	end
	return -1
end
function reaper.MIDI_GetHash (take, notes_only)
	assert (notes_only)
	local parts = {}
	for _, n in ipairs (take.source.notes) do
		parts[#parts + 1] = ("%d,%d,%d,%d,%d,%s"):format (n.pitch, n.from, n.to, n.channel, n.velocity, n.muted)
	end
	return true, table.concat (parts, ";")
end
function reaper.MIDI_InsertNote (take, selected, muted, from, to, channel, pitch, velocity, no_sort)
	change (take)
	assert (no_sort and from >= 0 and to > from and math.type (velocity) == "integer" and type (muted) == "boolean")
	local notes = take.source.notes
	if not notes then return false end
	notes[#notes + 1] = { selected = selected, muted = muted, from = from, to = to, channel = channel, pitch = pitch,
		velocity = velocity }
	return true
end
function reaper.MIDI_SetNote (take, index, selected, muted, from, to, channel, pitch, velocity, no_sort)
	change (take)
	local note = take.source.notes[index + 1]
	assert (no_sort and selected == nil and muted == nil and channel == nil and pitch == nil)
	note.from, note.to, note.velocity = from or note.from, to or note.to, velocity or note.velocity
	for other, n in ipairs (take.source.notes) do
		local apart = n.pitch ~= note.pitch or n.channel ~= note.channel or n.to <= note.from or n.from >= note.to
		assert (apart or other == index + 1, "two notes of one pitch meet: their ends would be swapped")
	end
	return true
end
function reaper.MIDI_Sort (take)
	change (take)
	table.sort (take.source.notes, function (a, b) return a.from < b.from or a.from == b.from and a.pitch < b.pitch end)
end

-- Undo, state, dialogs, processes --------------------------------------------------------------------------------

function reaper.Undo_BeginBlock2 () blocks, before = blocks + 1, copied (project.tracks, {}) end
function reaper.Undo_EndBlock2 (_, name, flags)
	assert (flags == -1 and blocks == 1)
	blocks, undo[#undo + 1], redo = 0, { name, before }, {}
end
function reaper.PreventUIRefresh (step) refresh = refresh + step end
function reaper.UpdateArrange () assert (refresh == 0) end
function reaper.MarkProjectDirty () end
function reaper.GetExtState (part, key) return ext_state[part .. "/" .. key] or "" end
function reaper.SetExtState (part, key, text, keep) assert (keep == false) ext_state[part .. "/" .. key] = text end
function reaper.GetProjExtState (_, part, key) return 1, project.ext[part .. "/" .. key] or "" end
function reaper.SetProjExtState (_, part, key, text) project.ext[part .. "/" .. key] = text end
function reaper.ShowMessageBox (text, title, kind)
	assert (title == "Continuo" and kind == 0)
	M.messages[#M.messages + 1] = text
	return 1
end
function reaper.GetUserInputs (title, count, captions, texts)
	assert (count <= 16)
	local keys, values, separator = {}, {}, ","
	for caption in (captions .. ","):gmatch ("(.-),") do
		separator = caption:match ("^separator=(.)") or separator
		if #keys < count then keys[#keys + 1] = caption else assert (caption:find ("^%a+=")) end
	end
	for text in (texts .. separator):gmatch ("(.-)" .. separator) do values[#values + 1] = text end
	assert (#keys == count and #values == count, "as many captions and texts as fields")
	local before = M.dialogs[#M.dialogs]
	M.dialogs[#M.dialogs + 1] = { title = title, fields = keys, texts = { table.unpack (values) } }
	-- on a further page of a dialog the musician types whatever is left of what was meant
	local further = before and before.title == title and before.fields[1] ~= keys[1]
	local typed = further and M.typing or table.remove (M.inputs, 1)
	M.typing = typed
	if not typed then return false, texts end
	for index, caption in ipairs (keys) do values[index] = typed[caption:match ("^%S+")] or values[index] end
	return true, table.concat (values, separator)
end
function reaper.GetMousePosition () return 100, 200 end
function reaper.TrackCtl_SetToolTip (text) M.tips[#M.tips + 1] = text end
function reaper.SetToggleCommandState (_, command, state) M.toggled[command] = state end
function reaper.RefreshToolbar2 () end
function reaper.ExecProcess (line, wait) assert (wait == -2) os.execute ("( " .. line .. " ) >/dev/null 2>&1 &") end
assert (loadfile ((arg[0]:gsub ("model", "scenario")))) (reaper, project, { ext = ext_state, undo = undo, redo = redo },
	to_qn, to_time)
assert (loadfile (SCENARIO)) ()
