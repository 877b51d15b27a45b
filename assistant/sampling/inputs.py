"""Inputs of a sampling graph: the one list of them, each with what it is where nothing is said."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.bundles.runtime import Arrays
from continuo_daw.assistant.codecs.condition import SIZE
from continuo_daw.assistant.codecs.events import START

FORBIDDEN = -1e9  # logit of a token that may not come; as a bias, it rules the token out
CHOOSE = -1  # a forced token that leaves the choice to the graph


def sampling_inputs(layers: int, cells: int, vocabulary: int, rows: int, steps: int, **given: NDArray[Any]) -> Arrays:
    """Inputs for `rows` sequences of `steps` steps, in a network of `layers` with `cells` each.

    As it stands: from START on, with nothing to hear and no end, in an unknown meter, without condition or bias. What
    is `given` takes the place of an input; shapes stand in `export/graph.py`.
    """
    plain: Arrays = {
        "prompt": np.zeros((0, rows), np.int64),
        "prompt_position": np.zeros((0, rows), np.int64),
        "token": np.full(rows, START, np.int64),
        "forced": np.full((steps, rows), CHOOSE, np.int64),
        "uniform": np.full((steps, rows), 0.5, np.float32),
        "hidden": np.zeros((layers, rows, cells), np.float32),
        "cell": np.zeros((layers, rows, cells), np.float32),
        "state": np.zeros((rows, 3), np.float32),
        "until": np.full(rows, np.inf, np.float32),
        "bar": np.zeros(rows, np.float32),
        "meter": np.zeros(rows, np.int64),
        "condition": np.zeros((rows, SIZE), np.float32),
        "bias": np.zeros((rows, vocabulary), np.float32),
        "temperature": np.ones(1, np.float32),
        "top_p": np.ones(1, np.float32),
    }
    return plain | given
