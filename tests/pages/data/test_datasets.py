"""The Datasets screen: cards, one dataset with its tabs, and deletion."""

from __future__ import annotations

import pytest

from core.messages import Example, Message
from core.services.data import datasets
from core.services.data.datasets import DatasetRecord
from pages.ui.format import sentence
from tests.support.screens import shows


@pytest.fixture
def support(studio_env) -> DatasetRecord:
    examples = [
        Example(
            (Message("user", f"Where is parcel {n}?"), Message("assistant", f"On its way, stop {n}.")), "src", n + 1
        )
        for n in range(25)
    ]
    return datasets.create_dataset("Support *v1*", examples, description="Parcels :fire:")


def test_the_wall_counts_pairs(support: DatasetRecord, open_screen, read) -> None:
    said = read(open_screen("datasets"))
    assert "Labeled Examples: **25 pairs**" in said
    assert "✓ Supervised" in said
    assert "1 ready for supervised learning" in said
    assert r"Support \*v1\*" in said, "user text is never markup"


def test_examples_are_paged_and_searched(support: DatasetRecord, open_screen, read) -> None:
    app = open_screen("datasets", id=support.id)
    said = read(app)
    assert "Where is parcel 0?" in said
    assert "Where is parcel 24?" not in said
    app.text_input(key="example_search").set_value("parcel 24").run()
    said = read(app)
    assert "Where is parcel 24?" in said
    assert "1 labeled example" in said


@pytest.mark.parametrize(("view", "key"), [("Findings", "finding_list"), ("Provenance", "lineage")])
def test_a_tab_shows_its_content(view: str, key: str, support: DatasetRecord, open_screen, read) -> None:
    app = open_screen("datasets", id=support.id, view=view)
    read(app)
    assert shows(app, key)


def test_the_statistics_count_the_examples(support: DatasetRecord, open_screen, read) -> None:
    assert "<dd>25</dd>" in read(open_screen("datasets", id=support.id, view="Statistics"))


def test_deleting_asks_for_the_name(support: DatasetRecord, open_screen, read) -> None:
    app = open_screen("datasets", id=support.id)
    app.menu_button(key=f"rowmenu_{support.id}").click("Delete").run()
    assert sentence(datasets.dependents(support.id).text) in read(app)
    assert app.button(key="confirm_delete").disabled
