"""The core that the Lua scripts share, under both versions of Lua that hosts embed."""

from __future__ import annotations

import math
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from continuo_daw.osc_bridge.daemon.spool import as_text
from continuo_daw.osc_bridge.install.scripts import built

CORE = built("reaper")["core.lua"].decode()  # its parts as one
LOADED = 'local file = io.open (arg[1]) local Continuo = assert (load (file:read ("a") .. "\\nreturn Continuo")) ()\n'
PASTED = "local function action ()\n{core}\nreturn Continuo\nend\nlocal Continuo = action ()\n"
SAME = (
    "for line in io.lines () do local v = Continuo.values (line) print (Continuo.message (table.remove (v, 1), v)) end"
)

RunLua = Callable[..., str]


@pytest.fixture(params=["lua5.3", "lua5.4"])
def lua(request: pytest.FixtureRequest, require_program: Callable[[str], str], tmp_path: Path) -> RunLua:
    """Run a text with `Continuo` loaded; what it printed."""
    program = require_program(request.param)

    def run(text: str, given: str = "", before: str = LOADED, environment: dict[str, str] | None = None) -> str:
        script = tmp_path / "script.lua"
        script.write_text(before + text)
        core = tmp_path / "core.lua"
        core.write_text(CORE)
        command = [program, str(script), str(core)]
        ran = subprocess.run(command, input=given, capture_output=True, text=True, timeout=30, env=environment)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def test_messages_have_the_form_of_reply_files(lua: RunLua) -> None:
    """Read and written again, a line of the daemon is the same."""
    draw = random.Random(7)
    numbers = [draw.uniform(-200, 20_000) for _ in range(200)] + [k / 960 for k in range(960)] + [0.0, -0.5, 1e6, 120.0]
    texts = [
        "word",
        "two words",
        "",
        "7",
        "-",
        'a "b"',
        "new\nline\ttab\\",
        "x:y/z-1",
        "/path/x",
        "3/4",
        "\x01\x1f",
        "a\\u0041",
    ]
    rows = [numbers, list(range(-3, 130)), texts, [2**31 - 1, -(2**31), True, "reaper-1732200000-1", 0.25]]
    lines = "".join(f"{as_text('/continuo/x', row)}\n" for row in rows)
    assert lua(SAME, lines) == lines


def test_text_that_is_not_ascii_keeps_its_bytes(lua: RunLua) -> None:
    said = lua(SAME, as_text("/continuo/fail", ("café", "été à 3 ♩")) + "\n")
    assert said == '/continuo/fail "café" "été à 3 ♩"\n'


def test_a_number_is_written_with_a_point_whatever_the_host_speaks(lua: RunLua) -> None:
    """`string.format` follows the locale of the host."""
    comma = 'local format = string.format string.format = function (...) return (format (...):gsub ("%.", ",")) end\n'
    assert lua(comma + 'print (Continuo.message ("/a", { 0.5, 3.0 }))') == "/a 0.5 3.0\n"


def test_the_core_can_be_pasted_into_a_function(lua: RunLua) -> None:
    before = PASTED.replace("{core}", CORE)
    assert lua('print (Continuo.message ("/a", { 1 }))', before=before) == "/a 1\n"
    assert CORE.rstrip().endswith("-- end of core") and CORE.isascii()


def test_options_of_an_older_version_are_left_out(lua: RunLua) -> None:
    """And what a script fills in itself is no option."""
    rows = '/continuo/task walk "a walk" codes 0 1\n/continuo/option walk bars int "1" "64" "16" "" "how many"\n'
    rows += '/continuo/option walk reply_port int "0" "65535" "0" "" "where"\n'
    ask = "local lines = {} for line in io.lines () do lines[#lines + 1] = Continuo.values (line) end "
    ask += "local walk = Continuo.tasks (lines).walk print (#walk.options, walk.model, Continuo.clips_taken (walk, 1)) "
    ask += (
        'for _, line in ipairs (Continuo.request_lines (walk, "a-1", {}, { bars = 4, gone = 7 })) do print (line) end'
    )
    assert lua(ask, rows) == "1\tcodes\t1\n/continuo/walk a-1 bars 4 reply_file a-1\n"


def test_what_is_known_of_a_track_and_its_time_goes_along(lua: RunLua) -> None:
    clip = "{ notes = {}, length = 8, tempo = 96.5, numerator = 3, denominator = 4, name = 'Bass 1', channel = 4, "
    clip += "program = 34, drums = true, upbeat = 1, tempos = { { at = 2, tempo = 90 } }, "
    clip += "meters = { { at = 4, numerator = 6, denominator = 8 } } }"
    said = lua(f"for _, line in ipairs (Continuo.clip_lines ('A', {clip})) do print (line) end")
    track = 'name "Bass 1" channel 4 program 34 drums 1 upbeat 1.0'
    assert said.splitlines()[1:] == [
        f"/continuo/clip/info A 8.0 96.5 3 4 {track}",
        "/continuo/clip/meter A 4.0 6 8",
        "/continuo/clip/tempo A 2.0 90.0",
    ]


@pytest.mark.parametrize(
    ("results", "clip", "place"),
    [
        (["place behind"], "{ length = 8 }", "behind"),
        (["place in_place drums 0"], "{ length = 8 }", "in_place"),
        (["density 0.5 place over from 2.0 to 8.0"], "{ length = 8 }", "over"),
        (["place over from 2.0 to 9.0"], "{ length = 8 }", "free"),
        (["place over from 2.0 to 4.0"] * 2, "{ length = 8 }", "free"),
        (["density 0.5"], "nil", "free"),
        ([], "nil", "free"),
    ],
)
def test_what_is_done_with_an_answer(lua: RunLua, results: list[str], clip: str, place: str) -> None:
    lines = "".join(f"/continuo/result x {k} 0 0.0 8.0 {pairs}\n" for k, pairs in enumerate(results))
    ask = "local lines = {} for line in io.lines () do lines[#lines + 1] = Continuo.values (line) end "
    assert lua(f"{ask} print (Continuo.place (Continuo.answers (lines).candidates, {clip}))", lines) == f"{place}\n"


@pytest.mark.parametrize(
    ("row", "typed", "value"),
    [
        ('int "1" "64" "4" ""', " 8 ", "8"),
        ('int "1" "64" "4" ""', "8.0", "8"),
        ('int "1" "64" "4" ""', "8.5", None),
        ('int "1" "64" "4" ""', "", "nil"),
        ('int "1" "64" "4" ""', "many", None),
        ('float "0" "1" "" ""', "0,25", "0.25"),
        ('float "0" "1" "" ""', "1", "1.0"),
        ('float "0" "1" "" ""', "-1", None),
        ('float "" "" "" ""', "nan", None),
        ('bool "" "" false ""', "Yes", "1"),
        ('bool "" "" false ""', "0", "0"),
        ('bool "" "" false ""', "perhaps", None),
        ('choice "" "" both both|onsets', "onsets", '"onsets"'),
        ('choice "" "" both both|onsets', "on", None),
        ('text "" "" "" ""', "3/4", '"3/4"'),
    ],
)
def test_what_is_typed_for_an_option(lua: RunLua, row: str, typed: str, value: str | None) -> None:
    """None where it does not do: then the text names key, range and help."""
    lines = f'/continuo/task t "s" m 0 0\n/continuo/option t key {row} "its help"\n'
    ask = "local lines = {} for line in io.lines () do lines[#lines + 1] = Continuo.values (line) end "
    ask += f"local value, fault = Continuo.option_value (Continuo.tasks (lines).t.options[1], {typed!r}) "
    ask += 'print (fault or value == nil and "nil" or Continuo.message ("", { value }))'
    said = lua(ask, lines).removesuffix("\n")
    if value is None:
        assert said.startswith(f"key: {typed} does not do (") and said.endswith("its help")
    else:
        assert said.strip().strip('"') == value.strip('"')


def test_where_the_settings_are_looked_for(lua: RunLua, tmp_path: Path) -> None:
    tell = "local found, fault = Continuo.settings ('ardour') print (found and found.spool or fault)"
    command = tmp_path / "continuo"
    command.write_text("a program")
    places = {
        "XDG_DATA_HOME": "xdg/continuo",
        "HOME": "home/Library/Application Support/continuo",
        "LOCALAPPDATA": "local/continuo",
    }
    for variable, place in places.items():
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "daw.txt").write_bytes(f"command={command}\r\nspool=/{variable}=1\r\nport=1\r\n".encode())
        environment = {variable: str(tmp_path / place.partition("/")[0])}
        assert lua(tell, environment=environment) == f"/{variable}=1\n"
    missing = "Continuo is not set up for this DAW. Run 'continuo install ardour' once.\n"
    assert lua(tell, environment={"HOME": str(tmp_path)}) == missing


def test_the_tick_is_finer_than_six_decimals() -> None:
    """So nothing is lost when times go as text: the daemon keeps 1/960 beat."""
    assert all(math.floor(float(f"{k / 960:.6f}") * 960 + 0.5) == k for k in range(0, 2_000_000, 997))
