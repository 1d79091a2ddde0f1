"""The files that the data benchmarks read: made from real texts, the same at every run."""

from __future__ import annotations

import csv
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench._real_data import real_data


def conversations() -> list[list[dict[str, str]]]:
    """Real conversations: ShareGPT, Alpaca and questions to a bank."""
    speakers = {"human": "user", "gpt": "assistant"}
    found = [
        [{"role": speakers[turn["from"]], "content": turn["value"]} for turn in item["conversations"]]
        for item in json.loads((real_data() / "chat/sharegpt_dummy_conversation.json").read_text("utf-8"))
    ]
    for item in json.loads((real_data() / "instruct/alpaca_en_demo.json").read_text("utf-8")):
        question = "\n".join(part for part in (item["instruction"], item["input"]) if part)
        found.append([{"role": "user", "content": question}, {"role": "assistant", "content": item["output"]}])
    with (real_data() / "tables/banking77_test.csv").open(encoding="utf-8", newline="") as stream:
        for text, label in list(csv.reader(stream))[1:1000]:
            found.append([{"role": "user", "content": text}, {"role": "assistant", "content": label}])
    return [item for item in found if all(message["content"].strip() for message in item)]


def write_chats(path: Path, size: int, seed: int = 7) -> None:
    """A varied chat JSONL of about `size` bytes: 1 to 8 turns, with and without a system message."""
    rng, pool, written, number = random.Random(seed), conversations(), 0, 0
    with path.open("wb") as stream:
        while written < size:
            messages = [dict(message) for message in rng.choice(pool)]
            messages[-1]["content"] += f" ({number})"  # no two are equal
            if rng.random() < 0.5:
                system = f"You are assistant number {rng.randrange(1000)}; you answer politely and to the point."
                messages.insert(0, {"role": "system", "content": system})
            line = json.dumps({"messages": messages}, ensure_ascii=rng.random() < 0.3).encode() + b"\n"
            stream.write(line)
            written, number = written + len(line), number + 1


def soil(source: Path, target: Path, seed: int = 11) -> None:
    """The same with one line in twenty made faulty, in a way that the cookbook's checks can see."""
    rng = random.Random(seed)

    def faulty(example: dict[str, Any]) -> object:
        message = rng.choice(example["messages"])
        kind = rng.randrange(9)
        if kind == 0:
            return [example]
        if kind == 1:
            return {"messages": rng.choice([[], None, {}])}
        if kind == 2:
            del message[rng.choice(["role", "content"])]
        elif kind == 3:
            message["mood"] = "good"
        elif kind == 4:
            message["role"] = rng.choice(["User", "human", "tool", None, 3])
        elif kind == 5:
            message["content"] = rng.choice(["", None, 3, ["a"]])
        elif kind == 6:
            example["messages"] = [item for item in example["messages"] if item["role"] != "assistant"]
        elif kind == 7:
            message["content"], message["function_call"] = None, {"name": "f", "arguments": "{}"}
        else:
            message.update(weight=rng.choice([0, 1, "x"]), name="ann")
        return example

    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as stream:
        for line in lines:
            stream.write(json.dumps(faulty(json.loads(line))) + "\n" if rng.random() < 0.05 else line)


def pairs_of_texts(*, short: bool = False) -> Iterator[tuple[str, str]]:
    """Inputs and outputs without an end, no two inputs the same: Alpaca's, or if `short` a bank's questions."""
    if short:
        with (real_data() / "tables/banking77_train.csv").open(encoding="utf-8", newline="") as stream:
            pairs = [(text, label) for text, label in list(csv.reader(stream))[1:]]
    else:
        rows = json.loads((real_data() / "instruct/alpaca_en_demo.json").read_text("utf-8"))
        pairs = [("\n".join(filter(None, (row["instruction"], row["input"]))), row["output"]) for row in rows]
    pairs = [pair for pair in pairs if all(map(str.strip, pair))]
    for number in itertools.count():
        question, answer = pairs[number % len(pairs)]
        yield f"{question} ({number})", answer


def write_table(path: Path, rows: int) -> None:
    """Banking77 repeated to so many rows."""
    with (real_data() / "tables/banking77_train.csv").open(encoding="utf-8", newline="") as stream:
        header, *content = csv.reader(stream)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for start in range(0, rows, len(content)):
            writer.writerows(content[: rows - start])
