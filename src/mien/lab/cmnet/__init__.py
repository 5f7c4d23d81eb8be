"""Expression from a face and both its halves."""
