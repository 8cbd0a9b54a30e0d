"""The default model's card: what it says of every devel item, figures with intervals, failures, pictures."""

from affekt.training.default.card.page import finish, write

__all__ = ["finish", "write"]
