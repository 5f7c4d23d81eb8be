"""What faces seem to express, as people who looked at such photos labelled them: never what a person feels."""

from mien.expression.reader import ExpressionReader, Reading, Timeline
from mien.expression.recognizer import CLASSES, MODELS, ExpressionRecognizer

__all__ = ["CLASSES", "MODELS", "ExpressionReader", "ExpressionRecognizer", "Reading", "Timeline"]
