"""The paper's experiments (sections 5.5 to 5.10): which runs each needs, and the tables that come of them."""
