"""How well predictions agree with a gold standard."""

from affekt.scoring.concordance import Moments, ccc
from affekt.scoring.evaluation import Evaluation, Score, evaluate
from affekt.scoring.measures import MEASURES, Sums

__all__ = ["MEASURES", "Evaluation", "Moments", "Score", "Sums", "ccc", "evaluate"]
