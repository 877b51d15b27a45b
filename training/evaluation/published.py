"""Figures of others, with what makes them comparable or not. Only such as were read in the source itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A figure, who published it, and how far it is comparable to ours."""

    what: str
    figure: str
    source: str
    remark: str


STEERING = (
    Published(
        "rank correlation, asked against reached",
        "0.976 (Bach chorales), 0.988 (folk)",
        "AR-VAE: Pati and Lerch, Attribute-based regularization of latent spaces, 2020; read off its repository's "
        "figures",
        "other data; of code numbers against attributes of bars, where ours is of requests against clips",
    ),
)
LOUDNESS = (
    Published(
        "mean absolute error of velocities",
        "11.49 (MAESTRO v3, test)",
        "U-Net: arXiv 2508.07751, outputs of its notebooks",
        "other pieces; a velocity of 64 throughout is off by 14.80 there",
    ),
)
