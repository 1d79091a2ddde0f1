"""Asks models the same questions and stores their answers and figures: the kind `evaluation`.

The key of each answer is unique, so that a run that was killed continues with the questions that are not answered yet.
Those that were under way are known to the inference process, which hands their answers over; behind a connection they
are asked again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from core.platform.db.uow import UnitOfWork
from core.platform.tasks.context import Interrupted, Outcome, TaskContext
from core.services.serving.evaluating import EvaluationResult, judging, questions, scoring, verdicts
from core.services.serving.evaluating.questions import EvaluationQuestion
from core.serving.evaluations import store
from core.serving.evaluations.records import AnswerRecord, Contestant, EvaluationRecord
from worker.serving.evaluating import lengths
from worker.serving.evaluating.asking import AskedQuestion, Asker

SILENT_S = 300.0  # loading a model
_ASKING = 95.0  # percent; the rest is the summary
_STORE_S = 0.5  # between two transactions; answers that are not stored yet are still known to the inference process


def handle(ctx: TaskContext) -> Outcome:
    """Run the evaluation in the payload's `evaluation_id`."""
    evaluation = store.get(str(ctx.payload["evaluation_id"]))
    ctx.continues_at(ctx.task.progress)
    ctx.progress(0, "Reading the examples")
    settings = evaluation.settings
    version_id, split = evaluation.dataset_version_id, evaluation.split
    asked, left_out = questions.of_dataset(version_id, split, settings.limit, evaluation.models)
    asked += questions.of_suites(settings.suites)
    run = _Asking(ctx, evaluation, asked)
    reason = "" if run.ask_all() else "stopped_early"
    ctx.progress(_ASKING, "Computing the figures")
    summary = scoring.summarize(evaluation, asked, left_out, run.metrics)

    def register(uow: UnitOfWork) -> EvaluationResult:
        store.save_summary(uow, evaluation.id, summary)
        decisions = verdicts.decide(uow, evaluation, summary.main)
        return EvaluationResult(
            evaluation_id=evaluation.id,
            dataset_id=evaluation.dataset_id,
            answers=run.total,
            decision=decisions[0] if len(decisions) == 1 else "",
        )

    return Outcome("succeeded", reason=reason, on_commit=register)


class _Asking:
    """The answers of all models."""

    def __init__(self, ctx: TaskContext, evaluation: EvaluationRecord, asked: Sequence[EvaluationQuestion]) -> None:
        self._ctx, self._evaluation, self._questions = ctx, evaluation, asked
        self.metrics = scoring.with_main(evaluation, asked)
        self._by_key = {(question.suite, question.position): question for question in asked}
        most = lengths.of_answers(evaluation, asked)
        self._plan = {model.id: list(self._asked_of(model, most)) for model in evaluation.models}
        self.total = sum(map(len, self._plan.values()))
        done = store.answered(evaluation.id)
        self._left = {
            model_id: [one for one in plan if (model_id, *one.key) not in done] for model_id, plan in self._plan.items()
        }
        self._done = self.total - sum(map(len, self._left.values()))
        self._unstored: list[AnswerRecord] = []
        self._stored_at = time.monotonic()

    def _asked_of(self, model: Contestant, most: int) -> Iterator[AskedQuestion]:
        repeats = self._evaluation.settings.repeats if model.id == self._evaluation.settings.against else 1
        for repeat in range(repeats):
            for question in self._questions:
                yield AskedQuestion(question, repeat, lengths.of_answer(question, most))

    def ask_all(self) -> bool:
        """Ask each model what it has not answered yet; False where a person stopped it and keeps what is there."""
        askers: dict[str, Asker] = {}
        self._ctx.continues_at(0)
        ends = False
        try:
            complete = self._ask_models(askers) and self._judge(askers)
            ends = True
            return complete
        except Interrupted as interrupted:
            ends = interrupted.outcome.state == "cancelled"
            raise
        finally:
            for asker in askers.values():
                asker.close(ends=ends)

    def _ask_models(self, askers: dict[str, Asker]) -> bool:
        for model in self._evaluation.models:
            if (left := self._left[model.id]) and not self._ask(askers, model, left):
                return False
            self._measure_outputs(askers, model)
        return True

    def _ask(self, askers: dict[str, Asker], model: Contestant, left: Sequence[AskedQuestion]) -> bool:
        kind = "connection" if model.kind == "connection" else "studio"
        self._report(model)
        self._ctx.allow(SILENT_S)
        if kind not in askers:
            askers[kind] = self._asker(kind)
        with closing(askers[kind].answers(model, left, self._evaluation.settings)) as found:  # type: ignore[type-var]
            for answers in found:
                self._take(answers)
                self._report(model)
                signal = self._ctx.signal()
                # Behind a connection, an answer that is lost is asked again.
                if signal or kind == "connection" or time.monotonic() - self._stored_at > _STORE_S:
                    self._store()
                if signal == "stop":
                    return False
                self._ctx.raise_if_interrupted()
        self._store()
        return True

    def _measure_outputs(self, askers: dict[str, Asker], model: Contestant) -> None:
        """The log-probabilities of the expected outputs, where a metric needs them and the model is the studio's."""
        needed = any("logprobs" in metric.needs for metric in self.metrics)
        if not needed or model.kind == "connection":
            return
        from worker.serving.evaluating.studio import StudioAsker

        known = {one.position for one in store.answers(self._evaluation.id, model_id=model.id, suite="")
                 if one.logprob is not None}  # fmt: skip
        asked = [one for one in self._questions if not one.suite and one.position not in known]
        if not asked:
            return
        self._ctx.allow(SILENT_S)
        if "studio" not in askers:
            askers["studio"] = self._asker("studio")
        asker = askers["studio"]
        assert isinstance(asker, StudioAsker)
        unstored: dict[int, tuple[float, int]] = {}
        for found in asker.likelihoods(model, asked):
            unstored |= found
            if time.monotonic() - self._stored_at > _STORE_S:
                self._store_likelihoods(model, unstored)
                unstored = {}
            self._report(model)
            self._ctx.raise_if_interrupted()
        self._store_likelihoods(model, unstored)

    def _store_likelihoods(self, model: Contestant, found: dict[int, tuple[float, int]]) -> None:
        if found:
            self._ctx.write(partial(_save_likelihoods, self._evaluation.id, model.id, found))
        self._stored_at = time.monotonic()

    def _judge(self, askers: dict[str, Asker]) -> bool:
        """Let the judge compare every pair of answers; False where a person stopped it."""
        judge = judging.contestant(self._evaluation)
        if judge is None:
            return True
        done = store.answered(self._evaluation.id)
        asked = {question.position: question for question in self._questions if not question.suite}
        every = [
            AskedQuestion(question, repeat, judging.JUDGMENT_TOKENS, judging.SCHEMA)
            for question, repeat in judging.questions(self._evaluation, asked)
        ]
        left = [one for one in every if (judge.id, *one.key) not in done]
        self.total += len(every)
        self._done += len(every) - len(left)
        return not left or self._ask(askers, judge, left)

    def _asker(self, kind: str) -> Asker:
        if kind == "connection":
            from worker.serving.evaluating.elsewhere import ConnectionAsker

            report = partial(self._ctx.event, "recovery")
            return ConnectionAsker(self._evaluation.id, self._ctx.workdir, report)
        from worker.serving.evaluating.studio import StudioAsker

        return StudioAsker(self._evaluation.id)

    def _take(self, answers: Sequence[AnswerRecord]) -> None:
        self._unstored += [replace(one, scores=self._values(one)) for one in answers]
        self._done += len(answers)

    def _store(self) -> None:
        if self._unstored:
            self._ctx.write(partial(_add_answers, self._evaluation.id, self._unstored))
            self._ctx.saved()
            self._unstored = []
        self._stored_at = time.monotonic()

    def _values(self, answer: AnswerRecord) -> dict[str, float]:
        if answer.suite.startswith(questions.JUDGES):
            return judging.values(answer)
        return scoring.values(self.metrics, self._by_key[answer.suite, answer.position], answer)

    def _report(self, model: Contestant) -> None:
        text = f"{model.title}: {self._done:,} of {self.total:,} answers"
        self._ctx.progress(_ASKING * self._done / max(self.total, 1), f"Asking {model.title}", text)


def _save_likelihoods(evaluation_id: str, model_id: str, found: dict[int, tuple[float, int]], uow: UnitOfWork) -> None:
    store.save_logprobs(uow, evaluation_id, model_id, found)


def _add_answers(evaluation_id: str, answers: Sequence[AnswerRecord], uow: UnitOfWork) -> None:
    store.add_answers(uow, evaluation_id, answers)
