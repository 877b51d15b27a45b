-- Continuo, Show what Continuo is doing: its state, and the last error
ACTION = "show"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
