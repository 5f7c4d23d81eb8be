"""Routes, one module a subject."""

from mien.server.routes import (
    audit,
    calibrations,
    challenges,
    collections,
    edits,
    events,
    expression,
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

# Routes are looked through in this order: those that are asked most come first.
ROUTERS = (
    faces.router,
    expression.router,
    state.router,
    models.router,
    keys.router,
    collections.router,
    calibrations.router,
    people.router,
    samples.router,
    suggestions.router,
    edits.router,
    search.router,
    audit.router,
    events.router,
    jobs.router,
    webhooks.router,
    streams.router,
    challenges.router,
)
