"""Each check finds what was planted, names where it stands, and leaves a clean set alone; the score follows."""

from __future__ import annotations

import json
import random
import time

import pytest

from core.data.editing import Redact
from core.data.editing.text import rewrite
from core.data.issues import ISSUES, checks
from core.data.issues.check import Case, CheckSettings, Hit
from core.data.issues.privacy import SensitiveCheck
from core.data.quality import score
from core.data.quality.inspect import inspect
from core.data.quality.records import QualityReport
from core.messages import Example, Message
from tests.support.quality import WORDS, clean, labelled, pair


def found(examples: list[Example], settings: CheckSettings | None = None) -> tuple[QualityReport, dict[str, list[Hit]]]:
    hits: dict[str, list[Hit]] = {}
    report = inspect(examples, len(examples), lambda hit: hits.setdefault(hit.code, []).append(hit), settings=settings)
    return report, hits


def subjects(hits: dict[str, list[Hit]], code: str) -> list[int]:
    return sorted(hit.position for hit in hits.get(code, []) if hit.subject)


def test_a_clean_set_gets_every_point_and_an_empty_worklist() -> None:
    report, hits = found(clean())
    assert hits == {}
    assert (report.score, report.grade, report.issues) == (100, "Very good", ())
    assert sum(part.of for part in report.parts) == 90  # nothing is held out, so that nothing can leak
    assert all(part.points == part.of and part.text for part in report.parts)


ANSWERS = [
    ("empty_answers", "N/A"),
    ("empty_answers", "…"),
    ("empty_answers", "TBD."),
    ("refusals", "I'm sorry, but I can't help with that request."),
    ("refusals", "As an AI language model, I do not have access to your account."),
    ("refusals", "Es tut mir leid, aber ich kann dabei nicht helfen."),
    ("placeholders", "Dear customer, my name is {{agent_name}}."),
    ("placeholders", "Kind regards, [Your Name]"),
    ("special_tokens", "All good.<|im_end|> And more."),
    ("mojibake", "Der SchlÃ¼ssel hÃ¤ngt im BÃ¼ro, schÃ¶nen GruÃŸ."),
    ("mojibake", "The caf\ufffd is open."),
    ("secrets", "Use the key sk-proj-abc123DEF456ghi789JKL0 for it."),
    ("personal_data", "Write to jane.doe@example.com or call +49 30 9018200."),
]


@pytest.mark.parametrize(("code", "answer"), ANSWERS)
def test_what_one_example_shows(code: str, answer: str) -> None:
    examples = clean()
    examples[17] = pair("What should I know about this one particular matter?", answer)
    report, hits = found(examples)
    assert subjects(hits, code) == [17]
    assert set(hits) - {"length_outliers"} == {code}
    hit = hits[code][0]
    assert all(0 <= begin < end <= len(examples[17].messages[index].content) for index, begin, end in hit.spans)
    issue = report.issue(code)
    assert issue is not None
    assert issue.count == 1
    assert "Example 18" in issue.message
    assert issue.remedy == ISSUES.get(code).remedy
    share = ISSUES.get(code).share
    assert share is not None
    part = next(part for part in report.parts if part.id == share.part)
    assert part.points < part.of
    assert report.score < 100


@pytest.mark.parametrize(
    "answer",
    [
        "I can help you with that: press the red button and wait until the light is on.",
        "As a language teacher I know how hard this can be for beginners, so take your time.",
        "Sorry for the delay, your parcel is on its way and arrives tomorrow.",
        "None of the plans includes roaming, but every plan can be changed at any time.",
        "Crème brûlée, façade, naïve, Größe, señor: “quoted” – and 20 € …",
        "In Jinja, a variable is written between two curly braces on each side.",
    ],
)
def test_ordinary_answers_are_left_alone(answer: str) -> None:
    examples = clean()
    examples[3] = pair("Tell me about this one please, I am curious about it.", answer)
    assert set(found(examples)[1]) <= {"length_outliers"}


def test_a_secret_is_never_shown_completely() -> None:
    examples = [*clean(), pair("The key?", "It is sk-proj-abc123DEF456ghi789JKL0, keep it.")]
    report, hits = found(examples)
    told = hits["secrets"][0].detail + str(report.to_dict())
    assert "sk-proj-abc123DEF456ghi789JKL0" not in told
    assert "Key or token sk-" in hits["secrets"][0].detail


def test_an_answer_that_repeats_the_input_says_nothing() -> None:
    text = "Where can I find the invoice of last month?"
    assert subjects(found([*clean(), pair(text, text)])[1], "empty_answers") == [120]


def test_a_refusal_that_carries_no_loss_does_not_count() -> None:
    refusing = pair("Do it.", "I'm sorry, but I can't help with that.", weight=0)
    assert "refusals" not in found([*clean(), refusing])[1]


def test_contradictions_are_found_whatever_the_case_and_punctuation() -> None:
    examples = [
        *clean(),
        pair("Is it open?", "Yes, all day."),
        pair("is it OPEN", "No."),
        pair("Is it open?", "yes all day"),
    ]
    report, hits = found(examples)
    assert subjects(hits, "contradictions") == [120, 121, 122]
    assert {hit.group for hit in hits["contradictions"]} == {120}
    assert "“No.”" in next(hit.detail for hit in hits["contradictions"] if hit.position == 121)
    issue = report.issue("contradictions")
    assert issue is not None
    assert issue.severity == "error"


def test_several_long_answers_to_one_input_are_not_an_error() -> None:
    long = [" ".join(item.messages[1].content for item in clean(6, seed=seed)) for seed in (1, 2)]
    report, hits = found([*clean(), *(pair("Tell me a story of the sea, please!", text) for text in long)])
    assert subjects(hits, "varied_answers") == [120, 121]
    assert "contradictions" not in hits
    assert report.score >= 90


def test_the_system_message_belongs_to_the_input() -> None:
    examples = [*clean(), pair("Hello?", "Good day.", system="Be formal."), pair("Hello?", "Hi!", system="Be casual.")]
    assert "contradictions" not in found(examples)[1]


def test_copies_and_near_copies() -> None:
    examples = clean()
    long = examples[5].messages[1].content
    near = pair(examples[5].messages[0].content, long.replace(long.split()[3], "something"))
    report, hits = found([*examples, examples[9], examples[9], near])
    assert subjects(hits, "duplicate_examples") == [120, 121]
    assert subjects(hits, "near_duplicates") == [122]
    assert {hit.position for hit in hits["near_duplicates"]} == {5, 122}
    assert report.duplicate_map.clusters == 2
    assert report.duplicate_map.examples == 5
    assert {point.position for point in report.duplicate_map.points} == {5, 9, 120, 121, 122}
    assert all(-1.1 <= point.x <= 1.1 and -1.1 <= point.y <= 1.1 for point in report.duplicate_map.points)


def test_a_template_around_the_cells_does_not_make_near_duplicates() -> None:
    """The words that all examples share say nothing about their likeness."""
    rng = random.Random(2)
    instruction = (
        "Classify the following message of a customer into one of our categories, and give the category only:\n"
    )
    closing = "\nAnswer with one word. Do not explain your choice. If in doubt, choose the first one that fits."
    examples = [pair(instruction + " ".join(rng.choices(WORDS, k=9)) + closing, rng.choice(WORDS)) for _ in range(100)]
    assert "near_duplicates" not in found(examples)[1]


def test_leakage_lists_the_validation_example_and_its_twin() -> None:
    examples = clean()
    question, answer = (message.content for message in examples[7].messages)
    near = pair(question, answer.replace(answer.split()[2], "something"), split="validation")
    report, hits = found([*examples, pair(question, answer, split="validation"), near])
    assert subjects(hits, "validation_overlap") == [120]
    assert {hit.position for hit in hits["validation_overlap"]} == {7, 120}
    assert subjects(hits, "near_leakage") == [121]
    assert {hit.position for hit in hits["near_leakage"]} >= {121}
    assert next(part for part in report.parts if part.id == "separation").points == 0


def test_of_copies_the_one_in_training_stays() -> None:
    examples = clean()
    held_out = pair(*(message.content for message in examples[7].messages), split="validation")
    _, hits = found([held_out, *examples])
    assert subjects(hits, "duplicate_examples") == [0]


def test_rare_labels_and_spellings() -> None:
    _, hits = found(labelled({"refund": 60, "Refund": 3, "delivery": 50, "complaint": 2}))
    assert subjects(hits, "label_variants") == [60, 61, 62]
    assert subjects(hits, "label_imbalance") == [113, 114]
    assert "“complaint” occurs 2 times" in hits["label_imbalance"][0].detail
    assert not {"label_variants", "label_imbalance"} & set(found(labelled({"yes": 50, "no": 40}))[1])


def test_the_odd_system_messages() -> None:
    examples = [pair(*(m.content for m in item.messages), system="You are kind.") for item in clean()]
    examples[3] = pair("Another question that is asked here today?", "An answer that is given here.", system="Be rude.")
    examples[8] = pair("One more question that is asked here today?", "Just an answer that is given.")
    assert subjects(found(examples)[1], "system_inconsistent") == [3, 8]
    each = [pair(f"Question {n}?", f"Answer {n}.", system=f"Context {n}.") for n in range(60)]
    assert "system_inconsistent" not in found(each)[1]


def test_lengths_by_estimate_and_by_tokenizer() -> None:
    examples = [*clean(), pair("word " * 3_000, "Short."), pair("Short?", "word " * 3_000)]
    _, hits = found(examples)
    assert subjects(hits, "answer_lost") == [120]
    assert subjects(hits, "over_length") == [121]
    assert subjects(hits, "length_outliers") == [120, 121]
    _, hits = found(examples, CheckSettings(max_seq_length=10, measure=lambda example: (11, 5)))
    assert len(hits["over_length"]) == 122
    assert "Has 11 tokens" in hits["over_length"][0].detail
    _, hits = found(examples, CheckSettings(max_seq_length=10, measure=lambda example: (30, 10)))
    assert len(hits["answer_lost"]) == 122
    assert "over_length" not in hits


def test_another_language_than_most() -> None:
    english = (
        "Please tell me how I can change the address of my delivery, because I have moved to another town since then.",
        "You can change it in your account under settings, as long as the parcel has not left our warehouse yet.",
    )
    examples = [pair(f"{english[0]} My order is number {n}.", f"{english[1]} Ask us about {n}.") for n in range(40)]
    examples[11] = pair(
        "Bitte sagen Sie mir, wie ich die Adresse meiner Lieferung ändern kann, denn ich bin inzwischen umgezogen.",
        "Das können Sie in Ihrem Konto unter den Einstellungen tun, solange das Paket unser Lager nicht verlassen hat.",
    )
    _, hits = found(examples)
    assert subjects(hits, "language_mix") == [11]
    assert "German" in hits["language_mix"][0].detail


@pytest.mark.parametrize(
    ("count", "code", "severity"), [(5, "too_few_examples", "error"), (30, "few_examples", "warning")]
)
def test_few_examples(count: int, code: str, severity: str) -> None:
    report, _ = found(clean(count))
    issue = report.issue(code)
    assert issue is not None
    assert (issue.severity, issue.count) == (severity, 0)
    assert (report.score < 50) == (count < 10)


@pytest.mark.parametrize(
    "examples",
    [[], [pair("a", "b")], [pair("", "")], [pair("\ud800", "\udfff")], [Example((Message("user", "only me"),))]],
)
def test_odd_sets_get_a_report_too(examples: list[Example]) -> None:
    report, _ = found(examples)
    assert 0 <= report.score < 50
    assert QualityReport.from_dict(report.to_dict()) == report


def test_the_same_set_gets_the_same_report() -> None:
    examples = [*clean(), *clean(30)]
    assert found(examples) == found(examples)


def test_a_fix_never_lowers_a_part_and_more_damage_costs_more() -> None:
    points = []
    for harmed in (0, 1, 3, 10, 30, 100):
        examples = clean()
        for index in range(harmed):
            examples[index] = pair(examples[index].messages[0].content, "I'm sorry, but I can't help with that.")
        report, _ = found(examples)
        points.append(next(part.points for part in report.parts if part.id == "answers"))
    assert points == sorted(points, reverse=True)
    assert points[0] == 15
    assert points[-1] == 0


def test_a_part_that_lost_everything_keeps_the_score_below_good() -> None:
    examples = [pair(item.messages[0].content, f"I am {{{{name}}}}, number {n}.") for n, item in enumerate(clean())]
    report, _ = found(examples)
    assert report.score < 75


def test_the_parts_add_up_to_a_hundred() -> None:
    assert sum(part.of for part in score.PARTS) + 10 == 100


@pytest.mark.parametrize("unit", ["I'm sorry ", "{{", "[your ", "<|", "Ã", "a@", "as an ai ", "1 ", "i can't ", "``` "])
def test_the_cost_of_hostile_texts_is_linear(unit: str) -> None:
    def cost(size: int) -> float:
        examples = [pair(unit * (size // len(unit)), unit * (size // len(unit)))]
        begun = time.process_time()
        for make in checks():
            check = make(CheckSettings())
            list(check.feed(Case(0, examples[0])))
        return time.process_time() - begun

    cost(1_000)
    assert cost(100_000) <= 40 * min(cost(10_000) for _ in range(3)) + 0.3


def test_progress_grows_to_its_end_and_may_end_the_work() -> None:
    seen: list[float] = []
    examples = clean()
    inspect(examples, len(examples), lambda hit: None, progress=seen.append)
    assert seen == sorted(seen)

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        inspect(examples, len(examples), lambda hit: None, progress=stop)


@pytest.mark.parametrize("place", ["call", "rejected", "tool"])
def test_a_secret_beside_the_messages_is_found_and_redacted(place: str) -> None:
    key = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3
    arguments = json.dumps({"note": f"use {key}"})
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": arguments}}
    answer = Message("assistant", "Done.", tool_calls=(call,) if place == "call" else ())
    example = Example(
        (Message("user", "Look it up."), answer),
        tools=({"type": "function", "function": {"name": "look_up", "description": f"Needs {key}."}},)
        * (place == "tool"),
        rejected=(Message("assistant", f"It is {key}."),) * (place == "rejected"),
    )
    found = [hit for hit in SensitiveCheck(CheckSettings()).feed(Case(0, example)) if hit.code == "secrets"]
    assert [(hit.position, hit.spans) for hit in found] == [(0, ())]
    assert key not in found[0].detail
    redacted = rewrite(example, Redact().change())
    assert not list(SensitiveCheck(CheckSettings()).feed(Case(0, redacted)))


def test_a_check_that_could_not_run_earns_no_points_and_costs_none() -> None:
    report, _ = found(clean(60))
    separation = next(part for part in report.parts if part.id == "separation")
    assert (separation.points, separation.of) == (0, 0)
    points, most = sum(part.points for part in report.parts), sum(part.of for part in report.parts)
    assert most == 90
    assert report.score == round(100 * points / most)


@pytest.mark.parametrize(("left_out", "below"), [(0, 101), (10, 101), (25, 90), (80, 90)])
def test_a_score_is_not_very_good_where_many_rows_were_left_out(left_out: int, below: int) -> None:
    examples = clean(100)
    report = inspect(examples, 100, lambda hit: None, rows=score.RowsLeftOut(left_out, 100))
    assert 75 <= report.score < below
    assert (report.grade == "Very good") == (below > 90)
    assert any(f"{left_out} of 100 rows" in note for note in report.notes) == (below == 90)
