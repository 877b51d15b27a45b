ardour { ["type"] = "EditorAction", name = "Test Probe", license = "MIT" }
-- Selects the regions named in FOLDER/select.txt, where it is there, and writes what the session holds to FOLDER/state.txt.
function factory () return function ()
	local folder = "FOLDER"
	local out = io.open (folder .. "/state.tmp", "w")
	local function ticks (beats)
		local whole, rest = beats:str ():match ("^(%-?%d+):(%d+)$")
		return math.tointeger (whole) * 1920 + math.tointeger (rest)
	end
	local ok, err = pcall (function ()
		local asked = io.open (folder .. "/select.txt")
		local wanted = asked and "\n" .. asked:read ("a") .. "\n"
		if asked then asked:close () end
		local chosen, count = ArdourUI.SelectionList (), 0
		for track in Session:get_tracks ():iter () do
			for region in track:to_track ():playlist ():region_list ():iter () do
				out:write (("REGION\t%s\t%s\t%d\t%d\t%d\n"):format (track:name (), region:name (),
					region:position ():ticks (), region:start ():ticks (), region:length ():ticks ()))
				local view = Editor:regionview_from_region (region)
				if wanted and view and wanted:find ("\n" .. region:name () .. "\n", 1, true) then
					chosen:push_back (view)
				end
				local midi = region:to_midiregion ()
				for note in (midi:isnil () and C.StringVector () or ARDOUR.LuaAPI.note_list (midi:model ())):iter () do
					out:write (("NOTE\t%d\t%d\t%d\t%d\t%d\n"):format (ticks (note:time ()), ticks (note:length ()),
						note:note (), note:velocity (), note:channel ()))
				end
			end
		end
		if wanted then Editor:set_selection (chosen, ArdourUI.SelectionOp.Set) end
		for region in Editor:get_selection ().regions:regionlist ():iter () do
			out:write ("SELECTED\t", region:name (), "\n")
		end
	end)
	if not ok then out:write ("ERROR\t", tostring (err), "\n") end
	out:close ()
	os.rename (folder .. "/state.tmp", folder .. "/state.txt")
end end
