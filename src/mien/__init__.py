"""Mien: face recognition with decisions at a stated error rate."""
