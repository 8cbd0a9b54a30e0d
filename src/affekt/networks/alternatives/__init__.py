"""Networks that the paper compares its own with (section 5.5, Table 2), and those one would try today."""
