"""Continuo in Ableton Live 11 and 12: a Remote Script, without Max for Live.

It is switched on under Settings > Link, Tempo & MIDI as a Control Surface, with the MIDI port of the buttons as Input.
Each button is a note on MIDI channel 16:

    36 (C1)   Generate            41 (F1)   Refine durations     44 (G#1)  Cancel
    37 (C#1)  Continue            42 (F#1)  Refine velocities    45 (A1)   Options
    38 (D1)   Interpolate         43 (G1)   Refine both          46 (A#1)  Show what Continuo is doing
    39 (D#1)  Vary
    40 (E1)   Walk

The clip is the one that Live shows in its Clip View. Interpolate goes from the clip that was shown before to the one
that is shown. New clips go into the next free slots of the track, or behind the clip in the Arrangement.
"""

from __future__ import annotations


def create_instance(c_instance: object) -> object:
    """What Live calls when the script is switched on, and again with every set that is opened."""
    from .surface import Surface  # here, so that the folder can be looked into without Live

    return Surface(c_instance)
