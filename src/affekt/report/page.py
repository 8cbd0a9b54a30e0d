"""The report: one HTML file that holds a whole prediction and asks nothing of a network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

import numpy as np

from affekt.report.payload import payload
from affekt.report.summary import (
    LABELS,
    clock,
    decimals,
    headline,
    judged,
    length,
    mean_weights,
    percent,
    signed,
)
from affekt.timeline import FRAME_RATE, Prediction

MEANING = (
    "Arousal runs from calm (−1) to excited (+1) and valence from unpleasant (−1) to pleasant (+1): "
    "an estimate, ten times a second, of how a person appears to others in face, voice and words. "
    "It is not what they feel, it can be wrong about anyone at any moment, and it is not for judging people "
    "at work, at school or anywhere else."
)
"""What the two numbers mean, and what they do not."""

_VIDEO = '<video id="video" controls playsinline preload="metadata" hidden><source src="{}"></video>'
_STYLES = ("base.css", "page.css")
_SCRIPTS = ("chart.js", "panels.js", "page.js")
_STEPS = (1, 10, 20, 50, 100, 300, 600, 1_200, 3_000, 6_000)
_ROWS = 40
"""Frames a row of the table may average, and how many rows it may have."""


def render(prediction: Prediction, source: str | None) -> str:
    """The report as one self-contained HTML page; the same prediction gives the same text.

    Args:
        prediction: what the page shows. Its name, words and warnings are untrusted and escaped.
        source: path of the recording as seen from the page (relative, either kind of slash), or None. It is
            linked, not embedded: where the browser can play it, it runs in step with the cursor.
    """
    style, script = ("".join(map(_resource, names)) for names in (_STYLES, _SCRIPTS))
    packed = json.dumps(payload(prediction), separators=(",", ":"), allow_nan=False)
    step, table = _table(prediction)
    url = _url(source) if source else None
    fields = {
        "policy": escape(_policy(style, script)),
        "style": style,
        "script": script,
        # A data block ends at the first "</script" whatever JSON thinks, so no "<" may stand in it.
        "data": packed.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        "name": escape(prediction.name),
        "headline": escape(headline(prediction).replace(" %", "\u00a0%")),
        "meaning": escape(MEANING),
        "facts": _facts(prediction),
        "warnings": _warnings(prediction),
        "layout": "" if prediction.stills else "bare",
        "video": _VIDEO.format(url) if url else "",
        "link": f'<a href="{url}">Open {escape(prediction.name)}</a>' if url else "",
        "key": _key(prediction),
        "step": step,
        "table": table,
        "footer": _footer(prediction),
    }
    # One pass: what is put in is never searched for further fields.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: fields[match[1]], _resource("template.html"))


def _resource(name: str) -> str:
    return files("affekt.report").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing may be fetched but the linked recording; only our own style and script, by hash, may run."""
    allowed = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (style, script)
    )
    return (
        "default-src 'none'; style-src {}; script-src {}; img-src data:; media-src file: 'self'; "
        "base-uri 'none'; form-action 'none'".format(*allowed)
    )


def _url(path: str) -> str:
    """A path as a quoted URL: relative stays relative, so that page and recording can move together."""
    windows = PureWindowsPath(path)
    if windows.drive:
        return escape(windows.as_uri())
    if path.startswith("/"):
        return escape(PurePosixPath(path).as_uri())
    # "./" and the quoted colon keep "javascript:…" a file name.
    return "./" + quote(path.replace("\\", "/"))


def _facts(prediction: Prediction) -> str:
    """The terms and figures under the headline."""
    rows = [
        ("", "Length", length(len(prediction)), "10 frames a second" if len(prediction) > 1 else "one frame")
    ]
    seen = judged(prediction)
    for name, values in (("arousal", prediction.arousal), ("valence", prediction.valence)):
        if seen.any():
            part = values[seen].astype(np.float64)
            span = f"from {signed(part.min())} to {signed(part.max())}" if len(part) > 1 else ""
            rows.append((name, f"Mean {name}", signed(part.mean()), span))
    weights = mean_weights(prediction)
    for axis, (name, share) in enumerate(prediction.shares.items()):
        weight = (
            f"mean weight {percent(float(weights[axis]))}"
            if weights is not None and share
            else "of the frames"
        )
        rows.append(("", f"{LABELS[name].capitalize()} present", percent(share), weight))
    return "".join(
        f'<div><dt class="{kind}">{term}</dt><dd>{_minus(value)}<small>{_minus(detail)}</small></dd></div>'
        for kind, term, value, detail in rows
    )


def _minus(text: str) -> str:
    """Escaped, with the true minus sign and a dash for what is missing."""
    return escape("–" if text == "-" else text.replace("-", "−"))


def _warnings(prediction: Prediction) -> str:
    rows = "".join(f"<li>{escape(str(text))}</li>" for text in prediction.info.get("warnings", ()))
    return f'<ul class="warnings">{rows}</ul>' if rows else ""


def _key(prediction: Prediction) -> str:
    """The legend under the charts."""
    parts = [
        f'<span class="key"><i class="part {label}"></i>{label.capitalize()}</span>'
        for label in LABELS.values()
    ]
    parts.append('<span class="key"><i class="hatched"></i>nothing there to judge</span>')
    about = ""
    if prediction.band is not None:
        share = _band_share(prediction)
        name = f"{percent(share)} band" if share else "band"
        marks = '<i class="band arousal"></i><i class="band valence"></i>'
        parts.append(f'<span class="key">{marks}{escape(name)}</span>')
        holds = f"expected to hold {percent(share)} of the true values" if share else "how far off it may be"
        about = f"Light areas around the lines: {escape(holds)}. "
    if prediction.modality_weights is None:
        below = "Bars: when each was present. This model joins by concatenation, which has no weights."
    else:
        below = "Bars: when each was present. Area: how much each weighed."
    return f"{''.join(parts)}<br>{about}{below} Arrow keys move the cursor, with shift by a second."


def _band_share(prediction: Prediction) -> float | None:
    """The share of the errors that the band is to hold; None where it is not said."""
    share = prediction.info.get("band")
    return share if isinstance(share, float) and 0 < share < 1 else None


def _table(prediction: Prediction) -> tuple[str, str]:
    """How much time a row averages, in words, and the table: for readers without a screen or a script."""
    frames = len(prediction)
    step = next((step for step in _STEPS if step * _ROWS >= frames), -(-frames // _ROWS))
    seen, weights = judged(prediction), prediction.modality_weights
    names = [label.capitalize() for label in LABELS.values()]
    heads = ["Time", "Arousal", "Valence", *(f"{name} present" for name in names)]
    heads += [f"{name} weight" for name in names] if weights is not None else []
    heads += ["Arousal ±", "Valence ±"] if prediction.band is not None else []
    rows = []
    for first in range(0, frames, step):
        part = slice(first, first + step)
        there = seen[part]
        cells = [signed(_mean(values[part][there])) for values in (prediction.arousal, prediction.valence)]
        cells += [percent(float(share)) for share in prediction.presence[part].mean(axis=0)]
        if weights is not None:
            cells += [percent(_mean(weights[part, axis][there])) for axis in range(3)]
        if prediction.band is not None:
            cells += [decimals(_mean(prediction.band[part, d][there])) for d in range(2)]
        rows.append(
            f'<tr><th scope="row">{clock(first)}</th>{"".join(f"<td>{_minus(c)}</td>" for c in cells)}</tr>'
        )
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    words = "one frame" if step == 1 else f"{step / FRAME_RATE:g} s"
    return words, f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _footer(prediction: Prediction) -> str:
    """Which model said so, under which alignment."""
    named = (("model", "Model"), ("fusion", "fusion"), ("alignment", "text alignment"), ("version", "affekt"))
    parts = [
        f"{label} {escape(str(prediction.info[key]))}" for key, label in named if prediction.info.get(key)
    ]
    return " · ".join([*parts, "Made on this machine; nothing was sent anywhere."])
