"""Expression recognition trained on unbalanced classes (after Kirbiz, arXiv:2604.20307, details ours)."""
