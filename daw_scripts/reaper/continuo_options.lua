-- Continuo, Options: what the buttons ask for, remembered in the project
ACTION = "options"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
