"""The tables of the embedded engine, and how each schema came out of the one before."""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "MIGRATIONS", "PAGE_SIZE"]

APPLICATION_ID = 0x4D69656E
"""``Mien`` in the file's header: tells a gallery from anybody else's SQLite file."""

PAGE_SIZE = 16384
"""Templates of 512 floats stored at 1.15 times their bytes, where pages of 4096 take twice their bytes."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # A collection pins one embedding space, so that templates of different spaces never meet. ``revision`` grows
        # with every change: an index in any process sees by one row whether it is behind, and reads only what is newer.
        """CREATE TABLE collection (
            collection_id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            space TEXT NOT NULL,
            dimension INTEGER NOT NULL,
            revision INTEGER NOT NULL DEFAULT 0)""",
        # The key is the id and never the label: two people may bear one name.
        """CREATE TABLE person (
            person_id TEXT NOT NULL PRIMARY KEY,
            collection_id INTEGER NOT NULL REFERENCES collection,
            label TEXT NOT NULL,
            purpose TEXT,
            given TEXT,
            expires TEXT,
            created TEXT NOT NULL,
            revision INTEGER NOT NULL)""",
        "CREATE INDEX person_by_label ON person (collection_id, label)",
        "CREATE INDEX person_by_revision ON person (collection_id, revision)",
        # The hash of the content makes enrolling idempotent, per person: twins may share a photo, on request.
        """CREATE TABLE sample (
            sample_key INTEGER PRIMARY KEY,
            sample_id TEXT NOT NULL UNIQUE,
            person_id TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
            template BLOB NOT NULL,
            source TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            artefact TEXT NOT NULL,
            quality REAL,
            created TEXT NOT NULL,
            UNIQUE (person_id, sha256))""",
        "CREATE INDEX sample_by_content ON sample (sha256)",
    ),
    (
        # A face without a person is unnamed. Whole in one table, it keeps its key when it is named, moved, sent back.
        "ALTER TABLE sample RENAME TO sample_1",
        """CREATE TABLE sample (
            sample_key INTEGER PRIMARY KEY,
            sample_id TEXT NOT NULL UNIQUE,
            collection_id INTEGER NOT NULL REFERENCES collection,
            person_id TEXT REFERENCES person ON DELETE CASCADE,
            template BLOB NOT NULL,
            source TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            artefact TEXT NOT NULL,
            quality REAL,
            created TEXT NOT NULL,
            box TEXT,
            path TEXT,
            expires TEXT,
            suggestion_id TEXT,
            candidate_id TEXT REFERENCES person ON DELETE SET NULL,
            UNIQUE (person_id, sha256))""",
        """INSERT INTO sample (sample_key, sample_id, collection_id, person_id, template, source, sha256, artefact,
                               quality, created)
           SELECT sample_key, sample_id, collection_id, person_id, template, source, sha256, artefact, quality,
                  sample_1.created FROM sample_1 JOIN person USING (person_id)""",
        "DROP TABLE sample_1",
        "CREATE INDEX sample_by_content ON sample (sha256)",
        "CREATE INDEX sample_unnamed ON sample (collection_id, suggestion_id) WHERE person_id IS NULL",
        "CREATE INDEX sample_by_candidate ON sample (candidate_id) WHERE candidate_id IS NOT NULL",
        # Contents that were looked at, those without a face among them, so that none is looked at twice.
        """CREATE TABLE scan (
            collection_id INTEGER NOT NULL REFERENCES collection,
            sha256 TEXT NOT NULL,
            PRIMARY KEY (collection_id, sha256)) WITHOUT ROWID""",
        # A face is not that person, or not the one whom the other face shows.
        """CREATE TABLE cannot_link (
            link_id INTEGER PRIMARY KEY AUTOINCREMENT,
            sample_id TEXT NOT NULL REFERENCES sample (sample_id) ON DELETE CASCADE,
            person_id TEXT REFERENCES person ON DELETE CASCADE,
            other_id TEXT REFERENCES sample (sample_id) ON DELETE CASCADE)""",
        "CREATE INDEX cannot_link_by_sample ON cannot_link (sample_id)",
        "CREATE INDEX cannot_link_by_person ON cannot_link (person_id)",
        "CREATE INDEX cannot_link_by_other ON cannot_link (other_id)",
        # What an edit changed is kept as the rows were before, less their templates: those stay in ``sample`` alone.
        """CREATE TABLE edit (
            edit_id INTEGER PRIMARY KEY AUTOINCREMENT,
            collection_id INTEGER NOT NULL REFERENCES collection,
            action TEXT NOT NULL,
            summary TEXT NOT NULL,
            created TEXT NOT NULL)""",
        """CREATE TABLE edit_person (
            edit_id INTEGER NOT NULL REFERENCES edit ON DELETE CASCADE,
            person_id TEXT NOT NULL,
            PRIMARY KEY (edit_id, person_id)) WITHOUT ROWID""",
        "CREATE INDEX edit_by_person ON edit_person (person_id)",
        """CREATE TABLE edit_change (
            change_id INTEGER PRIMARY KEY AUTOINCREMENT,
            edit_id INTEGER NOT NULL REFERENCES edit ON DELETE CASCADE,
            entity TEXT NOT NULL,
            key TEXT NOT NULL,
            before TEXT)""",
        "CREATE INDEX edit_change_by_edit ON edit_change (edit_id)",
        "CREATE INDEX edit_change_by_key ON edit_change (key)",
    ),
    (
        # A person's key in every derived index: a number that is never given twice, unlike a rowid. Keys are counted in
        # the collection's row, which every commit writes to anyway.
        "CREATE TABLE gallery (gallery_id TEXT NOT NULL)",
        "INSERT INTO gallery VALUES (lower(hex(randomblob(16))))",
        "ALTER TABLE collection ADD COLUMN last_key INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE person ADD COLUMN person_key INTEGER",
        "UPDATE person SET person_key = rowid",
        "CREATE UNIQUE INDEX person_by_key ON person (person_key)",
        """CREATE TRIGGER person_gets_key AFTER INSERT ON person WHEN NEW.person_key IS NULL BEGIN
            UPDATE collection SET last_key = last_key + 1 WHERE collection_id = NEW.collection_id;
            UPDATE person SET person_key = (NEW.collection_id << 40)
                + (SELECT last_key FROM collection WHERE collection_id = NEW.collection_id) WHERE rowid = NEW.rowid;
        END""",
        # Who was removed since an index last looked: bare numbers, which tell nothing of anybody.
        """CREATE TABLE gone (
            person_key INTEGER PRIMARY KEY,
            collection_id INTEGER NOT NULL,
            revision INTEGER NOT NULL)""",
        "CREATE INDEX gone_by_revision ON gone (collection_id, revision)",
        """CREATE TRIGGER person_leaves_key AFTER DELETE ON person BEGIN
            INSERT INTO gone SELECT OLD.person_key, OLD.collection_id, revision FROM collection
            WHERE collection_id = OLD.collection_id;
        END""",
        # Removed templates may still lie in the log or in an index, until a purge is done: a killed one is made up for.
        "CREATE TABLE unpurged (collection_id INTEGER PRIMARY KEY)",
        """CREATE TRIGGER sample_leaves_bytes AFTER DELETE ON sample BEGIN
            INSERT OR IGNORE INTO unpurged VALUES (OLD.collection_id);
        END""",
    ),
    (
        # The secret turns ids and hashes of contents into hashes that say nothing without the gallery.
        # A collection that is sealed keeps what tells the right key from another.
        "ALTER TABLE collection ADD COLUMN sealed TEXT",
        "ALTER TABLE gallery ADD COLUMN secret TEXT",
        "UPDATE gallery SET secret = lower(hex(randomblob(32)))",
        "CREATE TABLE audit (entry INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL)",
        # What must not come back unnoticed.
        """CREATE TABLE erased (
            collection_id INTEGER NOT NULL,
            digest TEXT NOT NULL,
            PRIMARY KEY (collection_id, digest)) WITHOUT ROWID""",
        # What came of a request, so that one that is sent again is answered and not done again.
        """CREATE TABLE request (
            collection_id INTEGER NOT NULL,
            request_key TEXT NOT NULL,
            asked TEXT NOT NULL,
            outcome TEXT NOT NULL,
            person_id TEXT REFERENCES person ON DELETE CASCADE,
            PRIMARY KEY (collection_id, request_key))""",
        "CREATE INDEX request_by_person ON request (person_id)",
        "CREATE INDEX person_by_expiry ON person (collection_id, expires) WHERE expires IS NOT NULL",
    ),
    (
        # Pictures of faces, of services that keep some; the gallery cannot open them.
        """CREATE TABLE crop (
            sample_id TEXT NOT NULL PRIMARY KEY REFERENCES sample (sample_id) ON DELETE CASCADE,
            collection_id INTEGER NOT NULL,
            sealed BLOB NOT NULL)""",
        "CREATE INDEX crop_by_collection ON crop (collection_id)",
        """CREATE TRIGGER crop_leaves_bytes AFTER DELETE ON crop BEGIN
            INSERT OR IGNORE INTO unpurged VALUES (OLD.collection_id);
        END""",
    ),
    (
        # Numbers of collections are never given twice, unlike a rowid: keys of people, names of index files and what
        # must not come back are told apart by them, also of a collection that was erased.
        "ALTER TABLE gallery ADD COLUMN last_collection INTEGER NOT NULL DEFAULT 0",
        "UPDATE gallery SET last_collection = (SELECT coalesce(max(collection_id), 0) FROM collection)",
        """CREATE TRIGGER collection_takes_number AFTER INSERT ON collection BEGIN
            UPDATE gallery SET last_collection = NEW.collection_id;
        END""",
    ),
)
"""What makes each schema out of the one before; ``PRAGMA user_version`` counts those that were applied."""
