"""One answer of the inference engine, decoded without its thread."""

from __future__ import annotations

from core.serving.targets.base import AnswerChunk
from worker.inference.batches import Batch
from worker.inference.decoding import Generation


def pieces_of(answer: Generation) -> list[AnswerChunk]:
    """The chunks of an answer that has a batch to itself, to its end."""
    pieces: list[AnswerChunk] = []
    while answer.unread:
        pieces += filter(None, [answer.read(512)])
    batch = Batch([answer])
    while not (pieces and pieces[-1].finish_reason):
        for _, chunk in batch.step():
            if isinstance(chunk, Exception):
                raise chunk
            pieces += filter(None, [chunk])
    return pieces
