"""The metrics of answers: equal to the libraries' own figures on 200 seeded pairs, and to values counted by hand."""

from __future__ import annotations

import json
import math
import random

import pytest

from core.serving import evaluation
from core.serving.evaluation import EVALUATION_METRICS, Graded, Score, label_confusion, main_metric

TEXT = "the a lamp red parcel is late team billing please return, it's 42 days! and Finch (broken) of to Über"
WORDS = TEXT.split()


def pairs(count: int = 200, seed: int = 7) -> list[Graded]:
    """Expected outputs, and answers that keep, drop, repeat and replace some of their words."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        expected = [draw.choice(WORDS) for _ in range(draw.randint(1, 14))]
        answer = [draw.choice(WORDS) if draw.random() < 0.3 else word for word in expected if draw.random() > 0.15]
        made.append(Graded(" ".join(expected), " ".join(answer)))
    return made


def figure(metric: str, graded: list[Graded], title: str = "") -> Score:
    found = EVALUATION_METRICS.get(metric).compute(graded)
    return next(score for score in found if not title or score.title == title)


def test_bleu_and_chrf_are_sacrebleus() -> None:
    import sacrebleu

    graded = pairs()
    answers, expected = [item.answer for item in graded], [[item.expected for item in graded]]
    assert figure("bleu", graded).value == pytest.approx(sacrebleu.corpus_bleu(answers, expected).score)
    assert figure("chrf", graded).value == pytest.approx(sacrebleu.corpus_chrf(answers, expected).score)
    for item in graded:
        one = EVALUATION_METRICS.get("chrf").of_one
        assert one is not None
        assert one(item) == pytest.approx(sacrebleu.sentence_chrf(item.answer, [item.expected]).score)


def test_rouge_is_rouge_scores() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    graded = pairs()
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    found = [scorer.score(item.expected, item.answer) for item in graded]
    for kind, title in (("rouge1", "ROUGE-1"), ("rouge2", "ROUGE-2"), ("rougeL", "ROUGE-L")):
        mean = sum(one[kind].fmeasure for one in found) / len(found)
        assert figure("rouge", graded, title).value == pytest.approx(mean)


def test_token_f1_counts_shared_words_as_squad_does() -> None:
    for answer, expected, f1 in (
        ("The red lamp.", "a red lamp", 1.0),
        ("red lamp lamp", "red lamp", 0.8),
        ("blue", "red lamp", 0.0),
        ("", "red", 0.0),
        ("the", "a", 1.0),  # neither has a word that counts
        ("it's 42", "Its 42!", 1.0),
    ):
        assert figure("token_f1", [Graded(expected, answer)]).value == pytest.approx(f1), (answer, expected)


def test_exact_match_leaves_out_thinking_and_outer_blanks() -> None:
    graded = [Graded("Paris", " Paris\n"), Graded("Paris", "<think>hm</think>Paris"), Graded("Paris", "paris")]
    score = figure("exact_match", graded)
    assert (score.right, score.total, score.text) == (2, 3, "66.7%")


def test_schema_match_compares_fields_and_kinds() -> None:
    expected = '{"team": "billing", "urgent": true, "tags": ["a", "b"]}'
    for answer, right in (
        ('{"tags": ["x"], "urgent": false, "team": "none"}', 1),
        ('{"team": "billing", "urgent": "yes", "tags": ["a"]}', 0),
        ('{"team": "billing", "urgent": true}', 0),
        ("billing", 0),
    ):
        assert figure("schema_match", [Graded(expected, answer)]).right == right, answer


def test_labels_have_an_accuracy_and_a_confusion_matrix() -> None:
    said = [("spam", "Spam."), ("spam", "ham"), ("ham", "ham"), ("ham", "hello")]
    graded = [Graded(expected, answer) for expected, answer in said]
    assert figure("label_accuracy", graded).value == 0.5
    matrix = label_confusion(graded)
    assert matrix is not None
    assert (matrix.labels, matrix.columns, matrix.counts) == (
        ("ham", "spam"), ("ham", "spam", "other"), ((1, 0, 1), (1, 1, 0)),
    )  # fmt: skip
    assert label_confusion([Graded("one of a kind", "x"), Graded("another", "y")]) is None


def test_perplexity_is_over_all_tokens_together() -> None:
    graded = [Graded("a", "", logprob=-2.0, expected_tokens=1), Graded("b", "", logprob=-4.0, expected_tokens=3)]
    score = figure("perplexity", [*graded, Graded("c", "")])
    assert (score.value, score.total, score.direction) == (pytest.approx(math.exp(6 / 4)), 2, "lower")
    assert EVALUATION_METRICS.get("perplexity").compute([Graded("c", "")]) == ()


def test_latency_and_tokens_are_of_the_answers() -> None:
    graded = [Graded("", "x", seconds=second / 10, tokens=second) for second in range(1, 101)]
    titles = {score.title: score.text for score in evaluation.figures(graded)}
    assert titles["Latency, median"] == "5.10 s"
    assert titles["Latency, 95% within"] == "9.60 s"
    assert titles["Tokens per answer"] == "50.5"


def test_the_main_metric_fits_the_outputs() -> None:
    objects = [Graded(json.dumps({"id": number}), "") for number in range(3)]
    labels = [Graded(label, "") for label in ("spam", "ham") * 3]
    short = [Graded(f"It costs {number} euros.", "") for number in range(9)]
    long = [Graded(" ".join(WORDS) + str(number), "") for number in range(9)]
    found = [main_metric(graded).id for graded in (objects, labels, short, long)]
    assert found == ["all_fields", "label_accuracy", "exact_match", "token_f1"]


@pytest.mark.parametrize("metric", EVALUATION_METRICS, ids=lambda metric: metric.id)
def test_every_metric_takes_every_answer(metric) -> None:
    for graded in ([], [Graded("", "")], [Graded('{"a": 1}', "[" * 20_000)], pairs(3)):
        for score in metric.compute(graded):
            assert score.text
            assert score.total <= len(graded)
