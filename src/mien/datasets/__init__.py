"""Readers of public face sets in their published layout: captures and pairs, one at a time."""

from mien.datasets.bin import read_bin, read_bin_pairs
from mien.datasets.cfp import read_cfp, read_cfp_pairs
from mien.datasets.fer2013 import EXPRESSIONS, VOTES, Usage, read_fer2013, read_ferplus
from mien.datasets.folder import attach_groups, read_folder, read_groups
from mien.datasets.frll import read_frll, read_landmarks
from mien.datasets.leaks import Leak, LeakReport, duplicate_groups, find_leaks, require_disjoint
from mien.datasets.lfw import read_lfw, read_lfw_pairs
from mien.datasets.protocols import PROTOCOLS, Protocol, find_protocol
from mien.datasets.records import Pair, Record

__all__ = [
    "EXPRESSIONS",
    "PROTOCOLS",
    "VOTES",
    "Leak",
    "LeakReport",
    "Pair",
    "Protocol",
    "Record",
    "Usage",
    "attach_groups",
    "duplicate_groups",
    "find_leaks",
    "find_protocol",
    "read_bin",
    "read_bin_pairs",
    "read_cfp",
    "read_cfp_pairs",
    "read_fer2013",
    "read_ferplus",
    "read_folder",
    "read_frll",
    "read_groups",
    "read_landmarks",
    "read_lfw",
    "read_lfw_pairs",
    "require_disjoint",
]
