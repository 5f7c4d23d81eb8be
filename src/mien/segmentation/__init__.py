"""Where in a picture people are, as soft masks, and what stands behind them."""

from mien.segmentation.compositing import GREY, WHITE, blurred_background, estimate_foreground, replace_background
from mien.segmentation.guards import check_mask
from mien.segmentation.photos import person_mask, replace_backgrounds
from mien.segmentation.segmenters import SEGMENTERS, Segmenter, segmenter

__all__ = [
    "GREY",
    "SEGMENTERS",
    "WHITE",
    "Segmenter",
    "blurred_background",
    "check_mask",
    "estimate_foreground",
    "person_mask",
    "replace_background",
    "replace_backgrounds",
    "segmenter",
]
