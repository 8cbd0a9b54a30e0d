"""Stage 2: fusion and head on cached unimodal features of composed sequences, and of single items.

What is present alone takes its own corpus' gold: a sentence its rating, a face its votes, an utterance its
emotion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from affekt.networks import FUSIONS, FusedHead, FusionConfig, HeadConfig, Judged, MultimodalConfig
from affekt.networks.alternatives.spectrogram import COLUMNS, SpectrogramNetwork
from affekt.networks.encoder import quantise_linears
from affekt.runtime.predictor import SENTENCE_FRAMES
from affekt.scoring import Moments, ccc
from affekt.timeline import DIMENSIONS, ClipSpec
from affekt.timeline.files import write_values
from affekt.training.concordance import concordance_loss
from affekt.training.default import faces, sentences, speech
from affekt.training.default.composed import FACE_VERSIONS, MISHEARD, MISSEEN, Composed, Composer
from affekt.training.default.data import Speech, read_faces, read_sentences, read_speech
from affekt.training.default.disturbed import Disturber
from affekt.training.default.fresh import NETWORKS, fresh, refuse_older, weights
from affekt.training.evening import start_evenly
from affekt.training.loop import FitSettings, Scores, fit, grouped
from affekt.training.precision import quick_half

CONFIG = MultimodalConfig(
    text=sentences.CONFIG,
    audio=speech.CONFIG,
    visual=faces.CONFIG,
    fusion=FusionConfig("residual"),
    head=HeadConfig(dropout=0.3, spread=True),
)
WINDOW = 100
"""Frames of a training window (section 5.3)."""
TRAIN_SEQUENCES, DEVEL_SEQUENCES = 600, 200
SEEDS = {"train": 1, "devel": 0}
"""Of the composed sequences of a split."""
DISTURBED = 0.6
"""How many of the training sequences and utterances are heard disturbed."""
FEATURE_DROPOUT, FEATURE_NOISE = 0.2, 0.5
"""In training, of all features; noise in units of each one's spread. Features of training's own voices and
sentences say more than those of others ever will, and this takes some of it back."""
NEUTRAL = 5.0
"""How often a neutral utterance is drawn, to another one: the corpora act feelings, in life most talk has
few, and what could be calm or neutral had better be taken for neutral."""
STEPS = 120
"""Steps of an epoch."""
SUBSETS = ((1, 1, 1),) * 5 + ((1, 1, 0), (1, 0, 1)) + ((0, 1, 1), (0, 1, 0)) * 2 + ((0, 0, 1),)
"""Which modalities (text, audio, visual) a window keeps, drawn evenly: any subset must work."""


@dataclass
class Features:
    """Cached features of one split; half precision, rows by item."""

    text: Tensor
    """(S, D_t)."""
    text_gold: Tensor
    has_words: Tensor
    """(S,) bool."""
    face: Tensor
    """(F × versions, D_v)."""
    face_gold: Tensor
    speech: Tensor
    """All utterances' frames in a row, (N, frame_size): one half of x^a."""
    speech_start: Tensor
    """(U + 1,) where each utterance starts."""
    speech_heard: Tensor
    """(N,) bool, False where the utterance is silent: there, audio is absent, as it is in use."""
    speech_gold: Tensor
    speech_corpus: Tensor
    """(U,) int64, row of `speech.CORPORA`."""
    speech_speaker: Tensor
    """(U,) int64, row of the split's speakers in order of name."""
    audio: Tensor
    """All composed sequences' frames in a row, (M, frame_size)."""
    start: Tensor
    """(Q + 1,) where each composed sequence starts."""
    subject: Tensor
    """(Q,) int64, whose voice each is, as `speech_speaker`."""
    has_sound: Tensor
    speaker: Tensor
    frame_face: Tensor
    frame_sentence: Tensor
    gold: Tensor


def cached_features(data: Path, run: Path, split: str, spec: ClipSpec) -> Features:
    """Features of `train` or `devel` in run/features, a file a modality; made once for each network."""

    def of(modality: str, stage: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        return kept(run / "features" / f"{split}-{modality}.safetensors", weights(run, stage), make)

    text = of("text", "text", lambda: _text_features(data, run, split))
    face = of("face", "faces", lambda: _face_features(data, run, split, spec))
    composed = of(
        "speech", "audio", lambda: _speech_features(data, run, split, spec, text, face["face_gold"])
    )
    return Features(**text, **face, **composed)


def kept(path: Path, sources: list[Path], make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What a file holds; made and written if it is not there, or older than what it is made of."""
    if not fresh(path, sources):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with torch.no_grad():
            save_file({name: value.contiguous() for name, value in make().items()}, part)
        part.rename(path)
    return load_file(path)


def _speech_features(
    data: Path, run: Path, split: str, spec: ClipSpec, text: dict[str, Tensor], face_gold: Tensor
) -> dict[str, Tensor]:
    utterances = read_speech(data, split, speech.CORPORA)
    ear = Ear(speech_model(run).network, disturbed=DISTURBED if split == "train" else 0.0)
    speeds = speech.SPEEDS[:3] if split == "train" else (1.0,)
    alone, heard, starts = ear.utterances(utterances, spec, speeds)
    mistakes = (MISHEARD, MISSEEN) if split == "train" else ()
    composer = _composer(utterances, text, face_gold, spec, *mistakes)
    count = TRAIN_SEQUENCES if split == "train" else DEVEL_SEQUENCES
    draw = np.random.default_rng(SEEDS[split])
    audio, sequences = [], []
    for _ in range(count):
        sequence = composer.draw(draw)
        audio.append(ear.sequence(sequence))
        sequences.append(replace(sequence, sound=sequence.sound[:0]))  # it is heard, and large
    again, speakers = len(speeds), composer.speakers

    def joined(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(s, name) for s in sequences]))

    return {
        "speech": alone,
        "speech_start": starts,
        "speech_heard": heard,
        "speech_gold": torch.from_numpy(np.stack([u.gold for u in utterances] * again)),
        "speech_corpus": torch.tensor([speech.CORPORA.index(u.corpus) for u in utterances] * again),
        "speech_speaker": torch.tensor([speakers.index(u.speaker) for u in utterances] * again),
        "audio": torch.cat(audio),
        "start": torch.from_numpy(np.cumsum([0, *(len(s.gold) for s in sequences)])),
        "subject": torch.tensor([speakers.index(s.subject) for s in sequences]),
        **{name: joined(name) for name in ("has_sound", "speaker", "frame_face", "frame_sentence", "gold")},
    }


def _composer(
    utterances: list[Speech], text: dict[str, Tensor], face_gold: Tensor, spec: ClipSpec, *mistakes: float
) -> Composer:
    sentence_gold = np.where(text["has_words"].numpy()[:, None], text["text_gold"].numpy(), np.nan)
    return Composer(utterances, face_gold.numpy(), sentence_gold, spec, *mistakes)


def misled(data: Path, features: Features, spec: ClipSpec) -> Features:
    """Devel's composed sequences where every face is of another feeling, as far off as in training."""
    text = {"has_words": features.has_words, "text_gold": features.text_gold}
    utterances = read_speech(data, "devel", speech.CORPORA)
    composer = _composer(utterances, text, features.face_gold, spec, 0.0, 1.0)
    draw = np.random.default_rng(SEEDS["devel"])
    faces = [composer.draw(draw).frame_face for _ in range(len(features.start) - 1)]
    return replace(features, frame_face=torch.from_numpy(np.concatenate(faces)))


class Ear:
    """The trained audio network, hearing some of what it hears disturbed."""

    def __init__(self, network: SpectrogramNetwork, disturbed: float) -> None:
        self.network, self.disturbed = network, disturbed
        self.generator = torch.Generator().manual_seed(0)
        self.disturb = Disturber(speech.CONFIG, self.generator)

    def sequence(self, sequence: Composed) -> Tensor:
        """Frame features (T, frame_size) in half precision."""
        spectra = self.network.spectra(self.network.wave(torch.from_numpy(sequence.sound)[None]))
        present, speaker = torch.from_numpy(sequence.has_sound), torch.from_numpy(sequence.speaker)
        return self.features(spectra, present, speaker)

    def features(self, spectra: Tensor, present: Tensor, speaker: Tensor) -> Tensor:
        """Of spectra (1, 9 T, bands), present (T,), speaker (T,): (T, frame_size) in half precision."""
        if bool(self.disturb.some(self.disturbed, 1)):
            spectra = self.disturb(spectra, self.network.mean)
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            seen = self.network.seen(spectra)
        return self.network.features(seen.float(), present[None], speaker[None])[0].half()

    def utterances(
        self, said: list[Speech], spec: ClipSpec, speeds: tuple[float, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features (N, frame_size) of all utterances at every speed, where they are heard, their starts."""
        features, present, starts = [], [], [0]
        for speed in speeds:
            heard = speech.hear(said, self.network, spec, speed)
            for first, stop in zip(heard.start, heard.start[1:], strict=False):
                spectra = heard.spectra[None, first * COLUMNS : stop * COLUMNS].float()
                there = heard.present[first:stop]
                features.append(self.features(spectra, there, torch.zeros_like(there, dtype=torch.int64)))
                starts.append(starts[-1] + len(there))
            present.append(heard.present)
        return torch.cat(features), torch.cat(present), torch.tensor(starts)


def speech_model(run: Path, name: str = "audio") -> speech.SpeechModel:
    """The audio network that a stage has left."""
    weights = load_file(run / name / "weights.safetensors")
    model = speech.SpeechModel(SpectrogramNetwork(speech.CONFIG), len(weights["emotion.bias"]))
    model.load_state_dict(weights)
    return model.eval()


def face_model(run: Path) -> faces.FaceModel:
    """The visual network of stage 1."""
    model = faces.FaceModel(faces.CONFIG).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.load_state_dict(load_file(run / "faces" / "weights.safetensors"))
    return model.eval()


def text_model(run: Path) -> sentences.TextModel:
    """The encoder, brought to the int8 tables that a bundle keeps it in, and text network of stage 1."""
    model = sentences.TextModel(sentences.CONFIG)
    model.load_state_dict(load_file(run / "text" / "weights.safetensors"))
    quantise_linears(model.encoder.transformer.encoder)
    return model.eval()


def _text_features(data: Path, run: Path, split: str) -> dict[str, Tensor]:
    model, words, items = text_model(run), sentences.tokenizer(), read_sentences(data, split)
    order = sorted(range(len(items.texts)), key=lambda i: len(items.texts[i]))
    x = torch.zeros(len(order), sentences.CONFIG.size)
    has_words = torch.zeros(len(order), dtype=torch.bool)
    for start in range(0, len(order), 64):
        rows = order[start : start + 64]
        inputs = sentences.encoded(words, [items.texts[i] for i in rows])
        x[rows] = model.features(*inputs)[0]
        has_words[rows] = inputs[-1].any(1)
    return {"text": x.half(), "text_gold": torch.from_numpy(items.gold), "has_words": has_words}


def _face_features(data: Path, run: Path, split: str, spec: ClipSpec) -> dict[str, Tensor]:
    """The face itself and gentle warps of it, next to each other."""
    model, items = face_model(run).network, read_faces(data, split)
    images, size = faces.to_tensor(items.images), spec.image_size
    generator = torch.Generator().manual_seed(0)
    out = []
    for part in images.split(64):
        versions = [faces.resized(part, size)]
        warps = (faces.warp(part, size, generator, 0.4) for _ in range(FACE_VERSIONS - 1))
        versions += [one.expand(-1, 3, -1, -1) for one in warps]
        with torch.autocast("cpu", torch.bfloat16, enabled=quick_half(torch.device("cpu"))):
            seen = [model(v.contiguous(memory_format=torch.channels_last))[0] for v in versions]
        out.append(torch.stack(seen, 1).flatten(0, 1).half())
    return {"face": torch.cat(out), "face_gold": torch.from_numpy(items.gold)}


@dataclass
class Batch:
    """What the fusion and head take, and what they should say."""

    features: tuple[Tensor, Tensor, Tensor]
    presence: Tensor
    gold: Tensor
    mask: Tensor
    """(B, T) bool."""
    per_item: bool
    """One gold value a sequence: its mean counts too."""


class Batches:
    """Cuts batches out of cached features."""

    def __init__(self, features: Features, noise: float = 0.0) -> None:
        """Take features of one split.

        Args:
            noise: added to them, in units of each feature's standard deviation.
        """
        self.f = f = features
        self.half = f.audio.shape[1]
        self.usable = torch.nonzero(f.has_words).squeeze(1)
        self.noise = [noise * x.std(0) for x in self.samples()]
        drawn = torch.where((f.speech_gold == 0).all(1), NEUTRAL, 1.0).double()
        self.share = (drawn / drawn.sum()).numpy()

    def samples(self) -> tuple[Tensor, Tensor, Tensor]:
        """Some of x^t, x^a, x^v."""
        heard = sample(self.f.speech[self.f.speech_heard])
        words = sample(self.f.text[self.f.has_words])
        # Half of the frames as if they were the partner's, whose half of x^a is the second.
        mine = torch.arange(len(heard)).unsqueeze(1) % 2 == 0
        return words, torch.cat([heard * mine, heard * ~mine], 1), sample(self.f.face)

    def noisy(self, text: Tensor, audio: Tensor, visual: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (B, T, ·) with noise, one draw a row, so that averaging over time gains nothing."""
        text, audio, visual = (
            x + n * torch.randn_like(x[:, :1]) if n.any() else x
            for x, n in zip((text, audio, visual), self.noise, strict=True)
        )
        return text, audio, visual

    def _blank(self, b: int, t: int) -> tuple[Tensor, Tensor, Tensor]:
        text, audio, visual = (torch.zeros(b, t, size) for size in CONFIG.sizes)
        return text, audio, visual

    def _frames(self, where: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """x^t, x^a, x^v and presence of a stretch of composed frames."""
        f = self.f
        spoken, face = f.frame_sentence[where], f.frame_face[where]
        other = f.speaker[where].float().unsqueeze(1)
        sound = f.audio[where].float()
        audio = torch.cat([sound * (1 - other), sound * other], 1)
        presence = torch.stack([spoken >= 0, f.has_sound[where], face >= 0], 1)
        return f.text[spoken].float(), audio, f.face[face].float(), presence

    def composed(
        self, rows: list[tuple[int, int]], length: int, subsets: Sequence[tuple[int, ...]] | None
    ) -> Batch:
        """Stretches (sequence, first frame) of composed sequences, of `length` frames or to the end."""
        text, audio, visual = self._blank(len(rows), length)
        presence = torch.zeros(len(rows), length, 3, dtype=torch.bool)
        gold, mask = torch.zeros(len(rows), length, 2), torch.zeros(len(rows), length, dtype=torch.bool)
        for row, (sequence, first) in enumerate(rows):
            begin = int(self.f.start[sequence]) + first
            n = min(length, int(self.f.start[sequence + 1]) - begin)
            text[row, :n], audio[row, :n], visual[row, :n], presence[row, :n] = self._frames(
                slice(begin, begin + n)
            )
            gold[row, :n], mask[row, :n] = self.f.gold[begin : begin + n], True
            if subsets is not None:
                presence[row] &= torch.tensor(subsets[row], dtype=torch.bool)
        return Batch(self.noisy(text, audio, visual), presence, gold, mask, per_item=False)

    def _alone(
        self, modality: int, x: Tensor, gold: Tensor, mask: Tensor, present: Tensor | None = None
    ) -> Batch:
        features = list(self._blank(*mask.shape))
        features[modality] = x
        presence = torch.zeros(*mask.shape, 3, dtype=torch.bool)
        presence[..., modality] = mask if present is None else present
        spread = gold.unsqueeze(1).expand(-1, mask.shape[1], -1)
        return Batch(self.noisy(*features), presence, spread, mask, per_item=True)

    def text(self, rows: Tensor, length: int = SENTENCE_FRAMES) -> Batch:
        """Sentences alone, each held for `length` frames."""
        x = self.f.text[rows].float().unsqueeze(1).expand(-1, length, -1)
        return self._alone(0, x, self.f.text_gold[rows], torch.ones(len(rows), length, dtype=torch.bool))

    def face(self, rows: Tensor, length: int = 1) -> Batch:
        """Faces alone, held for `length` frames through their versions."""
        versions = (torch.arange(length) % FACE_VERSIONS).unsqueeze(0)
        x = self.f.face[rows.unsqueeze(1) * FACE_VERSIONS + versions].float()
        return self._alone(2, x, self.f.face_gold[rows], torch.ones(len(rows), length, dtype=torch.bool))

    def speech(self, rows: Tensor) -> Batch:
        """Utterances alone, whole."""
        starts, stops = self.f.speech_start[rows].tolist(), self.f.speech_start[rows + 1].tolist()
        longest = max(b - a for a, b in zip(starts, stops, strict=True))
        x = torch.zeros(len(rows), longest, 2 * self.half)
        mask, heard = (torch.zeros(len(rows), longest, dtype=torch.bool) for _ in range(2))
        for row, (a, b) in enumerate(zip(starts, stops, strict=True)):
            x[row, : b - a, : self.half] = self.f.speech[a:b].float()
            mask[row, : b - a], heard[row, : b - a] = True, self.f.speech_heard[a:b]
        return self._alone(1, x, self.f.speech_gold[rows], mask, heard)

    def epoch(self, number: int) -> Iterator[list[Batch]]:
        """Steps of an epoch, each a batch of every kind."""
        draw = np.random.default_rng(number)
        count = len(self.f.start) - 1
        for _ in range(STEPS):
            sequences = draw.integers(count, size=12)
            lengths = (self.f.start[sequences + 1] - self.f.start[sequences]).tolist()
            rows = [
                (int(s), int(draw.integers(max(1, n - WINDOW))))
                for s, n in zip(sequences, lengths, strict=True)
            ]
            subsets = [SUBSETS[i] for i in draw.integers(len(SUBSETS), size=len(rows))]
            words = self.usable[torch.from_numpy(draw.integers(len(self.usable), size=40))]
            shown = torch.from_numpy(draw.integers(len(self.f.face_gold), size=96))
            spoken = torch.from_numpy(draw.choice(len(self.share), 20, p=self.share))
            yield [
                self.composed(rows, WINDOW, subsets),
                self.text(words, int(draw.integers(1, 13))),
                self.face(shown, int(draw.integers(1, 6))),
                self.speech(spoken),
            ]


def said(model: FusedHead, batch: Batch) -> Judged:
    """What the model makes of a batch; in training, some features are dropped from all frames of a row."""
    text, audio, visual = (
        x * F.dropout(torch.ones_like(x[:, :1]), FEATURE_DROPOUT, model.training) for x in batch.features
    )
    judged: Judged = model(text, audio, visual, batch.presence, model.head.initial(len(batch.gold)))
    return judged


def batch_loss(model: FusedHead, batch: Batch) -> Tensor:
    """1 − CCC over the frames; over the items' means as well where an item has one gold value.

    Beside it learns what the error is likely to be, from errors it cannot change.
    """
    y, _, _, spread = said(model, batch)
    loss = concordance_loss(y, batch.gold, batch.mask) + F.mse_loss(y[batch.mask], batch.gold[batch.mask])
    off = (y.detach() - batch.gold).abs()
    assert spread is not None
    # The likelihood of a Laplace distribution: its scale is the mean absolute error.
    expected = (off / spread + torch.log(spread))[batch.mask].mean()
    if not batch.per_item:
        return 2 * loss + 0.1 * expected
    return loss + concordance_loss(speech.mean_over(y, batch.mask), batch.gold[:, 0]) + 0.1 * expected


def score_composed(model: FusedHead, batches: Batches, keep: tuple[int, int, int] = (1, 1, 1)) -> np.ndarray:
    """Frame-wise CCC over all frames of the composed sequences, with some modalities masked."""
    total: Moments | None = None
    for sequence in range(len(batches.f.start) - 1):
        length = int(batches.f.start[sequence + 1] - batches.f.start[sequence])
        batch = batches.composed([(sequence, 0)], length, [keep])
        moments = Moments.of(said(model, batch).y[0].numpy(), batch.gold[0].numpy())
        total = moments if total is None else total + moments
    return np.zeros(2) if total is None else total.ccc


def score_alone(model: FusedHead, batches: Batches) -> Scores:
    """CCC of items that are there alone: sentences, faces, and the utterances of each corpus."""
    f = batches.f

    def of(name: str, parts: list[Batch]) -> Scores:
        y = torch.cat([speech.mean_over(said(model, b).y, b.mask) for b in parts]).numpy()
        arousal, valence = ccc(y, torch.cat([b.gold[:, 0] for b in parts]).numpy())
        return {f"{name} arousal": float(arousal), f"{name} valence": float(valence)}

    scores = of("text", [batches.text(rows) for rows in batches.usable.split(100)])
    scores |= of("face", [batches.face(rows) for rows in torch.arange(len(f.face_gold)).split(500)])
    for i, corpus in enumerate(speech.CORPORA):
        rows = torch.nonzero(f.speech_corpus == i).squeeze(1)
        scores |= of(corpus, [batches.speech(part) for part in rows.split(32)])
    return scores


def sample(x: Tensor, rows: int = 2000) -> Tensor:
    """Some rows of features (N, D), evenly spread."""
    return x[torch.linspace(0, len(x) - 1, rows).long()].float()


def train_fusion(
    data: Path, run: Path, spec: ClipSpec, kind: str = CONFIG.fusion.kind, epochs: int = 12
) -> Scores:
    """Train fusion and head; returns the devel CCCs. Leaves run/fusion/weights.safetensors.

    Args:
        kind: of fusion; another than the default's leaves run/fusion-KIND/weights.safetensors.

    Raises:
        ConfigError: it was learned on networks that were trained anew since.
    """
    folder = run / ("fusion" if kind == CONFIG.fusion.kind else f"fusion-{kind}")
    refuse_older(folder, weights(run, *NETWORKS))
    train = Batches(cached_features(data, run, "train", spec), FEATURE_NOISE)
    devel = Batches(cached_features(data, run, "devel", spec))
    torch.manual_seed(0)
    model = FusedHead(replace(CONFIG, fusion=replace(CONFIG.fusion, kind=kind)))
    start_evenly(model, CONFIG.sizes, dict(enumerate(train.samples())))

    def loss(batches: list[Batch]) -> Tensor:
        return torch.stack([batch_loss(model, batch) for batch in batches]).sum()

    def score() -> Scores:
        arousal, valence = score_composed(model, devel)
        return {"fused arousal": float(arousal), "fused valence": float(valence)} | score_alone(model, devel)

    settings = FitSettings(epochs, 1e-3, warmup=60, average=0.99)
    return fit(folder, model, grouped(model, 0.02), train.epoch, loss, score, settings)


def compare_fusions(data: Path, run: Path, spec: ClipSpec) -> None:
    """Train all five fusions on the same features, for the card: RUN/fusions.json."""
    rows = []
    for kind in FUSIONS:
        scores = train_fusion(data, run, spec, kind)
        row: dict[str, Any] = {"fusion": kind.replace("_", " ")}
        row |= {f"composed {d}": round(scores[f"fused {d}"], 3) for d in DIMENSIONS}
        for d in DIMENSIONS:
            row[f"items {d}"] = round(
                float(np.mean([v for k, v in scores.items() if k.endswith(d) and "fused" not in k])), 3
            )
        rows.append(row)
    note = "Items: mean over the sets of single devel items, each modality alone, through the same network."
    write_values(run / "fusions.json", {"rows": rows, "note": note})
