-- Continuo, Walk: a walk from the selected MIDI item, or from nothing
ACTION = "walk"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
