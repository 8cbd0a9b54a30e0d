"""Several raters → one gold standard; how late they all were."""
