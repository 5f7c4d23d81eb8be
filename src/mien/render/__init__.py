"""What people and programs get to see: annotated pictures, JSON, CSV, tables and a report."""

from mien.render.annotation import annotate
from mien.render.annotator import Annotator
from mien.render.contact_sheet import write_contact_sheet
from mien.render.crops import face_square
from mien.render.document import SCHEMA, decision_to_dict, faces_to_dict, write_jsonl
from mien.render.evaluation_document import evaluation_to_dict
from mien.render.evaluation_report import write_evaluation_report
from mien.render.events import EVENT_SCHEMA, EventWriter, event_to_dict
from mien.render.expressions import (
    EXPRESSION_TRACK_SCHEMA,
    EXPRESSIONS_SCHEMA,
    expression_timeline,
    expressions_to_dict,
    track_dicts,
)
from mien.render.plots import require_plots
from mien.render.portrait import PORTRAIT_SCHEMA, annotate_portrait, portrait_to_dict
from mien.render.report import write_report
from mien.render.rows import CSV_COLUMNS, faces_to_rows
from mien.render.table import table
from mien.render.timeline import TimelineRow, timeline
from mien.render.video_report import write_video_report

__all__ = [
    "CSV_COLUMNS",
    "EVENT_SCHEMA",
    "EXPRESSIONS_SCHEMA",
    "EXPRESSION_TRACK_SCHEMA",
    "PORTRAIT_SCHEMA",
    "SCHEMA",
    "Annotator",
    "EventWriter",
    "TimelineRow",
    "annotate",
    "annotate_portrait",
    "decision_to_dict",
    "evaluation_to_dict",
    "event_to_dict",
    "expression_timeline",
    "expressions_to_dict",
    "face_square",
    "faces_to_dict",
    "faces_to_rows",
    "portrait_to_dict",
    "require_plots",
    "table",
    "timeline",
    "track_dicts",
    "write_contact_sheet",
    "write_evaluation_report",
    "write_jsonl",
    "write_report",
    "write_video_report",
]
