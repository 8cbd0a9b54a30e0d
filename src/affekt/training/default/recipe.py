"""From the labelled data to the default bundle: three unimodal stages, the fusion, the export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from affekt.networks import Multimodal
from affekt.runtime.words import FILES
from affekt.timeline import ClipSpec
from affekt.training.default import card, coverage, faces, fusion, sentences, speech
from affekt.training.encoders import minilm_folder
from affekt.training.export import write_bundle

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
    """
    if threads:
        torch.set_num_threads(threads)
    stages: dict[str, Callable[[], object]] = {
        "faces": lambda: faces.train_faces(data, run),
        "text": lambda: sentences.train_sentences(data, run),
        "audio": lambda: speech.train_speech(data, run, SPEC),
        "fusion": lambda: fusion.train_fusion(data, run, SPEC),
        "bundle": lambda: export(data, run),
    }
    for name in [stage] if stage else stages:
        print(f"{name} …", flush=True)
        stages[name]()


def assemble(run: Path) -> tuple[torch.nn.Module, Multimodal]:
    """The encoder and the whole model with the weights of all stages."""
    text = fusion.text_model(run)
    model = Multimodal(fusion.CONFIG)
    model.text = text.network
    model.audio = fusion.speech_model(run).network
    model.visual = fusion.face_model(run).network
    model.fused_head.load_state_dict(load_file(run / "fusion" / "weights.safetensors"))
    return text.encoder.eval(), model.eval()


def export(data: Path, run: Path) -> None:
    """Write run/bundle with its card."""
    encoder, model = assemble(run)
    tokenizer = (minilm_folder() / FILES["wordpieces"]).read_bytes()
    text = card.write(data, run, SPEC, model)
    band = coverage.measure_band(data, run, SPEC, model.fused_head)
    write_bundle(run / "bundle", "default", encoder, model, SPEC, tokenizer, "wordpieces", text, band=band)
    print(f"wrote {run / 'bundle'}")
