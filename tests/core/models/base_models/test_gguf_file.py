from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest

from core.errors import DataError
from core.models.base_models.gguf import file as gguf_file
from core.models.base_models.gguf.vocabulary import special_tokens
from tests.support.tiny_gguf import make_source, write_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", make_source(), kind="Q4_1")


def test_reads_what_a_file_contains(tiny: Path) -> None:
    file = gguf_file.read(tiny)
    assert (file.architecture, file.quantization, gguf_file.bits(file.quantization)) == ("llama", "Q4_1", 4)
    assert file.params == sum(weight.numel() for weight in make_source().parameters())
    assert file.get("block_count") == 2
    last = max(file.tensors, key=lambda tensor: tensor.begin)
    assert tiny.stat().st_size - (last.begin + last.size) < 32  # padding only


def test_sizes_of_tensor_types_are_those_of_ggml() -> None:
    for number, (name, block, width) in gguf_file.TENSOR_TYPES.items():
        assert gguf.GGMLQuantizationType(number).name == name
        assert gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(number)] == (block, width)


def test_the_end_token_is_the_one_of_the_template_and_the_padding_is_another(tiny: Path) -> None:
    file = gguf_file.read(tiny)
    found = special_tokens(file.metadata)
    assert (found.ends, found.pad, found.begin) == ((2,), 0, 1)  # the file names 2 for both
    of_text_model = dict(file.metadata) | {"tokenizer.ggml.eos_token_id": 0}
    assert special_tokens(of_text_model).ends == (2, 0)


def _patched(offset: int, raw: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:offset] + raw + content[offset + len(raw) :]


def _after(key: str, raw: bytes, skip: int = 0) -> Callable[[bytes], bytes]:
    """Replace the bytes behind a name in the header."""

    def change(content: bytes) -> bytes:
        place = content.index(struct.pack("<Q", len(key)) + key.encode()) + 8 + len(key) + skip
        return content[:place] + raw + content[place + len(raw) :]

    return change


_TENSOR = "blk.0.attn_q.weight"  # its shape follows: axes (4 bytes), 2 x 8 bytes, type (4), offset (8)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content[:200], "cut off: it ends in its header"),
        (lambda content: content[:2], "cut off"),
        (lambda content: content[:-2000], "cut off: .* after the end of the file"),
        (_patched(0, b"ggml"), "not a GGUF file"),
        (_patched(4, struct.pack("<I", 1)), "version 1 of GGUF"),
        (_patched(4, struct.pack(">I", 3)), "big-endian"),
        (_patched(8, struct.pack("<Q", 1 << 40)), "tensors; the limit"),
        (_patched(16, struct.pack("<Q", 1 << 63)), "metadata entries; the limit"),
        (_after("tokenizer.ggml.tokens", struct.pack("<Q", 1 << 50), 8), "items; the limit"),
        (_after("tokenizer.ggml.tokens", struct.pack("<Q", 3_000_000), 8), "cut off|not UTF-8|bytes; the limit"),
        (_after("tokenizer.ggml.token_type", struct.pack("<I", 9), 4), "unknown type 9"),  # a list of lists
        (_after("general.name", struct.pack("<I", 77)), "unknown type 77"),
        (_after("general.name", struct.pack("<Q", 1 << 60), 4), "bytes; the limit"),
        (_after("general.name", b"\xff", 12), "not UTF-8"),
        (_after("general.architecture", b"mamba", 12), "architecture mamba cannot be restored"),
        (_after(_TENSOR, struct.pack("<I", 4_000_000_000)), "dimensions"),
        (_after(_TENSOR, struct.pack("<Q", 1 << 62), 4), "cut off"),
        (_after(_TENSOR, struct.pack("<Q", 33), 4), "rows of 33 weights"),
        (_after(_TENSOR, struct.pack("<I", 24), 20), "tensor type 24"),
        (_after(_TENSOR, struct.pack("<Q", 1 << 40), 24), "after the end of the file"),
        (_after("tokenizer.ggml.eos_token_id", struct.pack("<I", 100_000), 4), "eos token is 100000"),
    ],
)
def test_a_hostile_header_is_refused(tiny: Path, tmp_path: Path, change: Callable[[bytes], bytes], says: str) -> None:
    file = tmp_path / "hostile.gguf"
    file.write_bytes(change(tiny.read_bytes()))
    with pytest.raises(DataError, match=says) as caught:
        gguf_file.read(file)
    assert caught.value.remedy


def test_tensors_that_share_their_bytes_are_refused(tiny: Path, tmp_path: Path) -> None:
    content = tiny.read_bytes()
    for layer in (0, 1):
        for name in ("ffn_up", "ffn_gate", "ffn_down", "attn_output", "attn_q"):
            content = _after(f"blk.{layer}.{name}.weight", struct.pack("<Q", 0), 24)(content)
    file = tmp_path / "shared.gguf"
    file.write_bytes(content[:-30_000])
    with pytest.raises(DataError, match=r"overlap|cut off"):
        gguf_file.read(file)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda writer: writer.add_uint16("split.count", 3), "one of 3 parts"),
        (lambda writer: writer.add_expert_count(8), "mixture of experts"),
        (lambda writer: writer.add_type("adapter"), "its type is adapter"),
    ],
)
def test_files_that_are_not_one_model_are_refused(tmp_path: Path, change: Callable[[Any], None], says: str) -> None:
    with pytest.raises(DataError, match=says):
        gguf_file.read(write_gguf(tmp_path / "a.gguf", make_source(), change=change))


def test_a_tokenizer_that_is_cut_in_an_unknown_way_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tekken"):
        gguf_file.read(write_gguf(tmp_path / "a.gguf", make_source(), pre="tekken"))


def _with_tokens(change: Callable[[list[str]], list[str]]) -> Callable[[Any], None]:
    return lambda writer: writer.kv_data[0].update(
        {
            "tokenizer.ggml.tokens": gguf.gguf_writer.GGUFValue(
                change(writer.kv_data[0]["tokenizer.ggml.tokens"].value), gguf.GGUFValueType.ARRAY
            )
        }
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tokens: [*tokens[:20], "▁" * 300_000, *tokens[21:]], "300,000 characters; the limit is 1,000"),
        (lambda tokens: [*tokens[:20], tokens[21], *tokens[21:]], "twice"),  # llama.cpp ends at such a file
    ],
)
def test_a_vocabulary_that_cannot_be_restored_is_refused(
    tmp_path: Path, change: Callable[[list[str]], list[str]], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        gguf_file.read(write_gguf(tmp_path / "a.gguf", make_source(), change=_with_tokens(change)))


def test_a_header_of_many_numbers_is_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "fat.gguf"
    with file.open("wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 40))
        for number in range(40):
            out.write(struct.pack("<Q", 1) + bytes([65 + number]) + struct.pack("<IIQ", 9, 0, 4_000_000))
            out.seek(4_000_000, 1)
    with pytest.raises(DataError, match="its header has more than 64"):
        gguf_file.read(file)


def test_a_missing_file_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        gguf_file.read(tmp_path / "none.gguf")
    shutil.copy(__file__, tmp_path / "a.gguf")
    with pytest.raises(DataError, match="not a GGUF file"):
        gguf_file.read(tmp_path / "a.gguf")
