"""Anyone's own data in small: a manifest of films and sounds with one value a file, or a trace."""

from __future__ import annotations

from pathlib import Path

from media.films import make_film, tone

TABLE = """\
file;name;partition;speaker;dyad;subject;language;transcript;turns;arousal;valence;trace;remark
films/Anna & Ben.mp4;;Train;Anna;1;left;DE;words/Anna.csv;turns/Anna.csv;;;gold/Anna.csv;
films/Anna & Ben.mp4;;Train;Ben;1;right;de;words/leer.csv;;;;;"sagt ""nichts"" "
tones/a.wav;;dev;Cläre;2;;;none;;0,5;-0,25;;
tones/b.wav;zweiter;Test;Dörte;3;;;;;1;;;"a; b"
tones/more/a.wav;;test;Dörte;3;;;;;;;;
"""


def build(root: Path) -> Path:
    """Write the folder: Windows-1252, CRLF, decimal commas, one film with two people."""
    for folder in ("films", "words", "turns", "gold", "tones/more"):
        (root / folder).mkdir(parents=True)
    sound = [(0.0, tone(3.0, 22_050))]
    make_film(root / "films" / "Anna & Ben.mp4", [k / 10 for k in range(30)], sound, rate=22_050)
    for name in ("a", "b", "more/a"):
        make_film(
            root / "tones" / f"{name}.wav", sounds=[(0.0, tone(2.0, 16_000))], rate=16_000, sound="pcm_s16le"
        )
    (root / "words" / "Anna.csv").write_text("0.1;1.2;'Grüße; und \"Tschüss\"'\n", encoding="utf-8")
    (root / "words" / "leer.csv").write_text("")
    (root / "turns" / "Anna.csv").write_text("0.0;1.5\n")
    rows = [f"{k / 10:.1f},{k / 100:.2f},{-k / 100:.2f}\n" for k in range(30)]
    (root / "gold" / "Anna.csv").write_text("time,valence,arousal\n" + "".join(rows))
    (root / "manifest.csv").write_bytes(TABLE.replace("\n", "\r\n").encode("cp1252"))
    return root
