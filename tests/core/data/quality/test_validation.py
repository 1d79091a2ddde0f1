"""Bulk validation finds what row by row finds, to the letter."""

from __future__ import annotations

import gc
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from core.data.conversion import chat_shapes
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.examples.identity import PLAIN_MESSAGES
from core.data.examples.sets import ExampleSet
from core.data.formats import detect_file, read
from core.data.quality import line_chunks, structure, validation
from core.data.quality.set_rules import check_set
from core.messages import Reject
from core.platform.forking import ProcessLost
from core.services.data import sources
from core.services.data.sources import chat_lines
from tests.support.series import series


def accept(row):
    return chat_shapes.CHAT_SHAPES.get("messages").shaped(row.fields).parse(line=row.line)


def in_bulk(path, processes=1, codec="utf-8"):
    """(findings, read, rejected) of a file, a chunk at a time."""
    total, findings, read_count, rejected = ExampleSet(), [], 0, 0
    for part in validation.check_lines(path, accept, processes=processes, codec=codec):
        findings += part.findings
        total.add(part.keys, part.at, masked=part.masked)
        read_count, rejected = read_count + part.read, rejected + part.rejected
    return [*findings, *check_set(total)], read_count, rejected


def row_by_row(path):
    """The same by the reader and the labeler, which know nothing of chunks."""
    labeler, checker, findings = Labeler(Recipe(shape="messages"), "x"), ExampleSet(), []
    detection = detect_file(path, "x.jsonl", {"format": "jsonl", "layout": "lines"})
    for item in labeler.run(read(path, detection)):
        findings += item.findings
        if isinstance(item, Labeled):
            checker.feed(item.example)
        else:
            assert isinstance(item, Reject)
    return [*findings, *check_set(checker)], labeler.read, labeler.rejected


U, A = {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function",
        "function": {"name": "f", "arguments": "{}"}}]}  # fmt: skip
ANSWER = {"role": "tool", "content": "4", "tool_call_id": "1"}


def chat(*messages, **more):
    return json.dumps({"messages": list(messages), **more}, ensure_ascii=False)


def says(text, escaped=False):
    return json.dumps({"messages": [{"role": "user", "content": text}, A]}, ensure_ascii=escaped)


ODD_LINES = [
    "",
    "   ",
    "{}",
    "[]",
    "null",
    '"messages"',
    "{",
    '{"messages": [',
    chat(),
    chat(A),
    chat(U),
    chat(A, U, A),
    chat(U, U, A),
    chat(U, A, U),
    chat(U, {"role": "system", "content": "late"}, A),
    chat({"role": "system", "content": "a"}, {"role": "system", "content": "b"}, U, A),
    chat({"role": "User", "content": "a"}, A),
    chat({"role": "human", "content": "a"}, A),
    chat({"content": "a"}, A),
    chat({"role": "user"}, A),
    chat({"role": "user", "content": 3}, A),
    chat({"role": "user", "content": ""}, A),
    chat({"role": "user", "content": " \n\t "}, A),
    says("\u3000\u2003"),
    chat(U, {**A, "weight": 0}),
    chat(U, {**A, "weight": 1}),
    chat(U, {**A, "weight": 2}),
    chat({**U, "weight": 0}, A),
    chat({**U, "name": "ann"}, A),
    chat({**U, "name": 3}, A),
    chat({**U, "name": None}, A),
    chat({**U, "mood": "good"}, A),
    chat(U, CALL, ANSWER, A),
    chat(U, CALL, A),
    chat(U, ANSWER, A),
    chat(U, A, id=7),
    chat(U, A, tools=[{"a": 1}]),
    '{"messages": [], "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "a"}], "messages": [{"role": "user", "content": "b"}]}',
    '{"messages": [{"role": "user", "role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "a", "content": "b"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "\\u0072ole": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "a", "\\u0063ontent": "b"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "a", "c\\u006Fntent": "b"}, {"role": "assistant", "content": "b"}]}',
    '{"Messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}',
    '{"messages" : [ {"content": "a", "role" : "user"} , {"role": "assistant", "content": "b"} ] } ',
    '\t{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]} {"a": 1}',
    '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],}',
    '{"messages": [{"role": "user", "content": NaN}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": 1e999}, {"role": "assistant", "content": "b"}]}',
    '{"messages": "[{\\"role\\": \\"user\\", \\"content\\": \\"a\\"}]"}',
    '{"messages": ' + "[" * 200 + "]" * 200 + "}",
    says("a tab\there".replace("\t", "\t")).replace("\\t", "\t"),
    says('quotes "role" and "content" and \\"messages\\"'),
    says("role"),
    says('say "role'),
    says("content"),
    says("x" * 9_000),
    says("é" * 8_190),
    says("é" * 8_191),
    says("🙂" * 3_000, escaped=True),
    says("«quoted» – dash… • bullet “curly” 日本語 ру́сский"),
    says("«quoted» – dash… • bullet “curly” 日本語", escaped=True),
    *(says(f"before {token} after", escaped) for escaped in (False, True) for token in (
        "<|im_end|>", "<|", "<｜User｜>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<start_of_turn>",
        "<end_of_turn>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "[AVAILABLE_TOOLS]", "[/TOOL_CALLS]",
        "[TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[x]", "<b>", "a < b", "\u200b", "\u200d", "\u200e", "\u202e", "\u2060",
        "\u2066", "\u061c", "\u00ad", "\u00ac", "\ufeff", "\0", "\x1b", "\x7f", "\u2028", "\x85")),
    says("x").replace("x", "<\\/s>"),
    says("x").replace("x", "[\\/INST]"),
    says("x").replace("x", "\\u003c|im_end|\\u003e"),
    says("x").replace("x", "<\\u007cim_end|>"),
    says("x").replace("x", "<\\u007Cim_end|>"),
    says("x").replace("x", "<\\uFF5cUser\\uff5c>"),
    says("x").replace("x", "<\\u002Fs>"),
    says("x").replace("x", "<|im\\u005fend|>"),
    says("x").replace("x", "\\u005bINST]"),
    says("x").replace("x", "[\\u0049NST]"),
    says("x").replace("x", "\\u0000"),
    says("x").replace("x", "\\ud800"),
    says("x").replace("x", "\\udc00"),
    says("x").replace("x", "\\ud83d\\ude00"),
    says("x").replace("x", "\\ud83d\\u0041"),
    says("x").replace("x", "\\q"),
    says("x").replace("x", "\\u12"),
]  # fmt: skip
ODD_BYTES = [
    b"\xff",
    b'{"messages": [{"role": "user", "content": "\xff"}, {"role": "assistant", "content": "b"}]}',
    b'{"messages": [{"role": "user", "content": "\xe2\x80"}, {"role": "assistant", "content": "b"}]}',
    b'{"messages": [{"role": "user", "content": "\xed\xa0\x80"}, {"role": "assistant", "content": "b"}]}',
    b'{"messages": [{"role": "user", "content": "\x00"}, {"role": "assistant", "content": "b"}]}',
    b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\x00',
    b'{"messages": [{"role": "user", "content": "a"},\r {"role": "assistant", "content": "b"}]}',
    b'{"messages":\n [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    b'{\n  "messages": [\n    {"role": "user", "content": "a"},\n    {"role": "assistant", "content": "<s>"}\n  ]\n}',
    b'{"messages": [{"role": "user", "content": "cut off',
    b'{"messages":\n [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}{"messages": []}',
]
EVERY_ODD_LINE = [line.encode("utf-8", "surrogatepass") for line in ODD_LINES] + ODD_BYTES


@pytest.mark.parametrize("line", EVERY_ODD_LINE, ids=range(len(EVERY_ODD_LINE)))
def test_one_odd_line_among_sound_ones_is_found_as_row_by_row(tmp_path, line):
    path = tmp_path / "x.jsonl"
    sound = [chat(U, {"role": "assistant", "content": f"Answer {number}"}).encode() for number in range(12)]
    path.write_bytes(b"\n".join([*sound[:6], line, *sound[6:], b""]))
    assert in_bulk(path) == row_by_row(path)
    path.write_bytes(b"\n".join([*sound[:6], *sound[6:], line]))
    assert in_bulk(path) == row_by_row(path)


@pytest.mark.parametrize("seed", range(12))
def test_random_mixtures_and_mutations_are_found_as_row_by_row(tmp_path, seed, monkeypatch):
    monkeypatch.setattr(line_chunks, "_PROBE", 50)
    rng = random.Random(seed)
    lines = []
    for number in range(400):
        line = rng.choice(EVERY_ODD_LINE) if rng.random() < 0.05 * (seed % 4) else chat(
            *rng.choice([(U,), (U, A, U), ({"role": "system", "content": "Be kind."}, U)]),
            {"role": "assistant", "content": f"Answer {number % rng.choice([40, 10_000])}"},
        ).encode()  # fmt: skip
        if rng.random() < 0.02:
            spot = rng.randrange(len(line) + 1)
            line = line[:spot] + bytes([rng.randrange(256)]) * rng.randrange(2) + line[spot + rng.randrange(3) :]
        lines.append(
            line + rng.choice([b"\n", b"\n", b"\n", b"\r\n" if seed % 3 == 0 else b"\n", b"\r" if seed == 5 else b"\n"])
        )
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"".join(lines))
    size = rng.choice([300, 2_000, 20_000])
    read_chunk = line_chunks.read_chunk
    monkeypatch.setattr(line_chunks, "SIZE", size)
    monkeypatch.setattr(line_chunks, "read_chunk", lambda fd, k, start: read_chunk(fd, k, start, size))
    try:
        found = in_bulk(path)
    except line_chunks.NotByChunks:  # an object may reach over the end of so small a chunk
        assert seed % 4 or size < 20_000
        return
    assert found == row_by_row(path)


def test_two_processes_give_the_same_in_the_same_order(tmp_path, monkeypatch):
    rng = random.Random(3)
    lines = [chat(U, {"role": "assistant", "content": f"{number} " * 20}).encode() for number in range(9_000)]
    for _ in range(300):
        lines[rng.randrange(len(lines))] = rng.choice(EVERY_ODD_LINE)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    monkeypatch.setattr(line_chunks, "_WORTH_FORKING", 1)
    monkeypatch.setattr(line_chunks, "may_fork", lambda: True)
    assert in_bulk(path, processes=2, codec="utf-8-sig") == row_by_row(path)


def test_a_process_that_is_lost_or_fails_says_so(tmp_path, monkeypatch):
    import os
    import signal

    monkeypatch.setattr(line_chunks, "_WORTH_FORKING", 1)
    monkeypatch.setattr(line_chunks, "may_fork", lambda: True)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 200_000)
    here = os.getpid()

    def fail_elsewhere(failure):
        return list(line_chunks.map_chunks(path, lambda chunk: os.getpid() == here or failure()))

    with pytest.raises(ProcessLost):
        fail_elsewhere(lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(ZeroDivisionError):
        fail_elsewhere(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        list(line_chunks.map_chunks(path, lambda chunk: 1 // 0))
    assert gc.isenabled()


@pytest.mark.parametrize("name", ["mixed", "long_line", "utf16"])
def test_the_report_of_a_file_is_the_same_both_ways(tmp_path, name, monkeypatch):
    text = "\n".join([chat(U, {"role": "assistant", "content": str(n % 30)}) for n in range(60)] + ODD_LINES[:40])
    if name == "long_line":
        monkeypatch.setattr(line_chunks, "MAX_RECORD", 500)
        monkeypatch.setattr(line_chunks, "_TAIL", 10)
        monkeypatch.setattr(line_chunks, "SIZE", 300)
    path = Path(tmp_path / "x.jsonl")
    path.write_bytes(text.encode("utf-16" if name == "utf16" else "utf-8"))
    fast = sources.inspect(path)
    monkeypatch.setattr(chat_lines, "check", lambda *_: None)
    assert fast == sources.inspect(path)


def test_a_key_written_with_escapes_does_not_hide_a_duplicate(tmp_path):
    """One role too few in plain bytes and one too many elsewhere: the sums agree, the lines do not."""
    sound = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'
    escaped = sound.replace('"role"', '"\\u0072ole"', 1)
    twice = sound.replace('"role": "user"', '"role": "user", "role": "user"', 1)
    path = tmp_path / "mixed.jsonl"
    path.write_text(sound * 3 + escaped + twice + sound * 3)
    found = [item for report in validation.check_lines(path, accept) for item in report.findings]
    assert [(item.line, item.code) for item in found] == [(5, "json_duplicate_key")]


TWICE = '{"messages": [{"role": "user", "content": "a", "content": "a"}, {"role": "assistant", "content": "b"}]}'
# Each is one line, or a few that only make sense together; `\\\\` is two backslashes in the file.
SHORTCUTS = [
    *(says("x").replace("x", "\\" * number + '"' * (number % 2)) for number in range(1, 9)),
    says("x").replace("x", 'a\\\\\\"b\\\\'),
    says("x").replace("x", '\\", \\"content\\": \\"'),
    TWICE + "\n" + says("x").replace("x", '\\"\\"\\"\\"'),
    TWICE.replace('"content": "a", "content"', '"content": "a", "\\u0063ontent"'),
    says("x").replace("messages", "\\u006dessages"),
    says("x").replace('"user"', '"\\u0075ser"'),
    says("x").replace('"user"', '"use\\u0072"'),
    says("x").replace("x", "\\u0022"),
    says("x")
    + says("y")
    + "\n"
    + '{"messages":\n [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": []}{"messages": []}\n\n',
    "\n\n" + says("x") + "\n \n\t\n" + says("y"),
    says("x") + "\r\n" + says("y") + "\r\n",
    says("x") + "\r" + says("y"),
    says("x") + " \r\n",
    "\ufeff" + says("x"),
    says("مرحبا بالعالم ، ٣ ٤"),
    says("مرحبا\u061c بالعالم"),
    says("«¡été!» co\u00adoperate"),
    says("日本語" * 50),
    says("日本語\u200b"),
    says("ends in é"),
    says("<b>bold</b> [1] [link](x) {{<}}"),
    says("<"),
    says("["),
]


@pytest.mark.parametrize("lines", SHORTCUTS, ids=range(len(SHORTCUTS)))
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_every_shortcut_finds_what_row_by_row_finds(tmp_path, lines, end):
    path = tmp_path / "x.jsonl"
    around = [chat(U, {"role": "assistant", "content": f"Answer {number}"}) for number in range(12)]
    text = (end or "\n").join([*around[:6], lines, *around[6:]]) + end
    path.write_bytes(text.encode())
    assert in_bulk(path) == row_by_row(path)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_a_mark_line_ends_and_a_missing_last_one_change_nothing(tmp_path, end, last):
    path = tmp_path / "x.jsonl"
    lines = [says(f"{number} <|im_end|>" if number % 7 == 0 else str(number)).encode() for number in range(30)]
    path.write_bytes(b"\xef\xbb\xbf" + end.join(lines) + end * last)
    found, read_count, rejected = in_bulk(path, codec="utf-8-sig")
    assert (found, read_count, rejected) == row_by_row(path)
    assert (read_count, rejected) == (30, 0)
    assert [item.line for item in found if item.code == "special_tokens"] == [1, 8, 15, 22, 29]


def test_a_report_made_in_bulk_can_be_written_as_json(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join([says("<s>"), TWICE, chat(A, U), says("x" * 9_000), says("\u200b"), "{", says(" ")] * 3))
    assert json.loads(json.dumps(sources.inspect(path).to_dict()))["read"] == 21


CHAT_OVER_LINES = says("d").replace(", ", ",\n")
PIECES = st.sampled_from(
    ['"', "\\", '\\"', "\\\\", "{", "}", "[", "]", ",", ":", "\n", "\r\n", "\r", " ", "<", "<|x|>", "[INST]", "é", "日",
     "\0", "\\u0072", "\\u0000", "\\ud83d", "\\u200b", "\u200b", "\u00ad", "\udcff", '"role"', '"role": "user", ',
     '"content": "a", ', '"messages"', '{"messages": [', '"weight": 0, ']
)  # fmt: skip


@settings(max_examples=series(120), deadline=None)
@given(
    kinds=st.lists(st.sampled_from([*map(says, ("a", 'say "b"', "c\\", "日本", " ")), TWICE]), min_size=2, max_size=8),
    changes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 3), PIECES), max_size=3),
)
def test_lines_changed_anywhere_are_found_as_row_by_row(tmp_path_factory, kinds, changes):
    text = "\n".join([*kinds, says("the last")])
    for spot, gone, piece in changes:
        spot %= len(text)
        text = text[:spot] + piece + text[spot + gone :]
    path = tmp_path_factory.getbasetemp() / "changed.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert in_bulk(path) == row_by_row(path)


@settings(max_examples=series(300), deadline=None)
@given(
    lines=st.lists(st.sampled_from([b"", b"a", b"a line", b"x" * 30, b"\r", b"\xef\xbb\xbf"]), max_size=30),
    last=st.booleans(),
    size=st.integers(1, 40),
    probe=st.integers(1, 20),
    start=st.sampled_from([0, 3]),
)
def test_each_line_is_in_one_chunk_and_what_follows_is_what_the_file_has(
    tmp_path_factory, lines, last, size, probe, start
):
    content = b"\n".join(lines) + b"\n" * last
    path = tmp_path_factory.getbasetemp() / "chunks.jsonl"
    path.write_bytes(b"m" * start + content)
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as stream:
        patch.setattr(line_chunks, "_PROBE", probe)
        patch.setattr(line_chunks, "_TAIL", 2 * probe)
        count = -(-len(content) // size)
        chunks = [line_chunks.read_chunk(stream.fileno(), number, start, size) for number in range(count)]
    assert b"".join(chunk.lines for chunk in chunks) == content
    for number, chunk in enumerate(chunks):
        begin, end = chunk.offset - start, chunk.offset - start + len(chunk.lines)
        if chunk.lines:
            assert begin == 0 or content[begin - 1 : begin] == b"\n"
            assert end == len(content) or chunk.lines.endswith(b"\n")
            assert number * size <= begin < (number + 1) * size
            assert content[end:].startswith(chunk.after)
            assert chunk.complete == (len(content) - end < 2 * probe)


@pytest.mark.parametrize("length", [490, 500, 501, 700])
def test_a_line_over_the_limit_is_not_for_chunks(tmp_path, monkeypatch, length):
    monkeypatch.setattr(line_chunks, "MAX_RECORD", 500)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"a\n" * 10 + b"x" * length + b"\nb\n")
    with path.open("rb") as stream, pytest.raises(line_chunks.NotByChunks):
        line_chunks.read_chunk(stream.fileno(), 0, size=40)
    with path.open("rb") as stream:
        assert line_chunks.read_chunk(stream.fileno(), 1, size=40).lines == b""


@settings(max_examples=series(300), deadline=None)
@given(st.lists(st.lists(st.sampled_from(list(PLAIN_MESSAGES)), max_size=7).map(tuple), min_size=1, max_size=9))
def test_the_common_order_of_roles_is_sound_and_nothing_else_takes_part_in_it(examples):
    kinds = np.array([list(PLAIN_MESSAGES).index(role) for example in examples for role in example], np.uint8)
    found = validation.by_turns(kinds, np.array([len(example) for example in examples]))
    for example, common in zip(examples, found.tolist(), strict=True):
        assert structure.is_sound(example) or not common
        turns = example[1:] if example[:1] == ("system",) else example
        assert common == (turns == ("user", "assistant") * (len(turns) // 2) and bool(turns) and all(examples))


@settings(max_examples=series(120), deadline=None)
@given(
    lines=st.lists(
        st.sampled_from(
            [says("a"), says("b \ufeff"), "\ufeff" + says("c"), "\ufeff", "", "{", "\ufeff" + CHAT_OVER_LINES]
        ),
        min_size=1,
        max_size=12,
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    size=st.sampled_from([60, 200, 1 << 19]),
)
def test_marks_of_joined_files_are_reported_both_ways(tmp_path_factory, lines, end, size):
    path = tmp_path_factory.getbasetemp() / "joined.jsonl"
    path.write_bytes(end.join([says("first"), *lines, says("last")]).encode())
    read_chunk = line_chunks.read_chunk
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_chunks, "SIZE", size)
        patch.setattr(line_chunks, "read_chunk", lambda fd, k, start: read_chunk(fd, k, start, size))
        fast = sources.inspect(path)
        patch.setattr(chat_lines, "check", lambda *_: None)
        assert fast == sources.inspect(path)
    marks = [item for item in detect_file(path).findings if item.code == "bom_inside"]
    assert marks == [item for item in fast.findings if item.code == "bom_inside"]
