"""What the paper prints in its Tables 2 to 8: CCC on SEWA as AVEC 2017 handed it out.

Figures stand as they are printed, also where a mean does not follow from its parts (Table 2, Trigeorgis et
al. and Tzirakis et al.: readings 9.2) and where bold type does not mark the highest (Li et al.:
readings 9.3).
"""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[float, float]
"""Arousal, valence."""
DEVEL, TEST, BOTH = ("devel",), ("test",), ("test", "devel")


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    name: str
    devel: tuple[float, ...]
    """Arousal and valence; in Table 2 their printed average as well."""
    key: str = ""
    """What we call it, such as visual.resnet-50 or cross_modal; "": another team's system."""
    test: Pair | None = None
    """None: a dash."""
    best: tuple[str, ...] = ()
    """Partitions on which it is printed in bold: the paper claims it as the best of its kind."""


@dataclass(frozen=True)
class Table:
    """One of the paper's tables of systems."""

    title: str
    where: str
    """In the paper."""
    rows: tuple[Row, ...]
    average: bool = False
    """Whether it has a column for the mean of arousal and valence."""
    test: bool = False
    """Whether it has columns for the test partition."""


_NETWORKS = (
    Row("ResNet-50", (0.641, 0.689, 0.665), "visual.resnet-50"),
    Row("VGG-16", (0.624, 0.668, 0.646), "visual.vgg-16"),
    Row("DenseNet", (0.617, 0.672, 0.645), "visual.densenet"),
    Row("MobileNet", (0.621, 0.689, 0.655), "visual.mobilenet"),
    Row("HRNet", (0.647, 0.695, 0.671), "visual.hrnet", best=DEVEL),
    Row("fastText", (0.508, 0.554, 0.531), "text.fasttext"),
    Row("BERT", (0.537, 0.578, 0.558), "text.bert"),
    Row("ALBERT", (0.532, 0.577, 0.555), "text.albert"),
    Row("RoBERTa", (0.523, 0.561, 0.542), "text.roberta"),
    Row("ULMFiT", (0.527, 0.559, 0.543), "text.ulmfit"),
    Row("XLNet", (0.544, 0.581, 0.563), "text.xlnet", best=DEVEL),
    Row("Trigeorgis et al.", (0.541, 0.488, 0.513), "audio.trigeorgis"),
    Row("Li et al.", (0.552, 0.534, 0.543), "audio.li"),
    Row("Tzirakis et al.", (0.563, 0.532, 0.545), "audio.tzirakis", best=DEVEL),
)

_TEXT = (
    Row("Baseline", (0.373, 0.390), test=(0.375, 0.425)),
    Row("Dang et al.", (0.441, 0.499), test=(0.320, 0.394)),
    Row("Huang et al.", (0.489, 0.523), test=(0.483, 0.520)),
    Row("Chen et al.", (0.478, 0.532), test=(0.463, 0.515)),
    Row("Proposed", (0.544, 0.581), "text", (0.532, 0.568), best=BOTH),
)

_AUDIO = (
    Row("Baseline", (0.344, 0.351), test=(0.225, 0.244)),
    Row("Dang et al.", (0.494, 0.507), test=(0.344, 0.346)),
    Row("Huang et al.", (0.584, 0.585), test=(0.583, 0.487), best=BOTH),
    Row("Chen et al.", (0.524, 0.504), test=(0.422, 0.405)),
    Row("Proposed", (0.563, 0.532), "audio", (0.456, 0.428)),
)

_VISUAL = (
    Row("Baseline", (0.466, 0.400), test=(0.308, 0.455)),
    Row("Dang et al.", (0.518, 0.583), test=(0.390, 0.496)),
    Row("Huang et al.", (0.682, 0.720), test=(0.531, 0.670)),
    Row("Chen et al.", (0.675, 0.693)),
    Row("Proposed", (0.647, 0.695), "visual", (0.608, 0.675), best=TEST),
)

_FUSIONS = (
    Row("Concatenation", (0.698, 0.737), "concatenation"),
    Row("Self-attention", (0.729, 0.751), "self_attention"),
    Row("Hierarchical attention", (0.785, 0.808), "hierarchical"),
    Row("Residual self-attention", (0.748, 0.767), "residual"),
    Row("Cross-modal hierarchical self-attention", (0.797, 0.818), "cross_modal", best=DEVEL),
)

_ALL = (
    Row("Baseline", (0.525, 0.507), test=(0.375, 0.466)),
    Row("Singh et al.", (0.294, 0.346), test=(0.276, 0.365)),
    Row("Khorram et al.", (0.530, 0.542), test=(0.412, 0.379)),
    Row("Dang et al.", (0.657, 0.602), test=(0.523, 0.540)),
    Row("Huang et al.", (0.721, 0.728), test=(0.599, 0.721)),
    Row("Chen et al.", (0.823, 0.796), test=(0.672, 0.756)),
    Row("Proposed", (0.797, 0.818), "fusion", (0.690, 0.783), best=TEST),
)

_POOLING = (
    Row("average", (), "average"),
    Row("attentional", (), "attentional"),
    Row("attentional + between maps", (), "between", best=DEVEL),
)

TABLES = {
    "2": Table("Networks of each modality", "Table 2", _NETWORKS, average=True),
    "3": Table("Text", "Table 3", _TEXT, test=True),
    "4": Table("Audio", "Table 4", _AUDIO, test=True),
    "5": Table("Visual", "Table 5", _VISUAL, test=True),
    "6": Table("Five ways to fuse", "Table 6", _FUSIONS),
    "7": Table("All modalities", "Table 7", _ALL, test=True),
    "pooling": Table("Pooling of the visual network", "section 4.1.3", _POOLING, average=True),
}
"""What `affekt reproduce` calls it → the table. The paper claims what `pooling` is about in words alone."""

HYPER_PARAMETERS: dict[str, tuple[str, Pair, Pair]] = {
    "lr": ("Learning rate", (0.765, 0.03), (0.798, 0.02)),
    "batch": ("Batch size", (0.785, 0.01), (0.805, 0.01)),
    "dropout": ("Dropout", (0.742, 0.05), (0.766, 0.04)),
    "frames": ("Sequence length", (0.783, 0.03), (0.796, 0.03)),
    "hidden": ("Hidden units (LSTM)", (0.783, 0.02), (0.801, 0.02)),
    "layers": ("Num layers (LSTM)", (0.759, 0.03), (0.792, 0.03)),
}
"""Table 8: what it calls each, and the mean and standard deviation of the CCC of arousal and of valence."""
