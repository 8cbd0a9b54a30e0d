"""What a corpus holds and lacks, in figures."""
