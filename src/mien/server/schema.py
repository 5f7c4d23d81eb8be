"""The tables of the service's own file, and how each layout came out of the one before."""

from __future__ import annotations

__all__ = ["MIGRATIONS"]

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Files of before layouts were counted have these tables already.
        """CREATE TABLE IF NOT EXISTS api_key (
            key_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            digest BLOB NOT NULL,
            role INTEGER NOT NULL,
            collections TEXT NOT NULL,
            created TEXT NOT NULL,
            expires TEXT,
            scopes TEXT NOT NULL,
            request TEXT UNIQUE) STRICT""",
        """CREATE TABLE IF NOT EXISTS collection (
            name TEXT PRIMARY KEY,
            created TEXT NOT NULL,
            consent_required INTEGER NOT NULL,
            crops INTEGER NOT NULL,
            fpir REAL NOT NULL,
            fmr REAL NOT NULL) STRICT""",
        """CREATE TABLE IF NOT EXISTS session (
            digest BLOB PRIMARY KEY,
            key_id TEXT NOT NULL,
            begun TEXT NOT NULL,
            used TEXT NOT NULL) STRICT""",
        """CREATE TABLE IF NOT EXISTS webhook (
            webhook_id TEXT PRIMARY KEY,
            collection TEXT NOT NULL,
            url BLOB NOT NULL,
            secret BLOB NOT NULL,
            kinds TEXT NOT NULL,
            names INTEGER NOT NULL,
            enabled INTEGER NOT NULL,
            created TEXT NOT NULL) STRICT""",
        """CREATE TABLE IF NOT EXISTS delivery (
            delivery_id TEXT PRIMARY KEY,
            webhook_id TEXT NOT NULL REFERENCES webhook ON DELETE CASCADE,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            state TEXT NOT NULL,
            created TEXT NOT NULL,
            tries INTEGER NOT NULL,
            due REAL NOT NULL,
            status INTEGER,
            problem TEXT) STRICT""",
        "CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due)",
        "CREATE INDEX IF NOT EXISTS delivery_webhook ON delivery (webhook_id, state)",
        """CREATE TABLE IF NOT EXISTS job (
            job_id TEXT PRIMARY KEY,
            collection TEXT NOT NULL,
            kind TEXT NOT NULL,
            options TEXT NOT NULL,
            key_id TEXT NOT NULL,
            run TEXT NOT NULL,
            state TEXT NOT NULL,
            created TEXT NOT NULL,
            changed TEXT NOT NULL,
            done REAL NOT NULL,
            total REAL,
            refused INTEGER NOT NULL,
            code TEXT,
            problem TEXT) STRICT""",
        """CREATE TABLE IF NOT EXISTS job_person (
            job_id TEXT NOT NULL,
            person_id TEXT NOT NULL,
            PRIMARY KEY (person_id, job_id)) STRICT""",
        """CREATE TABLE IF NOT EXISTS stream (
            stream_id TEXT PRIMARY KEY,
            collection TEXT NOT NULL,
            name TEXT NOT NULL,
            url BLOB NOT NULL,
            shown TEXT NOT NULL,
            fps REAL,
            rules TEXT NOT NULL,
            enabled INTEGER NOT NULL,
            created TEXT NOT NULL,
            state TEXT NOT NULL,
            since TEXT NOT NULL,
            problem TEXT) STRICT""",
    ),
    (
        # How often collections were erased: a process sees by one number that it may hold one open that is gone.
        "CREATE TABLE epoch (number INTEGER NOT NULL) STRICT",
        "INSERT INTO epoch VALUES (0)",
    ),
    (
        """CREATE TABLE calibration (
            pipeline TEXT PRIMARY KEY,
            document TEXT NOT NULL,
            digest TEXT NOT NULL,
            installed TEXT NOT NULL,
            key_id TEXT NOT NULL,
            collection TEXT,
            job_id TEXT) STRICT""",
    ),
    ("ALTER TABLE stream ADD COLUMN require TEXT",),
    ("ALTER TABLE api_key ADD COLUMN rate INTEGER",),
)
"""What makes each layout out of the one before; ``PRAGMA user_version`` counts those that were applied."""
