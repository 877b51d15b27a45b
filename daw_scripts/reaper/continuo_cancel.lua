-- Continuo, Cancel: ends what Continuo is doing
ACTION = "cancel"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
