"""Mixes: what weights mean, what is kept, and one dataset per mix."""

from __future__ import annotations

from collections import Counter

import pytest

from core.data.editing import AddedExample, AddExamples, Move, Split, message_dicts
from core.data.versions.rows import PROVENANCE, Provenance
from core.errors import Conflict, DataError, NotFound
from core.services.data import datasets
from core.services.data.datasets import edits as dataset_edits
from core.services.data.datasets.records import version_file
from tests.support.versions import pair
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")


def make(name: str, count: int, held_out: int = 0) -> datasets.DatasetRecord:
    return datasets.create_dataset(
        name,
        [pair(f"{name} {n}?", f"Label {n % 3}", n + 1, flags=("mine",)) for n in range(count)],
        [pair(f"{name} held out {n}?", "Label", count + n + 1) for n in range(held_out)],
    )


def mixed(*args, **kwargs) -> datasets.DatasetRecord:
    task = dataset_edits.mix(*args, **kwargs)
    ended = execute(task.id, "test")
    assert ended is not None
    assert ended.state == "succeeded", ended.error
    return datasets.get_dataset(ended.result["dataset_id"])


def asked(dataset: datasets.DatasetRecord) -> Counter[str]:
    return Counter(example.messages[0].content for example in datasets.iter_examples(dataset.version.id))


@pytest.mark.usefixtures("database")
def test_without_a_total_a_weight_is_how_often_each_example_is_used() -> None:
    one, two = make("One", 40), make("Two", 20)
    dataset = mixed("Mix", [(one.version.id, 0.5), (two.version.id, 2.5)])
    found = asked(dataset)
    ones = [number for text, number in found.items() if text.startswith("One")]
    twos = Counter(number for text, number in found.items() if text.startswith("Two"))
    assert (len(ones), max(ones)) == (20, 1)
    assert twos == {2: 10, 3: 10}
    assert (dataset.origin, dataset.version.examples) == ("mix", 70)
    assert dataset.version.parents == (one.version.id, two.version.id)
    first = dataset_edits.history(dataset.id)[0]
    assert first.what == "Mixed from One v1 (20), Two v1 (50)."
    assert first.parameters["parts"][1]["weight"] == 2.5


def test_with_a_total_a_weight_is_a_share() -> None:
    one, two = make("One", 40), make("Two", 20)
    plan = dataset_edits.mix_plan([(one.version.id, 3), (two.version.id, 1)], total=100)
    assert [(part.title, part.taken, part.share, part.repeats) for part in plan.parts] == [
        ("One v1", 75, 0.75, True),
        ("Two v1", 25, 0.25, True),
    ]
    assert plan.total == mixed("Mix", [(one.version.id, 3), (two.version.id, 1)], total=100).version.examples == 100


def test_the_same_seed_mixes_the_same() -> None:
    parts = [(make("One", 60).version.id, 0.4)]
    first, same, other = (mixed(name, parts, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert first.version.sha256 == same.version.sha256 != other.version.sha256


def test_parts_flags_sources_and_provenance_are_preserved() -> None:
    one, two = make("One", 30, held_out=5), make("Two", 12)
    wrote = AddedExample(
        messages=({"role": "user", "content": "Written?"}, {"role": "assistant", "content": "Yes."}),
        provenance={"model": "starter"},
    )
    newer = dataset_edits.apply(two.id, AddExamples(examples=(wrote,)), base_version_id=two.version.id).version
    assert newer is not None
    dataset = mixed("Mix", [(one.version.id, 1), (newer.id, 2)])
    items = datasets.examples(dataset.version.id, limit=100).items
    assert dataset.version.validation_examples == 5
    assert (items[3].flags, items[3].example.source, items[3].example.source_line) == (("mine",), "src_1", 4)
    known = Provenance(version_file(dataset.version.id, PROVENANCE))
    written = [item.position for item in items if item.example.messages[0].content == "Written?"]
    assert [known.of(position) for position in written] == [{"model": "starter"}, {"model": "starter", "repeat": 1}]


@pytest.mark.usefixtures("database")
def test_an_example_held_out_in_one_dataset_is_not_trained_on_through_another() -> None:
    shared = [pair(f"Shared {n}?", "Yes.", n + 1) for n in range(30)]
    one = datasets.create_dataset("One", shared)
    two = datasets.create_dataset("Two", shared)
    split = dataset_edits.apply(two.id, Split(kind="random", share=0.2), base_version_id=two.version.id).version
    assert split is not None
    dataset = mixed("Mix", [(one.version.id, 1), (split.id, 1)])
    where: dict[str, set[str]] = {}
    for example in datasets.iter_examples(dataset.version.id):
        where.setdefault(example.messages[0].content, set()).add(example.split)
    assert all(len(splits) == 1 for splits in where.values())
    assert dataset.version.validation_examples == 12
    assert "validation_overlap" not in datasets.finding_counts(dataset.version.id)


def test_validation_examples_are_not_repeated() -> None:
    dataset = mixed("Mix", [(make("One", 10, held_out=4).version.id, 3)])
    assert (dataset.version.examples, dataset.version.validation_examples) == (42, 4)


def test_an_older_version_can_be_mixed() -> None:
    one = make("One", 30)
    dataset_edits.apply(one.id, Split(kind="random", share=0.2), base_version_id=one.version.id)
    assert mixed("Mix", [(one.version.id, 1)]).version.validation_examples == 0


@pytest.mark.parametrize(
    ("weights", "total", "said"),
    [([], None, "1 to 50"), ([0], None, "above 0"), ([-1], None, "got -1"), ([float("nan")], None, "got nan"),
     ([1], 0, "got 0"), ([1000], None, None), ([1, 1], None, "twice")],
)  # fmt: skip
def test_what_cannot_be_mixed_is_refused(weights: list[float], total: int | None, said: str | None) -> None:
    version = make("One", 12).version.id
    parts = [(version, weight) for weight in weights]
    if said is None:
        assert dataset_edits.mix_plan(parts, total).total == 12_000
        return
    with pytest.raises(DataError, match=said):
        dataset_edits.mix("Mix", parts, total)


def test_names_and_missing_versions_are_refused_before_a_task_begins() -> None:
    one = make("One", 12)
    with pytest.raises(Conflict, match="already exists"):
        dataset_edits.mix("One", [(one.version.id, 1)])
    with pytest.raises(NotFound):
        dataset_edits.mix("Mix", [("ds_none-v1", 1)])
    datasets.delete(one.id, "One")
    with pytest.raises(NotFound):
        dataset_edits.mix("Mix", [(one.version.id, 1)])


def test_pressing_twice_mixes_once() -> None:
    one = make("One", 12)
    first, second = (dataset_edits.mix("Mix", [(one.version.id, 1)]) for _ in range(2))
    assert first.id == second.id


@pytest.mark.usefixtures("database")
def test_a_dataset_that_a_mix_reads_is_not_deleted_and_a_finished_mix_is_unaffected() -> None:
    one, two = make("One", 12), make("Two", 12)
    task = dataset_edits.mix("Mix", [(one.version.id, 1), (two.version.id, 1)])
    with pytest.raises(Conflict, match="in use by an unfinished task: Mix “Mix”"):
        datasets.delete(one.id, "One")
    execute(task.id, "test")
    depends = datasets.dependents(one.id)
    assert (depends.datasets, depends.unfinished) == (("Mix",), ())
    assert "Mix was mixed from it and is unaffected" in depends.text
    datasets.delete(one.id, "One")
    assert len(list(datasets.iter_examples(datasets.get_dataset("Mix").version.id))) == 24


def test_a_test_example_of_one_dataset_is_neither_trained_nor_validated_on_through_another() -> None:
    one, two = make("One", 30), make("Two", 30, held_out=2)
    step = dataset_edits.apply(one.id, Move(positions=(3, 4), split="test"), base_version_id=one.version.id)
    assert step.version is not None
    added = tuple(
        AddedExample(messages=tuple(message_dicts(example.messages)), split=split)
        for example, split in zip(
            datasets.iter_examples(one.version.id), ("train",) * 4 + ("validation",), strict=False
        )
    )
    other = dataset_edits.apply(two.id, AddExamples(examples=added), base_version_id=two.version.id)
    assert other.version is not None
    mix = mixed("Mix", [(other.version.id, 1), (step.version.id, 1)])
    parts = {"One 0?": {"train"}, "One 3?": {"test"}, "One 4?": {"test"}, "Two held out 0?": {"validation"}}
    for text, expected in parts.items():
        found = {one.split for one in datasets.iter_examples(mix.version.id) if one.messages[0].content == text}
        assert found == expected, text
    assert mix.version.parts == {"train": 61, "validation": 2, "test": 4}


def test_repeated_inputs_are_left_out_of_later_datasets_alone() -> None:
    fixed = datasets.create_dataset(
        "Fixed", [pair("Two 1?", "Corrected", 1), pair("Two 1?", "Or so", 2), pair("New?", "Label", 3)]
    )
    two = make("Two", 20)
    dataset = mixed("Mix", [(fixed.version.id, 2), (two.version.id, 1)], distinct=True)
    found = asked(dataset)
    assert (found["Two 1?"], found["New?"], found["Two 2?"], dataset.version.examples) == (4, 2, 1, 25)
    answers = {example.answer for example in datasets.iter_examples(dataset.version.id) if "Two 1?" in str(example)}
    assert answers == {"Corrected", "Or so"}
    assert dataset_edits.history(dataset.id)[0].parameters["repeated_inputs"] == 1
