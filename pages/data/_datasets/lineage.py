"""The lineage as a diagram: files, versions, jobs and models, and how one led to the next."""

from __future__ import annotations

from collections import defaultdict

import streamlit as st

from core.services.data import lineage
from core.services.data.datasets import DatasetRecord
from core.services.data.lineage import Edge, Lineage, Node
from pages.ui import navigation
from pages.ui.diagram import diagram, label
from pages.ui.format import md, short

_BACK = ("its content",)  # edges that only name the version an undo went back to
MOST = 40  # nodes that are readable in one diagram
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
    """Draw the diagram, with links to its screens below."""
    full = lineage.of_dataset(dataset.id)
    drawn = _near(folded(full, dataset.version.id), dataset.version.id)
    with st.container(border=True, key="lineage"):
        diagram(mermaid(drawn, dataset.version.id))
        kinds = {node.kind for node in drawn.nodes}
        legend = " · ".join(words for kind, words in _LEGEND.items() if kind in kinds)
        st.caption(legend + (f" · the {MOST} nearest of {len(full.nodes)}" if len(drawn.nodes) == MOST else ""))
    leads = {node.ref: node for node in drawn.nodes if node.kind in _SCREENS and not node.here and node.ref}
    if leads:
        with st.container(horizontal=True, gap="small", key="lineage_links"):
            for node in leads.values():
                label, screen = f"{_WORDS[node.kind]}: {md(node.title, 60)}", _SCREENS[node.kind]
                if screen == "datasets":  # a link to this screen would leave the address as it is
                    navigation.button(label, screen, {"id": node.ref}, type="tertiary", key=f"lineage_{node.ref}")
                else:
                    st.page_link(navigation.page_file(screen), label=label, query_params={"id": node.ref})


def mermaid(graph: Lineage, here: str) -> str:
    """The graph as Mermaid source; titles are quoted, and Mermaid's special characters are escaped."""
    names = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    led: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        led[edge.target].append(edge.text)
    for node in graph.nodes:
        opened, closed = _SHAPES.get(node.kind, ("[", "]"))
        # The label of an edge goes into the box it leads to: on the edge, the line would cross it.
        steps = led[node.id] if node.kind == "dataset_version" else []
        lines.append(f'  {names[node.id]}{opened}"{_label(node, steps)}"{closed}')
    for edge in graph.edges:
        if edge.source in names and edge.target in names:
            lines.append(f"  {names[edge.source]} --> {names[edge.target]}")
    if here in names:
        lines.append(f"  style {names[here]} stroke-width:3px")
    return "\n".join(lines)


def _label(node: Node, steps: list[str]) -> str:
    return label(short(node.title, 40), short(node.detail, 60), *(short(step, 44) for step in dict.fromkeys(steps)))


def folded(graph: Lineage, here: str) -> Lineage:
    """The lineage with runs of versions that led nowhere else folded into one box; the Versions tab lists each."""
    own = [node for node in graph.nodes if node.here]
    names = {node.id for node in own}
    chain = [edge for edge in graph.edges if not (edge.source in names and edge.target in names and edge.text in _BACK)]
    included = {own[0].id, here} if own else set()
    for edge in chain:
        if (edge.source in names) != (edge.target in names):
            included |= {edge.source, edge.target}
    runs: list[list[Node]] = [[]]
    for node in own:
        if node.id in included:
            runs.append([])
        else:
            runs[-1].append(node)
    box_of: dict[str, Node] = {}
    for run in runs:
        if len(run) > 1:
            box = Node(run[0].id, "dataset_version", f"{len(run)} versions between", f"to {run[-1].title}", here=True)
            box_of |= {node.id: box for node in run}
    nodes = tuple(dict.fromkeys(box_of.get(node.id, node) for node in graph.nodes))
    edges = [
        Edge(
            box_of[edge.source].id if edge.source in box_of else edge.source,
            box_of[edge.target].id if edge.target in box_of else edge.target,
            "" if edge.target in box_of else edge.text,
        )
        for edge in chain
    ]
    return Lineage(nodes, tuple(dict.fromkeys(edge for edge in edges if edge.source != edge.target)))


def _near(graph: Lineage, here: str) -> Lineage:
    """The nodes nearest to a version when the full diagram would be too large."""
    if len(graph.nodes) <= MOST:
        return graph
    beside: dict[str, set[str]] = defaultdict(set)
    for edge in graph.edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    included, edge_of = {here}, [here]
    while edge_of and len(included) < MOST:
        following = [node for at in edge_of for node in sorted(beside[at]) if node not in included]
        for node in following[: MOST - len(included)]:
            included.add(node)
        edge_of = following
    nodes = tuple(node for node in graph.nodes if node.id in included)
    return Lineage(nodes, tuple(edge for edge in graph.edges if edge.source in included and edge.target in included))
