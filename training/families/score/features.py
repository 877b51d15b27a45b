"""The features of the score network as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from continuo_daw.assistant.codecs.score.features import features_of
from continuo_daw.assistant.codecs.score.window import Window


def batch_of(windows: Sequence[Window]) -> dict[str, Tensor]:
    """The tensors of some windows; see `features_of` for what they hold."""
    return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in features_of(windows).items()}
