"""Every chat template that TRL ships: the studio's renderer and transformers' own say the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import DataError
from core.messages import Example, Message
from core.models.base_models.light_tokenizer import LightTokenizer
from core.models.base_models.local_folder import inspect
from core.models.chat_template import takes_tools
from core.models.render import ahead, render, render_prompt, special_tokens
from tests.support import chat_templates
from tests.support.random_model import make_model

CALL = {
    "id": "c12345678",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"place": "Varnholt <é>", "deep": {"many": [1, null, true]}}'},
}
SYSTEM = Message("system", "You are <brief> & “kind”.")
ASK, SAY = Message("user", "Where is 東京?"), Message("assistant", "It is <there>.")
THOUGHT = Message("assistant", "<think>\nA river.\n</think>\n\nIt is there.")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Where a “place” is.",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
        },
    },
    {
        "type": "function",
        "function": {"name": "deep_probe", "description": "", "parameters": {"type": "object", "properties": {}}},
    },
]
CHATS = {
    "one answer": (ASK, SAY),
    "system": (SYSTEM, ASK, SAY),
    "several turns": (ASK, SAY, ASK, SAY, ASK, SAY),
    "system late": (ASK, SAY, SYSTEM, ASK, SAY),
    "tools": (
        SYSTEM,
        ASK,
        Message("assistant", "", tool_calls=(CALL,)),
        Message("tool", '{"found": "é"}', name="look_up", tool_call_id="c12345678"),
        SAY,
    ),
    "reasoning": (ASK, THOUGHT),
    "reasoning over turns": (SYSTEM, ASK, THOUGHT, ASK, THOUGHT),
    "two inputs": (ASK, ASK, SAY),
    "answer first": (SAY, ASK, SAY),
    "two answers": (ASK, SAY, SAY),
    "empty texts": (Message("system", ""), Message("user", ""), Message("assistant", "")),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose tokenizer has a bos token, which some templates write."""
    model = make_model(tmp_path_factory.mktemp("family"))
    settings = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"bos_token": "<|pad|>"}))
    return model


@pytest.fixture
def model(directory: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(directory, tmp_path / "model")


def by_transformers(tokenizer: Any, chat: tuple[Message, ...], *, generate: bool, tools: Any = ()) -> str:
    """The text, or the reason that transformers gives."""
    from core.models.render import _as_template_input

    try:
        given = _as_template_input(chat, tools)
        text = tokenizer.apply_chat_template(
            given["messages"], tools=given["tools"], tokenize=False, add_generation_prompt=generate
        )
        return str(text)
    except Exception as error:
        return f"refused: {error}".rstrip(".")


def by_studio(tokenizer: Any, chat: tuple[Message, ...], *, generate: bool, tools: Any = ()) -> str:
    """The text, or the reason that the studio's error states."""
    from core.models.render import _apply, _as_template_input

    try:
        return _apply(_as_template_input(chat, tools), tokenizer, generate=generate)
    except DataError as error:
        return f"refused: {error.message.partition(': ')[2]}".rstrip(".")


def rendered(tokenizer: Any, chat: tuple[Message, ...], tools: Any = ()) -> Any:
    """Text, tokens and mask, or the stated refusal."""
    try:
        return render(chat, tokenizer, tools), render_prompt(chat[:-1], tokenizer, tools)
    except DataError as error:
        return error.message


@pytest.mark.parametrize("family", chat_templates.EVERY)
def test_text_and_refusals_are_those_of_transformers(family: str, directory: Path) -> None:
    from worker.training.model_files import load_tokenizer

    (directory / "chat_template.jinja").write_text(chat_templates.template(family))
    light, heavy = LightTokenizer(directory), load_tokenizer(directory)
    for name, chat in CHATS.items():
        for generate in (False, True):
            expected = by_transformers(heavy, chat, generate=generate)
            assert by_studio(light, chat, generate=generate) == expected, name
        assert rendered(light, chat) == rendered(heavy, chat), name
    for name in ("tools", "system", "several turns", "two inputs"):
        for generate in (False, True):
            expected = by_transformers(heavy, CHATS[name], generate=generate, tools=TOOLS)
            assert by_studio(light, CHATS[name], generate=generate, tools=TOOLS) == expected, name
        assert rendered(light, CHATS[name], TOOLS) == rendered(heavy, CHATS[name], TOOLS), name
    texts = [by_transformers(heavy, chat, generate=False, tools=TOOLS) for chat in CHATS.values()]
    assert takes_tools(light) == any("deep_probe" in text for text in texts)


def test_tools_are_read_by_a_template_that_takes_them_and_are_the_prompt_of_the_answer(model: Path) -> None:
    (model / "chat_template.jinja").write_text(chat_templates.template("qwen2_5"))
    tokenizer = LightTokenizer(model)
    with_tools = render((ASK, SAY), tokenizer, TOOLS)
    assert "deep_probe" in with_tools.text
    assert "deep_probe" not in render((ASK, SAY), tokenizer).text
    prompt = render_prompt((ASK,), tokenizer, TOOLS)
    assert with_tools.input_ids[: len(prompt)] == prompt
    learned = "".join(
        with_tools.text[start:end]
        for (start, end), mask in zip(with_tools.offsets, with_tools.assistant_mask, strict=True)
        if mask
    )
    assert "It is <there>." in learned
    assert "deep_probe" not in learned


def test_a_special_token_in_a_tool_is_ordinary_text(model: Path) -> None:
    (model / "chat_template.jinja").write_text(chat_templates.template("qwen2_5"))
    tokenizer = LightTokenizer(model)
    special = special_tokens(tokenizer)[0]
    tools = [{"type": "function", "function": {"name": "f", "description": f"Ends with {special}."}}]
    found = render((ASK, SAY), tokenizer, tools)
    at = found.text.index(special)
    assert [token for token, (start, _) in zip(found.input_ids, found.offsets, strict=True) if start == at] != [
        tokenizer.convert_tokens_to_ids(special)
    ]


def test_many_are_rendered_ahead_with_their_own_tools(model: Path) -> None:
    (model / "chat_template.jinja").write_text(chat_templates.template("qwen2_5"))
    tokenizer = LightTokenizer(model)
    examples = [
        Example((ASK, SAY), tools=tuple(TOOLS)),
        Example((ASK, SAY)),
        Example((SYSTEM, ASK, SAY), tools=(TOOLS[0],)),
    ]
    one_by_one = [render(example.messages, tokenizer, example.tools) for example in examples]
    together = [render(example.messages, tokenizer, example.tools) for example in ahead(examples, tokenizer)]
    assert together == one_by_one


def test_of_several_named_templates_the_default_one_is_taken(model: Path) -> None:
    from transformers import AutoTokenizer

    from worker.training.model_files import load_tokenizer

    text = (model / "chat_template.jinja").read_text()
    (model / "chat_template.jinja").unlink()
    settings = json.loads((model / "tokenizer_config.json").read_text())
    named = [{"name": "tool_use", "template": "{{ 1 }}"}, {"name": "default", "template": text}]
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": named}))
    expected = by_transformers(AutoTokenizer.from_pretrained(model), (ASK, SAY), generate=False)
    assert "It is <there>." in expected
    assert render((ASK, SAY), LightTokenizer(model)).text == expected
    assert render((ASK, SAY), load_tokenizer(model)).text == expected
    assert inspect(model)

    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": named[:1]}))
    with pytest.raises(DataError, match="none is named default"):
        inspect(model)


def test_template_files_come_before_the_entry_in_the_config(model: Path) -> None:
    from transformers import AutoTokenizer

    (model / "additional_chat_templates").mkdir()
    (model / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    assert LightTokenizer(model).chat_template == AutoTokenizer.from_pretrained(model).chat_template["default"]
    (model / "additional_chat_templates" / "default.jinja").write_text("{{ messages[0].content }}")
    assert LightTokenizer(model).chat_template == AutoTokenizer.from_pretrained(model).chat_template["default"]


def test_special_tokens_are_those_of_transformers(model: Path) -> None:
    from transformers import AutoTokenizer

    settings = json.loads((model / "tokenizer_config.json").read_text())
    settings |= {"add_bos_token": True, "image_token": "<|tool|>", "extra_special_tokens": {"own": "<|call|>"}}
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    light = LightTokenizer(model)
    assert light.special_tokens_map == AutoTokenizer.from_pretrained(model).special_tokens_map
    assert "True" not in light.all_special_tokens


def test_json_in_a_template_takes_every_argument_of_transformers(model: Path) -> None:
    from transformers import AutoTokenizer

    write = "{{ messages[0].content | tojson(ensure_ascii=true, indent=1, separators=(',', ':'), sort_keys=true) }}"
    (model / "chat_template.jinja").write_text(write)
    expected = by_transformers(AutoTokenizer.from_pretrained(model), (ASK,), generate=False)
    assert by_studio(LightTokenizer(model), (ASK,), generate=False) == expected == r'"Where is \u6771\u4eac?"'


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ raise_exception('Only even turns.') }}", "refuses a conversation of the roles user, assistant: Only even"),
        ("{{ 1 / 0 }}", "fails on a conversation of the roles user, assistant: division by zero"),
        ("{{ messages[0]['content'] + {} }}", "fails on a conversation .*: can only concatenate str"),
        ("{% if %}", "fails on a conversation .*: Expected an expression"),
    ],
)
def test_whatever_a_template_raises_is_stated(model: Path, template: str, says: str) -> None:
    (model / "chat_template.jinja").write_text(template)
    with pytest.raises(DataError, match=says) as refused:
        render((ASK, SAY), LightTokenizer(model))
    assert refused.value.code == "chat_template"
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (
            "{% for m in messages %}{{ m.content if loop.last else '-' }}{% endfor %}",
            "writes earlier turns differently when a turn is added",
        ),
        (
            "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}",
            "begins a finished answer differently from one that it asks for",
        ),
        (
            "{% if messages | length == 1 %}{{ raise_exception('Too short.') }}{% endif %}"
            "{% for m in messages %}{{ m.content }}{% endfor %}",
            r"does not render the conversation up to an answer \(Too short.\)",
        ),
    ],
)
def test_why_an_answer_cannot_be_found_is_stated(model: Path, template: str, says: str) -> None:
    (model / "chat_template.jinja").write_text(template)
    with pytest.raises(DataError, match=says):
        render((ASK, SAY, ASK, SAY), LightTokenizer(model))


def test_a_generation_block_has_a_scope_of_its_own(model: Path) -> None:
    from worker.training.model_files import load_tokenizer

    text = (
        "{% set seen = 'no' %}{% for m in messages %}{% if m.role == 'assistant' %}"
        "{% generation %}{% set seen = 'yes' %}{{ m.content }}{% endgeneration %}{{ seen }}"
        "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    )
    (model / "chat_template.jinja").write_text(text)
    expected = by_transformers(load_tokenizer(model), (ASK, SAY), generate=False)
    assert by_studio(LightTokenizer(model), (ASK, SAY), generate=False) == expected
    assert expected.endswith("no")
