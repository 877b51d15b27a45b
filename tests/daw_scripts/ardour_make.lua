-- ardour7-lua ardour_make.lua FOLDER NAME TEMPO BEATS_PER_BAR BEAT TRACK ...
-- Makes a session with empty MIDI tracks.
create_session (arg[1], arg[2], 48000)
local midi = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1)
for index = 6, #arg do
	Session:new_midi_track (midi, midi, true, ARDOUR.PluginInfo (), nil, nil, 1, arg[index],
		ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
end
local map = Temporal.TempoMap.fetch_writable ()
local tempo = tonumber (arg[3])
map:set_tempo (Temporal.Tempo (tempo, tempo, 4), Temporal.timepos_t (0))
map:set_meter (Temporal.Meter (tonumber (arg[4]), tonumber (arg[5])), Temporal.timepos_t (0))
Temporal.TempoMap.update (map)
map = nil
Session:save_state ("", false, false, false, false, false)
close_session ()
quit ()
