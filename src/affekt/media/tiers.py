"""Tiers of annotation, as ELAN and Praat keep them: which one holds the words, and which are speakers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

OWN = "affekt_"
"""Tiers whose names begin so were written by affekt; they are never read as somebody's words or turns."""
WORDS = (
    *("text", "texts", "transcript", "transcription", "sentence", "sentences", "speech", "words", "word"),
    *("utterance", "utterances", "phrase", "phrases", "orthography", "ort", "tx", "says"),
)
"""Parts of a tier's name that say that it holds what is said."""
NO_WORDS = (
    *("phone", "phones", "phoneme", "phonemes", "phonetic", "segment", "segments", "syllable", "syllables"),
    *("ipa", "sampa", "mau", "kan", "pos", "gloss", "glosses", "lemma", "translation", "gesture", "gestures"),
    *("gaze", "comment", "comments", "note", "notes", "emotion", "arousal", "valence", "pitch", "tones"),
)
"""Parts of a tier's name that say that it holds something else."""
SILENCE = frozenset({"", "sil", "sp", "pau", "<sil>", "<p:>", "<p>", "#", "_", "silent", "silence"})
"""What annotators and aligners write over a stretch in which nobody speaks, in lower case."""

Span = tuple[float, float, str]
"""Start and end in seconds, and the text."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One line of annotations, in the order of their starts."""

    name: str
    spans: tuple[Span, ...]
    speaker: str = ""
    """Whose it is, where the file says so apart from the name."""
    dependent: bool = False
    """Whether its annotations hang on those of another tier, such as a translation on what was said."""

    @property
    def parts(self) -> frozenset[str]:
        """The words of its name and its speaker's, in lower case."""
        return frozenset(re.findall(r"[^\W_]+", f"{self.name} {self.speaker}".casefold()))

    @property
    def words(self) -> int:
        """How many words it holds; silences are none."""
        return sum(len(re.findall(r"\w+", text)) for _, _, text in self.spoken())

    def spoken(self) -> Iterator[Span]:
        """Its annotations without the silences."""
        return (span for span in self.spans if not is_silence(span[2]))


def is_silence(text: str) -> bool:
    """Whether an annotation says that nobody speaks."""
    return text.strip().casefold() in SILENCE


def words_tier(tiers: Sequence[Tier]) -> tuple[Tier | None, list[str]]:
    """The tier with the subject's words, and the names of the others that might have been meant.

    In turn: tiers of somebody called "subject" go before others, those with a name such as "text" or
    "words" before others, and names such as "phones" or "translation" after all; of equals the one with the
    most words is taken, of the same number the one in longer pieces. None if no tier has a word.
    """

    def rank(tier: Tier) -> tuple[bool, bool, bool, int, int]:
        parts = tier.parts
        about = bool(parts.intersection(WORDS)), not parts.intersection(NO_WORDS)
        return "subject" in parts, *about, tier.words, -len(tier.spans)

    candidates = [tier for tier in tiers if tier.words and not tier.name.casefold().startswith(OWN)]
    if not candidates:
        return None, []
    taken = max(candidates, key=rank)
    return taken, [tier.name for tier in candidates if tier is not taken]


def speaker_of(tier: Tier) -> str:
    """The one whose turns a tier holds: "subject" or the like if its name says so, else its own name."""
    told = tier.parts & {"subject", "interlocutor", "partner", "other"}
    return min(told) if len(told) == 1 else (tier.speaker or tier.name).strip().casefold()


def speaker_spans(tiers: Sequence[Tier], names: frozenset[str]) -> Iterator[tuple[str, Span]]:
    """Who speaks when: each tier is a speaker, tiers that hang on others are left out.

    If there is but one, and its annotations hold one of `names`, they name the speakers themselves.
    """
    kept = [tier for tier in tiers if tier.spans and not tier.name.casefold().startswith(OWN)]
    kept = [tier for tier in kept if not tier.dependent] or kept
    if len(kept) == 1 and any(text.strip().casefold() in names for _, _, text in kept[0].spans):
        for span in kept[0].spoken():
            yield " ".join(span[2].casefold().split()), span
        return
    for tier in kept:
        for span in tier.spans:
            yield speaker_of(tier), span
