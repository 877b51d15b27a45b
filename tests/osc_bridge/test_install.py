"""`continuo install`: the files of each DAW into its folder, daw.txt beside the data, and all of it away again."""

from __future__ import annotations

import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from continuo_daw import daw_scripts
from continuo_daw.assistant.__main__ import main
from continuo_daw.osc_bridge.install import doctor, scripts
from continuo_daw.osc_bridge.install.command import PLACES, STEPS, TITLES, found, program
from continuo_daw.osc_bridge.install.daw_file import daw_file, read_daw_file
from continuo_daw.osc_bridge.install.doctor import ABSENT, BROKEN, OK
from continuo_daw.osc_bridge.install.scripts import built

SOURCES = Path(daw_scripts.__file__).parent
DAWS = sorted(TITLES)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any DAW."""
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "CONTINUO_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("daw", DAWS)
def test_install_and_remove_leave_the_folder_as_it_was(
    daw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scripts of the DAW"
    folder.mkdir()
    (folder / "of another.lua").write_text("--")
    assert main(["install", daw, "--to", str(folder)]) == 0
    prefix = "" if daw == "ardour" else "Continuo/"
    expected = {prefix + name: data for name, data in built(daw).items()}
    assert files_in(folder) == expected | {"of another.lua": b"--"} and expected
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{TITLES[daw]}: {len(expected)} files in {folder}" and len(said) == 1 + len(STEPS[daw]) <= 4
    assert main(["install", daw, "--remove"]) == 0
    assert [path.name for path in folder.iterdir()] == ["of another.lua"]
    assert f"{len(expected)} files are removed" in capsys.readouterr().out
    assert not daw_file().exists()


def test_daw_txt_lies_where_scripts_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for system, variable, place in (
        ("linux", "XDG_DATA_HOME", ".local/share"),
        ("darwin", "", "Library/Application Support"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.delenv(variable, raising=False)
        assert daw_file() == tmp_path / place / "continuo" / "daw.txt"
        if variable:
            monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
            assert daw_file() == tmp_path / "elsewhere" / "continuo" / "daw.txt"


def test_what_a_script_has_to_know_is_in_daw_txt(tmp_path: Path) -> None:
    assert main(["install", "reaper", "--to", str(tmp_path / "scripts")]) == 0
    data = tmp_path / {"darwin": "Library/Application Support"}.get(sys.platform, ".local/share") / "continuo"
    assert daw_file() == data / "daw.txt"
    assert read_daw_file() == {"command": str(program()), "spool": str(data / "spool"), "port": "16180"}
    assert (data / "spool").is_dir()


def test_daw_txt_lies_in_the_portable_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "portable"))
    main(["install", "live", "--to", str(tmp_path / "scripts")])
    assert (tmp_path / "portable" / "daw.txt").read_bytes() == daw_file().read_bytes()
    assert read_daw_file()["spool"] == str(tmp_path / "portable" / "spool")


def test_a_changed_file_stays_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["install", "reaper", "--to", str(tmp_path / "scripts")]
    main(arguments)
    mine = tmp_path / "scripts" / "Continuo" / "core.lua"
    mine.write_text("-- mine\n")
    for again in (arguments, [*arguments, "--remove"]):
        assert main(again) == 1
        assert capsys.readouterr().out.splitlines()[-1] == f"kept as it is, because it was changed: {mine}"
        assert mine.read_text() == "-- mine\n"
    assert [*files_in(tmp_path / "scripts")] == ["Continuo/core.lua"]
    assert main([*arguments, "--remove"]) == 0


def test_a_file_of_the_user_that_has_the_name_of_ours_stays(tmp_path: Path) -> None:
    mine = tmp_path / "scripts" / "continuo_vary.lua"
    mine.parent.mkdir()
    mine.write_text("-- mine\n")
    assert main(["install", "ardour", "--to", str(mine.parent)]) == 1
    assert main(["install", "ardour", "--remove"]) == 1
    assert files_in(mine.parent) == {mine.name: b"-- mine\n"}


def test_an_earlier_version_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "scripts"
    with monkeypatch.context() as earlier:
        earlier.setattr(
            "continuo_daw.osc_bridge.install.command.built", lambda _: {"core.lua": b"-- old\n", "gone.lua": b"--\n"}
        )
        main(["install", "reaper", "--to", str(folder)])
    (finding,) = (f for f in doctor.buttons("nowhere") if f.subject == "REAPER buttons")
    assert finding.state == ABSENT and "another version" in finding.text
    assert main(["install", "reaper", "--to", str(folder)]) == 0
    assert files_in(folder) == {f"Continuo/{name}": data for name, data in built("reaper").items()}


def test_what_python_compiled_of_ours_goes_too(tmp_path: Path) -> None:
    main(["install", "live", "--to", str(tmp_path / "scripts")])
    compiled = tmp_path / "scripts" / "Continuo" / "__pycache__" / "__init__.cpython-37.pyc"
    compiled.parent.mkdir()
    compiled.touch()
    assert main(["install", "live", "--remove"]) == 0
    assert list((tmp_path / "scripts").iterdir()) == []


def test_remove_with_a_folder_leaves_the_others(tmp_path: Path) -> None:
    for name in ("one", "two"):
        main(["install", "bitwig", "--to", str(tmp_path / name)])
    assert main(["install", "bitwig", "--remove", "--to", str(tmp_path / "one")]) == 0
    assert files_in(tmp_path / "one") == {} != files_in(tmp_path / "two")
    assert daw_file().exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_every_version_that_has_run_gets_its_scripts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "ardour"]) == 1
    assert "start it once" in capsys.readouterr().err
    for name in ("ardour6", "ardour7", "ardour8"):
        (home / ".config" / name).mkdir(parents=True)
    assert main(["install", "ardour"]) == 0
    assert files_in(home / ".config" / "ardour7" / "scripts") == files_in(home / ".config" / "ardour8" / "scripts")
    assert files_in(home / ".config" / "ardour7" / "scripts") == built("ardour")
    assert files_in(home / ".config" / "ardour6") == {}


@pytest.mark.parametrize("daw", DAWS)
def test_the_usual_folders_of_each_system(daw: str, home: Path) -> None:
    for name, system, pattern, scripts_folder in PLACES:
        if name == daw:
            real = pattern.replace("[789]", "8").format(
                config=".config", local="AppData/Local", roaming="AppData/Roaming"
            )
            folder = home / real.removeprefix("~/")
            assert found(daw, system) == []
            folder.mkdir(parents=True, exist_ok=True)
            assert found(daw, system) == [folder / scripts_folder]
            folder.rmdir()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["install", "live", "--to", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("continuo: ")


def test_the_program_is_the_one_that_was_called_or_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "continuo.exe" if sys.platform == "win32" else "continuo"
    assert program() == Path(sysconfig.get_path("scripts")) / name
    (tmp_path / name).touch()
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "continuo")])
    assert program() == tmp_path / name


def test_a_button_of_ardour_is_one_file_with_the_core_inside() -> None:
    files = {name: data.decode("ascii") for name, data in built("ardour").items()}
    core = (SOURCES / "lua" / "core.lua").read_text()
    lines = (SOURCES / "ardour" / "actions.txt").read_text().splitlines()
    assert set(files) == {"continuo_hook.lua", *(f"continuo_{line.split('|')[0]}.lua" for line in lines)}
    assert all(text.count(core.rstrip()) == 1 and scripts.CORE not in text for text in files.values())
    regions = (SOURCES / "ardour" / "regions.lua").read_text()
    hook = files["continuo_hook.lua"]
    assert hook.count(regions.rstrip()) == 1 and scripts.REGIONS not in hook
    assert hook.index(core.rstrip()) < hook.index(regions.rstrip())
    for line in lines:
        action, title = line.split("|")
        text = files[f"continuo_{action}.lua"]
        assert text.count(f'name = "{title}"') == 1 and text.count(f'local ACTION = "{action}"') == 1


@pytest.mark.parametrize("daw", DAWS)
def test_every_file_is_in_the_wheel_and_ascii(daw: str) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["continuo_daw.daw_scripts"]
    suffixes = {pattern.removeprefix("**/*") for pattern in patterns}
    for name, data in built(daw).items():
        assert data.isascii() and b"\r" not in data, name
        assert Path(name).suffix in suffixes, name


def test_the_doctor_looks_after_the_buttons(home: Path) -> None:
    def said() -> dict[str, tuple[str, str]]:
        return {finding.subject: (finding.state, finding.text) for finding in doctor.buttons("linux")}

    assert said() == {}
    (home / ".config" / "REAPER").mkdir(parents=True)
    assert said()["REAPER buttons"][0] == ABSENT and "continuo install reaper" in said()["REAPER buttons"][1]
    folder = home / ".config" / "REAPER" / "Scripts"
    main(["install", "reaper", "--to", str(folder)])
    assert {subject: state for subject, (state, _) in said().items()} == {"daw.txt": OK, "REAPER buttons": OK}
    (folder / "Continuo" / "core.lua").write_text("-- mine\n")
    assert said()["REAPER buttons"][0] == ABSENT and "core.lua: changed" in said()["REAPER buttons"][1]
    (folder / "Continuo" / "core.lua").unlink()
    assert said()["REAPER buttons"][0] == BROKEN and "core.lua: not there" in said()["REAPER buttons"][1]
    daw_file().write_text("command=/nowhere/continuo\n")
    assert said()["daw.txt"][0] == BROKEN and "continuo install reaper" in said()["daw.txt"][1]
