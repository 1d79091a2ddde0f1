"""The engine `trl`: TRL's SFTTrainer with the studio's own batches, order, checkpoints and measurements."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer

from core.errors import Diverged
from core.models.methods.base import Method
from core.training.forecast.batches import forward_budget, token_budget
from core.training.forecast.time import pass_share
from core.training.jobs.spec import ResolvedTraining
from core.training.precision import work_of
from worker.training import (
    attention,
    checkpoints,
    first_batch,
    fused,
    precision,
    quantization,
    resume_state,
    runtime,
    tuners,
)
from worker.training.batches import Forward, Packer, SeededBatches, Step
from worker.training.callbacks import Sampler, Watcher
from worker.training.data import Tokenized
from worker.training.divergence import not_finite
from worker.training.engines import Ended, Plan, Watching
from worker.training.micro_batch import BatchTrial
from worker.training.model_files import load_model
from worker.training.samples import LEAVES
from worker.training.validation import ValidationSet

CHECKPOINT_BYTES = 12  # of each trainable weight: itself and Adam's two moments
WRITE_BYTES_PER_S = 2e8  # written, hashed and synced, until it was measured: a slow disk
FORWARD_EXAMPLES = 8  # least rows of a batch that is not trained on


def load(model_dir: Path, method: Method, training: ResolvedTraining) -> Any:
    """The base model with the method's trainable weights on it."""
    dtype = precision.dtype_of(training.precision, work_of(method))
    return tuners.attach(load_model(model_dir, method.load_arguments(), dtype=dtype), method)


def run(plan: Plan, hooks: Watching, *, trainer: type[Trainer] | None = None) -> Ended:
    """Run the steps of a plan.

    Args:
        trainer: another engine's subclass of the trainer below.

    Raises:
        Diverged: the loss or its gradient became NaN or infinite; that step did not change the weights.
    """
    device = next(plan.model.parameters()).device
    vocab_size = plan.model.config.vocab_size
    training, validation = plan.training, plan.data.validation
    watcher = Watcher(
        training,
        hooks,
        device,
        validation=ValidationSet(validation, training.seed, complete=not training.validation_follows_time),
        budget=plan.budget,
        pass_share=pass_share(plan.method),
        vocab_size=vocab_size,
    )
    trainable_params = sum(weight.numel() for weight in tuners.trainable(plan.model).values())
    plan.budget.expect("checkpoint", CHECKPOINT_BYTES * trainable_params / WRITE_BYTES_PER_S)
    with fused.layers(plan.model):
        trained = (trainer or Trainer)(plan, watcher)
        if plan.resume_from is None:
            hooks.on_first_batch(first_batch.shown(trained.first_step(), plan.tokenizer))
        try:
            trained.train(resume_from_checkpoint=str(plan.resume_from) if plan.resume_from else None)
            if watcher.evaluation_due and not watcher.signal:  # it was interrupted by a shutdown after the last step
                trained.evaluate()
        except Diverged:
            trained.forget_bad_checkpoints()
            raise
    return Ended(
        signal=watcher.signal,
        step=trained.state.global_step,
        epoch=float(trained.state.epoch or 0.0),
        loss=watcher.loss,
        validation_loss=watcher.validation_loss,
        examples_at_once=trained.trial.chosen,
        validation_examples=watcher.validation.used if watcher.validation_loss is not None else 0,
        tokens=watcher.tokens,
        seconds=watcher.seconds,
        best=watcher.improvement.best,
    )


def _arguments(plan: Plan, *, chunks: bool) -> SFTConfig:
    """The settings as TRL's arguments. What the studio does itself (saving, logging, validating, packing) is off.

    Args:
        chunks: TRL computes the loss, in chunks.
    """
    training = plan.training
    device = next(plan.model.parameters()).device
    size = quantization.params(plan.model)
    return SFTConfig(
        output_dir=str(plan.checkpoints / "trl"),
        num_train_epochs=training.num_epochs,
        max_steps=plan.max_steps or -1,
        per_device_train_batch_size=training.per_device_batch_size,
        gradient_accumulation_steps=1,  # a batch of our loader is a complete step with its micro-batches
        learning_rate=training.learning_rate,
        lr_scheduler_type=training.lr_scheduler_type,
        warmup_steps=training.warmup_steps,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        optim="adamw_torch_fused",
        seed=training.seed,
        bf16=device.type == "cuda" and runtime.dtype(device, training.precision) == torch.bfloat16,
        use_cpu=device.type == "cpu",
        gradient_checkpointing=plan.recomputes(size),
        loss_type="chunked_nll" if chunks else "nll",
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        packing=False,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",  # the watcher requests a log after every step
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        log_level="error",
    )


@dataclass(frozen=True, slots=True)
class StepItems:
    """The examples of one step, before they are laid out."""

    items: Sequence[Tokenized]


def _packer(plan: Plan, *, packs: bool, batch: int, trains: bool = True) -> Packer:
    """How this model's examples are laid out; a validation stores no activations, so more go through it at once.

    A micro-batch has at most as many tokens as `batch` of the longest examples, as in the memory forecast.
    """
    pad = plan.tokenizer.pad_token_id
    longest = max(len(item.input_ids) for item in (*plan.data.train, *plan.data.validation))
    device = runtime.device().type
    return Packer(
        layout=attention.choose(plan.model, packs=packs and plan.packs),
        budget_tokens=token_budget(batch, longest, device) if trains else forward_budget(batch, longest, device),
        batch_size=batch if trains else max(batch, FORWARD_EXAMPLES),
        pad_token_id=pad if pad is not None else plan.tokenizer.eos_token_id,
    )


def _distinct(packers: dict[int, Packer]) -> list[int]:
    """The sizes that differ in what goes through the model at once: the budget of a CPU has a limit."""
    found: dict[int, int] = {}
    for size, packer in packers.items():
        found.setdefault(packer.budget_tokens if packer.layout == "segments" else size, size)
    return list(found.values())


class Trainer(SFTTrainer):  # type: ignore[misc]  # trl is not typed
    """SFTTrainer with the studio's data order, batches, validation loss and checkpoints."""

    packs = True  # short examples can share a row
    chunks = True  # TRL may replace the model's forward, for vocabularies whose logits are too large

    def __init__(self, plan: Plan, watcher: Watcher) -> None:
        self.plan, self.watcher = plan, watcher
        self.bad_from = 2**31  # the first step whose weights are known to be bad
        self.forward = Forward.of(plan.model, trls_chunks=self.chunks)
        arguments = _arguments(plan, chunks=self.forward.chunked)
        sizes = plan.training.batch_sizes
        self.packers = {size: _packer(plan, packs=self.packs, batch=size) for size in sizes}
        self.trial = BatchTrial(_distinct(self.packers))
        self.validation_packer = _packer(plan, packs=self.packs, batch=sizes[0], trains=False)
        if quantization.is_quantized(plan.model):  # else TRL rounds the adapter to bf16, which loses small updates
            plan.model.is_loaded_in_4bit = plan.model.is_loaded_in_8bit = False
        columns = Dataset.from_dict({"input_ids": [[0]], "labels": [[0]]})  # the batches come from our own loaders
        callbacks = [watcher]
        if plan.sampling is not None and plan.sampling.prompts:  # they are answered after the step was measured
            callbacks.append(
                Sampler(
                    plan.sampling,
                    plan.tokenizer,
                    plan.training,
                    plan.budget,
                    sign_of_life=watcher.hooks.sign_of_life,
                )
            )
        super().__init__(
            model=plan.model,
            args=arguments,
            data_collator=StepItems,
            train_dataset=columns,
            processing_class=plan.tokenizer,
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)  # results go to the hooks, not to stdout

    # -- data -------------------------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        """One batch per step, in an order that depends only on seed and epoch.

        The loader has a separate random generator, so that the run's random state does not depend on it.
        """
        training, data = self.plan.training, self.plan.data.train
        self.batches = SeededBatches(len(data), training.effective_batch_size, training.seed)
        return DataLoader(
            data,  # type: ignore[arg-type]  # a list is a map-style dataset
            batch_sampler=self.batches,
            collate_fn=StepItems,
            generator=torch.Generator(),
        )

    def first_step(self) -> Step:
        """The first step of a run from the start."""
        training, data = self.plan.training, self.plan.data.train
        numbers = next(iter(SeededBatches(len(data), training.effective_batch_size, training.seed)))
        return self.packers[self.trial.current].step([data[number] for number in numbers])

    def _run_epoch(self, *args: Any, **kwargs: Any) -> Any:
        if self.watcher.evaluation_due:
            self.evaluate()
        if self.watcher.signal:  # early stopping ended the steps before this run was resumed, or ends them now
            self.control.should_training_stop = True
            return kwargs["epochs_trained"], kwargs["steps_trained_in_current_epoch"]
        self.batches.epoch = kwargs["epoch"]
        return super()._run_epoch(*args, **kwargs)

    # -- steps ------------------------------------------------------------------------------------------------------

    def training_step(self, model: Any, inputs: StepItems, num_items_in_batch: Any = None) -> torch.Tensor:
        """One step, measured as long as the fastest number of examples at once is not known."""
        step = self.packers[self.trial.current].step(inputs.items)
        began = time.perf_counter()
        loss = self._step(model, step)
        if self.trial.measured(step.tokens, time.perf_counter() - began):
            self.watcher.hooks.on_batch_size(self.trial.chosen, self.trial.rates)
        return loss

    def _step(self, model: Any, inputs: Step) -> torch.Tensor:
        """All micro-batches of a step forward and backward; returns the mean loss of its answer tokens.

        Raises:
            Diverged: the loss is NaN or infinite.
        """
        if not model.training:
            model.train()
        self.watcher.count(inputs.tokens)
        answers, device = inputs.answer_tokens, self.args.device
        total, correct = torch.zeros((), device=device), torch.zeros((), dtype=torch.long, device=device)
        for batch in inputs.micro_batches:
            with self.compute_loss_context_manager():
                loss, hits = self.forward.loss(model, batch.to(device), answers)
            self.accelerator.backward(loss)
            total += loss.detach()
            correct += hits
        self._check(total, "loss")
        self._metrics["train"]["mean_token_accuracy"].append(int(correct) / max(answers, 1))
        return total

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list[StepItems], None]:
        """The next step; it counts its answer tokens itself."""
        return [step for _, step in zip(range(num_batches), epoch_iterator, strict=False)], None

    def floating_point_ops(self, inputs: StepItems) -> int:  # not used
        return 0

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        self._check(norm, "gradient")
        return norm

    def _check(self, value: Any, what: str) -> None:
        number = float(value)
        if math.isfinite(number):
            return
        if what == "loss":  # computed with the weights of the previous step: its checkpoint is bad, too
            self.bad_from = self.state.global_step
        raise not_finite(what, number, self.state.global_step + 1, self.plan.training.learning_rate)

    def forget_bad_checkpoints(self) -> None:
        """After a divergence, remove the checkpoints that are not from before it."""
        divergence = self.watcher.divergence
        last_good = self.bad_from - 1
        if divergence.suspect_for:
            last_good = min(last_good, divergence.good_step)
        checkpoints.drop_after(self.plan.checkpoints, last_good)

    def autocast_smart_context_manager(self, cache_enabled: bool | None = True) -> Any:
        """The context of every forward pass; on a GPU accelerate has put autocast around it already."""
        return self.plan.computing()

    # -- validation -------------------------------------------------------------------------------------------------

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Mean loss per answer token over the validation examples; {} if a signal interrupted it."""
        if not self.watcher.validation.used:  # the first one is at the end, or due after a resume
            self.watcher.plan_validation()
        with self.plan.budget.spending("validation"):
            return self._validate()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        total, tokens, correct = 0.0, 0, 0
        quantization.eval_mode(self.model)
        for batch in self.validation_packer.micro_batches(self.watcher.validation.chosen()):
            if (signal := self.watcher.hooks.sign_of_life()) in LEAVES:
                self.model.train()
                self.watcher.evaluation_due = True
                self.watcher.leave(str(signal), self.control)
                return {}
            counted = len(batch.targets)
            with self.compute_loss_context_manager():
                loss, hits = self.forward.loss(self.model, batch.to(self.args.device), 1)  # the sum
            total, tokens, correct = total + float(loss), tokens + counted, correct + int(hits)
        self.model.train()
        mean = total / max(tokens, 1)
        self.watcher.evaluated(self.state, self.control, mean, correct / max(tokens, 1))
        return {"eval_loss": mean}

    # -- checkpoints ------------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with self.plan.budget.spending("checkpoint"):
            self._save()

    def _save(self) -> None:
        step, watcher = self.state.global_step, self.watcher
        watcher.hooks.on_saving()
        watcher.divergence.saving(step)
        directory = checkpoints.save(self.plan.checkpoints, step, partial(_write, self), protect=watcher.protected)
        watcher.hooks.on_checkpoint(step, directory)
        if not watcher.signal and step < self.state.max_steps:
            # A shutdown during the write: everything is saved, so another step would only cost time.
            signal = watcher.hooks.sign_of_life()
            if signal in LEAVES:
                watcher.leave(str(signal), self.control, save=False)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        resume_state.load_weights(self.model, Path(resume_from_checkpoint))
        checkpoint = Path(resume_from_checkpoint)
        totals = json.loads((checkpoint / "totals.json").read_text())
        self.watcher.restore(totals, checkpoints.step_of(checkpoint))
        self.trial.restore(totals.get("trial", {}))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint:
            resume_state.load_optimizer(self.optimizer, self.lr_scheduler, Path(checkpoint))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint:
            resume_state.load_random(Path(checkpoint))

    def _load_scaler(self, checkpoint: str | None) -> None:
        """Nothing: a run never scales its loss, and the Trainer would open `scaler.pt`, a pickle."""


def _write(trainer: Trainer, directory: Path) -> None:
    """Fill an empty checkpoint directory."""
    resume_state.save_weights(trainer.model, directory)
    resume_state.save_optimizer(trainer.optimizer, trainer.lr_scheduler, directory)
    resume_state.save_random(directory)
    computed = {"precision": trainer.plan.training.precision}
    totals = trainer.watcher.totals() | {"trial": trainer.trial.totals()} | computed
    (directory / "totals.json").write_text(json.dumps(totals))
    trainer.state.log_history.clear()  # the points are in the database; this file must not grow with every step
    trainer.state.save_to_json(str(directory / "trainer_state.json"))
