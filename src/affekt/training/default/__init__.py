"""The recipe of the default model: from labelled faces, speech and sentences, on a laptop, in four stages."""
