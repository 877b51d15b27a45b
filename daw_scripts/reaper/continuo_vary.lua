-- Continuo, Vary: other versions of the selected MIDI item, as takes of a new item
ACTION = "vary"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
