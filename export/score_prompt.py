"""The positions of a prompt heard in one pass by the score network, as a graph: what the note loop goes on from."""

from __future__ import annotations

from typing import Any

from continuo_daw.assistant.sampling.score_prompt import HEARD
from continuo_daw.export.score_steps import Batch, Recall, Step
from continuo_daw.training.families.score.parts import span_of


class Prompt(Step):
    """One row with T positions. The keys, values and second keys of the given notes come from the graph `given`; the
    outputs are those of `recall` at the last position, the states, and what the memory holds (1, heads, T or T - 1,
    size)."""

    inputs = (*HEARD, "given_keys", "given_values", "given_again")
    outputs = (
        *Recall.outputs, "next_first_hidden", "next_first_cell", "next_rows", "keys", "values", "again",
    )  # fmt: skip

    def step(self, batch: Batch) -> Batch:
        net, heads = self.net, self.net.heads
        keys, values, again = (batch[name] for name in ("given_keys", "given_values", "given_again"))
        past: dict[str, Any] = {"given": {"key": keys, "value": values, "again": again}}
        heard = net.listen(batch, past)
        last = span_of(heard, slice(-1, None))
        last |= {"context": heard["context"][:, -1:], "points": heard["points"][:, :, -1:]}
        some = {name: batch[name][:, -1:] for name in ("gap", "onset_hints", "echo_hits", "echo_delta")}
        logits = heads.onset_logits(some | {"one": batch["one"]}, last, 0)
        first, second = past["first"], past["second"]
        return {
            "context": last["context"][:, 0], "onset_logits": logits[:, 0], "onset_points": last["points"][:, :, 0],
            "scores": last["scores"][:, :, 0], "again_query": last["query"][:, :, 0], "again_turn": last["turn"][:, 0],
            "next_second_hidden": second[0], "next_second_cell": second[1], "next_first_hidden": first[0],
            "next_first_cell": first[1], "next_rows": past["rows"][:, 0], "keys": past["own_keys"],
            "values": past["own_values"], "again": past["own_again"],
        }  # fmt: skip
