-- Continuo, Refine velocities: the notes of the MIDI item as loud as a player would play them
ACTION = "refine_velocity"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
