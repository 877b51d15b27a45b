-- ardour7-lua ardour_make.lua FOLDER NAME TIMES TRACK ...
-- Makes a session with empty MIDI tracks. TIMES is "QUARTERS TEMPO BEATS_PER_BAR BEAT;..." with the start first.
create_session (arg[1], arg[2], 48000)
local midi = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1)
for index = 4, #arg do
	Session:new_midi_track (midi, midi, true, ARDOUR.PluginInfo (), nil, nil, 1, arg[index],
		ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
end
local map = Temporal.TempoMap.fetch_writable ()
for quarters, tempo, beats, beat in arg[3]:gmatch ("([%d.]+) ([%d.]+) (%d+) (%d+)") do
	local at = Temporal.timepos_t.from_ticks (math.tointeger (tonumber (quarters) * 1920))
	tempo = tonumber (tempo)
	map:set_tempo (Temporal.Tempo (tempo, tempo, 4), at)
	map:set_meter (Temporal.Meter (math.tointeger (tonumber (beats)), math.tointeger (tonumber (beat))), at)
end
Temporal.TempoMap.update (map)
map = nil
Session:save_state ("", false, false, false, false, false)
close_session ()
quit ()
