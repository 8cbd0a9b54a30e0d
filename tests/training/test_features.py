"""Kept features of networks that do not learn: what the network gives, and no other one's or clip's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from affekt.corpora.prepared.dataset import Prepared, open_prepared
from affekt.errors import OutputError
from affekt.networks import AudioConfig, HeadConfig, MultimodalConfig
from affekt.training.batches import Looks, Windows
from affekt.training.config import Data, config_of
from affekt.training.features import KeptFeatures, fingerprint, keep_features
from affekt.training.learner import Learner
from affekt.training.run import Setting, kept_features, setting_of
from prepared import TINY
from training.made_clips import SPEC, MadeClip, as_prepared

CPU = torch.device("cpu")
LOOKS = Looks(None, audio=True)


def listener() -> Learner:
    torch.manual_seed(0)
    audio = AudioConfig(SPEC.window, (3, 4, 5))
    return Learner(
        MultimodalConfig(audio=audio, head=HeadConfig(hidden=3), modalities=("audio",)), frozen=("audio",)
    )


def keep(learner: Learner, clips: list[MadeClip], folder: Path) -> KeptFeatures:
    kept = KeptFeatures(folder, [clip.entry.name for clip in clips])
    keep_features(learner, "audio", as_prepared(clips), kept, LOOKS, CPU, 4)
    return kept


def test_they_are_what_the_network_gives(tmp_path: Path) -> None:
    learner, clips = listener(), [MadeClip(0, 10, turns=[0, 1] * 5), MadeClip(1, 3)]
    kept = keep(learner.train(), clips, tmp_path)
    assert learner.training and not learner.model.audio.training
    batch = Windows(as_prepared(clips), 10, LOOKS).read([(0, 0), (1, 0)], 10)
    learner.eval()
    with torch.no_grad():
        x = learner.features(batch, "audio").numpy()
    assert x.shape[-1] == learner.model.config.sizes[1] and x[0].std() > 1e-3
    first, second = as_prepared(clips)
    np.testing.assert_allclose(kept(first, 0, 10), x[0], rtol=1e-3, atol=1e-5)  # in half precision
    np.testing.assert_array_equal(kept(first, 3, 4), kept(first, 0, 10)[3:7])
    np.testing.assert_allclose(kept(second, 1, 9), x[1, 1:3], rtol=1e-3, atol=1e-5)  # it ends after two
    assert kept(first, 0, 1).dtype == np.float32


def test_they_are_computed_once_and_again_for_another_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, clips = listener(), [MadeClip(0, 6), MadeClip(1, 6)]
    asked: list[int] = []
    whole = Learner.features

    def counted(self: Learner, batch: object, name: str) -> torch.Tensor:
        asked.append(1)
        return whole(self, batch, name)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "features", counted)
    keep(learner, clips, tmp_path)
    assert len(asked) == 4  # 4 and 2 frames, of two recordings
    kept = keep(learner, clips, tmp_path)
    assert len(asked) == 4
    clips[1].entry = replace(clips[1].entry, checksum="prepared anew")
    assert [kept.has(clip) for clip in as_prepared(clips)] == [True, False]
    keep(learner, clips, tmp_path)
    assert len(asked) == 6
    kept.path(as_prepared(clips)[0]).write_bytes(b"cut short")
    keep(learner, clips, tmp_path)
    assert len(asked) == 8


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file")
    with pytest.raises(OutputError, match="features/audio: cannot be made"):
        keep(listener(), [MadeClip(0, 2)], tmp_path / "features" / "audio")


def test_a_fingerprint_tells_weights_apart() -> None:
    one = listener()
    mark = fingerprint(one.model.audio)
    assert mark == fingerprint(listener().model.audio)
    assert mark != fingerprint(one.model.audio, also="x")
    with torch.no_grad():
        next(one.model.audio.parameters()).view(-1)[0] += 1e-3
    assert mark != fingerprint(one.model.audio)


def folder_of(prepared: Path, folder: Path, data: Data, bf16: tuple[str, ...] = (), **audio: object) -> Path:
    """Where a frozen text or audio network's features would be kept for a run."""
    there = open_prepared(prepared)
    values = {k: v for k, v in TINY.items() if k in ("text", "audio", "head", "machine")}
    config = replace(
        config_of({**values, "audio": {**values["audio"], **audio}, "modalities": ["text", "audio"]}),
        data=data,
    )
    # Its clips, but what is kept of them elsewhere.
    moved = Prepared(folder, there.dataset, list(there))
    fabric = Fabric(accelerator="cpu", devices=1)
    setting: Setting = setting_of(config, folder, fabric, moved)
    name = "audio" if audio or bf16 else "text"
    torch.manual_seed(0)
    learner = Learner(setting.model, setting.reader.learned if setting.reader else None, (name,), bf16)
    nobody = replace(setting, parts=replace(setting.parts, train=[], devel=[], test=[]))
    return kept_features(nobody, learner, name).folder


def test_equal_weights_that_are_used_in_another_way_are_kept_elsewhere(
    small_prepared: Path, tmp_path: Path
) -> None:
    usual = folder_of(small_prepared, tmp_path, Data())
    assert usual == folder_of(small_prepared, tmp_path, Data(alignment="sentence"))
    places = [
        usual,
        folder_of(small_prepared, tmp_path, Data(alignment="causal")),  # other frames have the sentence
        folder_of(small_prepared, tmp_path, Data(text_delay=0.5)),
        folder_of(small_prepared, tmp_path, Data(), interlocutor=True),
        folder_of(small_prepared, tmp_path, Data(), interlocutor=False),  # the same convolutions
        folder_of(small_prepared, tmp_path, Data(), bf16=("audio",)),
    ]
    assert len({one.name for one in places}) == len(places)
