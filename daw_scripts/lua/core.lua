-- Continuo for Lua 5.3 and 5.4: what the scripts of Ardour and REAPER share. No call of a DAW stands here.
--
-- The file is one block of locals, and the table `Continuo` is what it makes. It has no `return` of its own, so that
-- it can be loaded:   local Continuo = assert (load (text .. "\nreturn Continuo")) ()
-- or pasted as it is into the body of a function. It needs string, table, math, io and os, and no `require`.
--
-- Times are beats (quarter notes). A clip is { notes, length, tempo, numerator, denominator }, tempo and meter those at
-- its start; a note is { pitch, start, duration, velocity, mute }, its start counted from the start of the clip, `mute`
-- true or false. Where a host knows them, a clip also has { name, channel, program, drums, upbeat, tempos, meters }:
-- channel and program count from 1, `upbeat` is where its first bar line lies, `tempos` is a list of { at, tempo },
-- `meters` of { at, numerator, denominator }. What can go wrong gives nil and a text for the musician.

local Continuo = { NOTES_PER_MESSAGE = 50 } -- keeps every datagram below 1,400 bytes, whatever the clip's name

-- Text: one message a line, one space between values -------------------------------------------------------------

local PLAIN = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\" }
for letter, character in pairs (PLAIN) do ESCAPES[character] = "\\" .. letter end

local function value_text (value)
	if type (value) == "boolean" then
		return value and "1" or "0"
	elseif math.type (value) == "integer" then
		return ("%d"):format (value)
	elseif type (value) == "number" then
		-- a host that speaks German prints a comma
		return (("%.6f"):format (value):gsub (",", "."):gsub ("0+$", ""):gsub ("%.$", ".0"))
	elseif value:find ("^[A-Za-z_/]") and not value:find ('[^!-~]') and not value:find ('["\\]') then
		return value
	end
	return '"' .. value:gsub ('[%c"\\]', function (c) return ESCAPES[c] or ("\\u%04x"):format (c:byte ()) end) .. '"'
end

-- A message as a line: `message ("/continuo/ping", { 7 })`. Integers, floats and strings keep their type.
function Continuo.message (address, values)
	local words = { address }
	for _, value in ipairs (values) do words[#words + 1] = value_text (value) end
	return table.concat (words, " ")
end

local function unescaped (text)
	text = text:gsub ("\\(.)(%x?%x?%x?%x?)", function (letter, digits)
		if letter ~= "u" then return (PLAIN[letter] or letter) .. digits end
		return string.char (tonumber (digits, 16) & 127) -- only control characters are written so
	end)
	return text
end

-- The values of a line, its address first.
function Continuo.values (line)
	local values, at = {}, line:find ("[^ ]")
	while at do
		local stop
		if line:sub (at, at) == '"' then
			stop = at + 1
			while stop <= #line and line:sub (stop, stop) ~= '"' do
				stop = stop + (line:sub (stop, stop) == "\\" and 2 or 1)
			end
			values[#values + 1] = unescaped (line:sub (at + 1, stop - 1))
		else
			stop = (line:find (" ", at, true) or #line + 1) - 1
			local word = line:sub (at, stop)
			values[#values + 1] = word:find ("^[-%d]") and tonumber (word) or word
		end
		at = line:find ("[^ ]", stop + 1)
	end
	return values
end

-- Files ----------------------------------------------------------------------------------------------------------

-- The content of a file, nil where there is none.
function Continuo.read (path)
	local file = io.open (path, "rb")
	local content = file and file:read ("a")
	if file then file:close () end
	return content
end

-- What `continuo install` has written: { command, spool, port }. `host` is the name that it takes for this DAW.
function Continuo.settings (host)
	local function below (variable, folder)
		local home = os.getenv (variable) or ""
		return home ~= "" and Continuo.read (home .. folder .. "/continuo/daw.txt")
	end
	local text = below ("XDG_DATA_HOME", "") or below ("HOME", "/.local/share")
		or below ("HOME", "/Library/Application Support") or below ("LOCALAPPDATA", "") or ""
	local found = {}
	for key, value in text:gmatch ("([%w_]+)=([^\r\n]*)") do found[key] = value end
	if not (found.command and found.spool) then
		return nil, "Continuo is not set up for this DAW. Run 'continuo install " .. host .. "' once."
	elseif not Continuo.read (found.command) then
		return nil, ("Continuo is not at %s any more. Run 'continuo install %s' again."):format (found.command, host)
	end
	return found
end

-- Write the messages that `continuo ask NAME` will send. True, or nil and a text.
function Continuo.write_ask (settings, name, lines)
	local path = settings.spool .. "/" .. name .. ".ask"
	local file, fault = io.open (path, "wb")
	if not file then return nil, "Continuo cannot write its request: " .. tostring (fault) end
	file:write (table.concat (lines, "\n"), "\n")
	file:close ()
	return true
end

-- All lines that came, each as a table of values; nil while there is no end.
function Continuo.read_reply (settings, name)
	local text = Continuo.read (settings.spool .. "/" .. name .. ".reply")
	if not text then return nil end
	local lines = {}
	for line in text:gmatch ("[^\r\n]+") do lines[#lines + 1] = Continuo.values (line) end
	return lines
end

-- How much of a request is done, 0 to 1; nil where nothing is known.
function Continuo.read_progress (settings, name)
	local text = Continuo.read (settings.spool .. "/" .. name .. ".progress")
	return text and tonumber (Continuo.values (text:match ("[^\r\n]*"))[3])
end

-- Requests -------------------------------------------------------------------------------------------------------

-- A name for a request: letters, digits and dashes. `count` tells requests of one second apart.
function Continuo.job_id (host, count)
	return ("%s-%d-%d"):format (host, os.time (), count)
end

local function whole (number) return math.tointeger (math.floor (number + 0.5)) end

-- The order in which notes go; for a refinement note k of the answer is note k of this order.
function Continuo.sort (notes)
	table.sort (notes, function (a, b) return a.start < b.start or a.start == b.start and a.pitch < b.pitch end)
	return notes
end

-- The lines that give a clip.
function Continuo.clip_lines (name, clip)
	local lines, total, first = {}, #clip.notes, 0
	repeat
		local values = { name, first, total }
		for index = first + 1, math.min (first + Continuo.NOTES_PER_MESSAGE, total) do
			local note = clip.notes[index]
			local five = { whole (note.pitch), note.start + 0.0, note.duration + 0.0, whole (note.velocity), note.mute or false }
			table.move (five, 1, 5, #values + 1, values)
		end
		lines[#lines + 1] = Continuo.message ("/continuo/clip", values)
		first = first + Continuo.NOTES_PER_MESSAGE
	until first >= total
	local info = { name, clip.length + 0.0, clip.tempo + 0.0, whole (clip.numerator), whole (clip.denominator) }
	local function tell (key, value)
		if value then table.move ({ key, value }, 1, 2, #info + 1, info) end
	end
	tell ("name", clip.name ~= "" and clip.name)
	tell ("channel", clip.channel and whole (clip.channel))
	tell ("program", clip.program and whole (clip.program))
	tell ("drums", clip.drums)
	tell ("upbeat", (clip.upbeat or 0) > 0 and clip.upbeat + 0.0)
	lines[#lines + 1] = Continuo.message ("/continuo/clip/info", info)
	for _, change in ipairs (clip.meters or {}) do
		local values = { name, change.at + 0.0, whole (change.numerator), whole (change.denominator) }
		lines[#lines + 1] = Continuo.message ("/continuo/clip/meter", values)
	end
	for _, change in ipairs (clip.tempos or {}) do
		lines[#lines + 1] = Continuo.message ("/continuo/clip/tempo", { name, change.at + 0.0, change.tempo + 0.0 })
	end
	return lines
end

-- The lines of a whole request. `task` is a row of `tasks`, `values` the musician's options by key, `place` holds
-- tempo, numerator and denominator where the answer will stand: a task that gets no clip is told them where it asks.
function Continuo.request_lines (task, id, clips, values, place)
	local lines, request, told = {}, { id }, {}
	if #clips == 0 and place then
		told.tempo, told.meter = place.tempo + 0.0, ("%d/%d"):format (whole (place.numerator), whole (place.denominator))
	end
	for _, option in ipairs (task.options) do
		local value = values[option.key]
		if value == nil then value = told[option.key] end
		if value ~= nil then table.move ({ option.key, value }, 1, 2, #request + 1, request) end
	end
	for index, clip in ipairs (clips) do
		local name = id .. "-" .. ("ABCDEFGHIJKLMNOP"):sub (index, index)
		for _, line in ipairs (Continuo.clip_lines (name, clip)) do lines[#lines + 1] = line end
		table.move ({ "clip", name }, 1, 2, #request + 1, request)
	end
	table.move ({ "reply_file", id }, 1, 2, #request + 1, request)
	lines[#lines + 1] = Continuo.message ("/continuo/" .. task.name, request)
	return lines
end

-- How many of `given` clips a task takes, none of too many where it needs none; nil and a text where they do not fit.
function Continuo.clips_taken (task, given)
	local low, high = task.clips_min, task.clips_max
	if low == 0 and given > high then return 0 end
	if given >= low and given <= high then return given end
	local number = (low == high and low or low .. " to " .. high) .. (high == 1 and " MIDI clip" or " MIDI clips")
	return nil, ("Select %s, not %d: %s makes %s."):format (number, given, task.name, task.summary)
end

-- Answers --------------------------------------------------------------------------------------------------------

-- What the lines of a reply say: { candidates, fail, done }. `candidates` is a list of { notes, at, length, said }, those
-- that came whole, in order; `said` are the pairs of the result by key. `fail` is { code, text }, `done` is
-- { task, model, seed, seconds }.
function Continuo.answers (lines)
	local found = { candidates = {} }
	local open = setmetatable ({}, { __index = function (all, index)
		all[index] = { notes = {} }
		return all[index]
	end })
	for _, line in ipairs (lines) do
		if line[1] == "/continuo/notes" then
			local notes, first = open[line[3]].notes, line[4]
			for at = 6, #line - 4, 5 do
				local place = first + 1 + (at - 6) // 5
				local pitch, start, duration, velocity, mute = table.unpack (line, at, at + 4)
				notes[place] = { pitch = pitch, start = start, duration = duration, velocity = velocity, mute = mute == 1 }
			end
		elseif line[1] == "/continuo/result" then
			local made = open[line[3]]
			made.at, made.length, made.said = line[5], line[6], {}
			for at = 7, #line - 1, 2 do made.said[line[at]] = line[at + 1] end
			if #made.notes == line[4] then found.candidates[#found.candidates + 1] = made end
		elseif line[1] == "/continuo/fail" then
			found.fail = { code = line[3], text = line[4] }
		elseif line[1] == "/continuo/done" then
			found.done = { task = line[3], model = line[5], seed = line[6], seconds = line[7] }
		end
	end
	return found
end

-- What is to be done with an answer to `clip` (nil where none was given): "in_place", "over", "beside", "behind" or "free".
-- One that replaces notes does so where it is the only one and ends inside the clip; else it is a clip of its own.
function Continuo.place (candidates, clip)
	local first = candidates[1]
	local place = first and first.said.place or "free"
	local inside = clip and #candidates == 1 and place == "over" and first.said.to <= clip.length
	if place == "over" and not inside then return "free" end
	return place
end

-- The answers to /continuo/tasks: a list of { name, summary, model, clips_min, clips_max, options }, which can be
-- indexed by name, too; an option is { key, type, minimum, maximum, default, choices, help }, all text. What a script
-- fills in itself is no option of the musician's.
function Continuo.tasks (lines)
	local tasks = {}
	for _, line in ipairs (lines) do
		if line[1] == "/continuo/task" then
			local _, name, summary, model, low, high = table.unpack (line)
			local task = { name = name, summary = summary, model = model, clips_min = low, clips_max = high, options = {} }
			tasks[#tasks + 1], tasks[name] = task, task
		elseif line[1] == "/continuo/option" and not line[3]:find ("^reply_") then
			local options, _, _, key, kind, low, high, default, choices, help = tasks[line[2]].options, table.unpack (line)
			options[#options + 1] = { key = key, type = kind, minimum = low, maximum = high, choices = choices,
				default = default, help = help }
		end
	end
	return tasks
end

-- The answer to /continuo/status in words.
function Continuo.status_text (lines)
	for _, line in ipairs (lines) do
		if line[1] == "/continuo/status.reply" then
			return ("Continuo runs on %s, for %d minutes.\n%d running, %d waiting, %d done, %d failed.\nModels: %s")
				:format (line[2], line[7] // 60, line[3], line[4], line[5], line[6], line[8])
		end
	end
end
