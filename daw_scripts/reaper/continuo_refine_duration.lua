-- Continuo, Refine durations: the notes of the MIDI item as they would be written
ACTION = "refine_duration"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
