"""One answer: its prompt is read in pieces, its text is shown as soon as it is complete, stop words never."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

from core.models.thinking import EmptyBlockFilter
from core.serving.targets.base import AnswerChunk, TokenLogprob
from worker.inference.grammar import Grammar, Vocabulary
from worker.inference.prompts import too_long
from worker.inference.requests import READ_AT_ONCE, GenerationRequest
from worker.inference.weights import Loaded
from worker.training.generate import stop_ids

_UNFINISHED = "\ufffd"  # what a decoder returns for an incomplete character


class Generation:
    """The answer to one request on loaded weights: `read` its prompt, then `take` a token of each step.

    Attributes:
        cache: keys and values of what was read, until a batch takes them over.
        length: the tokens in it; the position of the next one.
        next_token: the input of the next step.
    """

    def __init__(self, request: GenerationRequest, loaded: Loaded, adapter: str | None) -> None:
        self.request, self.loaded, self.adapter = request, loaded, adapter
        self.options = request.options
        prompt = request.question.ids
        self.cache: Any = loaded.adapters.start(adapter)
        self.length = self.cache.get_seq_length() if self.cache is not None else 0
        limit = int(getattr(loaded.model.config, "max_position_embeddings", 0) or 0)
        limit -= min(limit, self.length)  # the positions of a prefix
        if limit and len(prompt) >= limit:
            raise too_long(f"{len(prompt):,} tokens", limit)
        self.prompt_tokens = len(prompt)
        self.max_tokens = min(self.options.max_tokens, limit - len(prompt)) if limit else self.options.max_tokens
        self._ends = set(stop_ids(loaded.model, loaded.tokenizer))
        self._grammar: Grammar | None = None
        if request.schema is not None:
            size = int(loaded.model.config.get_text_config().vocab_size)
            self._grammar = Grammar(request.schema, Vocabulary.of(loaded.tokenizer, size, self._ends))
        self._random = torch.Generator(device=loaded.model.device)
        if self.options.seed is not None:
            self._random.manual_seed(self.options.seed % 2**63)
        else:
            self._random.seed()
        self._unread = list(prompt)
        self.next_token = -1
        self._began = time.perf_counter()
        self._ids: list[int] = []
        self._text: TextStream | CompleteText
        if request.streams or self.options.stop:
            self._text = TextStream(loaded.tokenizer, self.options.stop, special=self.options.special)
        else:
            self._text = CompleteText(loaded.tokenizer, special=self.options.special)
        self._shown = EmptyBlockFilter()
        self._logprobs: list[TokenLogprob] = []  # of tokens since the last chunk

    @property
    def unread(self) -> int:
        """The tokens of the prompt that are not read yet."""
        return len(self._unread)

    @property
    def joins(self) -> bool:
        """Whether its prompt can be read together with others."""
        fresh = self.cache is None and len(self._unread) == self.prompt_tokens <= READ_AT_ONCE
        return fresh and self.loaded.reads_together is True

    def is_like(self, other: Generation) -> bool:
        """Whether both prompts can be read at once: as long, of the same weights, with adapters that mix."""
        if self.loaded is not other.loaded or self.prompt_tokens != other.prompt_tokens:
            return False
        return self.loaded.adapters.group(self.adapter) == self.loaded.adapters.group(other.adapter)

    def read(self, most: int) -> AnswerChunk | None:
        """Read up to `most` tokens of the prompt; with its last one, what `take` returns for the first token."""
        part, self._unread = self._unread[:most], self._unread[most:]
        with torch.inference_mode():
            model = self.loaded.adapters.together([self.adapter])
            ids = torch.tensor([part], device=self.loaded.model.device)
            out = model(input_ids=ids, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
            self.cache = out.past_key_values
            if self.loaded.reads_together is None:
                self.loaded.reads_together = is_plain(self.cache)
            self.length += len(part)
            return None if self._unread else self.take(out.logits[0, -1])

    def take(self, logits: torch.Tensor, likeliest: int | None = None) -> AnswerChunk | None:
        """Choose the next token: a chunk to show (perhaps the last), or None if no character is complete.

        Args:
            logits: of every token.
            likeliest: the token with the highest of them, where it is known.
        """
        raw = logits
        if self._grammar is not None:
            logits, likeliest = self._grammar.next(logits), None
        greedy = self.options.temperature == 0
        token = likeliest if greedy and likeliest is not None else self._choose(logits)
        if token in self._ends:
            return self._last("stop", self._text.rest())
        if self._grammar is not None:
            token = self._grammar.take(token, self.max_tokens - len(self._ids) - 1)
        self._ids.append(token)
        self.next_token = token
        if self.options.logprobs is not None:
            self._logprobs.append(self._logprob(raw, token, self.options.logprobs))
        text = self._text.add(token)
        if self._text.stopped:
            return self._last("stop", text)
        if self._grammar is not None and self._grammar.done:
            return self._last("length" if self._grammar.closing else "stop", text + self._text.rest())
        if len(self._ids) >= self.max_tokens:
            return self._last("length", text + self._text.rest())
        shown = self._shown.add(text)
        return AnswerChunk(shown, logprobs=self._noted()) if shown else None

    def _last(self, reason: str, text: str) -> AnswerChunk:
        shown = self._shown.add(text) + self._shown.rest()
        seconds = time.perf_counter() - self._began
        return AnswerChunk(shown, reason, self.prompt_tokens, len(self._ids), self._noted(), seconds)

    def _noted(self) -> tuple[TokenLogprob, ...]:
        noted, self._logprobs = tuple(self._logprobs), []
        return noted

    def _logprob(self, logits: torch.Tensor, token: int, count: int) -> TokenLogprob:
        logprobs = torch.log_softmax(logits.float(), dim=-1)
        best = logprobs.topk(min(count, len(logprobs)))
        named = (
            (self._name(place), value) for place, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        return TokenLogprob(self._name(token), float(logprobs[token]), tuple(named))

    def _name(self, token: int) -> str:
        return str(self.loaded.tokenizer.decode([token], clean_up_tokenization_spaces=False))

    def _choose(self, logits: torch.Tensor) -> int:
        """The most likely token at temperature 0; else one from the smallest set with `top_p` of the probability."""
        if self.options.temperature == 0:
            return int(logits.argmax())
        probabilities = torch.softmax(logits.float() / self.options.temperature, dim=-1)
        if self.options.top_p < 1:
            ordered, order = probabilities.sort(descending=True)
            before = ordered.cumsum(-1) - ordered  # the probability before each token; the first one is always included
            probabilities = torch.zeros_like(probabilities).scatter(
                0, order, torch.where(before < self.options.top_p, ordered, 0.0)
            )
        return int(torch.multinomial(probabilities, 1, generator=self._random))


def read_together(answers: Sequence[Generation]) -> list[AnswerChunk | Exception | None]:
    """Read prompts that are alike (`Generation.is_like`); what `take` returns or raises for each. The first one then
    has the cache of all of them.

    Raises:
        Exception: the model failed; nothing was read.
    """
    loaded = answers[0].loaded
    with torch.inference_mode():
        model = loaded.adapters.together([one.adapter for one in answers])
        ids = torch.tensor([one._unread for one in answers], device=loaded.model.device)
        out = model(input_ids=ids, use_cache=True, logits_to_keep=1)
        logits = out.logits[:, -1]
        likeliest = logits.argmax(dim=-1).tolist()
        answers[0].cache = out.past_key_values
        for one in answers:
            one.length, one._unread = one.prompt_tokens, []
        return [taken(one, logits[place], likeliest[place]) for place, one in enumerate(answers)]


def taken(answer: Generation, logits: torch.Tensor, likeliest: int) -> AnswerChunk | Exception | None:
    """What `take` returns, or raises: that belongs to this answer alone."""
    try:
        return answer.take(logits, likeliest)
    except Exception as error:
        return error


def is_plain(cache: Any) -> bool:
    """Whether all layers keep every token, so that rows can be joined; others (sliding windows, states) cannot."""
    return all(type(layer) is DynamicLayer for layer in cache.layers)


class CompleteText:
    """Token ids -> the text of an answer that is shown at its end: decoded once."""

    stopped = False  # without stop words, the text ends with its tokens

    def __init__(self, tokenizer: Any, *, special: bool) -> None:
        self._tokenizer, self._skip = tokenizer, not special
        self._ids: list[int] = []

    def add(self, token: int) -> str:
        """Nothing: the text follows at the end."""
        self._ids.append(token)
        return ""

    def rest(self) -> str:
        """The complete text."""
        decode = self._tokenizer.decode
        return str(decode(self._ids, skip_special_tokens=self._skip, clean_up_tokenization_spaces=False))


class TextStream:
    """Token ids -> text that can be shown at once.

    Decodes a short window, so that long answers stay cheap, and holds back incomplete characters and what
    could be the start of a stop word.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str], *, special: bool = False) -> None:
        self._tokenizer, self._skip = tokenizer, not special
        self._stop = stop
        self._ids: list[int] = []
        self._window = self._shown = 0  # ids before `_shown` are already text; decoding starts at `_window`
        self._held = ""
        self.stopped = False

    def add(self, token: int) -> str:
        """The text that is final with this token."""
        self._ids.append(token)
        return self._release(self._decoded(final=False))

    def rest(self) -> str:
        """The text held back, at the end of the answer."""
        text = self._held + self._decoded(final=True)
        self._held = ""
        return self._cut(text)

    def _decoded(self, *, final: bool) -> str:
        before = self._decode(self._ids[self._window : self._shown])
        now = self._decode(self._ids[self._window :])
        if len(now) <= len(before) or (now.endswith(_UNFINISHED) and not final):
            return ""
        self._window, self._shown = self._shown, len(self._ids)
        return now[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=self._skip, clean_up_tokenization_spaces=False))

    def _release(self, text: str) -> str:
        held = self._cut(self._held + text)
        if self.stopped:
            self._held = ""
            return held
        keep = max((_overlap(held, word) for word in self._stop), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def _cut(self, text: str) -> str:
        """The text before the first stop word."""
        places = [place for word in self._stop if (place := text.find(word)) >= 0]
        self.stopped = self.stopped or bool(places)
        return text[: min(places)] if places else text


def _overlap(text: str, word: str) -> int:
    """How many characters at the end of `text` could be the start of `word`."""
    return next((size for size in range(min(len(word) - 1, len(text)), 0, -1) if text.endswith(word[:size])), 0)
