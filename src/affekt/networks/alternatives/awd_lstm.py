"""AWD-LSTM (Merity, Keskar, Socher 2018), ULMFiT's encoder (Howard, Ruder 2018): of the paper's Table 2."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from affekt.networks.encoder import mean_of_pieces


class AwdLstm(nn.Module):
    """Three LSTM layers over word embeddings, the last as wide as they are; it reads from left to right.

    What gives it its name, dropped recurrent weights, belongs to its own training as a language model: here
    it is frozen. With ULMFiT's sizes it has 20,273,280 parameters and 400 for each word (PyTorch's LSTM has
    two biases).
    """

    def __init__(self, vocabulary: int, width: int = 400, hidden: int = 1152, layers: int = 3) -> None:
        """Make it with random weights.

        Args:
            vocabulary: rows of the table.
            width: of the word embeddings and of what comes out.
            hidden: of the layers between (1,150 in both papers, 1,152 in fastai's published weights).
        """
        super().__init__()
        self.width = width
        self.table = nn.Embedding(vocabulary, width)
        sizes = [width, *[hidden] * (layers - 1), width]
        self.layers = nn.ModuleList(
            nn.LSTM(before, after, batch_first=True) for before, after in pairwise(sizes)
        )

    def forward(
        self,
        pieces: Tensor,
        piece_word: Tensor,
        piece_mask: Tensor,  # noqa: ARG002 - padding comes last, and nothing flows back from it
        mask: Tensor,
    ) -> Tensor:
        """Pieces (U, S) → word vectors (U, L, width), as `TransformerEncoder.forward`."""
        hidden = self.table(pieces)
        for layer in self.layers:
            hidden, _ = layer(hidden)
        return mean_of_pieces(hidden, piece_word, mask)
