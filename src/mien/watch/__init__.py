"""Faces over time: tracks, one decision a track, and the events that follow from them."""

from mien.watch.events import Event, EventLog, EventRules, TrackState
from mien.watch.subject import Probe
from mien.watch.watcher import Decide, WatchedFrame, watch

__all__ = ["Decide", "Event", "EventLog", "EventRules", "Probe", "TrackState", "WatchedFrame", "watch"]
