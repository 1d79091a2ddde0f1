"""The reusable framework: every code block of docs/python.md runs, and what it says is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError, NotFound, SettingsError
from tests.support import tiny
from worker.training import load_examples, method, settings, train

BLOCKS = re.findall(
    r"^```python\n(.*?)^```",
    (Path(__file__).parents[3] / "docs" / "python.md").read_text(encoding="utf-8"),
    flags=re.DOTALL | re.MULTILINE,
)


@pytest.fixture
def files(tmp_path: Path, studio_env, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two files that the document names."""
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


def test_the_document_runs_as_it_stands(files: Path, tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the tiny base in the place of the starter, and three epochs where the document leaves it to the preset."""
    names: dict[str, object] = {}
    assert len(BLOCKS) == 5
    for number, block in enumerate(BLOCKS, 1):
        code = block.replace('"starter"', repr(str(tiny_base)))
        exec(compile(code, f"block {number} of docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "learning_rate" in said
    assert "studio default" in said
    assert "engine      TRL: " in said
    assert "11 rows read: 10 labeled examples, 1 rejected." in said
    assert "line 11" in said
    assert "rank = 0 does not work" in said
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
def test_every_usual_shape_loads(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (example,) = load_examples(tmp_path / name)
    assert [(m.role, m.content) for m in example.messages] == [("user", "Hi"), ("assistant", "Ho")]


def test_what_cannot_be_loaded_says_what_it_is_and_what_to_do(tmp_path: Path) -> None:
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
