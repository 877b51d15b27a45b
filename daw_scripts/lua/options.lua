-- Continuo for Lua 5.3 and 5.4: what a musician types as options. This is the second part of core.lua, which stands
-- before it wherever it is loaded.

-- Options --------------------------------------------------------------------------------------------------------

-- What an option takes, in short: "1 to 64, else 4".
function Continuo.range_text (option)
	local range = option.type
	if option.type == "choice" then range = option.choices:gsub ("|", " ") end
	if option.type == "bool" then range = "yes no" end
	if option.minimum ~= "" and option.maximum ~= "" then range = option.minimum .. " to " .. option.maximum end
	return option.default ~= "" and range .. ", else " .. option.default or range
end

local BOOLS = { ["1"] = true, yes = true, ["true"] = true, ["0"] = false, no = false, ["false"] = false }

-- What was typed as a value for the wire: nil for nothing (the task's default), nil and a text where it does not fit.
function Continuo.option_value (option, typed)
	typed = typed:match ("^%s*(.-)%s*$")
	local value
	if typed == "" then return nil end
	if option.type == "int" or option.type == "float" then
		value = tonumber ((typed:gsub (",", ".")))
		local low, high = tonumber (option.minimum), tonumber (option.maximum)
		if value and (value ~= value or low and value < low or high and value > high) then value = nil end
		if value and option.type == "int" then value = math.tointeger (value) else value = value and value + 0.0 end
	elseif option.type == "bool" then
		value = BOOLS[typed:lower ()]
	elseif option.choices == "" or ("|" .. option.choices .. "|"):find ("|" .. typed .. "|", 1, true) then
		value = typed
	end
	if value ~= nil then return value end
	return nil, ("%s: %s does not do (%s).\n%s"):format (option.key, typed, Continuo.range_text (option), option.help)
end

-- A remembered value as it is shown.
function Continuo.value_shown (option, value)
	if value == nil then return "" end
	if option.type == "bool" then return (value == true or value == 1) and "yes" or "no" end
	return type (value) == "string" and value or (value_text (value):gsub ("%.0$", ""))
end

-- Option values by key as one line, and back.
function Continuo.remember (values)
	local keys, pairs_of = {}, {}
	for key in pairs (values) do keys[#keys + 1] = key end
	table.sort (keys)
	for _, key in ipairs (keys) do table.move ({ key, values[key] }, 1, 2, #pairs_of + 1, pairs_of) end
	return Continuo.message ("options", pairs_of)
end

function Continuo.recall (line)
	local values, found = {}, Continuo.values (line)
	for at = 2, #found - 1, 2 do values[found[at]] = found[at + 1] end
	return values
end
-- end of core
