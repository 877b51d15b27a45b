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

-- CONTINUO REGIONS

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
	local job = { id = new_id (), action = action, title = action:gsub ("_", " "), clips = clips, place = place }
	job.lines = Continuo.request_lines (task, job.id, clips, values, place)
	job.finish = function (lines)
		local answers = Continuo.answers (lines)
		need (not answers.fail, answers.fail and answers.fail.text)
		PLACES[Continuo.place (answers.candidates, clips[1])] (job, answers.candidates)
	end
	send (job.lines)
	expect (job)
end

-- The buttons ---------------------------------------------------------------------------------------------------

local ROWS = 15 -- of a dialog, so that its buttons stay on a small screen

local function edit_options ()
	local names = {}
	for _, task in ipairs (tasks) do
		if task.clips_max <= 2 then names[task.name .. ": " .. task.summary] = task.name end -- those that have a button
	end
	local chosen = LuaDialog.Dialog ("Continuo: options of", {
		{ type = "dropdown", key = "task", title = "Options of", values = names } }):run ()
	if not chosen then return end
	local all, new, options = remembered (), {}, tasks[chosen.task].options
	local values, pages = all[chosen.task] or {}, (#options + ROWS - 1) // ROWS
	for page = 1, pages do
		local rows, shown = {}, table.move (options, (page - 1) * ROWS + 1, math.min (page * ROWS, #options), 1, {})
		for _, option in ipairs (shown) do
			rows[#rows + 1] = { type = "entry", key = option.key, default = Continuo.value_shown (option, values[option.key]),
				title = ("%s: %s (%s)"):format (option.key, option.help, Continuo.range_text (option)) }
		end
		local typed = LuaDialog.Dialog (("Continuo: %s, %d of %d"):format (chosen.task, page, pages), rows):run ()
		if not typed then return end
		for _, option in ipairs (shown) do
			local value, fault = Continuo.option_value (option, typed[option.key])
			need (not fault, fault)
			new[option.key] = value
		end
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
