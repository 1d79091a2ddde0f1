"""A tokenizer that cuts every text as llama.cpp does: from a GGUF file's vocabulary, merges and kinds of tokens."""

from __future__ import annotations

from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from core.models.base_models.gguf.file import GgufFile
from core.models.base_models.gguf.vocabulary import (
    CONTROL,
    PRE_TOKENIZERS,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    NamedTokens,
    PreTokenizer,
)


def build(file: GgufFile, special: NamedTokens) -> Tokenizer:
    """The tokenizer: it cuts every text as llama.cpp does."""
    tokens, kinds = file.tokens(), file.metadata["tokenizer.ggml.token_type"]
    while kinds[len(tokens) - 1] == UNUSED and len(tokens) > 1:  # rows that only pad the embedding
        tokens.pop()
    build_kind = _byte_level if file.metadata["tokenizer.ggml.model"] == "gpt2" else _sentence_piece
    tokenizer = build_kind(file, tokens, special)
    for index, token in enumerate(tokens):
        if kinds[index] in (UNKNOWN, CONTROL, USER_DEFINED):
            tokenizer.add_tokens([AddedToken(token, normalized=False, special=kinds[index] != USER_DEFINED)])
    _add_ends(tokenizer, file, tokens, special)
    return tokenizer


def _byte_level(file: GgufFile, tokens: list[str], special: NamedTokens) -> Tokenizer:
    rules = PRE_TOKENIZERS[file.metadata["tokenizer.ggml.pre"]]
    merges = [tuple(merge.split(" ", 1)) for merge in file.metadata["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=rules.whole_words))
    if rules.nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cuts(rules))
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def cuts(rules: PreTokenizer) -> list[Any]:
    cuts: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if rules.digits else []
    if rules.pattern:
        cuts.append(pre_tokenizers.Split(Regex(rules.pattern), behavior="isolated"))
    cuts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not rules.pattern))
    return cuts


def _sentence_piece(file: GgufFile, tokens: list[str], special: NamedTokens) -> Tokenizer:
    scores = file.metadata["tokenizer.ggml.scores"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    unknown = tokens[special.unknown] if special.unknown is not None else None
    tokenizer = Tokenizer(
        models.BPE(vocabulary, _merges(vocabulary, scores), unk_token=unknown, fuse_unk=True, byte_fallback=True)
    )
    prefix = bool(file.metadata.get("tokenizer.ggml.add_space_prefix", True))
    begin = [normalizers.Prepend("▁")] if prefix else []
    tokenizer.normalizer = normalizers.Sequence([*begin, normalizers.Replace(" ", "▁")])
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    return tokenizer


def _merges(vocabulary: dict[str, int], scores: list[float]) -> list[tuple[str, str]]:
    """The merges of a SentencePiece vocabulary: every cut of a token into two tokens, the best token first."""
    found: list[tuple[float, int, int, tuple[str, str]]] = []
    for token, index in vocabulary.items():
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in vocabulary and right in vocabulary:
                found.append((-scores[index], vocabulary[left], vocabulary[right], (left, right)))
    return [pair for *_, pair in sorted(found)]


def _add_ends(tokenizer: Tokenizer, file: GgufFile, tokens: list[str], special: NamedTokens) -> None:
    """The begin token before a text, where the model is used to one; a chat template writes its own."""
    default = file.metadata["tokenizer.ggml.model"] == "llama"
    if special.begin is None or not file.metadata.get("tokenizer.ggml.add_bos_token", default):
        return
    begin = tokens[special.begin]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin}:0 $A:0",
        pair=f"{begin}:0 $A:0 {begin}:1 $B:1",
        special_tokens=[(begin, special.begin)],
    )
