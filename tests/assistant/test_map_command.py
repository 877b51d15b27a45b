"""`continuo map`: clips stand where their codes lie, in the picture, on the page and in what is printed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_phrases
from PIL import Image
from tiny import tune

from continuo_daw.assistant import engine
from continuo_daw.assistant.__main__ import main
from continuo_daw.assistant.commands.map import on_map
from continuo_daw.assistant.drawing.ink import LANE_WHITE
from continuo_daw.assistant.drawing.map_layout import (
    CLIPS,
    CORPUS,
    LEFT,
    PLOT,
    TOP,
    Box,
    Map,
    Place,
    frame_of,
    name_boxes,
)
from continuo_daw.assistant.drawing.map_page import map_page
from continuo_daw.assistant.drawing.map_picture import map_picture
from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.latent.space import Latent
from continuo_daw.assistant.music.clip import Clip, Note
from continuo_daw.assistant.music.midi_write import write_midi
from continuo_daw.assistant.paths import bundled_models

NASTY = "</script><b>\"Lark\" & 'Co' $heading \N{LATIN SMALL LETTER E WITH ACUTE}<!--"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two clips; the user's only models are three latent ones."""
    monkeypatch.setenv("CONTINUO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(engine, "bundled_models", lambda: tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    for family, voices in (("seqae", "one"), ("vae", "many"), ("vae", "one")):
        tiny_phrases.bundle(tmp_path / "home" / "models", family, voices)
    write_midi(tune(1, 6), "long.mid")
    write_midi(tune(2, 2, voices=2), "chords.mid")
    return tmp_path


def run(line: str) -> int:
    """The exit status of `continuo map` with these arguments."""
    return main(["map", *line.split()])


def report(line: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command prints for programs."""
    assert run(f"{line} --json") == 0
    return json.loads(capsys.readouterr().out)


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command which fails says."""
    assert run(line) == 1
    (said,) = capsys.readouterr().err.splitlines()
    return said


def a_map(*places: Place, points: Any = ((-1, -1), (1, 1)), titles: Any = None) -> Map:
    """A map with few points."""
    array = np.array(points, np.float32).reshape(-1, 2)
    names = np.array(["Tune"] * len(array) if titles is None else titles, np.str_)
    return Map("A heading", array, names, places, (0.5, 0.25))


def at(*points: tuple[float, float], name: str = "a.mid") -> Place:
    """A clip with a phrase of two bars at each of `points`."""
    bars = tuple((2 * k + 1, 2 * k + 2) for k in range(len(points)))
    return Place(name, bars, np.array(points, np.float32))


class Page(HTMLParser):
    """What a browser makes of a page: its tags with attributes, and the text inside each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.inside.setdefault(self.tags[-1][0], []).append(data)

    @property
    def marks(self) -> list[tuple[float, float, str]]:
        """x, y and the text on hover of every mark, from below to the top."""
        texts = json.loads(self.inside["script"][0])
        circles = [a for tag, a in self.tags if tag == "circle"]
        return [(float(a["cx"] or 0), float(a["cy"] or 0), texts[int(a["data-text"] or 0)]) for a in circles]


def page_of(whole: Map, folder: Path) -> Page:
    map_page(whole, folder / "map.html")
    return Page((folder / "map.html").read_text(encoding="utf-8"))


def test_codes_are_measured_in_standard_deviations_of_the_main_directions() -> None:
    space = tiny_phrases.space()
    code = space.mean + 1.5 * space.basis[0] - 0.5 * space.basis[1] + 2 * space.basis[2]
    np.testing.assert_allclose(on_map(space, np.stack([code, space.mean])), [[1.5, -0.5], [0, 0]], atol=1e-5)


def test_a_clip_stands_at_the_mean_of_its_phrases(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = report("long.mid --model tiny-vae-one -o map.png", capsys)
    (clip,) = said["clips"]
    latent = Latent(engine.Engine(device="cpu").network("tiny-vae-one"))
    wanted = on_map(latent.space, latent.encode(tune(1, 6)))
    assert [phrase["bars"] for phrase in clip["phrases"]] == [[1, 2], [3, 4], [5, 6]]
    np.testing.assert_allclose([phrase["position"] for phrase in clip["phrases"]], wanted, atol=1e-4)
    np.testing.assert_allclose(clip["position"], wanted.mean(0), atol=1e-4)
    assert np.ptp(wanted, 0).min() > 0.01  # the phrases do lie apart


def test_the_shares_of_the_variance_are_those_of_the_space(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = report("long.mid -o map.png", capsys)
    lengths = np.linspace(1, 0.4, tiny_phrases.DIRECTIONS) ** 2
    rest = tiny_phrases.LATENT * 0.2**2
    np.testing.assert_allclose(said["variance_shares"], lengths[:2] / (lengths.sum() + rest), rtol=1e-4)
    assert said["corpus_phrases"] == len(tiny_phrases.TITLES)


@pytest.mark.parametrize(("clips", "model"), [("long.mid", "tiny-vae-one"), ("long.mid chords.mid", "tiny-vae-many")])
def test_the_model_suits_the_clips(folder: Path, clips: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(f"{clips} -o map.png", capsys)["model"] == model


def test_binary_codes_have_a_map_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report("long.mid --model tiny-seqae-one -o map.html", capsys)["model"] == "tiny-seqae-one"


def test_picture_and_page_are_written_in_one_go(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("long.mid chords.mid -o map.png -o MAP.HTML") == 0
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"long\.mid: [+-]\d+\.\d\d, [+-]\d+\.\d\d standard deviations, 3 phrases", said[0])
    assert said[2] == "tiny-vae-many: map.png, MAP.HTML"
    assert Image.open("map.png").format == "PNG"
    titles = {text for _, _, text in Page(Path("MAP.HTML").read_text(encoding="utf-8")).marks}
    phrases = {f"long.mid: bars {bars}" for bars in ("1 to 2", "3 to 4", "5 to 6")}
    assert titles == {*tiny_phrases.TITLES, "long.mid", "chords.mid", *phrases}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("none.mid -o map.png", "there is no file none.mid"),
        ("broken.mid -o map.png", "cannot read broken.mid"),
        ("silent.mid -o map.png", "silent.mid has no notes that sound"),
        ("wide.mid -o map.png", "wide.mid: meter 7/4 has bars of more than 6 quarters, so tiny-vae-one cannot take it"),
        ("long.mid -o map.gif", "cannot write map.gif: a map is one of .png, .html"),
        ("long.mid -o none/map.png", "there is no folder none"),
        ("long.mid -o map.png -o long.mid", "long.mid is the clip that was given"),
        ("long.mid -o map.png --model melody", "no model melody with a latent space; known: tiny-seqae-one"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    folder: Path, line: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.mid").write_bytes(b"MThd")
    write_midi(Clip((Note(0, 60, 480, muted=True),), 3840), "silent.mid")
    write_midi(tune(3, 2, (7, 4)), "wide.mid")
    given = (folder / "long.mid").read_bytes()
    assert wrong in refused(line, capsys)
    assert not list(folder.glob("map.*")) and (folder / "long.mid").read_bytes() == given


def test_a_link_to_a_clip_is_not_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "map.png").symlink_to("long.mid")
    assert "map.png is the clip that was given" in refused("long.mid -o map.png", capsys)


def test_without_a_latent_model_it_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTINUO_HOME", str(folder / "empty"))
    assert "no model with a latent space is installed" in refused("long.mid -o map.png", capsys)
    shipped = bundled_models() / "melody"
    assert "charrnn" in (shipped / "card.json").read_text(encoding="utf-8")
    monkeypatch.setattr(engine, "find_bundles", lambda folders: [shipped])
    assert "no model with a latent space is installed" in refused("long.mid -o map.png", capsys)


def test_a_model_that_is_broken_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "home" / "models" / "tiny-vae-one" / "space.npz").write_bytes(b"another")
    assert "sha256 differs" in refused("long.mid -o map.png --model tiny-vae-one", capsys)


def test_a_page_names_every_mark_whatever_its_title(tmp_path: Path) -> None:
    whole = a_map(at((0, 0), (1, 0), name="<i>.mid"), points=[(-1, -1), (1, 1), (0.5, 0)], titles=[NASTY, "B", NASTY])
    page = page_of(whole, tmp_path)
    assert [text for _, _, text in page.marks] == [
        *(NASTY, "B", NASTY),
        *("<i>.mid: bars 1 to 2", "<i>.mid: bars 3 to 4", "<i>.mid"),
    ]
    assert {"b", "i"}.isdisjoint(tag for tag, _ in page.tags)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "<i>.mid" in page.inside["text"]


def test_a_page_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    page = page_of(a_map(at((0, 0))), tmp_path)
    assert not [a for _, a in page.tags if {"src", "href", "xlink:href", "data", "action"} & a.keys()]
    assert not re.search(r"https?:|//\w|url\(|@import|fetch|XMLHttp", "".join(map("".join, page.inside.values())))
    assert "default-src 'none'" in next(a["content"] or "" for _, a in page.tags if "http-equiv" in a)


def test_marks_stand_right_and_above_for_more(tmp_path: Path) -> None:
    (left, low, _), (right, high, _), *_ = page_of(a_map(at((0, 0))), tmp_path).marks
    assert left < right and low > high


def test_picture_and_page_agree(tmp_path: Path) -> None:
    whole = a_map(at((0.5, -1.5)), points=[(-1.3, -0.7), (1.2, 0.6)])
    map_picture(whole, tmp_path / "map.png")
    image = Image.open(tmp_path / "map.png").convert("RGB")
    *dots, (x, y, _) = page_of(whole, tmp_path).marks
    assert image.getpixel((round(x), round(y))) == CLIPS[0]
    pale = [image.getpixel((round(x), round(y))) for x, y, _ in dots]
    assert len(set(pale)) == 1 and sum(CORPUS) < sum(pale[0]) < sum(LANE_WHITE)


def test_it_is_darker_where_many_lie(tmp_path: Path) -> None:
    whole = a_map(points=[(-1, 0), (1, 0), (1, 0), (1, 0)])
    map_picture(whole, tmp_path / "map.png")
    image = Image.open(tmp_path / "map.png").convert("RGB")
    one, three = (image.getpixel(tuple(np.rint(xy).astype(int))) for xy in frame_of(whole).at(whole.points[:2]))
    assert sum(three) < sum(one) - 100


def test_the_way_of_a_clip_is_drawn_from_phrase_to_phrase(tmp_path: Path) -> None:
    whole = a_map(at((-1, 0), (1, 0), (1, 1)))
    map_picture(whole, tmp_path / "map.png")
    image = Image.open(tmp_path / "map.png").convert("RGB")
    on_it, beside = np.rint(frame_of(whole).at(np.array([(-0.5, 0), (-0.5, 0.5)], np.float32))).astype(int)
    assert image.getpixel(tuple(on_it)) != image.getpixel(tuple(beside)) == LANE_WHITE


def test_names_of_near_clips_stand_apart_inside_the_plot() -> None:
    random = np.random.default_rng(0)
    near = [*random.normal(0, 0.05, (8, 2)).tolist(), [3, 3], [-3, -3], [3, -3]]
    whole = a_map(*(at(tuple(xy), name=f"a clip of mine {k}.mid") for k, xy in enumerate(near)))
    frame = frame_of(whole)
    boxes = name_boxes(whole, frame)
    assert not any(a.shared(b) for k, a in enumerate(boxes) for b in boxes[:k])
    for x, y in frame.at(np.array(near, np.float32)):
        assert not any(box.left < x < box.right and box.top < y < box.bottom for box in boxes)
    plot = Box(LEFT, TOP, LEFT + PLOT, TOP + PLOT)
    assert all(box.shared(plot) == box.shared(box) for box in boxes)


def test_all_is_on_the_map_however_far() -> None:
    whole = a_map(at((40, -3)), points=[(-1, -1), (1, 1)])
    frame = frame_of(whole)
    edges = frame.at(np.array([(-1, -1), (1, 1), (40, -3)], np.float32)) - frame.at(np.array([frame.low], np.float32))
    assert np.all(edges[:, 0] > 0) and np.all(edges[:, 1] < 0) and edges[:, 0].max() < PLOT
    assert 5 <= len(list(frame.ticks(0))) <= 20


@pytest.mark.parametrize("write", [map_picture, map_page])
def test_a_map_without_a_corpus_and_a_place_that_cannot_be_written(write: Any, tmp_path: Path) -> None:
    write(a_map(at((0, 0)), points=[]), tmp_path / "map")
    assert (tmp_path / "map").stat().st_size > 1000
    with pytest.raises(AssistantError, match="cannot write"):
        write(a_map(at((0, 0))), tmp_path / "none" / "map")
