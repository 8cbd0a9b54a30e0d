"""Words with a value, German and English, made for the synthetic corpus; the values are ours, not measured.

Each list goes from the lowest to the highest value in groups: "value: word, word; value: …".
"""

from __future__ import annotations

from dataclasses import dataclass

from affekt.corpora.synthetic.plan import Language


@dataclass(frozen=True, slots=True)
class Graded:
    """Words that can take the same place in a sentence, each with its value from −1 to 1."""

    words: tuple[str, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, groups: str) -> Graded:
        """Read "value: word, word; value: …"."""
        pairs = []
        for group in groups.split(";"):
            value, _, words = group.partition(":")
            pairs += [(word.strip(), float(value)) for word in words.split(",")]
        return cls(*(tuple(side) for side in zip(*pairs, strict=True)))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's words and the sentences they stand in."""

    adjectives: Graded
    """After "is"; valence."""
    adverbs: Graded
    """For a whole sentence; valence."""
    verbs: Graded
    """What one does to a thing, first person; valence."""
    effects: Graded
    """What a thing does to one, third person; valence."""
    degrees: Graded
    """Before an adjective; arousal."""
    openings: Graded
    """A sentence's first word; arousal."""
    things: tuple[tuple[str, str], ...]
    """As subject and as object; no value."""
    templates: tuple[str, ...]
    """{open}, {degree}, {adjective}, {adverb}, {verb}, {effect}, {subject}, {object}."""


def _things(words: str) -> tuple[tuple[str, str], ...]:
    """Nouns with their article; as an object it differs where it is German and masculine."""
    nouns = [word.strip() for word in words.split(",")]
    return tuple((noun, noun.replace("der ", "den ", 1)) for noun in nouns)


GERMAN = Lexicon(
    adjectives=Graded.of(
        "-1: grauenhaft, entsetzlich, abscheulich; -0.85: schrecklich, furchtbar, widerlich, scheußlich;"
        "-0.7: schlimm, übel, hässlich, traurig; -0.55: schlecht, ärgerlich, enttäuschend, gemein;"
        "-0.4: nervig, öde, langweilig, mühsam; -0.25: fad, umständlich, seltsam, holprig;"
        "-0.1: mittelmäßig, eintönig, blass; 0: gewöhnlich, üblich, normal, bekannt;"
        "0.1: ordentlich, brauchbar, schlicht; 0.25: passabel, annehmbar, stimmig, ruhig;"
        "0.4: nett, angenehm, interessant, freundlich; 0.55: gut, gelungen, lustig, hübsch;"
        "0.7: schön, fröhlich, liebenswert, köstlich; 0.85: großartig, herrlich, prächtig, bezaubernd;"
        "1: wunderbar, fantastisch, traumhaft"
    ),
    adverbs=Graded.of(
        "-0.9: tragischerweise; -0.6: leider, bedauerlicherweise; -0.3: seltsamerweise, notgedrungen;"
        "0: gestern, damals, anfangs; 0.3: immerhin, erfreulicherweise; 0.6: glücklicherweise;"
        "0.9: wundersamerweise"
    ),
    verbs=Graded.of(
        "-1: hasse, verabscheue; -0.8: verachte, verfluche; -0.6: fürchte, ertrage; -0.4: meide, bemängle;"
        "-0.2: bezweifle, übersehe; 0: kenne, sehe, merke; 0.2: beachte, akzeptiere; 0.4: brauche, empfehle;"
        "0.6: mag, schätze; 0.8: bewundere, genieße; 1: liebe, verehre"
    ),
    effects=Graded.of(
        "-1: ekelt, entsetzt; -0.8: quält, erschüttert; -0.6: ärgert, enttäuscht; -0.4: nervt, stört;"
        "-0.2: ermüdet, irritiert; 0: betrifft, beschäftigt; 0.2: wärmt, beruhigt; 0.4: fesselt, tröstet;"
        "0.6: erfreut, überzeugt; 0.8: beglückt, entzückt; 1: begeistert, verzaubert"
    ),
    degrees=Graded.of(
        "-1: leicht; -0.7: etwas, ein wenig; -0.4: eher, einigermaßen; 0: recht, ziemlich;"
        "0.4: sehr, richtig; 0.7: total, äußerst; 1: wahnsinnig, unglaublich"
    ),
    openings=Graded.of("-0.8: hm, tja; -0.4: also, naja; 0: ja, nun; 0.4: oh, hey; 0.8: mensch, boah"),
    things=_things(
        "der Film, der Anfang, der Schluss, der Ton, der Wasserhahn, der Preis, der Nachbar, der Garten, "
        "der Zug, der Kaffee, die Werbung, die Musik, die Küche, die Stimme, die Farbe, die Reise, "
        "die Stadt, die Arbeit, die Wohnung, die Idee, das Bild, das Lied, das Wetter, das Essen, "
        "das Geräusch, das Buch, das Telefon, das Licht, das Gespräch, das Haus"
    ),
    templates=(
        "{open} {subject} war {degree} {adjective}",
        "{open} {subject} wirkt auf mich {degree} {adjective}",
        "{open} ich fand {object} {degree} {adjective}",
        "{open} {adverb} war {subject} {degree} {adjective}",
        "{open} {subject} {effect} mich und wirkt {degree} {adjective}",
        "{open} ich {verb} {object} und nenne das {degree} {adjective}",
        "{open} ich {verb} {object} denn {subject} {effect} mich",
        "{open} {adverb} {effect} mich {subject} auch heute noch",
        "{open} so {adjective} und {degree} {adjective} war {subject}",
        "{open} wir haben gesagt {subject} sei {degree} {adjective}",
    ),
)

ENGLISH = Lexicon(
    adjectives=Graded.of(
        "-1: horrific, hideous, atrocious; -0.85: terrible, awful, horrible, disgusting;"
        "-0.7: nasty, ugly, miserable, sad; -0.55: bad, annoying, disappointing, mean;"
        "-0.4: boring, dull, tiresome, dreary; -0.25: bland, clumsy, odd, stiff;"
        "-0.1: mediocre, monotonous, pale; 0: ordinary, usual, normal, familiar;"
        "0.1: decent, usable, plain; 0.25: okay, acceptable, fitting, calm;"
        "0.4: nice, pleasant, interesting, friendly; 0.55: good, funny, pretty, charming;"
        "0.7: beautiful, cheerful, lovely, delicious; 0.85: great, delightful, splendid, superb;"
        "1: wonderful, fantastic, gorgeous"
    ),
    adverbs=Graded.of(
        "-0.9: tragically; -0.6: sadly, unfortunately; -0.3: strangely, grudgingly; 0: yesterday, back then;"
        "0.3: at least, reassuringly; 0.6: luckily, happily; 0.9: gloriously"
    ),
    verbs=Graded.of(
        "-1: hate, despise; -0.8: loathe, curse; -0.6: fear, dread; -0.4: avoid, criticise;"
        "-0.2: doubt, overlook; 0: know, see, notice; 0.2: accept, respect; 0.4: welcome, recommend;"
        "0.6: like, value; 0.8: admire, enjoy; 1: love, adore"
    ),
    effects=Graded.of(
        "-1: sickens, horrifies; -0.8: torments, shatters; -0.6: angers, disappoints; -0.4: bothers, annoys;"
        "-0.2: tires, puzzles; 0: concerns, reaches; 0.2: warms, soothes; 0.4: interests, comforts;"
        "0.6: pleases, convinces; 0.8: gladdens, delights; 1: thrills, enchants"
    ),
    degrees=Graded.of(
        "-1: mildly; -0.7: slightly, a little; -0.4: somewhat, rather; 0: fairly, quite;"
        "0.4: very, really; 0.7: totally, extremely; 1: insanely, unbelievably"
    ),
    openings=Graded.of("-0.8: hm, uhm; -0.4: so, anyway; 0: yes, now; 0.4: oh, hey; 0.8: man, gosh"),
    things=_things(
        "the film, the beginning, the ending, the sound, the tap, the price, the neighbour, the garden, the "
        "train, the coffee, the advert, the music, the kitchen, the voice, the colour, the journey, the "
        "town, the job, the flat, the idea, the picture, the song, the weather, the food, the noise, the "
        "book, the scene, the light, the talk, the house"
    ),
    templates=(
        "{open} {subject} was {degree} {adjective}",
        "{open} {subject} is {degree} {adjective} to me",
        "{open} i found {object} {degree} {adjective}",
        "{open} {adverb} {subject} was {degree} {adjective}",
        "{open} {subject} {effect} me and is {degree} {adjective}",
        "{open} i {verb} {object} and find it {degree} {adjective}",
        "{open} i {verb} {object} because it {effect} me",
        "{open} {adverb} {subject} still {effect} me today",
        "{open} {subject} was both {adjective} and {degree} {adjective}",
        "{open} we said that {subject} would be {degree} {adjective}",
    ),
)

LEXICONS: dict[Language, Lexicon] = {"de": GERMAN, "en": ENGLISH}
