"""Expression from the whole face and both its halves (CMNet, arXiv:2605.04439, after the released topology)."""
