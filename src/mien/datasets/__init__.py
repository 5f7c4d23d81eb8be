"""Readers of public face sets in their published layout: captures and pairs, one at a time."""

from mien.datasets.folder import attach_groups, read_folder, read_groups
from mien.datasets.lfw import read_lfw, read_lfw_pairs
from mien.datasets.records import Pair, Record

__all__ = ["Pair", "Record", "attach_groups", "read_folder", "read_groups", "read_lfw", "read_lfw_pairs"]
