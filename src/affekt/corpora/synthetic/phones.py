"""What a written sentence would roughly sound like: vowels and consonants, and how long each lasts.

Good enough to move a voice's formants, to close a mouth, and to sound like nobody's language in particular.
Formant frequencies are round figures of our own for a grown man; a speaker scales them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Formants = tuple[float, float, float]

CLOSED: Formants = (280.0, 1200.0, 2400.0)


@dataclass(frozen=True, slots=True)
class Phone:
    """A stretch of speech during which nothing changes much."""

    seconds: float
    """At a rate of 1."""
    formants: Formants = CLOSED
    """Hz."""
    voice: float = 0.0
    """Loudness of the vocal folds' part, 0 to 1."""
    hiss: float = 0.0
    """Loudness of the noise, 0 to 1."""
    pitch: float = 4000.0
    """Hz around which the noise lies."""
    mouth: float = 0.0
    """How far the mouth is open, 0 to 1."""


def _vowel(first: float, second: float, third: float, mouth: float, seconds: float = 0.11) -> Phone:
    return Phone(seconds, (first, second, third), voice=1.0, mouth=mouth)


def _stop(voice: float, pitch: float) -> tuple[Phone, Phone]:
    """Lips or tongue shut, then let go."""
    return Phone(0.045, voice=voice), Phone(0.018, voice=0.2, hiss=0.5, pitch=pitch, mouth=0.15)


_A = _vowel(750, 1250, 2500, 1.0)
_E = _vowel(460, 1850, 2500, 0.5)
_I = _vowel(290, 2150, 2900, 0.3)
_O = _vowel(470, 900, 2400, 0.55)
_U = _vowel(320, 800, 2250, 0.25)
_AE = _vowel(600, 1700, 2450, 0.75)
_OE = _vowel(450, 1450, 2300, 0.45)
_UE = _vowel(300, 1700, 2250, 0.25)
_SCHWA = _vowel(500, 1450, 2450, 0.4, 0.07)
_NASAL = Phone(0.06, (270, 1100, 2200), voice=0.5, mouth=0.05)
_LIQUID = Phone(0.055, (380, 1250, 2400), voice=0.65, mouth=0.25)
_BREATH = Phone(0.05, (500, 1500, 2500), voice=0.1, hiss=0.25, pitch=1600, mouth=0.4)

PHONES: dict[str, tuple[Phone, ...]] = {
    "a": (_A,),
    "e": (_E,),
    "i": (_I,),
    "o": (_O,),
    "u": (_U,),
    "ä": (_AE,),
    "ö": (_OE,),
    "ü": (_UE,),
    "y": (_I,),
    "ei": (_A, _I),
    "ai": (_A, _I),
    "ay": (_E, _I),
    "au": (_A, _U),
    "ou": (_A, _U),
    "eu": (_O, _I),
    "äu": (_O, _I),
    "ie": (_I, _SCHWA),
    "ee": (_I,),
    "ea": (_I,),
    "oo": (_U,),
    "m": (_NASAL,),
    "n": (_NASAL,),
    "ng": (_NASAL,),
    "l": (_LIQUID,),
    "r": (_LIQUID,),
    "w": (_LIQUID,),
    "j": (Phone(0.05, (280, 2050, 2800), voice=0.7, mouth=0.2),),
    "s": (Phone(0.08, hiss=0.5, pitch=6500, mouth=0.1),),
    "ß": (Phone(0.09, hiss=0.5, pitch=6500, mouth=0.1),),
    "z": (Phone(0.07, voice=0.3, hiss=0.4, pitch=6500, mouth=0.1),),
    "sch": (Phone(0.09, hiss=0.6, pitch=3200, mouth=0.15),),
    "sh": (Phone(0.09, hiss=0.6, pitch=3200, mouth=0.15),),
    "ch": (Phone(0.08, hiss=0.45, pitch=2600, mouth=0.2),),
    "f": (Phone(0.07, hiss=0.25, pitch=7500, mouth=0.05),),
    "v": (Phone(0.06, voice=0.4, hiss=0.15, pitch=7000, mouth=0.05),),
    "th": (Phone(0.06, voice=0.2, hiss=0.25, pitch=6000, mouth=0.15),),
    "h": (_BREATH,),
    "p": _stop(0.0, 1500),
    "t": _stop(0.0, 5000),
    "k": _stop(0.0, 2500),
    "ck": _stop(0.0, 2500),
    "c": _stop(0.0, 2500),
    "q": _stop(0.0, 2500),
    "x": (*_stop(0.0, 2500), Phone(0.06, hiss=0.5, pitch=6500, mouth=0.1)),
    "b": _stop(0.35, 1200),
    "d": _stop(0.35, 4000),
    "g": _stop(0.35, 2000),
}
FILLER = (_vowel(520, 1400, 2400, 0.45, 0.28), Phone(0.16, (270, 1100, 2200), voice=0.45, mouth=0.03))
"""A sound that is no word: "ähm"."""
GAP = Phone(0.02, mouth=0.1)
"""Between two words."""

_SPELLING = re.compile("<filler>|" + "|".join(sorted(PHONES, key=len, reverse=True)) + "|[ ]")


def phones_of(text: str) -> tuple[Phone, ...]:
    """The phones of a sentence, in order."""
    found: list[Phone] = []
    for letters in _SPELLING.findall(text.lower()):
        if letters == "<filler>":
            found += FILLER
        elif letters == " ":
            found.append(GAP)
        else:
            found += PHONES[letters]
    return tuple(found)


def seconds_of(phones: tuple[Phone, ...], rate: float = 1.0) -> float:
    """How long they last when they are spoken `rate` times as fast as written."""
    return sum(phone.seconds for phone in phones) / rate
