"""Which files a run reads and which it writes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from affekt.errors import MediaError, OutputError

_FILMS = "mp4 m4v mov 3gp avi mkv webm wmv asf flv mpg mpeg vob ts mts m2ts ogv"
_SOUNDS = "wav mp3 flac m4a aac ogg oga opus wma aif aiff amr mka"
_PICTURES = "jpg jpeg png bmp webp tif tiff"
MEDIA = frozenset(f".{ending}" for ending in f"{_FILMS} {_SOUNDS} {_PICTURES}".split())
"""Endings that are taken from a folder; a file that is named is tried whatever its ending."""
TRANSCRIPTS = frozenset((".srt", ".vtt"))


def find_inputs(paths: Sequence[Path]) -> list[Path]:
    """Files as they are named; of a folder, the recordings in it and the transcripts that stand alone.

    Raises:
        MediaError: a folder has no recording in it.
    """
    found: list[Path] = []
    for path in paths:
        found += _inside(path) if os.path.isdir(path) else [path]
    return list({path.absolute(): path for path in found}.values())


def _inside(folder: Path) -> list[Path]:
    try:
        files = sorted(p for p in folder.iterdir() if os.path.isfile(p) and not p.name.startswith("."))
    except OSError as error:
        raise MediaError(f"{folder}: cannot be looked into ({error.strerror or error})") from error
    media = [p for p in files if p.suffix.lower() in MEDIA]
    stems = {p.stem for p in media}
    media += [p for p in files if p.suffix.lower() in TRANSCRIPTS and p.stem not in stems]
    if not media:
        raise MediaError(f"{folder}: there is no recording in this folder; name a file or another folder")
    return media


def name_outputs(inputs: Sequence[Path]) -> dict[Path, str]:
    """Name each input's outputs: its stem, with its ending, folder or a number where two would clash."""
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


def spare_inputs(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """See that no output takes the place of an input, or of its transcript (talk.json beside talk.mp4).

    Where an input is a folder, nothing in it is taken.

    Raises:
        OutputError: something would be.
    """
    from affekt.media.transcripts import find_transcript

    given = list(inputs)
    folders = {os.path.realpath(one): one for one in given if os.path.isdir(one)}
    files = [path for one in given for path in (one, find_transcript(one)) if path is not None]
    taken = {os.path.realpath(path) for path in files} - folders.keys()
    for output in outputs:
        real = os.path.realpath(output)
        if real in taken:
            raise OutputError(f"{output}: would take the place of what is read; give another name")
        for place in map(str, (real, *Path(real).parents)):
            if place in folders:
                raise OutputError(
                    f"{output}: lies in {folders[place]}, which is read; give a name outside of it"
                )


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make the output folder and see that it can be written to; one that stays empty is taken away again.

    Raises:
        OutputError: it cannot.
    """
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        _make(folder)
        yield
    finally:
        for one in missing:
            with suppress(OSError):  # not empty
                one.rmdir()


def _make(folder: Path) -> None:
    from affekt.timeline.files import atomic

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({error.strerror or error}); choose another with --out"
        ) from error
    probe = folder / ".affekt-probe"
    with atomic(probe) as part:
        part.write_bytes(b"")
    probe.unlink()
