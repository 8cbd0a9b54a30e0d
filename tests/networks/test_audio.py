"""The audio network against its blocks (readings 2)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.networks import AudioConfig, AudioNetwork, MultimodalConfig


def test_paper_sizes() -> None:
    network = AudioNetwork()
    counts = [sum(p.numel() for p in conv.parameters()) for conv in network.convs]
    assert counts == [450, 37_625, 187_750]
    assert sum(p.numel() for p in network.parameters()) == 225_825
    assert (network.config.frame_size, network.config.size) == (2_250, 4_500)
    assert network.dropout.p == 0.5


def test_each_pool_divides_exactly() -> None:
    network = AudioNetwork().eval()
    lengths: list[tuple[int, ...]] = []
    network.dropout.register_forward_hook(lambda _, args, out: lengths.append(tuple(out.shape)))
    assert network.frame_features(torch.randn(2, 2_250)).shape == (2, 2_250)
    assert lengths == [(2, 50, 225), (2, 125, 45), (2, 250, 9)]


def test_sixteen_kilohertz_window() -> None:
    assert AudioConfig(window=1_750).frame_size == 7 * 250


def test_a_window_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="2205 samples is not a multiple"):
        _ = AudioConfig(window=2_205).size


def one_block(kernel: int, pool: int, window: int, channels: int = 1) -> AudioNetwork:
    return AudioNetwork(AudioConfig(window, (channels,), (kernel,), (pool,), interlocutor=False)).eval()


def test_block_by_hand() -> None:
    network = one_block(kernel=2, pool=2, window=4)
    with torch.no_grad():
        network.convs[0].weight.copy_(torch.tensor([[[1.0, -1.0]]]))
        network.convs[0].bias.fill_(0.5)
    # Differences 1−2, 2−3, 3−4, 4−0, each + .5 → −.5, −.5, −.5, 4.5; ReLU; maxima of pairs.
    got = network.frame_features(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    torch.testing.assert_close(got, torch.tensor([[0.0, 4.5]]))


@pytest.mark.parametrize(("kernel", "left"), [(8, 3), (6, 2)])
def test_same_padding_as_the_authors(kernel: int, left: int) -> None:
    network = one_block(kernel, pool=1, window=12)
    with torch.no_grad():
        network.convs[0].weight.zero_()
        network.convs[0].weight[0, 0, left] = 1.0
        network.convs[0].bias.zero_()
    x = torch.rand(1, 12)
    assert torch.equal(network.frame_features(x), x)


def test_features_are_time_major() -> None:
    network = one_block(kernel=1, pool=1, window=3, channels=2)
    with torch.no_grad():
        network.convs[0].weight.copy_(torch.tensor([[[1.0]], [[10.0]]]))
        network.convs[0].bias.zero_()
    assert network.frame_features(torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[1, 10, 2, 20, 3, 30]]


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 6), seed=st.integers(0, 99))
def test_exactly_one_half_is_not_zero(tiny: MultimodalConfig, n: int, seed: int) -> None:
    torch.manual_seed(seed)
    network = AudioNetwork(tiny.audio).eval()
    windows, speaker = torch.randn(n, 500), torch.randint(0, 2, (n,))
    with torch.no_grad():
        network.convs[-1].bias.fill_(1.0)
    features = network.frame_features(windows)
    halves = network(windows, speaker).unflatten(-1, (2, -1))
    assert torch.all(features.any(-1))
    for row, side in enumerate(speaker.tolist()):
        assert torch.equal(halves[row, side], features[row])
        assert torch.all(halves[row, 1 - side] == 0)


def test_one_speaker_needs_one_half(tiny: MultimodalConfig) -> None:
    network = AudioNetwork(AudioConfig(window=500, channels=(3, 4, 5), interlocutor=False)).eval()
    windows = torch.randn(2, 500)
    assert network.config.size == 10
    assert torch.equal(network(windows, torch.tensor([0, 1])), network.frame_features(windows))


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, 7), seed=st.integers(0, 99))
def test_features_do_not_depend_on_the_cut(tiny: MultimodalConfig, cut: int, seed: int) -> None:
    torch.manual_seed(seed)
    network = AudioNetwork(tiny.audio).eval()
    windows, speaker = torch.randn(8, 500), torch.randint(0, 2, (8,))
    parts = [network(windows[:cut], speaker[:cut]), network(windows[cut:], speaker[cut:])]
    torch.testing.assert_close(torch.cat(parts), network(windows, speaker))
