"""Faces over time: tracks, one decision a track, and the events that follow from them."""

from mien.watch.events import Event, EventLog, EventRules, TrackState

__all__ = ["Event", "EventLog", "EventRules", "TrackState"]
