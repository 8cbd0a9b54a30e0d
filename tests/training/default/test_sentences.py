"""How sentences are learned from: in batches of like length, as word vectors, with noise on them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from affekt.networks import TextConfig
from affekt.networks.attention import masked_softmax
from affekt.training.default import sentences
from affekt.training.default.sentences import Examples, Reader, TextModel, in_vectors

TEXTS = ["Yes.", "A good friend came.", "It rained.", "Nobody ever wrote to her again, not once."]
SMALL = TextConfig(width=384, ngram_maps=3, projection=8, hidden=4)


@pytest.fixture(scope="module")
def examples() -> Examples:
    words = sentences.tokenizer()
    return Examples(
        lambda rows: sentences.encoded(words, [TEXTS[i] for i in rows]),
        np.array([len(text) for text in TEXTS]),
        torch.tensor([[0.1, 0.2], [0.3, 0.5], [-0.1, -0.2], [0.2, -0.5]]),
    )


@pytest.fixture(scope="module")
def model() -> TextModel:
    torch.manual_seed(0)
    return TextModel(SMALL).eval()


def test_an_epoch_has_every_sentence_once_in_an_order_of_its_own(
    examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "BATCH", 3)
    orders = [np.concatenate(list(examples.batches(0, order))).tolist() for order in range(12)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert orders[0] == np.concatenate(list(examples.batches(0, 0))).tolist()


def test_word_vectors_are_the_encoders(examples: Examples, model: TextModel) -> None:
    """Kept sentence by sentence, padded anew, they are as when all of it is run."""
    kept = in_vectors(model.encoder, examples)
    rows = np.array([3, 0, 2])
    words, real = kept.inputs(rows)
    *pieces, mask = examples.inputs(rows)
    assert real.sum(1).tolist() == mask.sum(1).tolist() == kept.lengths[rows].tolist()
    with torch.no_grad():
        whole = model.encoder(*pieces, mask)
    # Run in half precision where the processor is quick at it.
    assert torch.allclose(words[real], whole[mask], atol=0.03)


def test_noise_only_while_learning_and_one_draw_a_sentence(model: TextModel) -> None:
    seen: list[Tensor] = []

    class Network(nn.Module):
        def forward(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            seen.append(words)
            return torch.zeros(len(words), SMALL.size), masked_softmax(words[..., 0], mask)

    reader = Reader(model, noise=0.7)
    reader.network = Network()  # type: ignore[assignment]
    words, mask = torch.zeros(400, 3, 384), torch.ones(400, 3, dtype=torch.bool)
    torch.manual_seed(0)
    reader.eval()(words, mask)
    assert not seen[-1].any()
    reader.train()(words, mask)
    assert torch.equal(seen[-1], seen[-1][:, :1].expand_as(words))
    assert float(seen[-1].std()) == pytest.approx(0.7, rel=0.02)


def test_scores_do_not_depend_on_the_order(examples: Examples) -> None:
    class Told(nn.Module):
        """Says how many words there are, whatever they are."""

        def forward(self, *inputs: Tensor) -> Tensor:
            n = inputs[-1].sum(1, keepdim=True).float()
            return torch.cat([n, -n], 1)

    n = torch.tensor([float(examples.inputs(np.array([i]))[-1].sum()) for i in range(4)])
    exact = Examples(examples.inputs, examples.lengths, torch.stack([n, -n], 1))
    assert exact.score(Told()) == pytest.approx({"arousal": 1.0, "valence": 1.0})
