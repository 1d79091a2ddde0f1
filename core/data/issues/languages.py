"""Examples in a different language from most. Short and ambiguous texts are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from core.data.examples.language import LANGUAGES, language_of
from core.data.examples.sets import ExampleSet
from core.data.issues.check import BaseCheck, Case, CheckSettings, Hit, Progress
from core.data.issues.issue import DROP, EDIT, ISSUES, Issue, ScoreShare


class Languages(BaseCheck):
    """The language of each example, where it is certain; a sample of large sets."""

    LOOKED_AT = 10_000  # examples at most, evenly spread; the classifier needs about half a millisecond for each
    _READ = 400  # characters of an example
    _LEAST = 40  # letters (8 where a letter is a word)
    _CERTAIN = 0.98
    _MAIN = 0.6  # of the examples whose language is certain

    def __init__(self, settings: CheckSettings) -> None:
        super().__init__(settings)
        self._kept: list[tuple[int, str]] = []
        self._step = 1
        self._seen = 0

    def feed(self, case: Case) -> Iterator[Hit]:
        if case.position % self._step == 0:
            self._kept.append((case.position, case.text[: self._READ]))
            if len(self._kept) > self.LOOKED_AT:
                self._step *= 2
                self._kept = [item for item in self._kept if item[0] % self._step == 0]
        self._seen += 1
        yield from ()

    def finish(self, seen: ExampleSet, progress: Progress) -> Iterator[Hit]:
        detected: list[tuple[int, str]] = []
        for number, (position, text) in enumerate(self._kept):
            if number % 200 == 0:
                progress(number / len(self._kept))
            if language := language_of(text, self._LEAST, self._CERTAIN):
                detected.append((position, language))
        counts = Counter(language for _, language in detected)
        if not counts:
            return
        main, most = counts.most_common(1)[0]
        if most < self._MAIN * len(detected) or len(counts) < 2:
            return
        share = most / len(detected)
        for position, language in detected:
            if language != main:
                detail = f"{LANGUAGES[language]}; {share:.0%} of the examples are {LANGUAGES[main]}."
                yield Hit("language_mix", position, detail)

    def notes(self) -> Sequence[str]:
        if self._step == 1:
            return ()
        return (f"Languages: {len(self._kept):,} of {self._seen:,} examples were examined, evenly spread.",)


# fmt: off
ISSUES.add(Issue("language_mix", "Different language from most", "info",
    "{examples} {are} in a different language from most.",
    "Fine if both languages are intended. Otherwise drop these examples, or translate them.", (DROP, EDIT),
    ScoreShare("text", 0.25), check=Languages, subject="Text of the examples", scope="set"))
