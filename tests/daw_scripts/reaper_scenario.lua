-- What the scenarios of test_reaper.py use: a project is built, actions are pressed, and `M.dump` prints what has
-- become of it. Each script has a Lua state of its own in REAPER, so each press has globals of its own here.

local reaper, project, state, to_qn, to_time = ...
local FOLDER = arg[1]
local PPQ = 960
local queue, running = {}, nil

function reaper.defer (work)
	queue[#queue + 1] = { script = running, work = work }
	running.waiting = running.waiting + 1
end
function reaper.atexit (work) running.last[#running.last + 1] = work end
function reaper.get_action_context () return false, running.path, running.section, running.command, -1, -1, -1, "" end

local function run (script, work)
	running = script
	work ()
	if script.waiting == 0 then for _, last in ipairs (script.last) do last () end end
	running = nil
end

function M.track (name)
	project.tracks[#project.tracks + 1] = { kind = "MediaTrack*", name = name or "", items = {}, selected = false }
	return project.tracks[#project.tracks]
end
-- An item at a QN; notes are { pitch, start, duration, velocity, mute, channel, selected }, their start from that of
-- the source; `more` is what else is said of the source.
function M.item (track, at, length, notes, more)
	local source = { kind = "PCM_source*", length = length, offset = 0, notes = {}, others = {} }
	local position = to_time (at)
	local item = { kind = "MediaItem*", track = track, position = position, length = to_time (at + length) - position,
		loops = 1, selected = true, takes = {}, active = 1 }
	item.takes[1] = { kind = "MediaItem_Take*", item = item, rate = 1, name = "", source = source }
	for key, value in pairs (more or {}) do source[key] = value end
	for index, n in ipairs (notes) do
		local from, to = (n[2] * PPQ + 0.5) // 1, ((n[2] + n[3]) * PPQ + 0.5) // 1
		source.notes[index] = { pitch = n[1], from = from, to = to, velocity = n[4], muted = n[5] == 1, channel = n[6] or 0,
			selected = n[7] or false }
	end
	track.items[#track.items + 1] = item
	return item
end
function M.press (name, section)
	local path = FOLDER .. "/continuo_" .. name .. ".lua"
	local script = { path = path, section = section or 0, command = name, last = {}, waiting = 0 }
	local world = setmetatable ({ reaper = reaper }, { __index = _G })
	function world.dofile (file) return assert (loadfile (file, "t", world)) () end
	run (script, assert (loadfile (path, "t", world)))
end
-- Let scripts go on until all have ended, or `done` says so.
function M.pump (done)
	for _ = 1, 1500 do
		if done and done () or #queue == 0 then return end
		local round = queue
		queue = {}
		for _, one in ipairs (round) do
			one.script.waiting = one.script.waiting - 1
			run (one.script, one.work)
		end
		os.execute ("sleep 0.02")
	end
	error ("scripts do not end")
end
local function step (from, to)
	local name, tracks = table.unpack (table.remove (from))
	to[#to + 1] = { name, project.tracks }
	project.tracks = tracks
end
function M.undo () step (state.undo, state.redo) end
function M.redo () step (state.redo, state.undo) end
M.project = project

local function json (value)
	if type (value) == "string" then
		return '"' .. value:gsub ('[%c"\\]', function (c) return ("\\u%04x"):format (c:byte ()) end) .. '"'
	end
	if type (value) ~= "table" then return tostring (value) end
	local parts = {}
	for _, part in ipairs (value) do parts[#parts + 1] = json (part) end
	if #parts > 0 or next (value) == nil then return "[" .. table.concat (parts, ",") .. "]" end
	for key, part in pairs (value) do parts[#parts + 1] = json (tostring (key)) .. ":" .. json (part) end
	return "{" .. table.concat (parts, ",") .. "}"
end
-- One line: the project and what was shown.
function M.dump ()
	local items, undos = {}, {}
	for number, track in ipairs (project.tracks) do
		for _, item in ipairs (track.items) do
			local takes = {}
			for index, take in ipairs (item.takes) do
				local notes = {}
				for k, n in ipairs (take.source.notes or {}) do
					notes[k] = { n.pitch, n.from / PPQ, (n.to - n.from) / PPQ, n.velocity, n.muted, n.channel, n.selected }
				end
				takes[index] = { name = take.name, notes = notes, others = take.source.others }
			end
			items[#items + 1] = { track = number, at = to_qn (item.position), stop = to_qn (item.position + item.length),
				loops = item.loops, selected = item.selected, active = item.active, takes = takes }
		end
	end
	for index, step_of in ipairs (state.undo) do undos[index] = step_of[1] end
	print (json ({ items = items, undo = undos, messages = M.messages, dialogs = M.dialogs, tips = M.tips,
		toggled = M.toggled, running = state.ext["continuo/running"] or "", options = project.ext }))
end
