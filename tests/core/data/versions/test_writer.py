"""A version's files are the same whether examples came one by one or in columns."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter

import pyarrow.parquet as pq
import pytest
import xxhash

from core.data.examples.columns import ExampleColumns
from core.data.examples.identity import canonical, stored
from core.data.examples.sets import ExampleSet
from core.data.issues import finding, reject
from core.data.quality.set_rules import check_set
from core.data.versions import unsplit
from core.data.versions.batch_file import BatchFile
from core.data.versions.exports import jsonl
from core.data.versions.files import EXAMPLES, FINDINGS, REJECTS, UNSPLIT_SCHEMA, read_rows
from core.data.versions.ready import ReadyExamples
from core.data.versions.writer import VersionWriter

TEXTS = ["plain", 'a "quote"', "line\nbreak", "back\\slash", "\x00\x1f\x7f", "é日本🙂", "", "x" * 500, "\u2028"]


def columns(rng, count, roles=("system", "user", "assistant"), split="train"):
    texts = tuple(
        [rng.choice(TEXTS) + (str(rng.randrange(300)) if role == "user" else "") for _ in range(count)]
        for role in roles
    )
    findings = {
        i: (finding("special_tokens", "a", line=i), finding("over_length", "b", line=i)) for i in range(0, count, 7)
    }
    rejects = tuple((i, reject("csv_ragged", "c", line=1_000 + i, raw="x\udc80")) for i in range(0, count, 11))
    return ExampleColumns(roles, texts, list(range(5, 5 + count)), "src", split, findings, rejects)


def one_by_one(out, batch):
    waiting = list(batch.rejects)
    for index in range(len(batch)):
        while waiting and waiting[0][0] <= index:
            out.reject(waiting.pop(0)[1])
        out.add(batch.example(index), batch.findings.get(index, ()))
    for _, item in waiting:
        out.reject(item)


@pytest.mark.parametrize("hold_out", [None, 0.0, 0.3])
@pytest.mark.parametrize("own_validation", [False, True])
def test_columns_and_single_examples_are_written_alike(tmp_path, hold_out, own_validation):
    rng = random.Random(1)
    batches = [columns(rng, 400), columns(rng, 3, ("user", "assistant", "user", "assistant")), columns(rng, 60)]
    if own_validation:
        batches.append(columns(rng, 20, split="validation"))
    results, set_findings = [], []
    for name in ("slow", "fast", "mixed", "saved"):
        checker = ExampleSet()
        with VersionWriter(tmp_path / name, hold_out=hold_out) as out:
            other = BatchFile(out.unsplit, UNSPLIT_SCHEMA)  # as another process would
            for number, batch in enumerate(batches):
                if name == "slow" or (name == "mixed" and number % 2):
                    one_by_one(out, batch)
                    for index in range(len(batch)):
                        checker.feed(batch.example(index))
                else:
                    ready = ReadyExamples.of(batch)
                    out.add_ready(ready.saved(other) if name == "saved" else ready)
                    checker.add(ready.keys, ready.lines, split=ready.split)
            results.append(out.finish())
        set_findings.append(check_set(checker))
    whole = ExampleSet()
    everything = [batch.example(index) for batch in batches for index in range(len(batch))]
    for example in everything:
        whole.feed(example)
    assert set_findings == [check_set(whole)] * 4
    assert results == results[:1] * 4
    assert results[0].examples == len(everything)
    for file in (EXAMPLES, FINDINGS):
        tables = [pq.read_table(tmp_path / name / file) for name in ("slow", "fast", "mixed", "saved")]
        assert tables[0] == tables[1] == tables[2] == tables[3]
    assert len({(tmp_path / name / REJECTS).read_bytes() for name in ("slow", "fast", "mixed", "saved")}) == 1
    assert not list(tmp_path.glob("*/*.unsplit*"))


def test_what_an_interrupted_attempt_saved_is_deleted(tmp_path):
    batch = columns(random.Random(4), 20)
    with VersionWriter(tmp_path / "v") as out:
        out.add_ready(ReadyExamples.of(batch).saved(BatchFile(out.unsplit, UNSPLIT_SCHEMA)))
        left = set(tmp_path.glob("v/*.unsplit*"))
    with VersionWriter(tmp_path / "v") as out:
        assert len(left) == 2
        assert not any(path.exists() for path in left)
        out.add_ready(ReadyExamples.of(batch))
        assert out.finish().examples == 20


def test_the_hash_is_of_splits_and_messages_and_equal_examples_stay_together(tmp_path):
    rng = random.Random(2)
    with VersionWriter(tmp_path / "v", hold_out=0.25) as out:
        batch = columns(rng, 500, ("user", "assistant"))
        out.add_ready(ReadyExamples.of(batch))
        written = out.finish()
    digest, sides = hashlib.sha256(), {}
    for position, row in enumerate(read_rows(tmp_path / "v" / EXAMPLES)):
        assert row["position"] == position
        assert json.loads(row["messages"]) == [message.to_dict() for message in batch.example(position).messages]
        digest.update(f"{row['split']}\t{row['messages']}\n".encode())
        assert sides.setdefault(row["messages"], row["split"]) == row["split"]
    lines = b"".join(jsonl.write(tmp_path / "v" / EXAMPLES)).decode().split("\n")
    assert lines.pop() == ""
    wanted = [{"messages": [message.to_dict() for message in batch.example(at).messages]} for at in range(len(batch))]
    assert lines == [json.dumps(item, ensure_ascii=False) for item in wanted]
    held = b"".join(jsonl.write(tmp_path / "v" / EXAMPLES, "validation"))
    assert held.count(b"\n") == written.validation_examples
    assert digest.hexdigest() == written.examples_sha256
    assert 0 < written.validation_examples <= 125
    assert sorted(path.name for path in (tmp_path / "v").iterdir()) == sorted([EXAMPLES, FINDINGS, REJECTS])


@pytest.mark.parametrize("group", [51, 20_000])
def test_what_is_held_out_follows_from_the_seed_and_the_messages(tmp_path, monkeypatch, group):
    monkeypatch.setattr(unsplit, "_GROUP_ROWS", group)
    monkeypatch.setattr(unsplit, "NEAR_UP_TO", 0)
    rng = random.Random(3)
    batches = [columns(rng, count) for count in (50, 1, 200)]
    with VersionWriter(tmp_path / "v", hold_out=0.2) as out:
        for number, batch in enumerate(batches):
            if number == 1:
                one_by_one(out, batch)
            else:
                out.add_ready(ReadyExamples.of(batch))
        out.finish()
    everything = [batch.example(index) for batch in batches for index in range(len(batch))]
    texts = [canonical(stored(example.messages)) for example in everything]
    copies = Counter(texts)
    wanted, chosen = round(0.2 * len(everything)), set()
    for text in sorted(copies, key=lambda item: xxhash.xxh3_64_intdigest(item.encode(), 42)):
        if copies[text] <= wanted:
            chosen.add(text)
            wanted -= copies[text]
    expected = ["validation" if text in chosen else "train" for text in texts]
    assert [row["split"] for row in read_rows(tmp_path / "v" / EXAMPLES)] == expected
    assert pq.read_metadata(tmp_path / "v" / EXAMPLES).num_row_groups == (2 if group == 51 else 1)
