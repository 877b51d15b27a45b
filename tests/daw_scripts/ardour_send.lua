-- ardour7-lua ardour_send.lua FOLDER NAME HOOK SPOOL PORT
-- Loads the hook as it is shipped, takes its own functions out of it, and has it ask for every task on the regions of
-- the track "A", with that of track "B" where a task takes two; the rest of the hook needs a screen.
local session, name, hook, spool, port = table.unpack (arg)
assert (load_session (session, name), "no session")
local env = setmetatable ({ ardour = function () end }, { __index = _G })
assert (loadfile (hook, "t", env)) ()

local found = {} -- upvalues by name: { function, index, value }
local function dig (call)
	for index = 1, 255 do
		local key, value = debug.getupvalue (call, index)
		if not key then return end
		if not found[key] then
			found[key] = { call = call, index = index, value = value }
			if type (value) == "function" then dig (value) end
			for _, one in pairs (key == "BUTTONS" and value or {}) do dig (one) end
		end
	end
end
dig (env.factory ())
local function set (key, value) debug.setupvalue (found[key].call, found[key].index, value) end

local Continuo = found.Continuo.value
set ("settings", { spool = spool, port = port })
set ("tasks", Continuo.tasks (Continuo.read_reply ({ spool = spool }, "tasks")))
local clips, place = {}, nil
for _, wanted in ipairs { "A", "B" } do
	for track in Session:get_tracks ():iter () do
		for region in track:to_track ():playlist ():region_list ():iter () do
			if track:name () == wanted then
				clips[#clips + 1] = found.clip_of.value (region)
				place = found.place_of.value (region:position ())
				place.track = found.track_of.value (region):to_stateful ():id ():to_s ()
			end
		end
	end
end
for index = 6, #arg do
	local some = ({ interpolate = clips, generate = {} })[arg[index]] or { clips[1] }
	found.request.value (arg[index], some, place, false)
	ARDOUR.LuaAPI.usleep (20000)
end
close_session ()
quit ()
