"""A tiny model directory as transformers saves it, an adapter, and a real llama.cpp server on their GGUF files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.support import tiny_gguf
from worker.serving.llama_server import LlamaServer


def make_directory(
    directory: Path, architecture: str = "llama", *, pre: str = "smollm", seed: int = 0, **config: Any
) -> Path:
    """A random model with a byte-level tokenizer that cuts texts by one of llama.cpp's rules."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from core.models.base_models.gguf.tokenizer import cuts
    from core.models.base_models.gguf.vocabulary import PRE_TOKENIZERS

    model = tiny_gguf.rounded(tiny_gguf.make_source(architecture, seed=seed))
    model.config.eos_token_id, model.config.pad_token_id, model.config.bos_token_id = 2, 0, 1
    model.config.sliding_window = None
    for name, value in config.items():
        setattr(model.config, name, value)
    model.generation_config.eos_token_id = 2
    model.save_pretrained(directory)
    tokens, merges = tiny_gguf.byte_level_vocabulary()
    real = {token: number for number, token in enumerate(tokens) if not token.startswith("[PAD")}
    rules = PRE_TOKENIZERS[pre]
    tokenizer = Tokenizer(models.BPE(real, [tuple(merge.split(" ", 1)) for merge in merges]))
    if rules.nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cuts(rules))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in tiny_gguf.SPECIALS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=tiny_gguf.SPECIALS[0],
        bos_token=tiny_gguf.SPECIALS[1],
        eos_token=tiny_gguf.SPECIALS[2],
    )
    fast.chat_template = tiny_gguf.TEMPLATE
    fast.save_pretrained(directory)
    return directory


@contextlib.contextmanager
def serving(
    model: Path, adapters: Sequence[Path] = (), *, threads: int = 1, context: int = 512, exact: bool = False
) -> Iterator[httpx.Client]:
    """The studio's llama.cpp server on these files."""
    server = LlamaServer(model, adapters, threads=threads, context=context, exact=exact)
    try:
        with server.client as client:
            yield client
    finally:
        server.stop()


def tokenized(client: httpx.Client, text: str) -> list[int]:
    """Token ids of a text; special tokens are read as such."""
    answer = client.post("/tokenize", json={"content": text, "add_special": False, "parse_special": True})
    return list(answer.raise_for_status().json()["tokens"])


def prompt(client: httpx.Client, question: str) -> str:
    """The text that the file's chat template makes of a question."""
    answer = client.post("/apply-template", json={"messages": [{"role": "user", "content": question}]})
    return str(answer.raise_for_status().json()["prompt"])


def letters(client: httpx.Client, ids: list[int], tokens: int, adapter: int | None = None) -> tuple[list[int], list]:
    """A likely answer of letters, as token ids with their log-probabilities.

    Letters only: the server withholds tokens that end inside a character.
    """
    found = _ask(client, ids, tokens, adapter, {"n_probs": 1, "grammar": "root ::= [a-z ]*"})
    return found["tokens"], [one["logprob"] for one in found["completion_probabilities"]]


def greedy(
    client: httpx.Client, ids: list[int], tokens: int, adapter: int | None = None, *, to_the_end: bool = False
) -> list[int]:
    """The greedy answer's token ids: so many, or up to the token that ends an answer."""
    return list(_ask(client, ids, tokens, adapter, {"ignore_eos": not to_the_end})["tokens"])


def _ask(client: httpx.Client, ids: list[int], tokens: int, adapter: int | None, more: dict[str, Any]) -> Any:
    body = {
        "prompt": ids, "n_predict": tokens, "samplers": ["top_k"], "top_k": 1, "cache_prompt": False,
        "return_tokens": True, "lora": [] if adapter is None else [{"id": adapter, "scale": 1.0}], "ignore_eos": True,
    }  # fmt: skip
    answer = client.post("/completion", json=body | more)
    answer.raise_for_status()
    return answer.json()


def logprobs(model: Any, ids: list[int], answer: list[int]) -> list[float]:
    """What a transformers model gives each token of an answer."""
    import torch

    with torch.no_grad():
        logits = model(torch.tensor([ids + answer])).logits[0].float().log_softmax(-1)
    return [float(logits[len(ids) - 1 + place, token]) for place, token in enumerate(answer)]


def likeliest(model: Any, ids: list[int], tokens: int) -> list[int]:
    """What a transformers model answers greedily, without its end token."""
    import torch

    answer: list[int] = []
    rest, cache = ids, None
    for _ in range(tokens):
        with torch.no_grad():
            found = model(torch.tensor([rest]), past_key_values=cache, use_cache=True)
        logits, cache = found.logits[0, -1], found.past_key_values
        logits[2] = -float("inf")
        rest = [int(logits.argmax())]
        answer += rest
    return answer
