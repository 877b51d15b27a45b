-- ardour7-lua ardour_read.lua FOLDER NAME
-- Prints every region of a saved session with its notes: times in ticks of Ardour, 1920 a quarter.
assert (load_session (arg[1], arg[2]), "no session")
local function ticks (beats)
	local whole, rest = beats:str ():match ("^(%-?%d+):(%d+)$")
	return math.tointeger (whole) * 1920 + math.tointeger (rest)
end
for track in Session:get_tracks ():iter () do
	for region in track:to_track ():playlist ():region_list ():iter () do
		print (("\nREGION\t%s\t%s\t%d\t%d\t%d"):format (track:name (), region:name (), region:position ():ticks (),
			region:start ():ticks (), region:length ():ticks ()))
		for note in ARDOUR.LuaAPI.note_list (region:to_midiregion ():model ()):iter () do
			print (("NOTE\t%d\t%d\t%d\t%d\t%d"):format (ticks (note:time ()), ticks (note:length ()), note:note (),
				note:velocity (), note:channel ()))
		end
	end
end
close_session ()
quit ()
