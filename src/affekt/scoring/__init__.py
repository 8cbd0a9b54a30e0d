"""How well predictions agree with a gold standard."""

from affekt.scoring.concordance import Moments, ccc

__all__ = ["Moments", "ccc"]
