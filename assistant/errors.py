"""The one expected error, which a musician can act on."""

from __future__ import annotations

CODES = (
    "bad_packet",
    "bad_args",
    "not_found",
    "incomplete",
    "too_large",
    "busy",
    "timeout",
    "cancelled",
    "no_model",
    "internal",
)


class AssistantError(Exception):
    """An error that a musician can act on: one of `CODES`, and a text that names the argument and its range."""

    def __init__(self, code: str, text: str) -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code}")
        super().__init__(text)
        self.code = code
        self.text = text
