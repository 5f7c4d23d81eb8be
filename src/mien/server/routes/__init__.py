"""Routes, one module a subject."""

from mien.server.routes import (
    audit,
    collections,
    edits,
    events,
    faces,
    jobs,
    keys,
    models,
    people,
    samples,
    search,
    state,
    streams,
    suggestions,
    webhooks,
)

__all__ = ["ROUTERS"]

ROUTERS = (
    state.router,
    models.router,
    keys.router,
    collections.router,
    people.router,
    samples.router,
    suggestions.router,
    edits.router,
    faces.router,
    search.router,
    audit.router,
    events.router,
    jobs.router,
    webhooks.router,
    streams.router,
)
