"""Which language a transcript is in, guessed by its commonest words, so that foreign words can be masked.

A text network that knows English only would still answer on French, with noise. The guess is light on
purpose and says None when it is unsure; unsure counts as known, so that a short "ok" is never masked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from affekt.timeline import Sentence

STOP_WORDS = {
    "en": "the a an and of to in is it that i you he she we they was for on are with this have be not but "
    "at my your what do so me all just his her there from will would don't it's i'm were had can has "
    "been who how as by or if no some like out about up go want more when them than then",
    "de": "der die das und ist nicht ich du er sie wir ihr ein eine einen es zu den mit auf für im dem von "
    "auch wie aber so was noch nur wenn mein mich sich war sind hat haben bin kann dass oder zum bei "
    "heute",
    "fr": "le la les et est de des du un une je tu il elle nous vous ils que qui dans pour pas sur ce cette "
    "ne en au avec mais c'est j'ai par plus son sa suis sont très bien ça était être mon ma mes où",
    "es": "el la los las y es de del un una yo tú él que en no por para con se lo me mi su pero como más "
    "este esta muy está son soy era hay todo cuando porque ya al sí qué fue tiene",
    "it": "il lo la i gli le e è di del della un una io che in non per con si mi ti ma come più questo "
    "questa molto sono ho ha era anche tutto quando perché già al sì cosa nel dei alla ci",
    "pt": "o a os as e é de do da dos um uma eu que em não por para com se me meu minha mas como mais este "
    "isso muito está são sou foi tem tudo quando porque já ao você ele ela na no",
    "nl": "de het een en is niet ik je hij zij we jullie van te dat die in op met voor er maar zijn ook als "
    "wat naar heb heeft was dit om aan nog wel mijn bij ben kan geen deze uit",
    "pl": "i w na z że nie to jest się do jak ja ty on ona my co ale za po od tak jestem był była są czy "
    "już tylko dla przez mnie mi tego ten bardzo może kiedy jego będzie",
    "sv": "och att det är inte jag du han hon vi de en ett som på för med av den har till om men var så "
    "från kan mig min när också mycket alla här där vad ska",
    "da": "og at det er ikke jeg du han hun vi de en et som på for med af den har til om men var så fra kan "
    "mig min når også meget alle her der hvad skal",
    "fi": "ja on ei se että en hän minä sinä me he oli mutta niin kun myös jos mitä tämä vain nyt ole olen "
    "minun sen kuin hyvin siitä mikä sitten",
    "cs": "a je v na se že to ne já ty on ona my jsem jsi by co ale za do jak tak jsou byl byla když už jen "
    "pro nebo mi mě jeho ten tady ještě velmi",
    "hu": "a az és hogy nem is egy én te ő mi van volt de meg csak már ez azt ha mint vagy nagyon lesz most "
    "még mert kell itt ott mit sem",
    "ro": "și nu de la în o un că este e eu tu el ea noi cu pe din mai ce să au am a fost pentru dar sunt "
    "foarte când asta lui era",
    "tr": "ve bir bu da de ne için ben sen o biz çok ama değil var yok mi gibi daha en kadar şey beni bana "
    "sonra her şimdi olarak nasıl evet",
}
"""The commonest words of languages in Latin letters, by ISO 639-1 code."""

SCRIPTS = {
    "el": r"\u0370-\u03ff\u1f00-\u1fff",
    "ru": r"\u0400-\u04ff",
    "he": r"\u0590-\u05ff",
    "ar": r"\u0600-\u06ff",
    "hi": r"\u0900-\u097f",
    "th": r"\u0e00-\u0e7f",
    "ko": r"\u1100-\u11ff\uac00-\ud7af",
    "ja": r"\u3040-\u30ff",
    "zh": r"\u4e00-\u9fff",
}
"""Letters of other scripts, each named after the most spoken language that is written in them."""
NEIGHBOURS = (("ru", "uk", "ґєії"), ("ar", "ur", "ٹڈڑے"), ("ar", "fa", "پچژگ"))
"""Letters that another language of the same script has, and the first does not."""

NAMES: dict[str, str] = dict(
    re.findall(
        r"(\w+)=(\w+)",
        "en=English de=German fr=French es=Spanish it=Italian pt=Portuguese nl=Dutch pl=Polish sv=Swedish "
        "da=Danish fi=Finnish cs=Czech hu=Hungarian ro=Romanian tr=Turkish el=Greek ru=Russian uk=Ukrainian "
        "he=Hebrew ar=Arabic ur=Urdu fa=Persian hi=Hindi th=Thai ko=Korean ja=Japanese zh=Chinese",
    )
)
"""For messages; a code that is not here is named by itself."""

MIN_HITS = 4
"""Stop words of one language below which nothing is said."""
MIN_SHARE = 0.2
"""Stop words among the words of running text: a third to a half in the languages listed."""
MIN_LEAD = 1.5
"""How many times the runner-up's hits a guess needs."""

_LANGUAGES_OF: dict[str, list[str]] = {}
for _code, _words in STOP_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_code)


def guess_language(text: str) -> str | None:
    """ISO 639-1 code of the language a text is in, None when unsure.

    >>> guess_language("und dann bin ich mit dem Zug nach Hause gefahren")
    'de'
    >>> guess_language("ok") is None
    True
    """
    if code := _by_script(text):
        return code
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower().replace("’", "'"))
    hits: Counter[str] = Counter()
    for word in words:
        # French and Italian lean words on each other: l'acqua, qu'il.
        codes = _LANGUAGES_OF.get(word) or _LANGUAGES_OF.get(word.partition("'")[2], [])
        hits.update(codes)
    ranked = hits.most_common(2)
    if not ranked or ranked[0][1] < max(MIN_HITS, MIN_SHARE * len(words)):
        return None
    runner_up = ranked[1][1] if len(ranked) > 1 else 0
    return ranked[0][0] if ranked[0][1] >= MIN_LEAD * runner_up else None


def _by_script(text: str) -> str | None:
    """The language of the script that most letters are of, if that is not the Latin one."""
    letters = sum(character.isalpha() for character in text)
    counts = {code: len(re.findall(f"[{block}]", text)) for code, block in SCRIPTS.items()}
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")  # Japanese mixes its own letters with Chinese ones
    code = max(counts, key=lambda one: counts[one])
    if letters < 4 or counts[code] <= letters / 2:
        return None
    for general, special, own in NEIGHBOURS:
        if code == general and sum(character in own for character in text.lower()) > letters / 100:
            return special
    return code


def understands(
    language: str | None, sentences: Sequence[Sentence], known: Collection[str]
) -> tuple[bool, str | None]:
    """Does a text network that knows some languages understand a transcript?

    Args:
        language: what the user says the transcript is in, such as "de" or "en-GB"; None to guess.
        sentences: the transcript.
        known: ISO 639-1 codes of the languages the network knows; empty for any.

    Returns:
        Whether it does (unsure counts as yes), and if not, a sentence that says why.
    """
    if not known or not sentences:
        return True, None
    named = re.split(r"[-_]", language.strip().lower())[0] if language else None
    code = named or guess_language(" ".join(sentence.text for sentence in sentences))
    if code is None or code in known:
        return True, None
    heard, names = NAMES.get(code, code), " and ".join(NAMES.get(one, one) for one in sorted(known))
    if named:
        return False, f"the words are left out: the transcript is {heard}, the model knows {names}"
    advice = f"if it is not, say so with --language {sorted(known)[0]}"
    return (
        False,
        f"the words are left out: the transcript seems to be {heard}, the model knows {names}; {advice}",
    )
