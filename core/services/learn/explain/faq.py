"""Common questions; the numbers in the answers are the studio's own limits and defaults, never typed a second time."""

from __future__ import annotations

from dataclasses import dataclass

from core.data import formats
from core.data.quality.rules import MINIMUM_EXAMPLES, RECOMMENDED_EXAMPLES
from core.models.base_models.starter import STARTER_RECIPE
from core.models.methods.lora import LoRA
from core.settings import MAX_UPLOAD_BYTES, get_settings
from core.training.jobs.spec import TrainingConfig


@dataclass(frozen=True, slots=True)
class Answer:
    """A question as people ask it, and its answer in markdown."""

    question: str
    answer: str


def answers() -> list[Answer]:
    """All questions with their answers, in the order in which beginners ask them."""
    settings = get_settings()
    rank, alpha = LoRA.model_fields["rank"].default, LoRA.model_fields["alpha"].default
    warmup = TrainingConfig.model_fields["warmup_ratio"].default
    shape = STARTER_RECIPE["model"]
    pairs = [
        (
            "How many examples do I need?",
            f"At least {MINIMUM_EXAMPLES}; below that a training job is refused. {RECOMMENDED_EXAMPLES} and more are "
            "recommended, 100 to 1,000 good ones are better. One clean example teaches more than ten careless ones.",
        ),
        (
            "How large may a file be?",
            f"Up to {MAX_UPLOAD_BYTES // 2**20} MB ({MAX_UPLOAD_BYTES:,} bytes), as {formats.labels()}. "
            "Nothing of it is changed on the way in: `00123`, `NA` and `TRUE` stay what they were.",
        ),
        (
            "Do I need a GPU?",
            "Not for the starter model, which trains on any CPU in about a minute. For models of 1B and more a GPU "
            "is what makes it bearable; the section *Model and GPU* shows which card holds which.",
        ),
        (
            "What is the starter?",
            f"A small Llama-style model that the studio builds on this machine: {shape['num_hidden_layers']} layers, "
            f"width {shape['hidden_size']}, {shape['vocab_size']:,} tokens. It knows little until it is taught, which "
            "is what makes the effect of your examples easy to see. Do not expect general knowledge of it.",
        ),
        (
            "What do epochs, steps and batches mean?",
            "An **epoch** is one pass through all training examples. A **batch** is how many go through at once. A "
            f"**step** is one move of the weights. The learning rate climbs during the first {warmup:.0%} of the "
            "steps (warm-up), then falls.",
        ),
        (
            "Which LoRA settings should I start with?",
            f"Rank {rank} and alpha {alpha}, on all linear layers: the studio's defaults. Change the data before you "
            "change these.",
        ),
        (
            "Why do I see a validation loss only sometimes?",
            "Because it needs examples that are kept out of training. Below 200 examples nothing is held out unless "
            "you ask: facts that were never shown cannot be learnt. You can name a validation file of its own.",
        ),
        (
            "The training loss is near zero. Is that good?",
            "It means the examples can be said by heart. For fixed answers, such as policies, that is the aim. For "
            "anything that must carry over to new questions, look at the validation loss and at Compare.",
        ),
        (
            "Does it learn from the questions, too?",
            "No. The loss falls on the outputs alone; inputs and system messages are read and not imitated. The "
            "section *Format* shows the mask.",
        ),
        (
            "What happens if I close the browser, or the machine restarts?",
            "The run goes on without the browser. If a worker is killed, another takes over from the last checkpoint "
            "that verifies, and one model is registered, once.",
        ),
        (
            "Where are my files, and does anything leave this machine?",
            f"Everything is under `{settings.data_dir.name}/` (the variable `SFT_DATA_DIR`), unless you name another "
            "store. Pages load nothing from outside, and no usage statistics are sent.",
        ),
        (
            "Can I use my own base model?",
            "Yes: a directory with a causal language model's `config.json`, its safetensors and its tokenizer. "
            "Models already in the local Hugging Face cache appear by themselves.",
        ),
        (
            "Can a tuned model forget what the base knew?",
            "Yes, a little, and more with full fine-tuning, many epochs and a high learning rate. LoRA on few epochs "
            "forgets least. Ask base and tuned a few general questions after each run.",
        ),
        (
            "How do I go back?",
            "Base and adapter are separate files. Archive the tuned model and use an earlier one; nothing was "
            "overwritten.",
        ),
    ]
    return [Answer(question, answer) for question, answer in pairs]
