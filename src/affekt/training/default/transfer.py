"""What the voice's part of the recipe knows of a corpus it never heard: another language, another room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affekt.networks import FusedHead
from affekt.scoring import ccc
from affekt.timeline import ClipSpec
from affekt.timeline.files import write_values
from affekt.training.default import fusion, speech
from affekt.training.default.data import Speech, read_speech
from affekt.training.evening import start_evenly
from affekt.training.loop import FitSettings, Scores, fit, grouped

BATCH, STEPS = 32, 60
"""Utterances of a step, and steps of an epoch."""


def heard_alone(
    ear: fusion.Ear, said: list[Speech], spec: ClipSpec, speeds: tuple[float, ...]
) -> fusion.Features:
    """Features of utterances, without faces, sentences, or sequences."""
    alone, present, starts = ear.utterances(said, spec, speeds)
    again, none = len(speeds), torch.zeros(0, dtype=torch.int64)
    text, _, visual = (torch.zeros(2, size) for size in fusion.CONFIG.sizes)
    return fusion.Features(
        text=text,
        text_gold=torch.zeros(2, 2),
        has_words=torch.ones(2, dtype=torch.bool),
        face=visual,
        face_gold=torch.zeros(2, 2),
        speech=alone,
        speech_start=starts,
        speech_heard=present,
        speech_gold=torch.from_numpy(np.stack([u.gold for u in said] * again)),
        speech_corpus=torch.tensor([speech.CORPORA.index(u.corpus) for u in said] * again),
        speech_speaker=none,
        audio=alone[:0],
        start=none,
        subject=none,
        has_sound=present[:0],
        speaker=none,
        frame_face=none,
        frame_sentence=none,
        gold=torch.zeros(0, 2),
    )


def train_head(folder: Path, train: fusion.Features, devel: fusion.Features, epochs: int = 6) -> Scores:
    """The voice's head, as fusion's head learns from single utterances; devel CCCs of each corpus."""
    torch.manual_seed(0)
    config = fusion.CONFIG.alone("audio")
    model = FusedHead(config)
    batches = fusion.Batches(train, fusion.FEATURE_NOISE)
    start_evenly(model, config.sizes, {1: batches.samples()[1]})

    def drawn(epoch: int) -> Iterator[Tensor]:
        draw = np.random.default_rng(epoch)
        for _ in range(STEPS):
            yield torch.from_numpy(draw.choice(len(batches.share), BATCH, p=batches.share))

    def score() -> Scores:
        shown, scores = fusion.Batches(devel), Scores()
        for i, corpus in enumerate(speech.CORPORA):
            rows = (devel.speech_corpus == i).nonzero().flatten()
            parts = [shown.speech(part) for part in rows.split(BATCH)]
            y = torch.cat([speech.mean_over(fusion.said(model, b).y, b.mask) for b in parts])
            arousal, valence = ccc(y.numpy(), devel.speech_gold[rows].numpy())
            scores |= {f"{corpus} arousal": float(arousal), f"{corpus} valence": float(valence)}
        return scores

    settings = FitSettings(epochs, 1e-3, warmup=60, average=0.99)
    loss = lambda rows: fusion.batch_loss(model, batches.speech(rows))  # noqa: E731
    return fit(folder, model, grouped(model, 0.02), drawn, loss, score, settings)


def leave_a_corpus_out(
    data: Path, run: Path, spec: ClipSpec, corpus: str = "emodb", epochs: int = 30
) -> None:
    """Train network and head without a corpus and score its devel, for the card: RUN/transfer.json."""
    others = tuple(name for name in speech.CORPORA if name != corpus)
    name = f"audio-without-{corpus}"
    if not (run / name / "weights.safetensors").exists():
        speech.train_speech(data, run, spec, epochs, others, name)
    network = fusion.speech_model(run, name).network
    learned, shown = read_speech(data, "train", others), read_speech(data, "devel", speech.CORPORA)
    with torch.no_grad():
        train = heard_alone(fusion.Ear(network, fusion.DISTURBED), learned, spec, speech.SPEEDS[:3])
        devel = heard_alone(fusion.Ear(network, 0.0), shown, spec, (1.0,))
    scores = train_head(run / f"{name}-head", train, devel)
    rows = [
        {
            "devel of": name,
            "learned from": "yes" if name in others else "no",
            "arousal": round(scores[f"{name} arousal"], 3),
            "valence": round(scores[f"{name} valence"], 3),
        }
        for name in speech.CORPORA
    ]
    write_values(run / "transfer.json", rows)
