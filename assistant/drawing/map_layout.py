"""The map of a corpus in latent space with clips on it: what it holds, and where everything stands.

Lengths are pixels of the picture, and of the page alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.drawing.ink import GIVEN, NEW, TEXT, Color, font, plain
from continuo_daw.assistant.drawing.piano_roll import MARGIN

CORPUS = GIVEN[1]
CLIPS: tuple[Color, ...] = (
    NEW[1],
    (0, 120, 84),
    (140, 40, 150),
    (176, 112, 0),
    (190, 20, 80),
    (0, 118, 140),
    (96, 112, 0),
    (110, 66, 40),
)
PLOT, LEFT, TOP, BELOW = 1400, 104, 128, 96  # side of the square, and what stands around it
SIZE = (LEFT + PLOT + MARGIN, TOP + PLOT + BELOW)  # width and height
DOT, PHRASE, MARK = 4.0, 5.5, 13.0  # radius of a phrase of the corpus, of a phrase of a clip, of a clip
SHADE, SHADE_OF_WAY = 80, 170  # opacity of a dot, of 255, so that it is darker where many lie; of a clip's way
NAME_LENGTH = 40  # letters of a clip's name
SIDES = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))  # of a mark, the best first
REACHES = (6, 24, 52, 90, 140, 200)  # how far from its mark a name may stand

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Place:
    """A clip on the map: its name, and for each of K phrases its first and last bar and where it lies (K, 2)."""

    name: str
    bars: tuple[tuple[int, int], ...]
    phrases: Points

    @property
    def position(self) -> Points:
        """Where the clip stands: the mean of its phrases."""
        mean: Points = self.phrases.mean(0)
        return mean


@dataclass(frozen=True)
class Map:
    """N phrases of a corpus and some clips, along the two main directions of a latent space.

    points (N, 2) in standard deviations, titles (N,) of their pieces; shares: of the variance, of both directions
    """

    heading: str
    points: Points
    titles: NDArray[np.str_]
    places: tuple[Place, ...]
    shares: tuple[float, float]

    @property
    def axes(self) -> tuple[str, str]:
        """What stands at the axes."""
        first, second = (
            f"main direction {number} ({share:.0%} of the variance), in standard deviations"
            for number, share in enumerate(self.shares, 1)
        )
        return first, second

    @property
    def summary(self) -> str:
        """What the dots are."""
        return f"each dot one of {len(self.points)} phrases of the corpus; what is alike lies near"


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


@dataclass(frozen=True)
class Frame:
    """The square that is shown: its lower left corner in standard deviations, and pixels for one of them."""

    low: tuple[float, float]
    scale: float

    def at(self, points: Points) -> NDArray[np.float64]:
        """(N, 2) pixels of points."""
        x, y = (np.asarray(points, np.float64) - self.low).T * self.scale
        return np.stack([LEFT + x, TOP + PLOT - y], -1)

    def mark(self, place: Place) -> tuple[float, float]:
        """The pixel where a clip stands."""
        x, y = self.at(place.position[None])[0].tolist()
        return x, y

    def ticks(self, axis: int) -> Iterator[tuple[int, float]]:
        """Whole numbers along an axis, with the pixels from its start."""
        low, high = self.low[axis], self.low[axis] + PLOT / self.scale
        every = next(step for power in range(9) for step in (10**power, 5 * 10**power) if step * self.scale >= 60)
        for number in range(int(np.ceil(low / every)), int(np.floor(high / every)) + 1):
            yield number * every, (number * every - low) * self.scale


def frame_of(whole: Map) -> Frame:
    """The smallest square around all points and clips, with some air."""
    points = np.concatenate([whole.points.reshape(-1, 2), *(place.phrases for place in whole.places), np.zeros((1, 2))])
    low, high = points.min(0), points.max(0)
    side = max(2.0, float((high - low).max())) * 1.08
    left, bottom = ((low + high - side) / 2).tolist()
    return Frame((left, bottom), PLOT / side)


def colors(places: Sequence[Place]) -> list[Color]:
    """A colour for each clip."""
    return [color for _, color in zip(places, cycle(CLIPS), strict=False)]


def short(name: str) -> str:
    """A name as it stands beside a mark."""
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 3]}..."


def name_boxes(whole: Map, frame: Frame) -> list[Box]:
    """Where the name of each clip stands: near its mark, inside the plot, on no other name and no mark, as far as
    that goes."""
    marks = [_around(frame.mark(place), MARK) for place in whole.places]
    phrases = [_around(at, PHRASE) for place in whole.places for at in frame.at(place.phrases).tolist()]
    plot = Box(LEFT, TOP, LEFT + PLOT, TOP + PLOT)
    taken: list[Box] = []

    def cost(box: Box) -> float:
        outside = (box.right - box.left) * (box.bottom - box.top) - box.shared(plot)
        covered = sum(map(box.shared, [*marks, *taken]))
        return 1000 * outside + 100 * covered + sum(map(box.shared, phrases))

    for place, mark in zip(whole.places, marks, strict=True):
        width = font(TEXT).getbbox(plain(short(place.name)))[2] + 8
        taken.append(min(_beside(mark, width, TEXT + 8), key=cost))  # of equal ones the first, which is the nearest
    return taken


def _around(at: Sequence[float], radius: float) -> Box:
    x, y = at
    return Box(x - radius, y - radius, x + radius, y + radius)


def _beside(mark: Box, width: float, height: float) -> Iterator[Box]:
    """Boxes of a size on all sides of a mark, the near ones first."""
    middle = (mark.left + mark.right) / 2, (mark.top + mark.bottom) / 2
    for reach, (right, down) in product(REACHES, SIDES):
        x = middle[0] + right * (MARK + reach + width / 2)
        y = middle[1] + down * (MARK + reach / 2 + height / 2)
        yield Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def leader(mark: tuple[float, float], box: Box) -> tuple[float, float] | None:
    """Where a line from a mark to a name ends; None where the name stands right beside it."""
    x, y = min(max(mark[0], box.left), box.right), min(max(mark[1], box.top), box.bottom)
    return (x, y) if np.hypot(x - mark[0], y - mark[1]) > MARK + REACHES[1] / 2 else None
