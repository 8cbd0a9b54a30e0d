"""One label file of any dialect → values over time → the 10 Hz clock."""
