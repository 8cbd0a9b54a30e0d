"""When each picture of a film is shown, told by its packets: nothing is decoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from av.stream import Discard

from affekt.errors import MediaError
from affekt.media.container import DAMAGE, open_container, probe

GAP = 0.04
"""Seconds between pictures while nothing tells."""


def picture_times(path: Path) -> np.ndarray:
    """When the pictures of a film start, for labels that have one row a picture.

    Returns:
        (N,) float64 seconds from the recording's start (`Contents.start`), rising. Packets without a time
        follow the last one at the film's own pace. The list ends where the file is damaged, or its clock
        leaps further than it lasts.

    Raises:
        MediaError: as `probe`, or there is no picture in it.
    """
    contents = probe(path)
    if contents.video is None:
        raise MediaError(f"{path}: there is no picture in it")
    if contents.still:
        return np.zeros(1)
    times: list[float] = []
    with open_container(path) as container:
        for other in container.streams:
            if other.index != contents.video:
                other.discard = Discard.all
        stream = container.streams[contents.video]
        # AVI and raw streams say when a picture is decoded, not when it is shown: sorted, it is the same.
        last, gap = -1.0, float(1 / rate) if (rate := stream.average_rate) else GAP
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except DAMAGE:  # the end of what can be read
                break
            if packet is None:
                break
            if packet.size == 0 or packet.is_discard:  # the demuxer's farewell, or cut off by an edit list
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            base = packet.time_base
            time = last + gap if stamp is None or not base else float(stamp * base) - contents.start
            time = max(time, 0.0) if last < 0 else time
            if not contents.believable(time, max(last, 0.0)):
                break
            last = time
            times.append(time)
    return np.sort(np.array(times, np.float64))
