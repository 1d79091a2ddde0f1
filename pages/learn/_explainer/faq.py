"""Common questions; the numbers in the answers are the studio's own limits and defaults."""

from __future__ import annotations

from dataclasses import dataclass

from core.services.learn.explain.defaults import defaults


@dataclass(frozen=True, slots=True)
class CommonQuestion:
    """A question as people ask it, and its answer in Markdown."""

    question: str
    answer: str


def common_questions() -> list[CommonQuestion]:
    """All questions with their answers, in the order in which beginners ask them."""
    known = defaults()
    pairs = [
        (
            "How many examples do I need?",
            f"At least {known.minimum_examples}; below that a training job is refused. {known.recommended_examples} "
            "and more are recommended, 100 to 1,000 good ones are better. One clean example teaches more than ten "
            "careless ones.",
        ),
        (
            "How large may a file be?",
            f"Up to {known.max_upload_bytes // 2**20} MB ({known.max_upload_bytes:,} bytes), as {known.file_types}. "
            "Nothing in it is changed on upload: `00123`, `NA` and `TRUE` stay what they were.",
        ),
        (
            "Do I need a GPU?",
            "Not for the starter model, which trains on any CPU in about a minute. For models of 1B and more a GPU is "
            "strongly recommended; the section *Model and GPU* shows which card holds which.",
        ),
        (
            "What is the starter?",
            f"A small Llama-style model that the studio builds on this machine: {known.starter_layers} layers, width "
            f"{known.starter_width}, {known.starter_tokens:,} tokens. It knows little before training, so the effect "
            "of your examples is easy to see. Do not expect general knowledge from it.",
        ),
        (
            "What do epochs, steps and batches mean?",
            "An **epoch** is one pass through all training examples. A **batch** is how many go through at once. A "
            f"**step** is one update of the weights. The learning rate climbs during the first "
            f"{known.warmup_ratio:.0%} of the steps (warm-up), then falls.",
        ),
        (
            "Which LoRA settings should I start with?",
            f"Rank {known.lora_rank} and alpha {known.lora_alpha}, on all linear layers: the studio's defaults. "
            "Change the data before you change these.",
        ),
        (
            "Why do I only sometimes see a validation loss?",
            "Because it needs examples that are left out of training. Below 200 examples nothing is held out unless "
            "you choose to: facts that were never shown cannot be learned. You can also add a separate validation "
            "file.",
        ),
        (
            "The training loss is near zero. Is that good?",
            "It means the model has memorized the examples. For fixed answers, such as policies, that is the goal. For "
            "anything that must carry over to new questions, look at the validation loss and at Compare.",
        ),
        (
            "Does it learn from the questions, too?",
            "No. The loss is computed on the outputs alone; inputs and system messages are read and not imitated. The "
            "section *Format* shows the mask.",
        ),
        (
            "What happens if I close the browser, or the machine restarts?",
            "The run continues without the browser. If a worker is killed, another one resumes from the last verified "
            "checkpoint, and exactly one model is registered.",
        ),
        (
            "Where are my files, and does anything leave this machine?",
            f"Everything is under `{known.data_dir_name}/` (the variable `SFT_DATA_DIR`), unless you configure another "
            "store. Pages load nothing from outside, and no usage statistics are sent.",
        ),
        (
            "Can I use my own base model?",
            "Yes: a directory with a causal language model's `config.json`, its safetensors and its tokenizer. Models "
            "in the local Hugging Face cache appear automatically.",
        ),
        (
            "Can a tuned model forget what the base knew?",
            "Yes, a little, and more with full fine-tuning, many epochs and a high learning rate. LoRA with few epochs "
            "forgets least. Ask base and tuned a few general questions after each run.",
        ),
        (
            "How do I go back?",
            "Base and adapter are separate files. Archive the tuned model and use an earlier one; nothing was "
            "overwritten.",
        ),
    ]
    return [CommonQuestion(question, answer) for question, answer in pairs]
