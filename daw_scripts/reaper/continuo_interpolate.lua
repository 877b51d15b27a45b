-- Continuo, Interpolate: the way from one selected MIDI item to another, as a row of items
ACTION = "interpolate"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
