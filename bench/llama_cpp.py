"""Does a restored base answer as a real llama.cpp server answers from the GGUF file itself?

    python -m bench.llama_cpp FILE.gguf [DIRECTORY]

DIRECTORY is the restored base; left out, FILE is restored into a temporary directory. Ten questions, greedy answers.
The same ids go to both sides, so that only weights and arithmetic differ: llama.cpp multiplies quantized weights with
activations rounded to 8 bits, here weights are dequantized to bf16 and everything else is fp32.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.messages import Message
from core.models.base_models.light_tokenizer import load_tokenizer
from core.models.render import render_prompt
from tests.support import llama_cpp

TOKENS = 40
CONTEXT = 1024  # tokens
QUESTIONS = (
    "What is the capital of France?",
    "List three colors.",
    "What is 12 + 30?",
    "Write one sentence about the sea.",
    "Translate to French: Good morning.",
    "Who wrote Romeo and Juliet?",
    "Is water wet? Answer yes or no.",
    "My order 88-1204 arrived broken. What should I do?",
    "Give me a name for a small  café in Zürich.",
    "Explain in one sentence what a neural network is.",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question under both sides.

    Args:
        same_tokens: both make the same tokens of it, with the chat template.
        same: tokens from the beginning of the answer that are the same.
        length: tokens of the restored base's answer.
        margin: where the answers part, how much likelier the restored base finds its own token than llama.cpp's, in
            nats; None where they do not part.
    """

    question: str
    same_tokens: bool
    same: int
    length: int
    answer: str
    margin: float | None = None

    @property
    def equal(self) -> bool:
        return self.margin is None


def serving(file: Path) -> AbstractContextManager[httpx.Client]:
    """llama.cpp's server on the file, with the arithmetic that is nearest to fp32."""
    return llama_cpp.serving(file, threads=2, context=CONTEXT, exact=True)


def compare(
    directory: Path, client: httpx.Client, questions: Sequence[str], tokens: int = TOKENS
) -> Iterator[Comparison]:
    """Each question under both."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    for question in questions:
        yield _compared(model, tokenizer, directory, client, question, tokens)


def _compared(
    model: Any, tokenizer: Any, directory: Path, client: httpx.Client, question: str, tokens: int
) -> Comparison:
    ids = render_prompt((Message("user", question),), load_tokenizer(directory))
    ours = _greedy(model, ids, tokens)
    theirs = _until_end(model, llama_cpp.greedy(client, ids, tokens, to_the_end=True))
    same = next((place for place, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
    parted = same is not None or len(ours) != len(theirs)
    same = min(len(ours), len(theirs)) if same is None else same
    margin = _margin(model, ids, ours, theirs, same) if parted else None
    text = tokenizer.decode(ours, skip_special_tokens=True)
    same_tokens = llama_cpp.tokenized(client, llama_cpp.prompt(client, question)) == ids
    return Comparison(question, same_tokens, same, len(ours), text, margin)


def _greedy(model: Any, ids: list[int], tokens: int) -> list[int]:
    import torch

    with torch.no_grad():
        output = model.generate(torch.tensor([ids]), max_new_tokens=tokens, do_sample=False)
    return _until_end(model, output[0, len(ids) :].tolist())


def _until_end(model: Any, answer: list[int]) -> list[int]:
    """The tokens before the first one that ends an answer."""
    ends = _ends(model)
    return answer[: next((place for place, token in enumerate(answer) if token in ends), len(answer))]


def _ends(model: Any) -> list[int]:
    """What ends an answer. The padding too: for llama.cpp every `<|endoftext|>` does."""
    named = model.generation_config.eos_token_id
    return [*(named if isinstance(named, list) else [named]), model.generation_config.pad_token_id]


def _margin(model: Any, ids: list[int], ours: list[int], theirs: list[int], place: int) -> float:
    """How much likelier our token is than theirs, after the part that is the same."""
    import torch

    end = _ends(model)[0]
    chosen = [answer[place] if place < len(answer) else end for answer in (ours, theirs)]
    with torch.no_grad():
        logits = model(torch.tensor([ids + ours[:place]])).logits[0, -1]
    return float(logits[chosen[0]] - logits[chosen[1]])


def main() -> None:
    """Print one row per question."""
    from worker.training.gguf_restore import restore

    file = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "restored"
        if not directory.exists():
            restore(file, directory, lambda percent, text: None)
        print("| question | same tokens of the prompt | same tokens of the answer | margin where they part |")
        print("|---|---|---|---|")
        same = 0
        with serving(file) as client:
            for row in compare(directory, client, QUESTIONS):
                print(_line(row), flush=True)
                same += row.equal
    print(f"\n{same} of {len(QUESTIONS)} answers are the same to the end.")


def _line(row: Comparison) -> str:
    margin = "they do not" if row.margin is None else f"{row.margin:.2f} nats"
    return f"| {row.question} | {'yes' if row.same_tokens else 'no'} | {row.same} of {row.length} | {margin} |"


if __name__ == "__main__":
    main()
