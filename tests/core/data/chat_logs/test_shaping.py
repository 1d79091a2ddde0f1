"""Roles, filters and redaction: with any choice, every turn is in one example or left out with one reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings, strategies as st

from core.data.chat_logs import REASONS, Conversation, Person, Turn
from core.data.chat_logs.shaping import ChatRecipe, names_of, redact, shape
from core.data.quality import structure
from core.messages import Message
from tests.support.series import series

ROLES = {"u": "user", "a": "assistant", "s": "system"}


def talk(*turns: tuple[str, str], at: float | None = 1.7e9) -> Conversation:
    made = tuple(Turn(who, text, None if at is None else at + n) for n, (who, text) in enumerate(turns))
    return Conversation("c", "", made)


def shaped(conversation: Conversation, **recipe: Any) -> tuple[list[list[tuple[str, str]]], dict[str, int]]:
    made = shape(conversation, ChatRecipe(**({"roles": ROLES} | recipe)))
    texts = [[(message.role, message.content) for message in item.messages] for item in made.made]
    return texts, {reason: len(turns) for reason, turns in made.left.items()}


LONG = talk(("a", "Welcome"), ("s", "late"), ("u", "One"), ("u", "more"), ("a", "1"), ("u", "Two"), ("x", "noise"),
            ("a", "2"), ("u", "bye"))  # fmt: skip


def test_turns_of_one_side_are_joined_and_the_ends_are_cut() -> None:
    texts, left = shaped(LONG)
    assert texts == [[("user", "One\nmore"), ("assistant", "1"), ("user", "Two"), ("assistant", "2")]]
    assert left == {"no_question": 1, "instructions": 1, "speaker": 1, "unanswered": 1}


def test_exchanges_stand_alone() -> None:
    texts, _ = shaped(LONG, layout="exchanges", min_exchanges=5)
    assert texts == [[("user", "One\nmore"), ("assistant", "1")], [("user", "Two"), ("assistant", "2")]]


def test_instructions_of_the_log_or_of_the_person() -> None:
    told = talk(("s", "Be kind."), ("u", "Hi"), ("a", "Hello"))
    assert shaped(told)[0] == [[("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")]]
    texts, left = shaped(told, system="Be brief.")
    assert texts[0][0] == ("system", "Be brief.")
    assert left == {"instructions": 1}


def test_whoever_begins_is_the_user() -> None:
    texts, _ = shaped(talk(("p", "Help"), ("q", "Yes?"), ("p", "It broke"), ("r", "Restart")), by_order=True, roles={})
    assert [role for role, _ in texts[0]] == ["user", "assistant", "user", "assistant"]
    texts, left = shaped(talk(("b", "Beep"), ("p", "Help"), ("q", "Yes")), by_order=True, roles={"b": "leave"})
    assert texts == [[("user", "Help"), ("assistant", "Yes")]]
    assert left == {"speaker": 1}


def test_filters_name_their_reason() -> None:
    pair = talk(("u", "Hi there"), ("a", "ok"))
    for reason, recipe in {
        "too_few": {"min_exchanges": 2},
        "too_short": {"min_answer_characters": 3},
        "too_long": {"max_characters": 10 - 1 + 1, "min_exchanges": 1},
        "outside_dates": {"since": 1.8e9},
    }.items():
        texts, left = shaped(talk(("u", "Hi there you"), ("a", "ok")) if reason == "too_long" else pair, **recipe)
        assert (texts, left) == ([], {reason: 2}), reason
    assert shaped(LONG, max_exchanges=1)[1]["too_many"] == 5
    assert shaped(pair, until=1.6e9)[1] == {"outside_dates": 2}
    assert shaped(pair, since=1.7e9, until=1.7e9 + 1)[1] == {}
    assert shaped(talk(("u", "Hi"), ("a", "Yo"), at=None), since=1.0)[1] == {"no_time": 2}


def test_personal_data_and_names_become_placeholders() -> None:
    people = [Person("1", "Mira Holt"), Person("2", "Al"), Person("3", "anna"), Person("4", "You", "user"),
              Person("5", "X Æ (deleted)"), Person("6", "bot", bot=True)]  # fmt: skip
    names = list(names_of(people))
    assert names == ["Mira Holt", "X Æ"]
    said = (Message("user", "I am Mira Holt, @Mira Holt, mira@example.com; Mira Holthaus is not me. X Æ!"),)
    out, count = redact(said, names)
    assert out[0].content == "I am [NAME], [NAME], [EMAIL]; Mira Holthaus is not me. [NAME]!"
    assert count == 4


def test_thousands_of_names_are_looked_up_word_by_word() -> None:
    names = [f"Person {n}" for n in range(20_000)] + ["Ann", "Ann Lee", "(Bo) Li", "O'Neil-Ross"]
    text = "Ann Lee and Ann, Annie, @Person 19999, Person 20001, (Bo) Li, O'Neil-Ross!"
    out, count = redact((Message("user", text),), names)
    assert out[0].content == "[NAME] and [NAME], Annie, [NAME], Person 20001, [NAME], [NAME]!"
    assert count == 5
    long = "word " * 200_000
    assert redact((Message("user", long),), names) == ((Message("user", long),), 0)


@settings(max_examples=series(150), deadline=None)
@given(
    turns=st.lists(
        st.tuples(st.sampled_from("uasxy"), st.text(min_size=1, max_size=12).filter(lambda t: bool(t.strip()))),
        max_size=25,
    ),
    by_order=st.booleans(),
    others=st.sampled_from(["user", "assistant", "system", "leave"]),
    layout=st.sampled_from(["whole", "exchanges"]),
    system=st.sampled_from(["", "Be brief."]),
    fewest=st.integers(1, 3),
    most=st.one_of(st.none(), st.integers(1, 4)),
    longest=st.one_of(st.none(), st.integers(10, 60)),
)
def test_no_turn_is_lost_or_used_twice(
    turns: list[tuple[str, str]],
    by_order: bool,
    others: Any,
    layout: Any,
    system: str,
    fewest: int,
    most: Any,
    longest: Any,
) -> None:
    recipe = ChatRecipe(
        roles=ROLES, by_order=by_order, others=others, layout=layout, system=system, min_exchanges=fewest,
        max_exchanges=most, max_characters=longest,
    )  # fmt: skip
    conversation = talk(*turns)
    found = shape(conversation, recipe)
    seen = Counter(index for item in found.made for index in item.turns)
    seen.update(index for indexes in found.left.values() for index in indexes)
    assert seen == Counter(range(len(turns)))
    assert set(found.left) <= set(REASONS)
    assert len({item.key for item in found.made}) == len(found.made)
    for item in found.made:
        checked = structure.parse([message.to_dict() for message in item.messages])
        assert checked.example is not None, checked.findings
        spoken = [message.role for message in item.messages if message.role != "system"]
        assert spoken == ["user", "assistant"] * (len(spoken) // 2)
