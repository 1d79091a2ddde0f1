"""Adapters of every kind beside one base: interleaved, each answers as it does alone."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import pytest
import torch  # noqa: TID253  weights are compared here

from core.models.base_models.local_folder import inspect
from core.models.base_models.records import BaseModelRef
from core.models.methods import METHODS, build
from tests.support.random_model import make_model
from worker.inference import weights
from worker.inference.requests import NoRoom
from worker.inference.served_models import Served
from worker.inference.weights import Adapters, Loader
from worker.training import tuners
from worker.training.model_files import load_model, load_tuned

KINDS = [method for method in METHODS.ids() if build(method).peft_type]
NAMES = [f"{method}-{number}" for number in (1, 2) for method in KINDS]
PROMPT = torch.tensor([[5, 17, 40, 41, 9]])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def directories(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters of each kind, with random weights that change every answer."""
    found = {}
    for seed, name in enumerate(NAMES):
        torch.manual_seed(seed)
        tuned = tuners.attach(load_model(base), build(name.rpartition("-")[0]))
        for weight in tuners.trainable(tuned).values():
            torch.nn.init.normal_(weight, std=0.5)
        found[name] = tmp_path_factory.mktemp("adapter") / name
        tuned.save_pretrained(found[name])
    return found


@pytest.fixture
def beside(base: Path, directories: dict[str, Path]) -> Adapters:
    adapters = Adapters(load_model(base).eval())
    for name, directory in directories.items():
        adapters.load(name, directory)
    return adapters


class Stream:
    """Greedy decoding, one token at a time, as the engine does it."""

    def __init__(self, adapters: Adapters, name: str | None) -> None:
        self.adapters, self.name = adapters, name
        self.cache: Any = adapters.start(name)
        self.next, self.said = PROMPT, []  # type: ignore[var-annotated]

    @torch.inference_mode()
    def step(self) -> None:
        out = self.adapters.use(self.name)(input_ids=self.next, past_key_values=self.cache, use_cache=True)
        self.cache = out.past_key_values
        self.said.append(int(out.logits[0, -1].argmax()))
        self.next = torch.tensor([[self.said[-1]]])


@torch.inference_mode()
def alone(base: Path, directory: Path | None, tokens: int) -> list[int]:
    model = load_model(base) if directory is None else load_tuned(base, directory)
    out = model.eval().generate(
        input_ids=PROMPT, max_new_tokens=tokens, do_sample=False, pad_token_id=0, eos_token_id=[]
    )
    return out[0, PROMPT.shape[1] :].tolist()  # type: ignore[no-any-return]


def test_interleaved_they_say_what_they_say_alone(base: Path, directories: dict[str, Path], beside: Adapters) -> None:
    streams = {name: Stream(beside, name) for name in (*NAMES, None)}
    for _ in range(8):
        for stream in streams.values():
            stream.step()
    for name, stream in streams.items():
        assert stream.said == alone(base, directories[name] if name else None, 8), name
    assert len({tuple(stream.said) for stream in streams.values()}) == len(streams)


def test_the_weights_of_the_base_are_there_once(beside: Adapters) -> None:
    weights = {p.data_ptr() for p in beside.base.parameters()}
    tuned = {kind: beside.use(name) for name, kind in ((NAMES[0], "LORA"), ("bottleneck_adapter-1", "BOTTLENECK"))}
    for model in tuned.values():
        named = {name: p.data_ptr() for name, p in model.named_parameters()}
        assert {there for name, there in named.items() if "lora_" not in name and "bottleneck_" not in name} == weights


def test_the_oldest_leave_first_and_the_rest_answers_as_before(base: Path, beside: Adapters) -> None:
    kept = NAMES[-1]
    expected = Stream(beside, kept)
    expected.step()
    while len(beside) > 1:
        beside.drop_oldest()
    assert list(beside) == [kept]
    again = Stream(beside, kept)
    again.step()
    assert again.said == expected.said
    assert alone(base, None, 1) == _first(beside)


def test_a_loaded_model_gives_its_output_layer_contiguous_inputs(base: Path, directories: dict[str, Path]) -> None:
    """Also beside an adapter: torch copies the layer's weight for every question otherwise, in bf16 on a CPU."""
    reference = BaseModelRef("local:random", "Random", "Random", "", True, path=base)
    loaded, _ = Loader().get(Served("local:random", "Random", reference, None, False, 0.0), set())
    loaded.adapters.load("tuned", directories["lora-1"])
    for name in (None, "tuned"):
        model, seen = loaded.adapters.use(name), []
        head = model.get_output_embeddings() if name is None else model.base_model.model.get_output_embeddings()
        head.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0].is_contiguous()))
        with torch.inference_mode():
            model(input_ids=PROMPT.repeat(2, 1), logits_to_keep=1)
        assert seen == [True], name


def test_what_is_idle_leaves_for_what_is_asked_and_what_is_busy_stays(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has room for two models of this size."""
    loader = Loader()
    fits = 2 * inspect(base).dims.params * 4 * 1.2

    def free() -> int:
        return ceil(fits - len(loader.names) * fits / 2)

    monkeypatch.setattr(weights, "_free_memory", free)
    references = [
        BaseModelRef(f"local:{number}", "Random", "Random", "", True, path=make_model(tmp_path / str(number)))
        for number in range(4)
    ]
    served = [Served(one.id, "Random", one, None, False, 0.0) for one in references]
    first, _ = loader.get(served[0], set())
    loader.get(served[1], set())
    loader.get(served[2], {id(first)})
    assert loader.names == ["local:0", "local:2"]
    everything = {id(loader.get(one, set())[0]) for one in (served[0], served[2])}
    with pytest.raises(NoRoom, match=r"“Random” needs about .* of memory to answer; 0 bytes are free"):
        loader.get(served[3], everything)


def _first(adapters: Adapters) -> list[int]:
    stream = Stream(adapters, None)
    stream.step()
    return stream.said
