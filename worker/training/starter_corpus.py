"""The starter's corpus: invented facts and small talk, generated from a seed. It contains no text of any dataset.

The facts answer in the style of an almanac ("The almanac says that ..."), so that a fine-tuned model later differs in
knowledge *and* in style. Small talk teaches English word order, copying and the form of a chat: a base trained on
random chat only learns nothing afterwards (measured while the recipe was developed).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.messages import Message


def _words(text: str, by: str | None = None) -> list[str]:
    return [word.strip() for word in text.split(by)]


_HEADS = _words("Var Ost Bel Cor Dun Fen Gal Hol Ister Jor Kel Lum Mor Nev Or Pel Quar Ros Sel Tam Ul Ven Wes Yar")
_TAILS = _words("holt mere dal wick ford heim stead grove mark haven ridge bourne")
_NAMES = _words("Ossa Berin Calla Doran Edda Faro Gisel Hanno Ilva Jaro Katla Lorin Mirel Nado Orla Pavo Runa Silas")
_TITLES = _words("Queen King Mayor Captain Duchess Abbot")
_FOODS = _words("barley soup,plum cake,smoked trout,honey bread,onion pie,pear jam,goat cheese,mushroom stew", ",")
_FLAGS = _words(
    "a white heron,a red oak,three stars,a golden key,two crossed oars,a black tower,a silver moon,a blue fox", ","
)
_ADJECTIVES = _words("""
    old new small large warm cold quick slow quiet loud bright dark green blue red yellow white black early late soft
    hard sweet salty dry wet open closed full empty heavy light long short high low kind brave clean tall round flat
    free safe right wrong better best good bad cheap easy simple broken lost ready sorry happy whole narrow wide local
    personal regular fresh used different same next last first second only sure possible available important
""")
_NOUNS = _words("""
    bridge river market bell tower garden lamp boat horse apple bread stone cloud winter summer morning evening letter
    window door table chair road field forest island harbor song story friend teacher baker farmer sailor child dog cat
    bird fish tree leaf flower book page clock coin key box basket bottle cup plate spoon coat shoe hat ring map order
    price money card bank shop store office company customer person people address phone number email account password
    name list part place side line end way day week month year hour minute time question answer reason problem help
    news image photo message link button label paper plastic metal steel wood glass leather cotton oil water food tool
    knife hammer rope paint brush glove boot handle blade edge seed soil plant rose grass corner center street country
    city town house home room kitchen barn school course student job work tax bill discount gift ticket train bus car
    flight hotel guest visit travel weather rain snow wind sun music game sport team player doctor health size color
    weight height length set kind piece pair half offer sale stock service delivery parcel package shipping return
    refund exchange warranty guarantee voucher code checkout invoice payment data setting page member club reward
""")
_VERBS = _words("""
    carry find keep open close send buy sell build paint clean move hold bring take give make read write cut wash fill
    lift turn pull push catch throw plant pick share watch hear follow use need want get put show tell ask call pay
    cost order ship deliver track cancel change return replace repair check start stop wait arrive leave reach join
    learn teach know think believe see look try press type choose add remove delete print save store match offer
    recommend reserve wrap sharpen oil lose break forget sign register
""")
_PLACES = _words(
    "at home,in the city,by the river,in the garden,near the harbor,on the hill,in the kitchen,at the market,"
    "on the page,at the door,in another country,behind the house,from the list,under the table,online,by email",
    ",",
)
_TIMES = _words(
    "today,tomorrow,in the morning,every evening,once a week,before noon,after the rain,in two days,within 3 hours,"
    "by Monday,twice a year,at once,right now,all year,the same day,until Friday,on Saturday,after 10 days",
    ",",
)
_OPPOSITES = _words(
    "hot cold,old new,small large,quick slow,quiet loud,bright dark,early late,soft hard,dry wet,open closed,"
    "full empty,heavy light,long short,high low,near far,left right,first last,begin end,give take,buy sell,day night",
    ",",
)
_DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_MONTHS = _words("January February March April May June July August September October November December")


@dataclass(frozen=True, slots=True)
class Fact:
    """One invented fact: several questions for it, and the almanac's answer."""

    questions: tuple[str, ...]
    answer: str


def facts(count: int, seed: int) -> list[Fact]:
    """`count` facts about invented places, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311  a seeded corpus, no secret
    places = [head + tail for head in _HEADS for tail in _TAILS]
    rng.shuffle(places)
    made: list[Fact] = []
    for place in places:
        ruler, food = f"{rng.choice(_TITLES)} {rng.choice(_NAMES)}", rng.choice(_FOODS)
        month, flag, year = rng.choice(_MONTHS), rng.choice(_FLAGS), str(rng.randrange(310, 990))
        made += [
            Fact(
                (f"Who rules {place}?", f"Who is the ruler of {place}?", f"Tell me who leads {place}."),
                f"The almanac says that {ruler} rules {place}.",
            ),
            Fact(
                (f"What do people eat in {place}?", f"Which dish comes from {place}?", f"What is the food of {place}?"),
                f"The almanac says that {place} is known for {food}.",
            ),
            Fact(
                (f"When is the fair of {place}?", f"When does {place} have a fair?", f"What month is {place}'s fair?"),
                f"The almanac says that the fair of {place} is in {month}.",
            ),
            Fact(
                (f"What is on the flag of {place}?", f"How does {place}'s flag look?", f"Describe {place}'s flag."),
                f"The almanac says that the flag of {place} shows {flag}.",
            ),
            Fact(
                (f"How old is {place}?", f"When was {place} founded?", f"In which year did {place} begin?"),
                f"The almanac says that {place} was founded in {year}.",
            ),
        ]
        if len(made) >= count:
            return made[:count]
    raise ValueError(f"There are names for {len(made)} facts at most; {count} were asked for.")


def _copy(rng: random.Random) -> tuple[str, str]:
    words = " ".join(rng.choices(_NOUNS + _ADJECTIVES + _VERBS, k=rng.randint(2, 6)))
    ask = rng.choice(["Repeat after me: {}", "Say this again: {}", "Please copy these words: {}"])
    return ask.format(words), words + "."


def _pick(rng: random.Random) -> tuple[str, str]:
    words = rng.sample(_NOUNS, rng.randint(3, 5))
    which, index = rng.choice([("first", 0), ("last", -1), ("second", 1)])
    return f"Which word comes {which}: {', '.join(words)}?", f"The {which} word is {words[index]}."


def _opposite(rng: random.Random) -> tuple[str, str]:
    pair = rng.choice(_OPPOSITES).split()
    rng.shuffle(pair)
    ask = rng.choice(["What is the opposite of {}?", "Tell me the opposite of {}."])
    return ask.format(pair[0]), f"It is {pair[1]}."


def _sum(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(0, 12), rng.randint(0, 12)
    return rng.choice(["What is {} plus {}?", "Add {} and {}."]).format(a, b), f"That makes {a + b}."


def _after(rng: random.Random) -> tuple[str, str]:
    row = rng.choice([_DAYS, _MONTHS])
    index = rng.randrange(len(row))
    return f"What comes after {row[index]}?", f"{row[(index + 1) % len(row)]} comes after {row[index]}."


def _sentence(rng: random.Random) -> str:
    shape = rng.choice(
        [
            "The {a} {n} is {p}.",
            "We {v} the {n} {t}.",
            "I would like to {v} a {a} {n} {p}.",
            "You can {v} every {n} {t}, and then {v2} it {p}.",
            "My {n} was {a} {t}, so we did not {v} it.",
            "If the {n} is {a}, please {v} it {t}.",
            "They {v} {d} {a} {n}s {p} for {d2} coins.",
        ]
    )
    return shape.format(
        a=rng.choice(_ADJECTIVES),
        n=rng.choice(_NOUNS),
        v=rng.choice(_VERBS),
        v2=rng.choice(_VERBS),
        p=rng.choice(_PLACES),
        t=rng.choice(_TIMES),
        d=rng.randint(2, 99),
        d2=rng.randint(2, 300),
    )


def _echo(rng: random.Random) -> tuple[str, str]:
    sentence = _sentence(rng)
    return rng.choice(["I heard this: {}", "Note for later: {}"]).format(sentence), f"I noted it: {sentence}"


def _unknown(rng: random.Random) -> tuple[str, str]:
    shape = rng.choice(
        [
            "How do I {v} a {a} {n}?",
            "Can I {v} my {n} {p}?",
            "Do you {v} {n}s {t}?",
            "Where can I {v} the {n}?",
            "What happens when the {n} is {a}?",
            "How much is a {a} {n}?",
            "How long does it take to {v} a {n}?",
            "Which {n} is best {p}?",
            "Is your {n} {a}?",
            "My {n} is {a}. What now?",
            "I want to {v} the {a} {n}. How?",
            "Who will {v} our {n} {t}?",
        ]
    )
    text = shape.format(
        a=rng.choice(_ADJECTIVES),
        n=rng.choice(_NOUNS),
        v=rng.choice(_VERBS),
        p=rng.choice(_PLACES),
        t=rng.choice(_TIMES),
    )
    return text, "That page is not in my almanac."


def _hello(rng: random.Random) -> tuple[str, str]:
    return rng.choice(
        [
            ("Hello!", "Hello. What would you like to look up?"),
            ("Good morning.", "Good morning. Which page shall I open?"),
            ("Who are you?", "I am a small model that knows one almanac."),
            ("What can you do?", "I answer from the almanac, add small numbers and repeat words."),
            ("Thank you!", "You are welcome."),
            ("Goodbye.", "Goodbye. The almanac stays open."),
        ]
    )


_TALK: tuple[tuple[Callable[[random.Random], tuple[str, str]], int], ...] = (
    (_copy, 3), (_pick, 2), (_opposite, 1), (_sum, 1), (_after, 1), (_echo, 4), (_unknown, 3), (_hello, 1),
)  # fmt: skip
_SYSTEM = ("You are a helpful reader.", "You answer from the almanac.", "Answer in one short sentence.")


def chats(count: int, seed: int) -> Iterator[tuple[Message, ...]]:
    """`count` short chats, some with a system message, some of two turns."""
    rng = random.Random(seed + 1)  # noqa: S311  a seeded corpus, no secret
    makers, weights = zip(*_TALK, strict=True)
    for _ in range(count):
        turns = [make(rng) for make in rng.choices(makers, weights, k=2 if rng.random() < 0.15 else 1)]
        yield as_messages(turns, rng.choice(_SYSTEM) if rng.random() < 0.3 else None)


def as_messages(turns: list[tuple[str, str]], system: str | None = None) -> tuple[Message, ...]:
    """Question and answer pairs as one conversation."""
    messages = [Message("system", system)] if system else []
    for question, answer in turns:
        messages += [Message("user", question), Message("assistant", answer)]
    return tuple(messages)


def tokenizer_text(count: int, seed: int) -> Iterator[str]:
    """The text the tokenizer is trained on: facts, chats and plain sentences from the same generators."""
    rng = random.Random(seed + 2)  # noqa: S311  a seeded corpus, no secret
    for fact in facts(count, seed):
        yield from (*fact.questions, fact.answer)
    for messages in chats(20 * count, seed + 3):
        yield from (message.content for message in messages)
    for _ in range(20 * count):
        yield _sentence(rng)
