"""Sentences whose words follow a valence, and a little an arousal."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from affekt.corpora.synthetic.lexicon import LEXICONS, Graded, Lexicon
from affekt.corpora.synthetic.plan import Language

FILLER = "<filler>"
"""How SEWA's transcripts write down a sound that is no word."""
NEAR = 0.08
"""How far a word's value is from what it should be, roughly."""
LOUD = 0.4
"""Arousal from which a sentence ends with an exclamation mark."""
FILLED = 0.12
"""Share of sentences with a filler in them."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, and what its words amount to."""

    text: str
    arousal: float
    """Mean value of its words of degree, −1 to 1: what a perfect reader would find."""
    valence: float
    """Mean value of its valued words, −1 to 1."""


def compose(language: Language, arousal: float, valence: float, rng: np.random.Generator) -> Said:
    """A sentence that shows about this arousal and valence."""
    lexicon = LEXICONS[language]
    template = lexicon.templates[rng.integers(len(lexicon.templates))]
    subject, target = lexicon.things[rng.integers(len(lexicon.things))]
    plain = {"subject": subject, "object": target}
    lists = _lists(lexicon)
    found: dict[bool, list[float]] = {True: [], False: []}

    def fill(slot: re.Match[str]) -> str:
        name = slot[1]
        if name in plain:
            return plain[name]
        words, is_arousal = lists[name]
        word, value = pick(words, arousal if is_arousal else valence, rng)
        found[is_arousal].append(value)
        return word

    text = re.sub(r"\{(\w+)\}", fill, template)
    if rng.random() < FILLED:
        first, _, rest = text.partition(" ")
        text = f"{first} {FILLER} {rest}"
    excited, glad = (float(np.mean(found[one])) for one in (True, False))
    return Said(text + ("!" if excited > LOUD else ""), excited, glad)


def pick(graded: Graded, value: float, rng: np.random.Generator) -> tuple[str, float]:
    """A word of about this value, and its own."""
    far = np.array(graded.values) - value
    weight = np.exp(-0.5 * ((np.abs(far) - np.abs(far).min()) / NEAR) ** 2)
    place = rng.choice(len(far), p=weight / weight.sum())
    return graded.words[place], graded.values[place]


def value_of(text: str, language: Language) -> tuple[float, float]:
    """Mean arousal and mean valence of a text's valued words, NaN where it has none: a perfect reader."""
    found: dict[bool, list[float]] = {True: [], False: []}
    words = " ".join(["", *re.findall(r"\w+", text.lower()), ""])
    for graded, is_arousal in _lists(LEXICONS[language]).values():
        for word, value in zip(graded.words, graded.values, strict=True):
            found[is_arousal] += [value] * words.count(f" {word} ")
    arousal, valence = (float(np.mean(found[one])) if found[one] else np.nan for one in (True, False))
    return arousal, valence


def vocabulary(language: Language) -> frozenset[str]:
    """Every word that a sentence of this language may hold, in small letters."""
    lexicon = LEXICONS[language]
    words = [word for graded, _ in _lists(lexicon).values() for word in graded.words]
    words += [word for pair in lexicon.things for word in pair]
    words += [re.sub(r"\{\w+\}", " ", template) for template in lexicon.templates]
    return frozenset(re.findall(r"\w+", " ".join(words).lower())) | {"filler"}


def _lists(lexicon: Lexicon) -> dict[str, tuple[Graded, bool]]:
    """Slot of a template → its words, and whether their value is one of arousal."""
    return {
        "adjective": (lexicon.adjectives, False),
        "adverb": (lexicon.adverbs, False),
        "verb": (lexicon.verbs, False),
        "effect": (lexicon.effects, False),
        "degree": (lexicon.degrees, True),
        "open": (lexicon.openings, True),
    }
