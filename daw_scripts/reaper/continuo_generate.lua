-- Continuo, Generate: new music at the edit cursor, or after the selected item
ACTION = "generate"
dofile (({ reaper.get_action_context () })[2]:match ("^.*[/\\]") .. "continuo.lua")
