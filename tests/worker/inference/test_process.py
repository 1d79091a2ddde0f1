"""The real process, asked by OpenAI's own client."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import httpx
import openai  # noqa: TID253  the client that the server is tested with
import pytest

from core.errors import NotFound, ProviderUnavailable
from core.messages import Message
from core.models.base_models.light_tokenizer import LightTokenizer
from core.services.serving import chat
from core.services.training import models
from core.serving.targets import TARGETS
from tests.support import openai_contract
from tests.worker.inference.conftest import Served

ASK = [{"role": "user", "content": "What is item 7?"}]


@pytest.fixture(scope="module")
def client(served: Served) -> openai.OpenAI:
    http = httpx.Client(trust_env=False)
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, http_client=http)


def ask(client: openai.OpenAI, model: str, **options: object) -> str:
    options = {"max_tokens": 24, "temperature": 0, **options}
    answer = client.chat.completions.create(model=model, messages=ASK, **options)  # type: ignore[call-overload]
    return str(answer.choices[0].message.content)


def streamed(client: openai.OpenAI, model: str, **options: object) -> str:
    options = {"max_tokens": 24, "temperature": 0, **options}
    stream = client.chat.completions.create(model=model, messages=ASK, stream=True, **options)  # type: ignore[call-overload]
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def reference(base: Path, adapter: Path | None, tokens: int = 24) -> str:
    """The greedy answer by transformers' own generate."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from core.models.render import render_prompt

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter)
    prompt = torch.tensor([render_prompt([Message("user", "What is item 7?")], tokenizer)])
    out = model.generate(input_ids=prompt, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    return str(tokenizer.decode(out[0, prompt.shape[1] :], skip_special_tokens=True))


def test_models_are_listed_and_found(client: openai.OpenAI, served: Served) -> None:
    listed = [model.id for model in client.models.list()]
    assert set(listed) == {served.base, served.first, served.second, served.whole}
    assert client.models.retrieve(served.first).owned_by == "sft-studio"


def test_answers_are_those_of_transformers(client: openai.OpenAI, served: Served) -> None:
    base = Path(served.base.removeprefix("local:"))
    folder = base.parents[1]
    for model, weights, adapter in (
        (served.base, base, None),
        (served.first, base, folder / "a1"),
        (served.second, base, folder / "a2"),
        (served.base, base, None),  # the base again, after its adapters
        (served.whole, folder / "whole", None),
    ):
        assert ask(client, model) == reference(weights, adapter), model


def test_streaming_gives_the_same_text_and_ends_with_a_reason(client: openai.OpenAI, served: Served) -> None:
    assert streamed(client, served.first) == ask(client, served.first)
    stream = client.chat.completions.create(
        model=served.first, messages=ASK, stream=True, max_tokens=5, stream_options={"include_usage": True}
    )  # type: ignore[call-overload]
    chunks = list(stream)
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] in ("length", "stop")
    assert chunks[-1].usage.total_tokens == chunks[-1].usage.prompt_tokens + chunks[-1].usage.completion_tokens


def test_usage_and_length(client: openai.OpenAI, served: Served) -> None:
    answer = client.chat.completions.create(model=served.base, messages=ASK, max_tokens=3, temperature=0)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len("What is item 7?") + 3, 3)


def test_stop_words_end_the_answer_and_are_not_shown(client: openai.OpenAI, served: Served) -> None:
    whole = ask(client, served.base)
    word = whole[4:6]
    assert ask(client, served.base, stop=[word]) == whole[: whole.index(word)]
    assert streamed(client, served.base, stop=word) == whole[: whole.index(word)]


def test_the_same_seed_draws_the_same_answer(client: openai.OpenAI, served: Served) -> None:
    one, two = (ask(client, served.base, temperature=1.5, seed=3, top_p=0.9) for _ in range(2))
    assert one == two
    assert len({ask(client, served.base, temperature=1.5, seed=seed) for seed in range(4)}) > 1


def test_several_answers_to_one_question(client: openai.OpenAI, served: Served) -> None:
    options = {"model": served.first, "messages": ASK, "max_tokens": 12, "temperature": 1.2, "seed": 5, "n": 3}
    answer = client.chat.completions.create(**options)  # type: ignore[call-overload]
    texts = [choice.message.content for choice in answer.choices]
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert texts == [ask(client, served.first, max_tokens=12, temperature=1.2, seed=5 + n) for n in range(3)]
    assert len(set(texts)) > 1
    pieces = ["", "", ""]
    for chunk in client.chat.completions.create(**options, stream=True):  # type: ignore[call-overload]
        for choice in chunk.choices:
            pieces[choice.index] += choice.delta.content or ""
    assert pieces == texts
    with pytest.raises(openai.BadRequestError, match="n: "):
        client.chat.completions.create(**options | {"n": 9})  # type: ignore[call-overload]


def test_log_probabilities_are_those_of_the_model(client: openai.OpenAI, served: Served) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from core.models.render import render_prompt

    options = {"model": served.base, "messages": ASK, "max_tokens": 6, "logprobs": True, "top_logprobs": 3}
    answer = client.chat.completions.create(**options).choices[0]  # type: ignore[call-overload]
    base = served.base.removeprefix("local:")
    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    ids = render_prompt([Message("user", "What is item 7?")], tokenizer)
    for said in answer.logprobs.content:
        with torch.no_grad():
            best = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], -1).topk(3)
        assert said.logprob == pytest.approx(float(best.values[0]), abs=1e-3)
        assert [item.logprob for item in said.top_logprobs] == pytest.approx(best.values.tolist(), abs=1e-3)
        assert said.top_logprobs[0].token == said.token
        ids.append(int(best.indices[0]))
    streamed_tokens = [
        token.logprob
        for chunk in client.chat.completions.create(**options, stream=True)  # type: ignore[call-overload]
        for choice in chunk.choices
        if choice.logprobs
        for token in choice.logprobs.content
    ]
    assert streamed_tokens == pytest.approx([token.logprob for token in answer.logprobs.content], abs=1e-6)
    assert "bytes" in answer.logprobs.content[0].model_dump()


def test_base_and_tuned_at_the_same_time(client: openai.OpenAI, served: Served) -> None:
    """Streams that take turns on one set of weights say what they say alone."""
    wanted = [served.base, served.first, served.second, served.whole] * 2
    alone = {model: ask(client, model, max_tokens=60) for model in set(wanted)}
    found: list[tuple[str, str]] = []
    threads = [
        threading.Thread(target=lambda model=model: found.append((model, streamed(client, model, max_tokens=60))))
        for model in wanted
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((model, alone[model]) for model in wanted)


def test_warming_up_is_harmless(at_the_studio: Served) -> None:
    TARGETS.get("studio").warm_up()
    assert httpx.get(f"{at_the_studio.url}/health").json()["status"] == "ok"


def test_errors_have_openais_shape_and_no_traceback(client: openai.OpenAI, served: Served) -> None:
    with pytest.raises(openai.NotFoundError, match="The model 'nope' does not exist"):
        ask(client, "nope")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")
    with pytest.raises(openai.BadRequestError, match="wizard"):
        client.chat.completions.create(model=served.base, messages=[{"role": "wizard", "content": "x"}])  # type: ignore[list-item]
    with pytest.raises(openai.BadRequestError, match=r"messages\.1: it has no content"):
        client.chat.completions.create(model=served.base, messages=[*ASK, {"role": "user"}])  # type: ignore[list-item]
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        ask(client, served.base, max_tokens=0)
    with pytest.raises(openai.BadRequestError, match="at most 512") as error:
        client.chat.completions.create(model=served.base, messages=[{"role": "user", "content": "x" * 600}])
    assert error.value.code == "context_length_exceeded"
    for path, body in (("/v1/chat/completions", b"{"), ("/v1/chat/completions", b"[]"), ("/nothing", b"{}")):
        answer = httpx.post(f"{served.url}{path}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 404)
        assert set(answer.json()["error"]) >= {"message", "type", "code", "param"}


def test_another_host_name_is_refused(served: Served) -> None:
    assert httpx.get(f"{served.url}/v1/models", headers={"host": "evil.example"}).status_code == 400


def test_a_reader_that_leaves_stops_the_generation(client: openai.OpenAI, served: Served) -> None:
    for _ in range(40):  # more than may be open at once: each has to make room when it leaves
        stream = client.chat.completions.create(model=served.base, messages=ASK, stream=True, max_tokens=450)
        next(iter(stream))
        stream.close()
    assert ask(client, served.base, max_tokens=2)


def test_chat_service_streams_and_remembers_the_first_use(at_the_studio: Served) -> None:
    served = at_the_studio
    assert [model.kind for model in chat.available_models()] == ["tuned", "tuned", "tuned", "base"]
    text = "".join(chat.stream("Tuned 1", [Message("user", "What is item 7?")], max_tokens=24))
    assert text == "".join(chat.stream(served.first, ASK, max_tokens=24))
    chunks = list(chat.chunks(served.first, ASK))
    assert chunks[-1].finish_reason or chunks[-1].completion_tokens
    from core.services.training import jobs

    events = jobs.events(models.get_model(served.first).job_id)
    assert [event.kind for event in events].count("chat") == 1
    assert TARGETS.get("studio").health().ok


def test_suggestions_come_from_the_dataset(at_the_studio: Served) -> None:
    found = chat.suggestions(at_the_studio.first, limit=3)
    assert [(s.question, s.expected, s.split) for s in found][:1] == [("What is item 0?", "Item 0 is blue.", "train")]
    assert len(found) == 3
    assert [suggestion.trained for suggestion in found] == [suggestion.split == "train" for suggestion in found]


def test_an_archived_model_vanishes_and_comes_back(client: openai.OpenAI, at_the_studio: Served) -> None:
    served = at_the_studio
    models.archive([served.second])
    with pytest.raises(NotFound, match="archived"):
        list(chat.stream(served.second, ASK))
    with pytest.raises(openai.NotFoundError, match="archived"):
        ask(client, served.second)
    assert served.second not in [model.id for model in client.models.list()]
    models.restore([served.second])
    assert ask(client, served.second)


def test_a_process_that_is_down_is_named(at_the_studio: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")
    with pytest.raises(ProviderUnavailable, match="sft up"):
        list(chat.stream(at_the_studio.first, ASK))
    assert not TARGETS.get("studio").health().ok


def test_a_text_is_continued_as_it_is_whole_and_streamed(client: openai.OpenAI, served: Served) -> None:
    prompt = "What is item 7?"
    whole = client.completions.create(model=served.first, prompt=prompt, max_tokens=8, logprobs=2)
    (choice,) = whole.choices
    assert whole.object == "text_completion"
    assert choice.finish_reason in ("stop", "length")
    assert whole.usage
    assert len(choice.logprobs.tokens) == whole.usage.completion_tokens
    assert all(len(best) == 2 for best in choice.logprobs.top_logprobs)
    pieces = client.completions.create(model=served.first, prompt=prompt, max_tokens=8, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == choice.text
    ids = LightTokenizer(Path(served.base.removeprefix("local:")))(prompt, add_special_tokens=True)["input_ids"]
    assert client.completions.create(model=served.first, prompt=ids, max_tokens=8).choices[0].text == choice.text
    again = client.completions.create(model="tuned-1", prompt=[prompt, "Another"], n=2, max_tokens=8)
    assert [one.index for one in again.choices] == [0, 1, 2, 3]
    assert [one.text for one in again.choices[:2]] == [choice.text] * 2
    assert again.usage
    assert again.usage.prompt_tokens > whole.usage.prompt_tokens


@pytest.mark.parametrize("name", ["presence_penalty", "frequency_penalty", "logit_bias"])
def test_what_would_change_the_answer_and_is_not_offered_is_refused(served: Served, name: str) -> None:
    body = {"model": served.base, "messages": ASK, "max_tokens": 2}
    given, neutral = ({"42": 5.0}, {}) if name == "logit_bias" else (0.5, 0)
    with httpx.Client(trust_env=False, base_url=served.url, timeout=300) as http:
        refused = http.post("/v1/chat/completions", json={**body, name: given})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == name
        assert http.post("/v1/chat/completions", json={**body, name: neutral}).status_code == 200


@pytest.mark.parametrize("wrong", [{"prompt": []}, {"prompt": [10**9]}, {"prompt": "a", "suffix": "b"}, {}])
def test_a_wrong_prompt_is_named(served: Served, wrong: dict[str, object]) -> None:
    with httpx.Client(trust_env=False) as http:
        answer = http.post(f"{served.url}/v1/completions", json={"model": served.base, **wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].split(".")[0] in ("prompt", "suffix")


def test_the_shapes_are_openais(served: Served, real_data: Path) -> None:
    def fits(schema: str, value: object) -> None:
        assert openai_contract.problems(real_data, schema, value) == []

    chat_body = {"model": served.first, "messages": ASK, "max_tokens": 4, "logprobs": True, "top_logprobs": 2, "n": 2}
    text_body = {"model": served.first, "prompt": "a", "max_tokens": 4, "logprobs": 2}
    with httpx.Client(trust_env=False, base_url=served.url, timeout=300) as http:
        fits("CreateChatCompletionResponse", http.post("/v1/chat/completions", json=chat_body).json())
        fits("CreateCompletionResponse", http.post("/v1/completions", json=text_body).json())
        streamed = http.post("/v1/chat/completions", json={**chat_body, "stream": True}).text
        for event in streamed.strip().split("\n\n")[:-1]:
            fits("CreateChatCompletionStreamResponse", json.loads(event.removeprefix("data: ")))
        fits("ErrorResponse", http.post("/v1/completions", json={}).json())
