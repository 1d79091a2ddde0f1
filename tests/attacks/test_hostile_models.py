"""A model folder made to hang the studio or take its memory: numbers, nesting, templates, tokenizers, weights.

The folders lie among good ones, and the list of models is read in a process with limits on CPU time and memory: it has
to be complete, with a sentence for each folder that cannot be used.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import DataError
from core.messages import Example, Message
from core.models.base_models.light_tokenizer import LightTokenizer
from core.models.render import ahead, render, render_prompt
from tests.support.random_model import make_model

CPU_S, MEMORY_BYTES = 60, 6 << 30
LISTING = """
import json
from core.models import base_models
print(json.dumps({base.title: [base.ready, base.unusable, base.reason] for base in base_models.list_models()}))
"""


def _config(**changes: object) -> Callable[[Path], object]:
    def change(model: Path) -> object:
        config = json.loads((model / "config.json").read_text())
        return (model / "config.json").write_text(json.dumps(config | changes))

    return change


def _file(name: str, content: str | bytes) -> Callable[[Path], object]:
    raw = content.encode() if isinstance(content, str) else content
    return lambda model: (model / name).write_bytes(raw)


def _pipe(name: str) -> Callable[[Path], object]:
    def change(model: Path) -> None:
        (model / name).unlink()
        os.mkfifo(model / name)

    return change


def _tokenizer(**parts: object) -> Callable[[Path], object]:
    def change(model: Path) -> object:
        tokenizer = json.loads((model / "tokenizer.json").read_text())
        return (model / "tokenizer.json").write_text(json.dumps(tokenizer | parts))

    return change


def _templates_named_by_lists(model: Path) -> None:
    (model / "chat_template.jinja").unlink()
    (model / "tokenizer_config.json").write_text('{"eos_token": [1], "chat_template": [{"name": [1], "template": 5}]}')


def _weights(header: object) -> Callable[[Path], object]:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return _file("model.safetensors", struct.pack("<Q", len(raw)) + raw)


def _gguf(model: Path) -> None:
    """A GGUF file that declares 2**60 values, and nothing else."""
    for file in model.iterdir():
        file.unlink()
    (model / "model.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60))


DEEP = "[" * 200_000
TEMPLATES = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "doubling": "{% set n = namespace(x='a' * 1000000) %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "product": "{{ 'a' * 100000000000 }}",
    "padding": "{{ 'a'.ljust(100000000000) }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "long text": "{% for a in range(99999) %}{{ 'a' * 5000 }}{% endfor %}",
    "recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "nesting": "{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}",
    "many blocks": "{% if 1 %}" * 100_000 + "{% endif %}" * 100_000,
    "length": "{# a #}" * 500_000,
    "long join": "{{ (['a' * 1000000] * 90000) | join }}",
    "long indent": "{{ messages | tojson(indent=1000000000) }}",
}
ATTACKS: dict[str, Callable[[Path], object]] = {
    "layers": _config(num_hidden_layers=1_000_000_000),
    "layers as a float": _config(num_hidden_layers=1e9),
    "infinite": _config(vocab_size=float("inf")),
    "vocabulary": _config(vocab_size=10**12),
    "width": _config(hidden_size=10**40, num_attention_heads=1),
    "heads": _config(num_attention_heads=10**9),
    "negative": _config(intermediate_size=-1),
    "architectures a number": _config(architectures=5),
    "architectures an object": _config(architectures={"a": 1}),
    "architectures a long text": _config(architectures=["a" * 1_000_000]),
    "model type": _config(model_type=["(a+)+$"]),
    "a list for a number": _config(num_hidden_layers=[[1]]),
    "deep config": _file("config.json", DEEP),
    "deep tokenizer": _file("tokenizer.json", '{"a":' * 200_000),
    "deep settings": _file("tokenizer_config.json", DEEP),
    "large config": _file("config.json", b'{"a": "' + b"a" * 40_000_000 + b'"}'),
    "config is a pipe": _pipe("config.json"),
    "tokenizer is a pipe": _pipe("tokenizer.json"),
    "config is binary": _file("config.json", b"\xff\xfe\x00\xd8"),
    "names of templates": _templates_named_by_lists,
    "patterns": _tokenizer(
        pre_tokenizer={
            "type": "Split",
            "pattern": {"Regex": "(?:" + "|".join(["\\S"] * 100) + ")*\\z"},
            "behavior": "Isolated",
            "invert": False,
        }
    ),
    "replacements": _tokenizer(
        normalizer={
            "type": "Sequence",
            "normalizers": [{"type": "Replace", "pattern": {"String": "o"}, "content": "o" * 5_000}] * 3,
        }
    ),
    "deep weights": _weights(b'{"a":' * 200_000),
    "weights a list": _weights([1]),
    "shape": _weights({"a": {"dtype": "F32", "shape": [1 << 62] * 20_000, "data_offsets": [0, 0]}}),
    "digits": _weights({"a": {"dtype": "F32", "shape": [10**4_000] * 2_000, "data_offsets": [0, 0]}}),
    "offsets": _weights({"a": {"dtype": "F32", "shape": [1], "data_offsets": ["a", None]}}),
    "gguf": _gguf,
    **{f"template: {name}": _file("chat_template.jinja", text) for name, text in TEMPLATES.items()},
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("good"))


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


@pytest.fixture(scope="module")
def listed(good: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bool, bool, str]]:
    """What the list says about each model: ready, unusable, reason."""
    data = tmp_path_factory.mktemp("data")
    for name, attack in ATTACKS.items():
        attack(shutil.copytree(good, data / "base_models" / name.replace(" ", "_").replace(":", "")))
    shutil.copytree(good, data / "base_models" / "good")
    environment = {**os.environ, "SFT_DATA_DIR": str(data), "HF_HUB_CACHE": str(data / "none")}
    ran = subprocess.run(
        [sys.executable, "-c", LISTING], env=environment, capture_output=True, text=True, check=False,
        preexec_fn=_limits, timeout=600,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2_000:]
    said: dict[str, tuple[bool, bool, str]] = json.loads(ran.stdout)
    return said


def test_the_good_model_among_them_is_ready(listed: dict[str, tuple[bool, bool, str]]) -> None:
    assert listed["good"] == [True, False, ""]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_folder_is_unusable_and_says_why(name: str, listed: dict[str, tuple[bool, bool, str]]) -> None:
    ready, unusable, reason = listed[name.replace(" ", "_").replace(":", "")]
    assert (ready, unusable) == (False, True)
    assert 20 < len(reason) < 700
    assert reason.endswith(".")
    assert "Traceback" not in reason


# ---- a template that behaves in the first chat, and not later

LATER = {
    "loops": "{% if messages | length > 2 %}" + TEMPLATES["loops"] + "{% endif %}",
    "doubling": "{% if messages | length > 2 %}" + TEMPLATES["doubling"] + "{% endif %}",
}


@pytest.mark.parametrize("name", [pytest.param("loops", marks=pytest.mark.slow), "doubling"])
def test_a_template_that_waits_ends_in_an_error_and_is_not_run_for_ever(good: Path, name: str, tmp_path: Path) -> None:
    model = shutil.copytree(good, tmp_path / "model")
    template = model / "chat_template.jinja"
    template.write_text(template.read_text() + LATER[name])
    tokenizer: Any = LightTokenizer(model)
    short = (Message("user", "Hello"), Message("assistant", "Good day."))
    assert "Good day." in render(short, tokenizer).text
    for _ in range(5):  # after three of them it is not run again: else a dataset of a million would take months
        with pytest.raises(DataError, match=r"needs more than|exceeded its limits"):
            render_prompt((*short, Message("user", "And?")), tokenizer)
    with pytest.raises(DataError, match="exceeded its limits"):
        render((*short, *short), tokenizer)


def test_one_conversation_of_many_that_are_rendered_together_spoils_only_itself(good: Path, tmp_path: Path) -> None:
    model = shutil.copytree(good, tmp_path / "model")
    template = model / "chat_template.jinja"
    template.write_text(
        template.read_text() + "{% if 'BOOM' in messages[0].content %}" + TEMPLATES["product"] + "{% endif %}"
    )
    tokenizer: Any = LightTokenizer(model)
    contents = [f"question {number}" for number in range(9)] + ["BOOM"] + [f"later {number}" for number in range(70)]
    examples = [Example((Message("user", content), Message("assistant", "Good day."))) for content in contents]
    together = []
    for example in ahead(examples, tokenizer):
        try:
            together.append(render(example.messages, tokenizer).input_ids)
        except DataError as error:
            together.append(error.message)
    assert "needs more than" in together.pop(9)
    alone = [
        render(example.messages, tokenizer).input_ids for example in examples if example.messages[0].content != "BOOM"
    ]
    assert together == alone
