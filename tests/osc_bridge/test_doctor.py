"""What the doctor finds, each fact made true and false."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from continuo_daw.assistant.__main__ import main
from continuo_daw.osc_bridge.daemon.link import Target
from continuo_daw.osc_bridge.install import doctor
from continuo_daw.osc_bridge.install.doctor import ABSENT, BROKEN, OK, Finding


class HealthyEngine:
    """An engine with one model."""

    device, device_note = "cpu", "no NVIDIA driver with a GPU"
    bundles = {"tiny": SimpleNamespace(card=SimpleNamespace(title="A tiny one", tasks=("generate", "continue")))}  # noqa: RUF012
    broken: dict[str, str] = {}  # noqa: RUF012


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program holds, and where it answers nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        yield other.getsockname()[1]


@pytest.fixture
def free() -> int:
    """A port that nobody holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def findings(monkeypatch: pytest.MonkeyPatch, **changes: object) -> list[Finding]:
    """What is said of the models of a healthy engine with these changes."""
    monkeypatch.setattr(doctor, "Engine", type("Changed", (HealthyEngine,), changes))
    return list(doctor.models())


def test_device_and_models_of_a_healthy_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch) == [
        Finding(OK, "device", "cpu: no NVIDIA driver with a GPU"),
        Finding(OK, "model tiny", "A tiny one; generate, continue"),
    ]


def test_a_broken_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = findings(monkeypatch, broken={"old": "models/old: sha256 differs"})
    assert found[-1].state == BROKEN
    assert "models/old: sha256 differs" in found[-1].text


def test_no_model_at_all_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (findings(monkeypatch, bundles={})[-1].state, findings(monkeypatch, bundles={})[-1].subject) == (
        BROKEN,
        "models",
    )


def test_a_free_port(free: int) -> None:
    assert doctor.port(free) == Finding(OK, "port", f"UDP {free} is free")


def test_a_port_that_another_program_holds(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("continuo_daw.osc_bridge.clients.client.QUICK_SECONDS", 0.02)
    found = doctor.port(taken)
    assert found.state == BROKEN
    assert "not Continuo" in found.text and "--port" in found.text


def test_a_program_that_answers_anything_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("continuo_daw.osc_bridge.clients.client.QUICK_SECONDS", 0.02)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))

        def answer() -> None:
            other.sendto(b"what?", other.recvfrom(1000)[1])

        thread = threading.Thread(target=answer)
        thread.start()
        found = doctor.port(other.getsockname()[1])
        thread.join()
    assert found.state == BROKEN and "not Continuo" in found.text


@pytest.mark.parametrize("number", ["99999", "-1", "studio"])
def test_what_is_no_port_is_said(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", f"--port={number}"])
    assert f"{number} is not a port from 0 to 65535" in capsys.readouterr().err


def test_a_daemon_that_answers(make_server: Callable[..., Target]) -> None:
    _, port = make_server()
    found = doctor.port(port)
    assert found.state == OK
    assert f"UDP {port}: continuo" in found.text and "protocol 1" in found.text


def test_packages_that_are_there_have_their_version() -> None:
    found = {finding.subject: finding for finding in doctor.packages()}
    assert found["numpy"].state == OK and found["numpy"].text[0].isdigit()


def test_a_package_that_is_missing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    missing = next(finding for finding in doctor.packages() if finding.subject == "no-such-package")
    assert missing == Finding(BROKEN, "no-such-package", "not installed: pip install no-such-package")


def test_training_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TRAINING", ("no-such-package",))
    missing = next(finding for finding in doctor.packages() if finding.subject == "no-such-package")
    assert missing.state == ABSENT and "continuo-daw[train]" in missing.text


def test_two_onnxruntimes_are_in_each_others_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ONNXRUNTIMES", ("numpy", "mido"))
    found = next(finding for finding in doctor.packages() if finding.subject == "onnxruntime")
    assert found.state == BROKEN and "pip uninstall" in found.text


def test_a_folder_that_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "a" / "b"))
    assert doctor.folder() == Finding(OK, "user folder", str(tmp_path / "a" / "b"))


def test_a_folder_below_a_file_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "file" / "home"))
    found = doctor.folder()
    assert found.state == BROKEN and "CONTINUO_HOME" in found.text


def test_a_daw_is_found_where_it_usually_lies(tmp_path: Path) -> None:
    (tmp_path / "Studio-7").mkdir()
    rows = (("Studio", "here", (str(tmp_path / "Studio-*"),)), ("Other", "here", (str(tmp_path / "Other*"),)))
    assert list(doctor.daws(rows, "here")) == [
        Finding(OK, "Studio", str(tmp_path / "Studio-7")),
        Finding(ABSENT, "Other", "not found in the usual places"),
    ]


def test_daws_of_other_systems_are_not_looked_for() -> None:
    assert list(doctor.daws((("Studio", "there", ("/",)),), "here")) == []


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_system_has_its_daws(system: str) -> None:
    assert len(list(doctor.daws(system=system))) >= 3


def test_the_report_is_json_and_the_status_0(
    monkeypatch: pytest.MonkeyPatch, free: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "Engine", HealthyEngine)
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path))
    status = main(["doctor", "--json", "--port", str(free)])
    report = {entry["subject"]: entry["state"] for entry in json.loads(capsys.readouterr().out)}
    assert (status, report["port"], report["model tiny"]) == (0, OK, OK)


def test_what_is_broken_makes_the_status_1(
    monkeypatch: pytest.MonkeyPatch, free: int, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "Engine", type("Empty", (HealthyEngine,), {"bundles": {}}))
    assert main(["doctor", "--port", str(free)]) == 1
    assert "!!  models" in capsys.readouterr().out
