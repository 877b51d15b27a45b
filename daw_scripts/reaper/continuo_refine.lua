-- Continuo, Refine both: durations and velocities of the notes of the MIDI item
ACTION = "refine"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
