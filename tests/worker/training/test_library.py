"""The library: every code block of docs/python.md runs, and its claims hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError, NotFound, SettingsError, StorageError
from core.messages import Example, Message
from tests.support import tiny
from worker.training import load_examples, method, settings, train

BLOCKS = re.findall(
    r"^```python\n(.*?)^```",
    (Path(__file__).parents[3] / "docs" / "python.md").read_text(encoding="utf-8"),
    flags=re.DOTALL | re.MULTILINE,
)


@pytest.fixture
def files(tmp_path: Path, studio_env, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two files that the page names."""
    monkeypatch.chdir(tmp_path)
    with Path("questions.jsonl").open("w") as out:
        for question, answer in tiny.PAIRS:
            out.write(json.dumps({"question": question, "answer": answer}) + "\n")
    chats = [
        [{"from": "human", "value": question}, {"from": "gpt", "value": answer}] for question, answer in tiny.PAIRS
    ]
    chats.append([{"from": "human", "value": "A question without an answer"}])
    scores = [5.0] * len(chats)
    pq.write_table(
        pa.table({"conversations": chats, "source": ["x"] * len(chats), "score": scores}), "finetome.parquet"
    )
    return tmp_path


def test_the_documented_example_runs(files: Path, tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the tiny base instead of the starter, and three epochs where the page uses the preset."""
    names: dict[str, object] = {}
    assert len(BLOCKS) == 5
    for number, block in enumerate(BLOCKS, 1):
        code = block.replace('"starter"', repr(str(tiny_base)))
        exec(compile(code, f"block {number} of docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "learning_rate" in said
    assert "studio default" in said
    assert "engine      TRL: " in said
    assert "11 rows read: 10 labeled examples, 1 left out." in said
    assert "line 11" in said
    assert "rank must be a whole number from 1 to 256; got 0" in said
    result = names["result"]
    assert (result.model_dir / "adapter_config.json").is_file()
    assert result.loss < result.losses[1]
    assert len(names["held_out"]) == 2
    assert result.validation_losses
    assert result.validation_loss is not None
    assert result.run.trainable_params > 0
    assert isinstance(result.chat("Who feeds the goose?", max_new_tokens=4), str)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chat.jsonl", '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}\n'),
        ("alpaca.json", '[{"instruction": "Hi", "input": "", "output": "Ho"}]'),
        ("pairs.csv", "prompt,completion\nHi,Ho\n"),
        ("share.json", '[{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}]'),
    ],
)
def test_every_known_format_loads(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (example,) = load_examples(tmp_path / name)
    assert [(m.role, m.content) for m in example.messages] == [("user", "Hi"), ("assistant", "Ho")]


def test_a_file_that_cannot_be_loaded_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("town,people\nA,1\n")
    with pytest.raises(DataError, match="'town', 'people'") as unknown:
        load_examples(tmp_path / "t.csv")
    assert "sft convert" in unknown.value.remedy
    with pytest.raises(DataError, match="no file"):
        load_examples(tmp_path / "none.csv")
    with pytest.raises(SettingsError, match="validation"):
        load_examples(tmp_path / "t.csv", validation=0.9)
    with pytest.raises(SettingsError, match="num_epochs"):
        settings(num_epochs=0)
    with pytest.raises(NotFound, match="lori"):
        method("lori")


def test_a_base_that_is_not_here_is_named_with_its_command(tmp_path: Path, studio_env, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="not on this machine") as away:
        train("Qwen/Qwen2.5-0.5B-Instruct", tiny.examples(), output_dir=tmp_path / "out", say=lambda line: None)
    assert "hf download Qwen/Qwen2.5-0.5B-Instruct" in away.value.remedy
    assert not (tmp_path / "out").exists()


def test_loading_examples_needs_no_torch_and_no_database() -> None:
    code = (
        "from worker.training import load_examples, method, settings\n"
        "import sys; print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


OWN = [Example((Message("user", f"What is {n}?"), Message("assistant", f"It is {n}."))) for n in range(4)]
QUICK = settings(num_epochs=1, sample_answers=0)


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        (None, "not a list of examples"),
        ("questions.jsonl", "not a list of examples"),
        ([{"messages": []}], r"examples\[0\] is of the type dict"),
        ([*OWN, Example(())], r"examples\[4\] has no messages"),
        ([Example((Message("user", "a"),))], r"examples\[0\] has no assistant message"),
        ([Example((Message("boss", "a"), Message("assistant", "b")))], "unknown role 'boss'"),
        ([Example((Message("user", None), Message("assistant", "b")))], "its content is nothing"),
        ([Example((Message("user", "a\ud800"), Message("assistant", "b")))], "character 1 of its content is half"),
        ([Example(OWN[0].messages, split="validation")], "no training example"),
    ],
)
def test_wrong_examples_are_named(tmp_path: Path, examples: object, says: str) -> None:
    with pytest.raises(DataError, match=says):
        train("starter", examples, output_dir=tmp_path / "out", say=lambda line: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"settings": {"num_epochs": 1}}, "settings is of the type dict"),
        ({"settings": settings(keep_best=True)}, "keep_best = True needs a validation loss"),
        ({"settings": settings(early_stopping_patience=2)}, "early_stopping_patience = 2 needs"),
        ({"method": method("lora", target_modules="listed", module_names=["nope"])}, "has no layer 'nope'"),
        ({"settings": settings(max_seq_length=100_000)}, "is more than the context length of"),
    ],
)
def test_invalid_settings_are_refused_as_in_the_app(
    tmp_path: Path, tiny_base: Path, changes: dict[str, object], says: str
) -> None:
    long = Example((Message("user", "a"), Message("assistant", "goose river " * 1000)))
    examples = [long] if "is more than" in says else OWN
    with pytest.raises(SettingsError, match=says):
        train(tiny_base, examples, output_dir=tmp_path / "out", say=lambda line: None, **changes)


def test_an_output_directory_that_cannot_be_written_is_named(tmp_path: Path, tiny_base: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written: Not a directory"):
        train(tiny_base, OWN, output_dir=tmp_path / "file" / "out", settings=QUICK, say=lambda line: None)


def test_two_runs_never_mix_in_one_directory(tmp_path: Path, tiny_base: Path) -> None:
    def run(examples=OWN, **changes):
        given = {"output_dir": tmp_path / "out", "settings": QUICK, "say": lambda line: None, **changes}
        return train(tiny_base, examples, **given)

    first = run()
    assert run().run.resumed_from == first.run.step
    for changes, says in (
        ({"method": "prefix_tuning"}, "method lora then, prefix_tuning now"),
        ({"method": method("lora", rank=4)}, "rank 16 then, 4 now"),
        ({"settings": settings(num_epochs=2, sample_answers=0)}, "num_epochs 1 then, 2 now"),
        ({"examples": OWN[:3]}, "then, .* now|other examples"),
    ):
        with pytest.raises(SettingsError, match=says):
            run(**changes)
    note = tmp_path / "out" / "run.json"
    asked = json.loads(note.read_text())
    del asked["gradient_checkpointing"]  # as if written before there was that setting
    note.write_text(json.dumps(asked))
    assert run().run.resumed_from == first.run.step
    with pytest.raises(DataError, match="no messages"):
        first.chat([])
    with pytest.raises(SettingsError, match="max_new_tokens = 0"):
        first.chat("Hello", max_new_tokens=0)


@pytest.mark.parametrize("share", ["0.1", None])
def test_a_share_that_is_not_a_number_is_refused(tmp_path: Path, share: object) -> None:
    with pytest.raises(SettingsError, match="validation"):
        load_examples(tmp_path / "t.csv", validation=share)


def test_a_split_column_is_obeyed_and_only_training_examples_are_held_out(tmp_path: Path) -> None:
    import json

    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    parts = ["train"] * 20 + ["test"] * 10
    lines = [json.dumps({"messages": [{**chat[0], "content": f"q{n}"}, chat[1]], "split": part})
             for n, part in enumerate(parts)]  # fmt: skip
    (tmp_path / "split.jsonl").write_text("\n".join(lines))
    found = [example.split for example in load_examples(tmp_path / "split.jsonl", validation=0.5)]
    assert found[20:] == ["test"] * 10
    assert (found[:20].count("train"), found[:20].count("validation")) == (10, 10)
