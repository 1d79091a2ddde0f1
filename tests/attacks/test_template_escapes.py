"""A template that reaches into Python: chat templates of model folders (Jinja), and patterns with {{column}}."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.conversion.patterns import Pattern
from core.errors import DataError
from core.messages import Message
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.render import render
from tests.support.random_model import make_model

CHAT = [Message("user", "hello"), Message("assistant", "there")]
MARK = "pwned"
ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('__cla' + 'ss__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__['os'].system('touch pwned') }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ raise_exception.__globals__ }}",
    "{{ strftime_now.__globals__['__builtins__'] }}",
    "{{ strftime_now.__code__ }}",
    "{{ messages.append.__self__.__class__ }}",
    "{% set x = messages.clear() %}",
    "{% for m in messages %}{% set _ = m.update({'content': 'pwned'}) %}{% endfor %}",
    "{{ messages.pop() }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
    "{{ '{0.__class__}'.format_map({'0': messages}) }}",
    "{{ ('%s' % messages.__class__) }}",
    "{% include '/etc/passwd' %}",
    "{% include 'tokenizer.json' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% extends '/etc/passwd' %}",
    "{% from 'os' import system %}",
    "{{ config }}{{ request.application.__globals__ }}",
    "{{ messages|map(attribute='__class__')|list }}",
    "{{ messages|map('attr', '__class__')|list }}",
    "{{ messages|selectattr('__class__')|list }}",
    "{{ messages|groupby('__class__')|list }}",
    "{{ messages|sum(attribute='__class__') }}",
    "{{ dict.mro() }}",
    "{{ range.__init__.__objclass__ }}",
    "{{ loop.__class__ }}",
    "{% generation %}{{ caller.__globals__ }}{% endgeneration %}",
    "{{ ''.join.__self__.__class__ }}",
]
SECRETS = ("<class", "<built-in", "<function", "<method", "root:", "subclass", "uid=", "__builtins__", "GeneratorType")


@pytest.mark.parametrize("text", ESCAPES)
def test_a_chat_template_stays_in_its_sandbox(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, or renders to nothing of Python; what it was given is unchanged, and no command ran."""
    monkeypatch.chdir(tmp_path)
    folder = make_model(tmp_path / "model")
    ends = "{% for m in messages %}{{ m.content }}{% endfor %}"
    (folder / "chat_template.jinja").write_text(text + ends)
    refusal = ""
    try:
        shown = render(CHAT, load_tokenizer(folder, text)).text
    except DataError as error:
        refusal, shown = error.message, ""
    assert not refusal or "chat template" in refusal or "tokenizer" in refusal
    assert not any(secret in refusal for secret in ("root:", "uid=", "__builtins__"))
    assert not any(secret in shown for secret in SECRETS), shown[:300]
    assert MARK not in shown.replace(text, "")
    assert [message.content for message in CHAT] == ["hello", "there"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "text",
    ["{x.__class__}", "{{x.__class__}}", "{{ x.__class__.__mro__ }}", "{0.__class__}", "%(x)s", "${x}", "{{x|upper}}",
     "{% for i in range(9) %}x{% endfor %}", "{{7*7}}", "{x!r}", "{{x[0]}}", "{{__class__}}", "#{7*7}", "<%= 7*7 %>"],
)  # fmt: skip
def test_a_pattern_fills_in_columns_and_nothing_else(text: str) -> None:
    """Names that are not columns are refused or stay text; the value of a cell is never looked into again."""
    try:
        filled = Pattern.parse(text).fill({"x": "{{x.__class__}}", "__class__": "cell"})
    except (DataError, KeyError, ValueError):
        return
    assert "49" not in filled
    assert "<class" not in filled
    assert filled in (text, "{{x.__class__}}", "cell")
