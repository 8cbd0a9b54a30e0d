"""The guess of a transcript's language: right on running text, silent when unsure."""

from __future__ import annotations

import csv

import pytest

from affekt.media.language import NAMES, SCRIPTS, STOP_WORDS, guess_language, understands
from affekt.media.transcripts import read_transcript
from affekt.timeline import Sentence

TEXTS = {
    "en": "I don’t know what you want but it is fine with me and that is all.",
    "de": "Heute bin ich mit dem Zug nach Hause gefahren und es war sehr kalt.",
    "fr": "Je ne sais pas ce que tu veux mais c’est très bien pour nous.",
    "es": "No sé qué quieres pero está muy bien para los dos, es lo que hay.",
    "it": "Non so che cosa vuoi ma questa è la mia casa e sono molto contento.",
    "pt": "Eu não sei o que você quer mas isso está muito bem para nós dois.",
    "nl": "Ik weet niet wat je wilt maar het is goed voor ons en dat is mooi.",
    "pl": "Nie wiem, co chcesz, ale to jest bardzo dobre dla nas i tak ma być.",
    "sv": "Jag vet inte vad du vill men det är bra för oss och så är det.",
    "da": "Jeg ved ikke hvad du vil men det er meget godt for os og sådan er det.",
    "fi": "Minä en tiedä mitä sinä haluat mutta se on hyvin ja niin se vain on.",
    "cs": "Nevím, co chceš, ale je to pro nás velmi dobré a tak to má být, když už jsi tady.",
    "hu": "Nem tudom, hogy mit akarsz, de ez nagyon jó nekünk és most már van is.",
    "ro": "Nu știu ce vrei dar este foarte bine pentru noi și asta e.",
    "tr": "Ne istediğini bilmiyorum ama bu çok iyi ve bizim için de bir şey değil.",
    "ru": "Я не знаю, чего ты хочешь, но это хорошо.",
    "uk": "Я не знаю, чого ти хочеш, але це дуже добре і їм теж.",
    "el": "Δεν ξέρω τι θέλεις.",
    "he": "אני לא יודע מה אתה רוצה",
    "ar": "لا أعرف ماذا تريد",
    "ur": "مجھے نہیں معلوم کہ آپ کیا چاہتے ہیں اور یہ بڑا اچھا ہے",
    "fa": "من نمی‌دانم چه می‌خواهی و چرا گفتی پس",
    "hi": "मुझे नहीं पता तुम क्या चाहते हो",
    "th": "ฉันไม่รู้ว่าคุณต้องการอะไร",
    "ko": "나는 네가 무엇을 원하는지 모른다",
    "ja": "私はあなたが何を望んでいるのか知りません",
    "zh": "我不知道你想要什么",
}


@pytest.mark.parametrize("code", TEXTS)
def test_running_text(code):
    assert guess_language(TEXTS[code]) == code


@pytest.mark.parametrize(
    "text", ["", "ok", "no", "oh la la", "Mm-hm.", "123", "Paris, Texas", "Want me as a fan?", "да"]
)
def test_short_or_mixed_text_is_unsure(text):
    assert guess_language(text) is None


def test_every_language_has_a_name():
    assert (STOP_WORDS.keys() | SCRIPTS.keys()) <= NAMES.keys()


def test_english_is_never_taken_for_something_else(shared):
    with (shared / "data" / "emobank" / "train.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert {guess_language(text) for text in texts} == {"en", None}
    transcripts = [" ".join(texts[index : index + 10]) for index in range(0, len(texts), 10)]
    sure = sum(guess_language(text) == "en" for text in transcripts)
    assert sure > 0.9 * len(transcripts)


def test_the_clips(shared):
    clips = shared / "clips"
    french, reason = understands(None, read_transcript(clips / "sppas_demo_fr.srt"), ("en",))
    assert not french and reason is not None and "French" in reason and "--language en" in reason
    assert understands(None, read_transcript(clips / "grid_lrwp9a.srt"), ("en",)) == (True, None)


def test_what_the_user_says_counts():
    said = [Sentence(0.0, 1.0, TEXTS["de"])]
    assert understands("en-GB", said, ("en",)) == (True, None)
    assert understands("DE", said, ("en", "de")) == (True, None)
    known, reason = understands("de_AT", said, ("en",))
    assert not known and reason is not None and "is German" in reason and "English" in reason


def test_nothing_to_understand_and_a_network_for_any_language():
    assert understands("de", [], ("en",)) == (True, None)
    assert understands(None, [Sentence(0.0, 1.0, TEXTS["de"])], ()) == (True, None)
