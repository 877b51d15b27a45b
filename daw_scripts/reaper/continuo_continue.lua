-- Continuo, Continue: new bars after the selected MIDI item
ACTION = "continue"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
