"""The map of near duplicates: the largest clusters as circles of points, the largest in the middle."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.data.examples.near.near_duplicates import NearDuplicates

_DRAWN, _DRAWN_EACH = 36, 24  # clusters in the map, and examples of each
_EDGES = 3_000


@dataclass(frozen=True, slots=True)
class MapPoint:
    """An example in the duplicate map; x and y from -1 to 1."""

    position: int
    x: float
    y: float
    cluster: int
    split: str
    text: str


@dataclass(frozen=True, slots=True)
class MapEdge:
    """Two near duplicates of the map, by position, and how similar they are."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True, slots=True)
class DuplicateMap:
    """The largest clusters of duplicates. `clusters` and `examples` count all of them, drawn or not."""

    points: tuple[MapPoint, ...] = ()
    edges: tuple[MapEdge, ...] = ()
    clusters: int = 0
    examples: int = 0


def draw(near: NearDuplicates, text: Callable[[int], str], held_out: Any) -> DuplicateMap:
    """The largest clusters as circles of points, on a spiral around the largest.

    Args:
        text: how the example at a position is labeled.
        held_out: a mask of the validation examples.
    """
    largest = sorted(near.clusters, key=lambda cluster: (-len(cluster), cluster[0]))[:_DRAWN]
    points: list[MapPoint] = []
    for number, cluster in enumerate(largest):
        distance, turn = 0.92 * math.sqrt(number / _DRAWN), number * math.pi * (3 - math.sqrt(5))
        members = cluster[:_DRAWN_EACH]
        radius = 0.085 * math.sqrt(len(members) / _DRAWN_EACH) + 0.015
        for index, position in enumerate(members):
            angle = 2 * math.pi * index / len(members)
            x = round(distance * math.cos(turn) + radius * math.cos(angle), 4)
            y = round(distance * math.sin(turn) + radius * math.sin(angle), 4)
            part = "validation" if held_out[position] else "train"
            points.append(MapPoint(position, x, y, number, part, text(position)))
    drawn = {point.position for point in points}
    edges = [MapEdge(p.first, p.second, p.similarity) for p in near.pairs if p.first in drawn and p.second in drawn]
    return DuplicateMap(
        tuple(points), tuple(edges[:_EDGES]), len(near.clusters), sum(len(cluster) for cluster in near.clusters)
    )
