"""The tabs of one dataset: examples, findings, statistics, provenance."""

from __future__ import annotations

import streamlit as st

from core.messages import Finding
from core.services import datasets
from core.services.datasets import DatasetRecord
from core.versions.reader import Statistics
from pages.ui import charts, face
from pages.ui.dataset_cards import origin
from pages.ui.format import md, moment, number, percent, plural, sentence, short, size

PER_PAGE = 10
FINDINGS_PER_PAGE = 25


def examples(dataset: DatasetRecord) -> None:
    """The examples, searched and paged."""
    version = dataset.version
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        search = st.text_input(
            "Search", placeholder="Search in inputs and outputs", label_visibility="collapsed", key="example_search"
        )
        split = None
        if version.validation_examples:
            names = {"all": "All", "train": "Training", "validation": "Held out"}
            chosen = st.segmented_control(
                "Part",
                list(names),
                default="all",
                required=True,
                format_func=names.get,
                label_visibility="collapsed",
                key="example_split",
            )
            split = None if chosen == "all" else chosen
    number_key = f"page_{search}_{split}"
    current = int(st.session_state.get(number_key, 1))
    page = datasets.examples(version.id, (current - 1) * PER_PAGE, PER_PAGE, search=search, split=split)
    if not page.total:
        st.caption("No example contains that.")
        return
    first = (current - 1) * PER_PAGE + 1
    face.heading(
        plural(page.total, "labeled example"), f"{first:,} to {first + len(page.items) - 1:,} · input → output pairs"
    )
    with st.grid(2, min_column_width=320):
        for item in page.items:
            line = f" · line {item.example.source_line}" if item.example.source_line else ""
            held = face.badge_md("Held out") if item.example.split == "validation" else ""
            flags = " ".join(face.badge_md(md(flag), "orange") for flag in item.flags)
            face.example_card(
                item.example.messages,
                key=str(item.position),
                note=f"Example {item.position + 1:,}{line} · about {number(item.tokens)} tokens",
                badge=f"{held} {flags}".strip(),
            )
    pages = -(-page.total // PER_PAGE)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=number_key)


def findings(dataset: DatasetRecord) -> None:
    """What the checks found: where, what, and what to do about it."""
    version = dataset.version
    counts = version.manifest.get("counts") or {}
    rejects = int(counts.get("rejects") or 0)
    if rejects:
        with st.container(
            border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="rejects"
        ):
            st.markdown(f"**{plural(rejects, 'row')} could not become an example.** :gray[They are kept as they were.]")
            st.download_button(
                "Download rejected rows",
                data=lambda: datasets.rejects(version.id),
                file_name=f"{dataset.name}-rejects.jsonl",
                mime="application/jsonl",
                icon=":material/download:",
                on_click="ignore",
                key="download_rejects",
            )
    by_code = datasets.finding_counts(version.id)
    total = sum(by_code.values())
    if not total:
        st.markdown(":green[:material/check_circle:] Every check passed: nothing was found.")
        return
    names = {"all": "All", "error": "Errors", "warning": "Warnings", "info": "Notes"}
    severity = st.segmented_control(
        "Severity",
        list(names),
        default="all",
        required=True,
        format_func=names.get,
        label_visibility="collapsed",
        key="severity",
    )
    wanted = None if severity == "all" else severity
    by_severity = version.manifest.get("findings") or {}
    count = total if wanted is None else int(by_severity.get(wanted, 0))
    current = int(st.session_state.get(f"findings_{severity}", 1))
    found = datasets.findings(version.id, FINDINGS_PER_PAGE, wanted, (current - 1) * FINDINGS_PER_PAGE)
    if not found:
        st.caption("Nothing of that kind was found.")
        return
    face.heading(plural(count, "finding"), " · ".join(f"{code} {n:,}" for code, n in list(by_code.items())[:4]))
    with st.container(border=True, gap="small", key="finding_list"):
        for index, item in enumerate(found):
            if index:
                st.divider()
            finding_row(item)
    pages = -(-count // FINDINGS_PER_PAGE)
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=f"findings_{severity}")


_SEVERITY = {
    "error": ("Error", "red", "error"),
    "warning": ("Warning", "orange", "warning"),
    "info": ("Note", "gray", "info"),
}


def finding_row(item: Finding) -> None:
    """One finding: severity, place, message, remedy, and the offending text verbatim."""
    word, color, icon = _SEVERITY[item.severity]
    place = [f"line {item.line:,}"] if item.line else []
    if item.field:
        place.append(md(item.field, 60))
    if item.rows:
        lines = ", ".join(f"{line:,}" for line in item.rows[:8])
        place.append(f"lines {lines}{' …' if len(item.rows) > 8 else ''}")
    with st.container(gap="xxsmall"):
        st.markdown(f":small[{face.badge_md(word, color, icon)} `{item.code}` :gray[{' · '.join(place)}]]")
        st.markdown(sentence(item.message))
        if item.remedy:
            st.caption(sentence(item.remedy))
        if item.raw:
            st.code(short(item.raw, 400), language=None, wrap_lines=True)


def statistics(dataset: DatasetRecord) -> None:
    """Lengths, turns, and the balance of labels."""
    stats = datasets.statistics(dataset.version.id)
    left, right = st.columns(2, gap="medium")
    with left:
        face.heading("Length of an example", "tokens, estimated")
        with st.container(border=True):
            bins = stats.histogram
            charts.bars(
                [f"{bin.low:,}–{bin.high - 1:,}" if bin.high - bin.low > 1 else f"{bin.low:,}" for bin in bins],
                [bin.count for bin in bins],
                key="lengths",
                alt=f"Histogram of example lengths; half are shorter than {stats.tokens_median:.0f} tokens.",
                x="Tokens",
                y="Examples",
            )
    with right:
        if stats.labels:
            _labels(stats)
        else:
            face.heading("In figures")
            with st.container(border=True):
                _figures(stats)
    if stats.labels:
        face.section_gap()
        face.heading("In figures")
        with st.container(border=True):
            _figures(stats)


def _labels(stats: Statistics) -> None:
    face.heading("Balance of outputs", plural(stats.distinct_labels, "distinct output"))
    shown = stats.labels[:12]
    with st.container(border=True):
        charts.bars(
            [short(label.text, 24) for label in shown],
            [label.count for label in shown],
            key="labels",
            alt=f"Bars of the most frequent outputs; the first occurs {shown[0].count} times.",
            y="Examples",
            color=charts.TUNED,
        )


def _figures(stats: Statistics) -> None:
    face.facts(
        [
            ("Training pairs", number(stats.train_examples)),
            (
                "Held out",
                f"{number(stats.validation_examples)} ({percent(stats.validation_examples / stats.examples)})",
            ),
            ("Tokens in all", f"about {number(stats.tokens_total)}"),
            ("Mean length", f"about {number(round(stats.tokens_mean))} tokens"),
            ("Longest", f"about {number(stats.tokens_max)} tokens"),
            ("Several turns", plural(stats.multi_turn, "example")),
            ("Most turns", number(stats.turns_max)),
            ("With instructions", plural(stats.with_system, "example")),
            ("Distinct outputs", number(stats.distinct_labels)),
        ]
    )


def provenance(dataset: DatasetRecord) -> None:
    """Where the examples came from, and every version."""
    version = dataset.version
    left, right = st.columns(2, gap="medium")
    with left:
        face.heading("Where it came from")
        with st.container(border=True):
            face.facts(_origin_facts(dataset))
    with right:
        face.heading("Versions", "a version never changes")
        with st.container(border=True, gap="xsmall", key="versions"):
            for index, item in enumerate(datasets.versions(dataset.id)):
                if index:
                    st.divider()
                face.list_row(
                    f"Version {item.number}",
                    f"{plural(item.examples, 'pair')} · {size(item.size_bytes)} · {moment(item.created_at)}",
                    aside="newest" if item.id == version.id else "",
                )
                st.caption(f"SHA-256 `{item.sha256[:16]}…`", help=item.sha256)
    with st.expander("The whole manifest", icon=":material/data_object:"):
        st.json(version.manifest, expanded=1)


def _origin_facts(dataset: DatasetRecord) -> list[tuple[str, str]]:
    manifest = dataset.version.manifest
    source, recipe, counts = manifest.get("source") or {}, manifest.get("recipe") or {}, manifest.get("counts") or {}
    split = manifest.get("split") or {}
    mapping = recipe.get("mapping") or {}
    pairs: list[tuple[str, object]] = [
        ("Origin", origin(dataset)),
        ("File", source.get("filename")),
        ("Format", source.get("format")),
        ("Encoding", source.get("encoding")),
        ("SHA-256", source.get("sha256")),
        ("Known shape", recipe.get("shape")),
        ("Template", recipe.get("template")),
        ("Key column", mapping.get("key")),
        ("Target column", mapping.get("target")),
        ("Included", ", ".join(mapping.get("include") or [])),
        ("Rows read", counts.get("read")),
        ("Rows accepted", counts.get("accepted")),
        ("Rows rejected", counts.get("rejected")),
        ("Held out", f"{number(dataset.version.validation_examples)} (seed {split.get('seed', '–')})"),
        ("Created", moment(dataset.created_at)),
    ]
    return [
        (name, f"{value:,}" if isinstance(value, int) else str(value))
        for name, value in pairs
        if value not in (None, "")
    ]
