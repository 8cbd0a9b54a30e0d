"""The film of the benchmarks: 60 s of a drawn face and its transcript; its beginning, and loops of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path

import av

from affekt.media.transcripts import read_transcript
from affekt.timeline import Sentence

MAKER = Path(__file__).parent.parent / "scripts" / "make_demo.py"
FOLDER = Path(tempfile.gettempdir()) / "affekt-benchmarks"
SECONDS = 60


def add_folder(parser: ArgumentParser) -> None:
    """The argument for where the films lie."""
    parser.add_argument(
        "--films", type=Path, default=FOLDER, help="folder to make the films in [%(default)s]"
    )


def bench_film(folder: Path) -> Path:
    """The 60 s film, 640 × 480, 25 pictures a second, H.264 and AAC; made if it is not there."""
    film = folder / "bench.mp4"
    if not film.with_suffix(".srt").exists():
        print(f"making {film} …", file=sys.stderr)
        subprocess.run([sys.executable, str(MAKER), "--bench", str(folder)], check=True, stdout=sys.stderr)
    return film


def shortened(film: Path, seconds: int) -> Path:
    """The beginning of the film with its part of the transcript, as NAME-10s.mp4; not coded anew."""
    target = film.with_stem(f"{film.stem}-{seconds}s")
    _copy(film, target, loops=1, until=seconds)
    lines = read_transcript(film.with_suffix(".srt"))
    _write_srt(target, (Sentence(s.start, min(s.end, seconds), s.text) for s in lines if s.start < seconds))
    return target


def looped(film: Path, minutes: int) -> Path:
    """The film over and over with its transcript, as NAME-20min.mp4; not coded anew."""
    target = film.with_stem(f"{film.stem}-{minutes}min")
    _copy(film, target, loops=minutes * 60 // SECONDS, until=SECONDS)
    lines = read_transcript(film.with_suffix(".srt"))
    starts = range(0, 60 * minutes, SECONDS)
    _write_srt(target, (Sentence(s.start + at, s.end + at, s.text) for at in starts for s in lines))
    return target


def _copy(source: Path, target: Path, loops: int, until: int) -> None:
    """Copy the packets that are decoded before `until` seconds, once or several times."""
    with av.open(str(target), "w") as output:
        copies, last = {}, {}
        for loop in range(loops):
            with av.open(str(source)) as container:
                for stream in container.streams:
                    if stream.index not in copies:
                        copies[stream.index] = output.add_stream_from_template(stream)
                for packet in container.demux():
                    if packet.dts is None or packet.dts * packet.time_base >= until:
                        continue
                    shift, index = round(loop * SECONDS / packet.time_base), packet.stream.index
                    packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
                    if packet.dts <= last.get(index, -(2**62)):
                        continue  # the sound of one round is a few milliseconds longer than its picture
                    last[index] = packet.dts
                    packet.stream = copies[index]
                    output.mux(packet)


def _write_srt(film: Path, lines: Iterable[Sentence]) -> None:
    blocks = (f"{n}\n{_clock(s.start)} --> {_clock(s.end)}\n{s.text}\n" for n, s in enumerate(lines, 1))
    film.with_suffix(".srt").write_text("\n".join(blocks), encoding="utf-8")


def _clock(seconds: float) -> str:
    whole, rest = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{rest:03}"


def add_affekt(parser: ArgumentParser) -> None:
    """The arguments for which affekt is run as a command."""
    base = Path(".venv/bin/python")
    python = base if base.exists() else Path(sys.executable)
    parser.add_argument(
        "--python", type=Path, default=python, help="interpreter that has affekt [%(default)s]"
    )
    parser.add_argument("--model", default="default", help="bundle [%(default)s]")


def run_command(command: list[str]) -> os.struct_rusage:
    """Run a command to its end, its output thrown away; what it used.

    Raises:
        CalledProcessError: it failed; what it said is on the terminal.
    """
    # Where bytecode is not kept, a checkout would be compiled anew at every start, an installed package not.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return usage
