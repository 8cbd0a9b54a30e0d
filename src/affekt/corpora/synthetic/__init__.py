"""A synthetic corpus with SEWA's shape: nobody was filmed, recorded or rated, and every cue's strength is known."""
