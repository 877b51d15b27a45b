ardour {
	["type"] = "EditorAction",
	name = "Continuo: Continue",
	license = "MIT",
	author = "Continuo",
	category = "Continuo",
	description = [[A button of Continuo. It needs the hook "Continuo" to be active, which does the work.]]
}

-- A button only tells the hook that it was pressed, with a line in a file: the two have no variable in common.
-- Ardour keeps factory() and nothing else of this file, so all of it stands in there.
function factory ()
local ACTION = "continue" -- CONTINUO ACTION
-- CONTINUO CORE

local ASLEEP = 30 -- seconds without a sign of life after which the hook counts as not there

local function press ()
	local settings, fault = Continuo.settings ("ardour")
	if not settings then return fault end
	local own = settings.spool .. "/ardour-" .. Session:path ():gsub ("%W", "-"):sub (-80)
	local alive = tonumber (Continuo.read (own .. ".alive") or "")
	if not alive or os.time () - alive > ASLEEP then
		return "The hook of Continuo is not active. Add \"Continuo\" under Edit > Lua Scripts > Script Manager > Action Hooks.\n"
			.. "Where it is there and the session has just been opened, press again."
	end
	local file
	file, fault = io.open (own .. ".press", "ab")
	if not file then return "Continuo cannot pass on the press of its button: " .. fault end
	file:write (ACTION, "\n")
	file:close ()
end

return function ()
	local ok, fault = pcall (press) -- Ardour removes a script that raises an error
	if fault then
		LuaDialog.Message ("Continuo", tostring (fault), LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
	end
end
end
