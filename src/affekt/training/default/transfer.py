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
from affekt.training.default.fresh import refuse_older, weights
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


def train_head(folder: Path, train: fusion.Features, devel: fusion.Features, epochs: int = 6) -> FusedHead:
    """The voice's head, as fusion's head learns from single utterances; its log has devel's CCCs."""
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
        y, scores = judged(model, devel), Scores()
        for i, corpus in enumerate(speech.CORPORA):
            own = (devel.speech_corpus == i).numpy()
            arousal, valence = ccc(y[own], devel.speech_gold[own].numpy())
            scores |= {f"{corpus} arousal": float(arousal), f"{corpus} valence": float(valence)}
        return scores

    settings = FitSettings(epochs, 1e-3, warmup=60, average=0.99)
    loss = lambda rows: fusion.batch_loss(model, batches.speech(rows))  # noqa: E731
    fit(folder, model, grouped(model, 0.02), drawn, loss, score, settings)
    return model


@torch.no_grad()
def judged(model: FusedHead, features: fusion.Features) -> np.ndarray:
    """Mean arousal and valence of each utterance, (U, 2)."""
    batches, rows = fusion.Batches(features), torch.arange(len(features.speech_gold))
    parts = [batches.speech(part) for part in rows.split(BATCH)]
    return torch.cat([speech.mean_over(fusion.said(model, b).y, b.mask) for b in parts]).numpy()


def figures(y: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """CCC of both dimensions; r and mean error of arousal, which tell order from place: all of (N, 2)."""
    arousal, valence = ccc(y, gold)
    r = np.corrcoef(y[:, 0], gold[:, 0])[0, 1]
    found = {"arousal": arousal, "valence": valence, "arousal, r": r}
    found["arousal, mean error"] = (y - gold)[:, 0].mean()
    return {name: round(float(value), 3) for name, value in found.items()}


def leave_a_corpus_out(
    data: Path, run: Path, spec: ClipSpec, corpus: str = "emodb", epochs: int = 30
) -> None:
    """Train network and head without a corpus and score its devel, for the card: RUN/transfer.json.

    Once more without the emotions that no other corpus has, which nothing could have been learned of.
    """
    others = tuple(name for name in speech.CORPORA if name != corpus)
    name = f"audio-without-{corpus}"
    if not (run / name / "weights.safetensors").exists():
        speech.train_speech(data, run, spec, epochs, others, name)
    refuse_older(run / f"{name}-head", weights(run, name))
    network = fusion.speech_model(run, name).network
    learned, shown = read_speech(data, "train", others), read_speech(data, "devel", speech.CORPORA)
    with torch.no_grad():
        train = heard_alone(fusion.Ear(network, fusion.DISTURBED), learned, spec, speech.SPEEDS[:3])
        devel = heard_alone(fusion.Ear(network, 0.0), shown, spec, (1.0,))
    y = judged(train_head(run / f"{name}-head", train, devel), devel)
    gold = np.stack([u.gold for u in shown])
    known = {u.emotion for u in learned}
    strange = sorted({u.emotion for u in shown if u.corpus == corpus} - known)
    sets = [(c, "yes" if c in others else "no", [u.corpus == c for u in shown]) for c in speech.CORPORA]
    if strange:
        rest = [u.corpus == corpus and u.emotion in known for u in shown]
        sets.append((f"{corpus}, but {', '.join(strange)}", "no", rest))
    rows = [{"devel of": of, "learned from": told, **figures(y[rows], gold[rows])} for of, told, rows in sets]
    write_values(run / "transfer.json", rows)
