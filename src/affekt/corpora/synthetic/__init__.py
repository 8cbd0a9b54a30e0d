"""A synthetic corpus with SEWA's shape: nobody was filmed or rated, every cue's strength is known."""

from affekt.corpora.synthetic.folder import synthesize
from affekt.corpora.synthetic.plan import Parameters

__all__ = ["Parameters", "synthesize"]
