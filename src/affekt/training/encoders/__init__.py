"""Text encoders (readings 1.1), for training; what is exported needs none of the libraries they come from."""

from affekt.training.encoders.named import text_encoder
from affekt.training.encoders.pretrained import load_encoder, load_minilm, minilm_folder
from affekt.training.encoders.text import TextEncoder

__all__ = ["TextEncoder", "load_encoder", "load_minilm", "minilm_folder", "text_encoder"]
