"""Reports beside versions: kept, fresh, in agreement with the validation, with remedies that mend what was found."""

from __future__ import annotations

import csv
import json
import struct
import threading
from pathlib import Path

import pytest

from core.data.editing import EditRows, Split
from core.data.issues import ISSUES
from core.data.quality.records import FORMAT
from core.data.versions import files, reader
from core.errors import DataError, NotFound
from core.messages import Example, Message
from core.models import base_models
from core.platform.storage import get_storage
from core.platform.tasks import store
from core.services.data import datasets, quality, token_counts
from core.services.data.datasets import checks as dataset_checks, edits as dataset_edits, writing as dataset_writing
from core.services.data.datasets.records import version_file
from core.services.data.quality import computing
from tests.support.quality import clean, labelled, pair
from worker.run import execute

pytestmark = pytest.mark.usefixtures("studio_env")


def spoilt() -> list[Example]:
    """A clean set with one or more of most faults."""
    examples = clean()
    first, second = (message.content for message in examples[7].messages)
    near = first.replace(first.split()[3], "something")
    return [
        *examples,
        examples[9],
        examples[9],
        pair(near, second),
        pair("Is the shop open today?", "Yes, until eight."),
        pair("Is the shop open today?", "Yes, until eight."),
        pair("is the shop open today", "No, it is closed."),
        pair("Who is there for my question?", "I'm sorry, but I can't help with that."),
        pair("Where do I write to about it?", "To jane.doe@example.com, please, at any time."),
        pair("What is the key for the service?", "It is sk-proj-abc123DEF456ghi789JKL0, keep it."),
        pair("What hangs in the office now?", "Der SchlÃ¼ssel hÃ¤ngt im BÃ¼ro, schÃ¶n."),
        pair("How does this end in the end?", "Like this.<|im_end|> And not otherwise."),
        pair("Which name do you have for me?", "My name is {{name}}, at your service."),
        pair(*(message.content for message in examples[20].messages), split="validation"),
        pair(first + " And more.", second, split="validation"),
        pair("What do we do without an answer?", "N/A"),
        pair("What is too long for the model?", "word " * 2_500),
        pair("Once more, who are you in fact?", "A friend of the house.", system="Be rude."),
    ]


def make(examples: list[Example], name: str = "Pairs") -> datasets.DatasetRecord:
    return dataset_writing.create_dataset(name, examples)


def test_a_report_is_stored_and_read_back() -> None:
    dataset = make(spoilt())
    assert quality.report(dataset.version.id) is None
    made = quality.compute(dataset.version.id)
    assert quality.report(dataset.version.id) == made
    assert made.examples == dataset.examples
    assert made.score < 90
    assert made.version_id == dataset.version.id


def test_a_report_of_older_checks_or_a_broken_one_counts_as_missing() -> None:
    version = make(clean()).version
    made = quality.compute(version.id).to_dict()
    for content in (json.dumps({**made, "format": FORMAT - 1}), "{", "[]", json.dumps({"format": FORMAT})):
        get_storage().write_bytes(f"{version.path}/quality.json", content.encode())
        assert quality.report(version.id) is None
    with pytest.raises(NotFound, match="has not been measured"):
        quality.rows(version.id, "refusals")


def test_every_issue_opens_its_rows() -> None:
    dataset = make(spoilt())
    report = quality.compute(dataset.version.id)
    assert len(report.issues) >= 13
    for issue in report.issues:
        page = quality.rows(dataset.version.id, issue.code, 0, 200)
        assert page.total == len(page.rows) >= issue.count
        assert sum(row.subject for row in page.rows) == issue.count
        for row in page.rows:
            assert row.detail
            assert all(begin < end <= len(row.messages[index].content) for index, begin, end in row.spans)
    pages = [quality.rows(dataset.version.id, "contradictions", at, 2).rows for at in (0, 2)]
    assert [row.position for page_rows in pages for row in page_rows] == [123, 124, 125]
    groups = [row.group for row in quality.rows(dataset.version.id, "contradictions").rows]
    assert groups == [123, 123, 123]


def test_every_fix_removes_its_issue_and_can_be_undone() -> None:
    dataset = make(spoilt())
    report = quality.compute(dataset.version.id)
    tried = set()
    for issue in report.issues:
        for action in issue.actions:
            if not action.one_click:
                with pytest.raises(DataError, match="by hand"):
                    quality.operation_for(dataset.version.id, issue.code, action.id)
                continue
            operation = quality.operation_for(dataset.version.id, issue.code, action.id)
            base = datasets.get_dataset(dataset.id).version
            effect = dataset_edits.count(dataset.id, operation)
            changed = effect.removed + effect.changed
            assert f"{changed:,}" in action.title or changed == 1, (issue.code, action)
            done = dataset_edits.apply(dataset.id, operation, base_version_id=base.id, why="test").version
            assert done is not None
            after = quality.compute(done.id)
            assert after.issue(issue.code) is None, (issue.code, action.id)
            part = {part.id: part.points for part in report.parts}
            assert sum(p.points for p in after.parts) >= sum(part.values()) - 1.5
            dataset_edits.undo(dataset.id)
            assert datasets.get_dataset(dataset.id).version.sha256 == dataset.version.sha256
            tried.add((issue.code, action.id))
    assert len(tried) >= 18


@pytest.mark.slow
def test_every_fix_of_the_catalog_works() -> None:
    """Sets that together have every issue; each fix of one click makes one version, and is undone."""
    lengthy = [pair("The question is " + "long " * n, "Yes.") for n in (2_500, 2_600)]
    odd = [
        *(pair("Tell me the tale of all tales?", said.messages[1].content * 3) for said in clean(3)),
        pair(
            "Wo finde ich bitte den Schlüssel für das große Haus am alten Hafen?",
            "Der Schlüssel hängt im Büro neben der Tür, und der Hausmeister gibt ihn Ihnen gern heraus.",
        ),
    ]
    mixed = make([*spoilt(), *lengthy, *odd])
    held_out = {position: "validation" for position, example in enumerate(spoilt()) if example.split == "validation"}
    dataset_edits.apply(mixed.id, EditRows(rows={}, splits=held_out), base_version_id=mixed.version.id)
    labels = make(labelled({"Refund": 60, "refund": 3, "Other": 60, "Rare": 1}), "Labels")
    seen = set()
    masked = make([pair(f"Question {n}?", f"Answer {n}.", weight=0) for n in range(5)], "Masked")
    for dataset in (mixed, labels, make(clean(20), "Few"), masked):
        before = datasets.get_dataset(dataset.id).version
        for issue in quality.compute(before.id).issues:
            seen.add(issue.code)
            for action in (action for action in issue.actions if action.one_click):
                operation = quality.operation_for(before.id, issue.code, action.id)
                base = datasets.get_dataset(dataset.id).version
                done = dataset_edits.apply(dataset.id, operation, base_version_id=base.id).version
                assert done is not None, (issue.code, action.id)
                assert done.number == base.number + 1
                left = quality.compute(done.id).issue(issue.code)
                assert left is None or left.count < issue.count, (issue.code, action.id)
                dataset_edits.undo(dataset.id)
                assert datasets.get_dataset(dataset.id).version.sha256 == before.sha256
    assert seen == {issue.code for issue in ISSUES if issue.check or issue.rule}


def test_a_fix_for_chosen_rows_only() -> None:
    version = make(spoilt()).version
    quality.compute(version.id)
    operation = quality.operation_for(version.id, "contradictions", "drop", [125])
    assert operation.model_dump()["positions"] == [125]
    assert quality.operation_for(version.id, "duplicate_examples", "drop_copies", [120]).model_dump()["positions"] == [
        120,
        121,
    ]
    with pytest.raises(DataError, match="nothing"):
        quality.operation_for(version.id, "refusals", "drop", [1])
    with pytest.raises(NotFound, match="There is no fix"):
        quality.operation_for(version.id, "refusals", "magic")


@pytest.mark.parametrize("others", ["Be rude!", "Z1", ""])
def test_two_system_messages_equally_common(others: str) -> None:
    """Of two that stand equally often either may be taken as the usual one: the remedy takes the same as the check."""
    said = [(message.content for message in example.messages) for example in clean(60)]
    dataset = make([pair(*texts, system="Be kind!" if n % 2 else others) for n, texts in enumerate(said)])
    quality.compute(dataset.version.id)
    operation = quality.operation_for(dataset.version.id, "system_inconsistent", "set_system")
    done = dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id).version
    assert done is not None
    assert quality.compute(done.id).issue("system_inconsistent") is None


def test_a_system_message_as_long_as_a_cell() -> None:
    long = "So be it. " * 15_000
    said = [(message.content for message in example.messages) for example in clean(20)]
    dataset = make([pair(*texts, system=long if n else "Other") for n, texts in enumerate(said)])
    quality.compute(dataset.version.id)
    operation = quality.operation_for(dataset.version.id, "system_inconsistent", "set_system")
    assert dataset_edits.count(dataset.id, operation).changed == 1


def test_a_lost_letter_is_not_offered_to_be_repaired() -> None:
    lost = pair("What hangs in the office now?", "The k\ufffdy.")
    damaged = pair("And what hangs in the hall now?", "Der SchlÃ¼ssel hÃ¤ngt im BÃ¼ro, schÃ¶n.")
    only_lost, both = make([*clean(60), lost]), make([*clean(60), lost, damaged], "Both")
    offered = {}
    for dataset in (only_lost, both):
        issue = quality.compute(dataset.version.id).issue("mojibake")
        assert issue is not None
        offered[dataset.id] = {action.id: action.title for action in issue.actions}
    assert list(offered[only_lost.id]) == ["edit", "drop"]
    assert offered[both.id]["repair"] == "Repair 1 example"
    with pytest.raises(DataError, match="nothing for this fix"):
        quality.operation_for(only_lost.version.id, "mojibake", "repair")


def test_a_fix_that_would_leave_no_example_is_not_offered() -> None:
    dataset = make([pair(f"Question number {n} of {n * 7}?", "N/A") for n in range(30)])
    issue = quality.compute(dataset.version.id).issue("empty_answers")
    assert issue is not None
    assert [action.id for action in issue.actions] == ["edit"]


def test_labels_get_their_most_common_spelling() -> None:
    dataset = make(labelled({"refund": 60, "Refund": 3, "delivery": 50}))
    quality.compute(dataset.version.id)
    operation = quality.operation_for(dataset.version.id, "label_variants", "unify")
    dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id)
    labels = datasets.statistics(datasets.get_dataset(dataset.id).version.id).labels
    assert {label.text: label.count for label in labels} == {"refund": 63, "delivery": 50}


def test_near_duplicates_take_their_exact_copies_with_them() -> None:
    examples = clean()
    near = pair(examples[5].messages[0].content, examples[5].messages[1].content + " And so on.")
    dataset = make([*examples, near, near, near])
    quality.compute(dataset.version.id)
    operation = quality.operation_for(dataset.version.id, "near_duplicates", "drop_copies")
    done = dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id).version
    assert done is not None
    assert done.examples == 120
    assert quality.compute(done.id).score == 100


def test_the_recommended_split_never_lowers_the_score() -> None:
    examples = clean(150)
    alike = [pair(item.messages[0].content + " Please.", item.messages[1].content) for item in examples[:70]]
    dataset = make([*examples, *alike])
    before = quality.compute(dataset.version.id)
    assert before.issue("near_duplicates"), "the test could not tell one split from another"
    scores = {}
    for kind in ("near", "random"):
        version = dataset_edits.apply(
            dataset.id, Split(kind=kind, share=0.2), base_version_id=datasets.get_dataset(dataset.id).version.id
        ).version
        assert version is not None
        assert version.validation_examples
        scores[kind] = quality.compute(version.id).score
    assert scores["near"] >= before.score > scores["random"]


def test_what_is_held_out_at_first_has_no_near_duplicate_in_training() -> None:
    examples = clean(150)
    alike = [pair(item.messages[0].content + " Please.", item.messages[1].content) for item in examples[:70]]
    dataset = make([*examples, *alike])  # 200 or more: a tenth is held out
    assert dataset.version.validation_examples == 22
    assert quality.compute(dataset.version.id).issue("near_leakage") is None


def test_pictures_show_before_and_after() -> None:
    dataset = make(spoilt())
    before = quality.compute(dataset.version.id)
    operation = quality.operation_for(dataset.version.id, "refusals", "drop")
    done = dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id).version
    assert done is not None
    with pytest.raises(NotFound, match="has not been measured"):
        quality.pictures(done.id)
    quality.compute(done.id)
    pictures = quality.pictures(done.id)
    assert pictures.before is not None
    assert (pictures.before.score, pictures.before.examples) == (before.score, dataset.examples)
    assert pictures.after.examples == dataset.examples - 1
    assert "Refusing answers" in pictures.before.issues
    assert "Refusing answers" not in pictures.after.issues
    assert sum(item.count for item in pictures.length_histogram) == dataset.examples - 1
    assert quality.pictures(dataset.version.id).before is None


def test_as_a_background_task_once_for_each_version() -> None:
    dataset = make(spoilt())
    task = quality.start(dataset.id)
    assert quality.start(dataset.id).id == task.id
    ended = execute(task.id, "worker:1")
    assert ended is not None
    assert ended.state == "succeeded"
    report = quality.report(dataset.version.id)
    assert report is not None
    assert ended.result["score"] == report.score
    assert quality.start(dataset.id).id != task.id


def test_a_cancelled_task_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.platform.tasks import commands

    dataset = make(spoilt())
    task = quality.start(dataset.id)
    real = computing.inspect

    def cancelled_meanwhile(*args: object, **kwargs: object) -> object:
        commands.request(task.id, "cancel")
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(computing, "inspect", cancelled_meanwhile)
    ended = execute(task.id, "worker:1")
    assert ended is not None
    assert ended.state == "cancelled"
    assert quality.report(dataset.version.id) is None


def _edit_as_a_task(monkeypatch: pytest.MonkeyPatch) -> tuple[datasets.DatasetRecord, str]:
    """A measured dataset, and the id of the waiting task that will drop its refusals."""
    dataset = make(spoilt())
    monkeypatch.setattr(dataset_edits, "EDITED_AT_ONCE", 0)
    quality.compute(dataset.version.id)
    operation = quality.operation_for(dataset.version.id, "refusals", "drop")
    applied = dataset_edits.apply(dataset.id, operation, base_version_id=dataset.version.id)
    assert applied.task is not None
    return dataset, applied.task.id


class _EndsAfterTheTask(threading.Event):
    """A command that asks its worker to end as soon as its task has succeeded."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def test_a_worker_that_is_asked_to_end_leaves_a_small_report_to_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, task_id = _edit_as_a_task(monkeypatch)
    ended = execute(task_id, "worker:1", shutdown=_EndsAfterTheTask())
    assert ended is not None
    assert ended.state == "succeeded"
    newest = datasets.get_dataset(dataset.id).version
    assert quality.report(newest.id) is None
    assert quality.compute(newest.id).issue("refusals") is None


def test_a_version_that_a_task_makes_has_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, task_id = _edit_as_a_task(monkeypatch)
    execute(task_id, "worker:1")
    newest = datasets.get_dataset(dataset.id).version
    assert newest.id != dataset.version.id
    report = quality.report(newest.id)
    assert report is not None
    assert report.issue("refusals") is None


def test_a_large_version_gets_a_task_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make(clean())
    monkeypatch.setattr(computing, "INSPECTED_AT_ONCE", 10)
    quality.after_new_version(dataset.id)
    quality.after_new_version(dataset.id)
    assert quality.report(dataset.version.id) is None
    assert len(store.find(kind="quality")) == 1
    quality.after_new_version("ds_that_is_gone")


def test_a_deleted_dataset_stays_deleted() -> None:
    dataset = make(clean())
    datasets.delete(dataset.id, dataset.name)
    with pytest.raises(NotFound):
        quality.compute(dataset.version.id)
    assert not get_storage().exists(f"{dataset.version.path}/quality.json")


def test_an_invalid_length_and_a_missing_base_model_are_errors() -> None:
    version = make(clean()).version
    with pytest.raises(DataError, match="maximum length"):
        quality.compute(version.id, max_seq_length=0)
    with pytest.raises(NotFound):
        quality.compute(version.id, base_model="no-such-model")


# ---- real data


def _agree(dataset: datasets.DatasetRecord) -> quality.QualityReport:
    """The report and the validation of a version say the same about the same things."""
    report = quality.compute(dataset.version.id)
    dataset_checks.recheck(dataset.id, dataset.version.id, lambda share: None)
    path = version_file(dataset.version.id, files.FINDINGS)
    lines: dict[str, set[int | None]] = {}
    texts: dict[str, str] = {}
    for item in reader.findings(path, limit=1_000_000):
        lines.setdefault(item.code, set()).add(item.line)
        texts[item.code] = item.message
    for code in ("special_tokens", "over_length"):
        lost = {"over_length", "answer_lost"} if code == "over_length" else {code}
        count = sum(issue.count for issue in report.issues if issue.code in lost)
        assert count == len(lines.get(code, ())), code
    issue = report.issue("duplicate_examples")
    assert texts.get("duplicate_examples", "0").split()[0] == str(issue.count if issue else 0)
    assert ("validation_overlap" in texts) == (report.issue("validation_overlap") is not None)
    assert (report.issue("too_few_examples") is not None) == ("too_few_examples" in texts)
    return report


def test_alpaca_and_its_fourteen_copies(real_data: Path) -> None:
    raw = json.loads((real_data / "instruct" / "alpaca_en_demo.json").read_text(encoding="utf-8"))
    examples = [
        Example((Message("user", f"{row['instruction']}\n{row['input']}"), Message("assistant", row["output"])), "s", n)
        for n, row in enumerate(raw, 1)
    ]
    report = _agree(make(examples))
    copies = report.issue("duplicate_examples")
    assert copies is not None
    assert copies.count == 14
    assert report.issue("refusals") is not None
    assert report.issue("language_mix") is None
    assert report.score == 89  # one password among them


def test_identity_has_unfilled_placeholders(real_data: Path) -> None:
    raw = json.loads((real_data / "instruct" / "identity.json").read_text(encoding="utf-8"))
    examples = [
        Example((Message("user", row["instruction"]), Message("assistant", row["output"])), "s", n)
        for n, row in enumerate(raw, 1)
    ]
    report = _agree(make(examples))
    unfilled = report.issue("placeholders")
    assert unfilled is not None
    assert unfilled.count == 85
    assert report.score < 75


def test_the_cookbook_chats(real_data: Path) -> None:
    lines = (real_data / "chat" / "toy_chat_fine_tuning.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [
        Example(tuple(Message(item["role"], item["content"]) for item in json.loads(line)["messages"]), "s", n)
        for n, line in enumerate(lines, 1)
    ]
    dataset = make(examples)
    report = _agree(dataset)
    assert dataset.state == "failed"
    assert report.grade == "Poor"
    assert report.issue("over_length") is not None


def test_banking77_has_leaks_and_contradictions(real_data: Path) -> None:
    examples = []
    for split, name in (("train", "banking77_train.csv"), ("validation", "banking77_test.csv")):
        with (real_data / "tables" / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))[::8]
        examples += [
            Example((Message("user", row["text"]), Message("assistant", row["category"])), name, n, split)  # type: ignore[arg-type]
            for n, row in enumerate(rows, 1)
        ]
    dataset = make(examples)
    report = _agree(dataset)
    assert report.issue("near_duplicates") is not None
    assert report.issue("near_leakage") is None, "near duplicates are held out together"
    dataset_edits.apply(dataset.id, Split(kind="random", share=0.2), base_version_id=dataset.version.id)
    assert _agree(datasets.get_dataset(dataset.id)).issue("near_leakage") is not None
    assert report.issue("label_variants") is None
    assert report.issue("empty_answers") is None
    assert 85 <= report.score < 100


# ---- exact lengths


def base_with_a_token_per_word() -> str:
    """A base model's directory whose tokenizer counts words; returns the id of the base."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    from core.models.base_models import named_directory

    folder = named_directory() / "words"
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(WordLevel({"<unk>": 0, "U:": 1, "A:": 2, "<end>": 3}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    template = (
        "{% for m in messages %}{{ 'U: ' if m['role'] == 'user' else 'A: ' }}{{ m['content'] }} <end> {% endfor %}"
        "{% if add_generation_prompt %}{{ 'A: ' }}{% endif %}"
    )
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, "eos_token": "<end>"}))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")
    return f"local:{folder}"


CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "vocab_size": 4,
    "max_position_embeddings": 512,
}


def test_with_a_base_model_the_lengths_are_exact() -> None:
    base = base_with_a_token_per_word()
    words = "extraordinarily " * 300  # 4,800 characters: by the estimate 1,200 tokens, by this tokenizer 300
    version = make([*clean(), pair("Short?", words), pair(words, "Short.")]).version
    assert quality.compute(version.id, max_seq_length=400).issue("over_length") is not None
    exact = quality.compute(version.id, max_seq_length=400, base_model=base)
    assert (exact.issue("over_length"), exact.issue("answer_lost")) == (None, None)
    assert exact.base_model
    tighter = quality.compute(version.id, max_seq_length=200, base_model=base)
    assert [row.position for row in quality.rows(version.id, "over_length").rows] == [120]
    assert [row.position for row in quality.rows(version.id, "answer_lost").rows] == [121]
    assert "about" not in quality.rows(version.id, "answer_lost").rows[0].detail
    assert tighter.max_seq_length == 200


def test_tokens_are_counted_by_the_recommended_base_where_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make([*clean(20), pair("One two three?", "extraordinarily " * 300)]).version
    before, plain = token_counts.statistics(version.id), datasets.statistics(version.id)
    assert (before, before.counted) == (plain, "estimated")
    base = base_with_a_token_per_word()
    monkeypatch.setattr(base_models, "suggested_id", lambda: base)
    found = token_counts.statistics(version.id)
    assert found.tokens_max == 3 + 1 + 300 + 1 + 2  # words, question mark, answer, ends and roles
    assert found.counted_by in found.counted
    assert found.tokens_max < before.tokens_max
    assert sum(item.count for item in found.histogram) == found.examples == 21
    assert token_counts.statistics(version.id) == found
    quality.compute(version.id)
    assert quality.pictures(version.id).length_histogram == found.histogram
