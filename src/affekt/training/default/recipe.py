"""From the labelled data to the default bundle: three unimodal stages, the fusion, the export, its card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from affekt.networks import Multimodal
from affekt.runtime.words import FILES
from affekt.timeline import ClipSpec
from affekt.training.default import (
    card,
    coverage,
    faces,
    fusion,
    pairs,
    sentences,
    speech,
    takes,
    transfer,
    waveform,
)
from affekt.training.default.data import look_over, read_faces, read_sentences
from affekt.training.default.fresh import NETWORKS, fresh, weights
from affekt.training.default.times import clocked
from affekt.training.encoders import minilm_folder
from affekt.training.export import write_bundle
from affekt.training.loop import WEIGHTS
from affekt.training.memory import keep_freed
from affekt.training.quantise import Calibration

SPEC = ClipSpec(
    image_size=faces.SIZE,
    crop_margin=-0.06,
    crop_shift=-0.03,
    cutoff=8_000,
    level=-10.0,
    level_floor=-60.0,
    languages=("en",),
)
"""All training speech is 16 kHz, so users' sound is cut at 8 kHz too; its level is evened out causally."""


def run_stages(data: Path, run: Path, stage: str | None = None, threads: int | None = None) -> None:
    """Run one stage or all; each goes on where it was stopped, and is over at once if it is done.

    Args:
        data: folder with ferplus/, emobank/, speech.csv and the speech corpora.
        run: where checkpoints, logs, cached features and, at the end, `bundle/` lie.
        stage: one of `STAGES`.

    Raises:
        CorpusError: of all stages, one will lack its data.
        ConfigError: fusion has learned on networks that were trained anew since.
    """
    keep_freed()
    if threads:
        torch.set_num_threads(threads)
    if not stage:
        look_over(data)
        takes.read_units(data / takes.UNITS)  # nobody else reads them before the very end
    for name in [stage] if stage else STAGES:
        made, sources = run / name / WEIGHTS, weights(run, *LEARNED_ON.get(name, ()))
        if fresh(made, sources):
            print(f"{name}: done before", flush=True)
            continue
        print(f"{name} …", flush=True)
        with clocked(run, name):
            STAGES[name](data, run)


def assemble(run: Path) -> tuple[torch.nn.Module, Multimodal]:
    """The encoder and the whole model with the weights of all stages."""
    text = fusion.text_model(run)  # its encoder's layers in int8, as the fusion has learned from them
    model = Multimodal(fusion.CONFIG)
    model.text = text.network
    model.audio = fusion.speech_model(run).network
    model.visual = fusion.face_model(run).network
    model.fused_head.load_state_dict(load_file(run / "fusion" / "weights.safetensors"))
    return text.encoder.eval(), model.eval()


def export(data: Path, run: Path) -> None:
    """Write run/bundle with a card that says what is known by now."""
    encoder, model = assemble(run)
    tokenizer = (minilm_folder() / FILES["wordpieces"]).read_bytes()
    text = card.write(data, run, SPEC, model)
    write_bundle(
        run / "bundle",
        "default",
        encoder,
        model,
        SPEC,
        tokenizer,
        "wordpieces",
        text,
        band=coverage.measure_band(data, run, SPEC, model.fused_head),
        calibration=shown_to_int8(data),
    )
    print(f"wrote {run / 'bundle'}")


def shown_to_int8(data: Path) -> Calibration:
    """Some sentences and faces of training, by which the int8 graphs' ranges are set."""
    words, texts = sentences.tokenizer(), read_sentences(data, "train").texts
    feeds = [
        {"pieces": e.pieces, "piece_word": e.piece_word, "piece_mask": e.piece_mask, "word_mask": e.word_mask}
        for e in (words.encode([text]) for text in texts[:: max(1, len(texts) // 200)])
    ]
    images = read_faces(data, "train").images
    shown = images[:: max(1, len(images) // 256)]
    return feeds, np.repeat(shown[..., None], 3, -1)


def check(data: Path, run: Path) -> None:
    """Measure for the card what is not measured of this fusion yet: others, and what `CHECKS` names."""
    for name, measure in CHECKS.items():
        if not fresh(run / f"{name}.json", weights(run, "fusion")):
            measure(data, run)


CHECKS: dict[str, Callable[[Path, Path], object]] = {
    "fusions": lambda data, run: fusion.compare_fusions(data, run, SPEC),
    "transfer": lambda data, run: transfer.leave_a_corpus_out(data, run, SPEC),
    "comparison": lambda data, run: waveform.compare_inputs(data, run, SPEC),
    "pairs": lambda data, run: pairs.check_pairs(data, run, run / "bundle"),
}
"""What each leaves in RUN/NAME.json: five fusions, a corpus left out, the raw waveform, real pairs."""
STAGES: dict[str, Callable[[Path, Path], object]] = {
    "faces": faces.train_faces,
    "text": sentences.train_sentences,
    "audio": lambda data, run: speech.train_speech(data, run, SPEC),
    "fusion": lambda data, run: fusion.train_fusion(data, run, SPEC),
    "bundle": export,
    "checks": check,
    "card": card.finish,
}
"""In the order in which they need each other. The last two have no weights: they are done each time."""
LEARNED_ON = {"fusion": NETWORKS, "bundle": (*NETWORKS, "fusion")}
"""The stages whose weights another one is made of."""
