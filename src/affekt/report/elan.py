"""A prediction for ELAN: tiers of annotations, and the trace as its time-series viewer draws it.

ELAN opens NAME.eaf and finds what it links: the recording, NAME.elan.csv with the trace, and
NAME_tsconf.xml, which says how its columns are drawn (ELAN's manual, "The Timeseries Viewer"; the names in
that file are those of ELAN's TimeSeriesConstants).
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from affekt.timeline import DIMENSIONS, FRAME_RATE, Prediction
from affekt.timeline.files import DECIMALS, atomic, write_text

TIERS = tuple(f"affekt_{one}" for one in (*DIMENSIONS, "sentences"))
"""`affekt predict` does not take tiers of these names for a transcript."""
COLOURS = ("200,80,30", "30,90,190")
"""Red, green, blue of each dimension's line."""

_PROVIDER = "mpi.eudico.client.annotator.timeseries.csv.CSVServiceProvider"
_SECOND = 1000
_KINDS = {
    **dict.fromkeys(("mp4", "m4v"), "video/mp4"),
    **dict.fromkeys(("mpg", "mpeg"), "video/mpeg"),
    "mov": "video/quicktime",
    "wav": "audio/x-wav",
    **dict.fromkeys(("mp3", "flac", "m4a", "aac", "ogg", "opus"), "audio/*"),
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def elan_files(path: Path) -> tuple[Path, Path, Path]:
    """The three files that `write_elan` writes for NAME.eaf: the table, how to draw it, and NAME.eaf itself.

    >>> [one.name for one in elan_files(Path("talk.eaf"))]
    ['talk.elan.csv', 'talk_tsconf.xml', 'talk.eaf']
    """
    return path.with_suffix(".elan.csv"), path.with_name(f"{path.stem}_tsconf.xml"), path


def write_elan(prediction: Prediction, path: Path, source: str | None = None) -> None:
    """Write NAME.eaf and what it links; each file is whole or not there, NAME.eaf last.

    The tiers `affekt_arousal` and `affekt_valence` hold the mean of each second in two decimals, of the
    frames in which anything was there to judge, and no annotation where nothing was. `affekt_sentences` holds
    what was read of the transcript, each sentence cut where the next begins. The table has a row a frame:
    the frame's start in seconds, arousal, valence, six decimals, separated by semicolons; its header is a
    comment to ELAN.

    Args:
        prediction: what is written.
        path: NAME.eaf.
        source: the recording as seen from NAME.eaf's folder, None if it is not there to be linked.

    Raises:
        OutputError: a file cannot be written.
    """
    from pympi.Elan import Eaf, to_adocument  # late: seldom wanted

    table, config, _ = elan_files(path)
    eaf = Eaf(author="affekt")
    eaf.remove_tier("default")
    for name, tier in zip(TIERS, (*_seconds(prediction), _sentences(prediction)), strict=True):
        eaf.add_tier(name, part="affekt")
        for start, end, text in tier:
            eaf.add_annotation(name, start, end, _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
    if source is not None:
        kind = _KINDS.get(Path(source).suffix.lower().removeprefix("."), "video/*")
        eaf.add_linked_file(_url(path.parent / source), _beside(source), kind)
    eaf.add_secondary_linked_file(_url(table), _beside(table.name), "text/plain")
    eaf.add_secondary_linked_file(_url(config), _beside(config.name), "text/xml")
    _write_table(prediction, table)
    _write_xml(_drawing(table), config)
    _write_xml(to_adocument(eaf), path)


def _seconds(prediction: Prediction) -> list[list[tuple[int, int, str]]]:
    """Of each dimension: start and end in ms and the mean, second by second."""
    there = np.any(prediction.presence, axis=1)
    tiers: list[list[tuple[int, int, str]]] = [[], []]
    for first in range(0, len(prediction), FRAME_RATE):
        kept = np.flatnonzero(there[first : first + FRAME_RATE]) + first
        if not len(kept):
            continue
        end = min(first + FRAME_RATE, len(prediction))
        for tier, values in zip(tiers, (prediction.arousal, prediction.valence), strict=True):
            mean = round(float(values[kept].mean(dtype=np.float64)), 2) + 0.0  # no "-0.00"
            tier.append((first * _SECOND // FRAME_RATE, end * _SECOND // FRAME_RATE, f"{mean:.2f}"))
    return tiers


def _sentences(prediction: Prediction) -> list[tuple[int, int, str]]:
    """Start and end in ms and the text of the sentences; annotations of one tier may not overlap."""
    spoken = sorted((one.sentence for one in prediction.word_weights), key=lambda one: (one.start, one.end))
    starts = [round(one.start * _SECOND) for one in spoken]
    ends = [round(one.end * _SECOND) for one in spoken]
    ends = [min(end, following) for end, following in zip(ends, [*starts[1:], *ends[-1:]], strict=True)]
    rows = zip(starts, ends, (one.text for one in spoken), strict=True)
    return [(start, end, text) for start, end, text in rows if start < end]


def _write_table(prediction: Prediction, path: Path) -> None:
    rows = np.column_stack([prediction.time, prediction.arousal, prediction.valence])
    lines = [f"# time;{';'.join(DIMENSIONS)}"]
    for start, *values in (np.round(rows, DECIMALS) + 0.0).tolist():
        lines.append(";".join([f"{start:.3f}", *(f"{value:.{DECIMALS}f}" for value in values)]))
    write_text(path, "\n".join(lines) + "\n")


def _drawing(table: Path) -> Element:
    """What ELAN keeps in NAME_tsconf.xml: a line for each dimension on a scale of −1 to 1."""
    root = Element("timeseries", date=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), version="1.0")
    # The address must be the one that the .eaf links: where ELAN finds that file elsewhere, it corrects both.
    how = {"source-url": _url(table), "time-column": "0", "sample-type": "Discontinuous Rate"}
    columns = SubElement(root, "tracksource", how)
    SubElement(columns, "property", key="provider", value=_PROVIDER)
    for column, (name, colour) in enumerate(zip(DIMENSIONS, COLOURS, strict=True), 1):
        track = SubElement(columns, "track", name=name, derivative="0")
        SubElement(track, "property", key="detect-range", value="false")
        SubElement(SubElement(track, "sample-position"), "pos", row="0", col=str(column))
        SubElement(track, "description").text = f"{name}, predicted by affekt"
        SubElement(track, "units")
        SubElement(track, "range", min="-1.0", max="1.0")
        SubElement(track, "color").text = colour
    ElementTree.indent(root)
    return root


def _write_xml(root: Element, path: Path) -> None:
    with atomic(path) as part:
        part.write_bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _url(path: Path) -> str:
    """An address as ELAN writes it: the absolute path, nothing escaped."""
    where = path.resolve().as_posix().encode("utf-8", "replace").decode("utf-8")
    return f"file://{where}" if where.startswith("/") else f"file:///{where}"


def _beside(source: str) -> str:
    where = Path(source).as_posix()
    return where if where.startswith(".") else f"./{where}"
