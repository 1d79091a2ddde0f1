"""Files without text are refused by their bytes; odd text is read."""

import random
from pathlib import Path

import pytest

from core.errors import DataError
from tests.core.data.formats.support import detect, put

NOISE = random.Random(5).randbytes(4_000)


@pytest.mark.parametrize("content", [NOISE, b"text,label\n" + NOISE, NOISE[:300]], ids=["bytes", "header", "short"])
def test_a_file_without_text_is_refused_at_once(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="This is not text") as caught:
        detect(put(tmp_path, "a.csv", content))
    assert caught.value.code == "container"
    assert "--encoding" in caught.value.remedy
    assert detect(put(tmp_path, "a.csv", content), encoding="latin-1").encoding


READABLE = {
    "controls as delimiters": b"".join(b"%d\x01question\x1ftwo\x01answer\n" % number for number in range(50)),
    "a line of noise in a table": b"text,label\n" + b"a question,an answer\n" * 2_000 + NOISE[:500] + b"\n",
    "UTF-16 without a mark": ("问题,答案\n" + "你好，今天天气怎么样,很好\n" * 60).encode("utf-16-le"),
    "UTF-8 with every control again and again": b"text,label\n"
    + bytes(range(14, 32)).join([b'"\xc3\xa9"'] * 60)
    + b",x\n",
    "every control once": bytes(range(1, 32)) + b"\n" + b"a question,an answer\n" * 100,
}


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE.keys())
def test_text_with_control_characters_is_read(tmp_path: Path, content: bytes) -> None:
    assert detect(put(tmp_path, "a.csv", content)).format == "csv"
