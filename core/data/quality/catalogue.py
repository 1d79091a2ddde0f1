"""Every issue that a quality report can name: what it means, which part of the score it costs, and its remedies.

A new issue is an entry here and a check under core/data/quality/checks that yields its code.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.messages import Severity


@dataclass(frozen=True, slots=True)
class Remedy:
    """A remedy as it is offered. `{n}` in the title is the number of examples that it changes; `{s}` their plural.

    `operation` names what core.services.quality_actions makes of it; "" opens the examples for editing.
    """

    id: str
    title: str
    text: str
    operation: str

    @property
    def one_click(self) -> bool:
        return bool(self.operation)


@dataclass(frozen=True, slots=True)
class Issue:
    """What a code means. `part` is the part of the score that it costs points in ("" for none)."""

    code: str
    title: str
    severity: Severity
    part: str
    remedy: str
    actions: tuple[Remedy, ...] = ()


_DROP = Remedy("drop", "Drop {n} example{s}", "Makes a new version without them.", "drop")
_EDIT = Remedy("edit", "Edit them one by one", "Opens these examples in the grid.", "")
_REDACT = Remedy("redact", "Redact in {n} example{s}", "Puts a placeholder such as [EMAIL] in each place.", "redact")

ISSUES: dict[str, Issue] = {
    issue.code: issue
    for issue in (
        Issue(
            "too_few_examples",
            "Few examples",
            "warning",
            "amount",
            "Add examples: write some by hand, import more rows, or let a model write variations.",
        ),
        Issue(
            "contradictions",
            "Same input, different answers",
            "error",
            "consistency",
            "The model cannot learn both. Keep the right answer of each group and drop the others.",
            (
                Remedy(
                    "keep_common",
                    "Keep the commonest answer, drop {n}",
                    "In each group where one answer is given more often than any other, the others go.",
                    "keep_common",
                ),
                Remedy("drop", "Drop all {n}", "Makes a new version without any of them.", "drop"),
                _EDIT,
            ),
        ),
        Issue(
            "varied_answers",
            "Same input, several long answers",
            "info",
            "consistency",
            "Fine where many answers are right. Where only one is, keep that and drop the others.",
            (Remedy("drop", "Drop all {n}", "Makes a new version without any of them.", "drop"), _EDIT),
        ),
        Issue(
            "validation_overlap",
            "Validation examples also in training",
            "error",
            "separation",
            "A model that has seen the question scores too well. Move them into training, or drop them.",
            (
                Remedy(
                    "move_to_train", "Move {n} to training", "They are learnt and no longer used for testing.", "move"
                ),
                Remedy("drop", "Drop {n} from validation", "The training copies stay.", "drop"),
            ),
        ),
        Issue(
            "near_leakage",
            "Validation examples nearly the same as training ones",
            "warning",
            "separation",
            "Near copies flatter the result like exact ones. Move them into training, or drop them.",
            (
                Remedy(
                    "move_to_train", "Move {n} to training", "They are learnt and no longer used for testing.", "move"
                ),
                Remedy("drop", "Drop {n} from validation", "The training examples stay.", "drop"),
            ),
        ),
        Issue(
            "answer_lost",
            "The whole answer would be cut off",
            "error",
            "length",
            "The input alone fills the maximum length: nothing is left to learn. Shorten it, raise the maximum "
            "length of the job, or drop these.",
            (_DROP, _EDIT),
        ),
        Issue(
            "empty_answers",
            "Empty or placeholder answers",
            "error",
            "answers",
            "The model would learn to say nothing. Drop them, or write the answers.",
            (_DROP, _EDIT),
        ),
        Issue(
            "secrets",
            "Keys, tokens or passwords",
            "error",
            "privacy",
            "A model repeats what it was taught, to anyone. Redact them, and revoke the real ones.",
            (_REDACT, _DROP),
        ),
        Issue(
            "duplicate_examples",
            "Exact copies",
            "warning",
            "uniqueness",
            "Copies are learnt as often as they occur. Keep one of each.",
            (Remedy("drop_copies", "Drop {n} cop{y}", "The first of each group stays.", "drop_copies"), _EDIT),
        ),
        Issue(
            "near_duplicates",
            "Nearly the same",
            "warning",
            "uniqueness",
            "Near copies teach little and weigh as much as others. Keep one of each group, unless they are meant.",
            (
                Remedy("drop_copies", "Keep the first of each, drop {n}", "By their order.", "drop_copies"),
                Remedy("keep_longest", "Keep the longest of each, drop {n}", "By their length.", "keep_longest"),
                _EDIT,
            ),
        ),
        Issue(
            "refusals",
            "Refusing answers",
            "warning",
            "answers",
            "They teach the model to refuse ordinary requests. Drop them, unless refusing is what it should learn.",
            (_DROP, _EDIT),
        ),
        Issue(
            "placeholders",
            "Placeholders never filled in",
            "warning",
            "answers",
            "The model would say {{name}} to people. Fill them in, or drop the examples.",
            (_DROP, _EDIT),
        ),
        Issue(
            "label_variants",
            "One label, several spellings",
            "warning",
            "consistency",
            "To a model, “Refund” and “refund” are two answers. Use one spelling.",
            (
                Remedy(
                    "unify",
                    "Use the commonest spelling in {n} example{s}",
                    "Rewrites the other spellings; nothing else changes.",
                    "unify",
                ),
                _EDIT,
            ),
        ),
        Issue(
            "special_tokens",
            "Control tokens inside the text",
            "warning",
            "text",
            "They would end a turn in the middle of a text. Take their force away, or drop the examples.",
            (
                Remedy(
                    "neutralise",
                    "Neutralise in {n} example{s}",
                    "Writes them so that they stay readable and are no control tokens.",
                    "neutralise",
                ),
                _DROP,
                _EDIT,
            ),
        ),
        Issue(
            "mojibake",
            "Damaged letters",
            "warning",
            "text",
            "The text was read in the wrong encoding at some time (“Ã©” for “é”). Repair it.",
            (
                Remedy("repair", "Repair {n} example{s}", "Puts the letters back that were meant.", "repair"),
                _EDIT,
                _DROP,
            ),
        ),
        Issue(
            "over_length",
            "Longer than the maximum",
            "warning",
            "length",
            "Training cuts their end off. Raise the maximum length of the job, shorten them, or drop them.",
            (_DROP, _EDIT),
        ),
        Issue(
            "personal_data",
            "Personal data",
            "warning",
            "privacy",
            "A model may repeat it. Redact what is not meant to be learnt.",
            (_REDACT, _DROP),
        ),
        Issue(
            "system_inconsistent",
            "Different system messages",
            "warning",
            "consistency",
            "What most examples say in the system message, all should say, unless the difference is meant.",
            (
                Remedy(
                    "set_system",
                    "Use the commonest system message in {n}",
                    "Replaces theirs, or adds it where there is none.",
                    "set_system",
                ),
                _EDIT,
            ),
        ),
        Issue(
            "language_mix",
            "Another language than most",
            "info",
            "text",
            "Fine if both languages are meant. Otherwise drop these, or translate them.",
            (_DROP, _EDIT),
        ),
        Issue(
            "length_outliers",
            "Unusually long or short",
            "info",
            "length",
            "Look at them: often a heading, a whole document, or two rows in one.",
            (_DROP, _EDIT),
        ),
        Issue(
            "label_imbalance",
            "Rare labels",
            "info",
            "amount",
            "The model will hardly ever give these answers. Add examples of them: by hand, or as variations.",
            (_EDIT,),
        ),
    )
}
