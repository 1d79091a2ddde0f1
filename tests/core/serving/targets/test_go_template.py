"""Chat templates for Ollama: derived from the Jinja template, and refused where they are more than turns."""

from __future__ import annotations

import pytest

from core.errors import SettingsError
from core.models.base_models.starter import CHAT_TEMPLATE
from core.serving.targets.go_template import turn_template
from tests.support.tiny_gguf import TEMPLATE

TURNS = (("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"))
DEFAULT = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
BEGINS = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] }}"
    "<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


STARTER = "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>Hello<|end|><|user|>Bye<|end|><|assistant|>"
CHAT_ML = (
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
    "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
)


@pytest.mark.parametrize(("template", "expected"), [(CHAT_TEMPLATE, STARTER), (TEMPLATE, CHAT_ML)])
def test_the_turns_of_a_template(template: str, expected: str) -> None:
    found = turn_template(template, {})
    assert found.render(TURNS) == expected
    assert found.go.count("{{ .Content }}") == 3
    assert found.go.endswith(found.answer)


def test_a_default_system_message_and_a_begin_token() -> None:
    found = turn_template(DEFAULT, {})
    assert "You are helpful." in found.render([("user", "Hi")])
    assert "You are helpful." not in found.render(TURNS)
    assert "{{ if not .System }}<|im_start|>system\nYou are helpful.<|im_end|>\n{{ end }}" in found.go
    found = turn_template(BEGINS, {"bos_token": "<|begin|>"})
    assert found.go.startswith("<|begin|>{{ range .Messages }}")
    assert found.render([("user", "Hi")]).count("<|begin|>") == 1


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}<{{ m['role'] }}{{ loop.index }}>{{ m['content'] }}{% endfor %}",
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] | upper }}{% endfor %}",
        "{{ raise_exception('no') }}",
    ],
)
def test_a_template_that_is_more_than_turns_is_refused(template: str) -> None:
    with pytest.raises(SettingsError, match="cannot be written for Ollama"):
        turn_template(template, {})
