-- ardour7-lua ardour_slots.lua OUTFILE script.lua ...
-- Writes Ardour's own file of scripts as its Script Manager would: actions take slots 1, 2 ... in this order,
-- hooks are switched on. Ardour keeps the byte code of factory(), so its own Lua has to make it.
local TIMER_DS = 47 -- LuaSignal.LuaTimerDS of Ardour 7.3: the bit of a hook that is called ten times a second

local function base64 (text)
	local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	local out = {}
	for at = 1, #text, 3 do
		local a, b, c = text:byte (at, at + 2)
		local bits = (a << 16) | ((b or 0) << 8) | (c or 0)
		for place = 18, 0, -6 do
			local six = (bits >> place) & 63
			local given = place >= 12 or (place == 6 and b) or (place == 0 and c)
			out[#out + 1] = given and alphabet:sub (six + 1, six + 1) or "="
		end
	end
	return table.concat (out)
end

local actions, hooks = { "scripts = {} " }, {}
local slot = 0
for index = 2, #arg do
	local file = assert (io.open (arg[index], "rb"))
	local source = file:read ("a")
	file:close ()
	local header
	local env = { ardour = function (given) header = given end }
	assert (load (source, "@" .. arg[index], "t", env)) ()
	assert (env.factory, arg[index] .. " has no factory()")
	local parts = ('["n"] = %q P["s"] = %q P["f"] = %q P["a"] = {} '):format (
		header.name, source, string.dump (env.factory, true))
	if header["type"] == "EditorHook" then
		hooks[#hooks + 1] = ('<LuaCallback lua="Lua 5.3" id="%d" name="%s" signals="1%s">%s</LuaCallback>'):format (
			900000 + index, header.name, ("0"):rep (TIMER_DS), base64 ("s = {} s" .. parts:gsub (" P%[", " s[")))
	else
		slot = slot + 1
		local place = ("scripts[%d]"):format (slot)
		actions[#actions + 1] = place .. " = {} " .. place .. parts:gsub (" P%[", " " .. place .. "[")
	end
end
local out = assert (io.open (arg[1], "wb"))
out:write ('<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts><ActionScript lua="Lua 5.3">', base64 (table.concat (actions)),
	"</ActionScript><ActionHooks>", table.concat (hooks), "</ActionHooks></UIScripts>\n")
out:close ()
quit ()
