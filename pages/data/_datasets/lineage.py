"""The way from source to model as a picture: files, versions, jobs and models, and what led to what."""

from __future__ import annotations

from collections import defaultdict

import streamlit as st

from core.services.data import lineage
from core.services.data.datasets import DatasetRecord
from core.services.data.lineage import Edge, Lineage, Node
from pages.ui import navigation
from pages.ui.format import md, short

_BACK = ("its content",)  # arrows that only say which version an undo went back to
MOST = 40  # nodes that can be read in one picture
_SHAPES = {"source": ("[(", ")]"), "dataset_version": ("[", "]"), "job": ("([", "])"), "model": ("{{", "}}")}
_WORDS = {"source": "File", "dataset_version": "Dataset", "job": "Training job", "model": "Model"}
_LEGEND = {
    "source": "cylinder: a file",
    "dataset_version": "box: a version of a dataset (the thick one: this version)",
    "job": "rounded: a training job",
    "model": "hexagon: a model",
}
_SCREENS = {"dataset_version": "datasets", "job": "job", "model": "models"}


def picture(dataset: DatasetRecord) -> None:
    """Draw it, with the names as links beneath."""
    found = lineage.of_dataset(dataset.id)
    drawn = _near(folded(found, dataset.version.id), dataset.version.id)
    with st.container(border=True, key="lineage"):
        st.markdown(f"```mermaid\n{mermaid(drawn, dataset.version.id)}\n```")
        kinds = {node.kind for node in drawn.nodes}
        legend = " · ".join(words for kind, words in _LEGEND.items() if kind in kinds)
        st.caption(legend + (f" · the {MOST} nearest of {len(found.nodes)}" if len(drawn.nodes) == MOST else ""))
    leads = {node.ref: node for node in drawn.nodes if node.kind in _SCREENS and not node.here}
    if leads:
        with st.container(horizontal=True, gap="small", key="lineage_links"):
            for node in leads.values():
                st.page_link(
                    navigation.page_file(_SCREENS[node.kind]),
                    label=f"{_WORDS[node.kind]}: {md(node.title, 60)}",
                    query_params={"id": node.ref},
                )


def mermaid(found: Lineage, here: str) -> str:
    """The graph in Mermaid's words; titles are quoted and stripped of what Mermaid would read as its own."""
    names = {node.id: f"n{index}" for index, node in enumerate(found.nodes)}
    lines = ["flowchart LR"]
    led: dict[str, list[str]] = defaultdict(list)
    for edge in found.edges:
        led[edge.target].append(edge.text)
    for node in found.nodes:
        opened, closed = _SHAPES.get(node.kind, ("[", "]"))
        # What a step did stands in the box it led to: on the arrow it would be struck through by the line.
        steps = led[node.id] if node.kind == "dataset_version" else []
        lines.append(f'  {names[node.id]}{opened}"{_label(node, steps)}"{closed}')
    for edge in found.edges:
        if edge.source in names and edge.target in names:
            lines.append(f"  {names[edge.source]} --> {names[edge.target]}")
    if here in names:
        lines.append(f"  style {names[here]} stroke-width:3px")
    return "\n".join(lines)


def _label(node: Node, steps: list[str]) -> str:
    said = [short(node.title, 40), short(node.detail, 60), *(short(step, 44) for step in dict.fromkeys(steps) if step)]
    return "<br/>".join(_plain(part) for part in said if part)


def _plain(text: str) -> str:
    """Text for a quoted label: Mermaid's entities for what has a meaning there."""
    out = []
    for character in " ".join(text.split()):
        plain = character.isalnum() or character in " .,:;_-–—→+/()%·“”’'?!"
        out.append(character if plain else f"#{ord(character)};")
    return "".join(out)


def folded(found: Lineage, here: str) -> Lineage:
    """The same with runs of own versions that led nowhere else drawn as one box: Versions tells them one by one."""
    own = [node for node in found.nodes if node.here]
    names = {node.id for node in own}
    chain = [edge for edge in found.edges if not (edge.source in names and edge.target in names and edge.text in _BACK)]
    kept = {own[0].id, here} if own else set()
    for edge in chain:
        if (edge.source in names) != (edge.target in names):
            kept |= {edge.source, edge.target}
    runs: list[list[Node]] = [[]]
    for node in own:
        if node.id in kept:
            runs.append([])
        else:
            runs[-1].append(node)
    box_of: dict[str, Node] = {}
    for run in runs:
        if len(run) > 1:
            box = Node(run[0].id, "dataset_version", f"{len(run)} versions between", f"to {run[-1].title}", here=True)
            box_of |= {node.id: box for node in run}
    nodes = tuple(dict.fromkeys(box_of.get(node.id, node) for node in found.nodes))
    edges = [
        Edge(
            box_of[edge.source].id if edge.source in box_of else edge.source,
            box_of[edge.target].id if edge.target in box_of else edge.target,
            "" if edge.target in box_of else edge.text,
        )
        for edge in chain
    ]
    return Lineage(nodes, tuple(dict.fromkeys(edge for edge in edges if edge.source != edge.target)))


def _near(found: Lineage, here: str) -> Lineage:
    """The part around a version, where all of it would be too much to read."""
    if len(found.nodes) <= MOST:
        return found
    beside: dict[str, set[str]] = defaultdict(set)
    for edge in found.edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    kept, edge_of = {here}, [here]
    while edge_of and len(kept) < MOST:
        following = [node for at in edge_of for node in sorted(beside[at]) if node not in kept]
        for node in following[: MOST - len(kept)]:
            kept.add(node)
        edge_of = following
    nodes = tuple(node for node in found.nodes if node.id in kept)
    return Lineage(nodes, tuple(edge for edge in found.edges if edge.source in kept and edge.target in kept))
