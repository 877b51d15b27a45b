-- Continuo in REAPER 6 and 7: what all its actions share. Nothing has to be installed inside REAPER.
--
-- Each action is a small file that says in ACTION which one it is. A press writes its messages to a file, starts
-- `continuo ask`, and looks for the answer from time to time; REAPER is never held up. What reads and writes items is
-- in clips.lua, what knows the messages in core.lua.

local FOLDER = ({ reaper.get_action_context () })[2]:match ("^.*[/\\]")
local file = assert (io.open (FOLDER .. "core.lua", "rb"))
local Continuo = assert (load (file:read ("a") .. "\nreturn Continuo", "@core.lua")) ()
file:close ()
local new_clips = dofile (FOLDER .. "clips.lua")

local TITLES = { generate = "Generate", continue = "Continue", interpolate = "Interpolate", vary = "Vary",
	walk = "Walk", refine_duration = "Refine durations", refine_velocity = "Refine velocities", refine = "Refine both" }
local MIDI_EDITORS = { [32060] = true, [32061] = true, [32062] = true } -- sections: editor, event list, inline editor
local PATIENCE = 90 -- seconds; a daemon ends every request within 60
local FIELDS = 16 -- of a dialog at most

local _, _, section, command = reaper.get_action_context ()
local project = reaper.EnumProjects (-1)
local mouse_x, mouse_y = reaper.GetMousePosition ()
local settings
local shown = ""

-- What the actions know of each other ----------------------------------------------------------------------------

local function remembered (key) return reaper.GetExtState ("continuo", key) end
local function remember (key, text) reaper.SetExtState ("continuo", key, text, false) end
local function among (key, id) return (" " .. remembered (key) .. " "):find (" " .. id .. " ", 1, true) end

local function say (text)
	remember ("error", text)
	reaper.ShowMessageBox (text, "Continuo", 0)
end

local function new_id ()
	local count = (tonumber (remembered ("count")) or 0) // 1 + 1
	remember ("count", ("%d"):format (count))
	return Continuo.job_id ("reaper", math.tointeger (count))
end

local function show (text)
	if text ~= shown then reaper.TrackCtl_SetToolTip (text, mouse_x + 16, mouse_y + 16, true) end
	shown = text
end

-- The button of a toolbar is lit while its action runs.
local function lit (on)
	reaper.SetToggleCommandState (section, command, on and 1 or 0)
	reaper.RefreshToolbar2 (section, command)
end

local function ended (id)
	local others = ""
	for other in remembered ("running"):gmatch ("%S+") do
		if other ~= id then others = others .. " " .. other end
	end
	remember ("running", others)
	show ("")
	lit (false)
end

-- Send lines as the request `id`; false where they cannot be written.
local function launch (id, lines)
	local written, fault = Continuo.write_ask (settings, id, lines)
	if not written then return false, say (fault) end
	reaper.ExecProcess (('"%s" ask %s'):format (settings.command, id), -2)
	return true
end

-- The same, and call `use` with the lines of the answer once they are there.
local function ask (id, lines, label, use)
	if not launch (id, lines) then return end
	remember ("running", remembered ("running") .. " " .. id)
	reaper.atexit (function () ended (id) end)
	lit (true)
	local start = reaper.time_precise ()
	local function look ()
		if among ("cancelled", id) then return ended (id) end
		local reply = Continuo.read_reply (settings, id)
		if reply then
			ended (id)
			return use (reply)
		elseif reaper.time_precise () - start > PATIENCE then
			ended (id)
			return say ("Continuo does not answer. Run 'continuo doctor' in a terminal to see why.")
		end
		local part = Continuo.read_progress (settings, id)
		show ("Continuo: " .. label .. (part and (" %d %%"):format (part * 100 // 1) or " ..."))
		reaper.defer (look)
	end
	look ()
end

-- Call `use` with the daemon's tasks; they are asked for once, or again where they are needed `fresh`.
local function with_tasks (fresh, use)
	local known = not fresh and Continuo.read_reply (settings, remembered ("tasks"))
	if known then return use (Continuo.tasks (known)) end
	local id = new_id ()
	ask (id, { "/continuo/tasks" }, "starts", function (reply)
		local fail = Continuo.answers (reply).fail
		if fail then return say (fail.text) end
		remember ("tasks", id)
		use (Continuo.tasks (reply))
	end)
end

-- The actions ----------------------------------------------------------------------------------------------------

local function press (task)
	if not task then return say ("This Continuo has no task " .. ACTION .. ".") end
	local clips = new_clips (Continuo, project, MIDI_EDITORS[section])
	local given, target, fault = clips.selected (task)
	if not given then return say (fault) end
	local _, line = reaper.GetProjExtState (project, "continuo", task.name)
	local id, title = new_id (), TITLES[task.name]
	local lines = Continuo.request_lines (task, id, given, Continuo.recall (line), target.place)
	ask (id, lines, title:lower (), function (reply)
		local answers = Continuo.answers (reply)
		local fail = answers.fail
		if fail then return fail.code ~= "cancelled" and say (fail.text) end
		if not reaper.ValidatePtr2 (project, project, "ReaProject*") then return end -- closed meanwhile
		fault = clips.write (target, given[1], task.name, "Continuo: " .. title, answers.candidates)
		if fault then say (fault) end
	end)
end

local function cancel ()
	local lines = {}
	for id in remembered ("running"):gmatch ("%S+") do
		lines[#lines + 1] = Continuo.message ("/continuo/cancel", { id })
	end
	if #lines == 0 then return say ("Nothing is running that could be cancelled.") end
	remember ("cancelled", remembered ("running")) -- each waits no longer, whatever the daemon says
	launch (new_id (), lines)
end

-- One dialog after another for the options of a task; false where the musician leaves.
local function ask_options (task, values)
	for first = 1, #task.options, FIELDS do
		local captions, texts, fault = {}, {}, nil
		for k = first, math.min (first + FIELDS - 1, #task.options) do
			local option = task.options[k]
			captions[#captions + 1] = (option.key .. " (" .. Continuo.range_text (option) .. ")"):gsub (",", ";")
			texts[#texts + 1] = Continuo.value_shown (option, values[option.key])
		end
		repeat
			local fine, typed = reaper.GetUserInputs ("Continuo: " .. task.summary, #texts,
				table.concat (captions, ",") .. ",extrawidth=160,separator=\n", table.concat (texts, "\n"))
			if not fine then return false end
			texts, fault = {}, nil
			for text in (typed .. "\n"):gmatch ("(.-)\n") do texts[#texts + 1] = text end
			for k, text in ipairs (texts) do
				local option = task.options[first + k - 1]
				local value, wrong = Continuo.option_value (option, text)
				values[option.key], fault = value, fault or wrong
			end
			if fault then reaper.ShowMessageBox (fault, "Continuo", 0) end
		until not fault
	end
	return true
end

local function options (tasks)
	local names = {}
	for index, task in ipairs (tasks) do names[index] = index .. " " .. task.name end
	local fine, typed = reaper.GetUserInputs ("Continuo options: " .. table.concat (names, "; "), 1, "name or number", "1")
	if not fine then return end
	local task = tasks[math.tointeger (tonumber (typed)) or typed]
	if not task then return say ("There is no " .. typed .. ", but " .. table.concat (names, ", ") .. ".") end
	local _, line = reaper.GetProjExtState (project, "continuo", task.name)
	local values = Continuo.recall (line)
	if not ask_options (task, values) then return end
	reaper.SetProjExtState (project, "continuo", task.name, Continuo.remember (values))
	reaper.MarkProjectDirty (project)
end

local function show_state ()
	local id, running, fault = new_id (), remembered ("running"), remembered ("error")
	ask (id, { "/continuo/status" }, "looks", function (reply)
		local fail = Continuo.answers (reply).fail
		local text = fail and fail.text or Continuo.status_text (reply)
		text = text .. (running:find ("%S") and "\n\nThis REAPER waits for:" .. running or "")
		reaper.ShowMessageBox (text .. (fault ~= "" and "\n\nLast error: " .. fault or ""), "Continuo", 0)
	end)
end

reaper.defer (function () end) -- a script that has deferred something leaves no undo point of its own
local fault
settings, fault = Continuo.settings ("reaper")
if not settings then
	say (fault)
elseif ACTION == "cancel" then
	cancel ()
elseif ACTION == "show" then
	show_state ()
else
	with_tasks (ACTION == "options", function (tasks)
		if ACTION == "options" then options (tasks) else press (tasks[ACTION]) end
	end)
end
