"""Expression from one photo, trained so that rare classes count."""
