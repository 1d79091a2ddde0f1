"""What the scans of a chunk say about lines that a decoder has accepted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.data.quality import structure
from core.data.quality.line_scan import LineScan


def line(*contents, ensure_ascii=True):
    messages = [{"role": "user", "content": content} for content in contents]
    return json.dumps({"messages": messages}, ensure_ascii=ensure_ascii).encode()


def counts(*numbers):
    return np.array(numbers, np.int64)


@pytest.mark.parametrize("slashes", range(7))
def test_quotes_in_texts_are_not_keys(slashes):
    lines = [line("a"), line("\\" * slashes + '"', '"'), line("\\" * slashes), line('"' * slashes)]
    assert LineScan(b"\n".join(lines)).with_keys_twice(counts(1, 2, 1, 1)) == []


def test_a_duplicate_key_is_found_in_its_line_however_it_is_written():
    twice = line("a").replace(b'"content"', b'"c\\u006fntent": "", "content"')
    assert LineScan(b"\n".join([line('say "hi"'), twice, line("b")])).with_keys_twice(counts(1, 1, 1)) == [1]


def test_lines_of_two_values_and_values_of_two_lines_are_distinguished():
    assert LineScan(line("a") + b"\n" + line("b")).one_value_each(2)
    assert not LineScan(line("a") + line("b") + b"\n" + line("c").replace(b": [", b":\n [")).one_value_each(3)
    assert not LineScan(line("a") + b"\n\n" + line("b")).one_value_each(2)


def test_every_invisible_character_is_found_raw_and_escaped_and_nothing_beside_it():
    texts = [f"a{chr(code)}b" for code in range(0x80, 0xD800)]
    expected = {index for index, text in enumerate(texts) if structure.INVISIBLE.search(text)}
    for ensure_ascii in (False, True):
        lines = b"\n".join(line(text, ensure_ascii=ensure_ascii) for text in texts)
        assert set(LineScan(lines).suspicious()) == expected


def test_long_lines_are_named_by_their_bytes():
    scan = LineScan(b"\n".join([line("a"), line("x" * 100), line("b")]) + b"\n")
    assert scan.longer_than(100) == [1]
