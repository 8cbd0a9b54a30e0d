"""Which files a run reads and which it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from affekt.errors import MediaError, OutputError

MEDIA = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .wmv .mpg .mpeg .ts .3gp .flv .ogv"
    " .wav .mp3 .flac .m4a .ogg .oga .opus .aac .wma .aiff .jpg .jpeg .png .bmp .webp".split()
)
"""Endings that are taken from a folder; a file that is named is tried whatever its ending."""
TRANSCRIPTS = frozenset((".srt", ".vtt"))


def find_inputs(paths: Sequence[Path]) -> list[Path]:
    """Files as they are named; of a folder, the recordings in it and the transcripts that stand alone.

    Raises:
        MediaError: a folder has no recording in it.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        media = [p for p in files if p.suffix.lower() in MEDIA]
        stems = {p.stem for p in media}
        media += [p for p in files if p.suffix.lower() in TRANSCRIPTS and p.stem not in stems]
        if not media:
            raise MediaError(f"{path}: there is no recording in this folder; name a file or another folder")
        found += media
    return list(dict.fromkeys(found))


def name_outputs(inputs: Sequence[Path]) -> dict[Path, str]:
    """The name of each input's outputs: its stem; with its ending, folder or a number where two would clash."""
    ways = (
        lambda p: p.stem,
        lambda p: p.name,
        lambda p: f"{p.resolve().parent.name}_{p.name}",
    )
    names = {p: ways[0](p) for p in inputs}
    for way in ways[1:]:
        # Names that differ in case only are one file on many systems.
        counts = Counter(name.casefold() for name in names.values())
        names = {p: way(p) if counts[name.casefold()] > 1 else name for p, name in names.items()}
    taken: set[str] = set()
    for p, name in names.items():
        number = 2
        while names[p].casefold() in taken:
            names[p], number = f"{name}_{number}", number + 1
        taken.add(names[p].casefold())
    return names


def make_folder(folder: Path) -> Path:
    """Make the output folder and see that it can be written to.

    Raises:
        OutputError: it cannot.
    """
    from affekt.timeline.files import atomic

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error}); choose another with --out") from error
    probe = folder / ".affekt-probe"
    with atomic(probe) as part:
        part.write_bytes(b"")
    probe.unlink()
    return folder
