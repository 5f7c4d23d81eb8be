"""Who send one request at the same time: it is done once, and all get the answer; against a process that serves."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from access_rows import fill

from mien.gallery import Gallery

EDITS = {
    "merge": lambda world: (f"people/{world.person_id}/merge", {"person_id": world.other_id, "force": True}),
    "split": lambda world: (f"people/{world.person_id}/split", {"samples": [world.face_id]}),
    "move": lambda world: (f"faces/{world.face_id}/move", {"person_id": world.other_id}),
    "name": lambda world: (f"suggestions/{world.suggestion_id}/name", {"label": "Cleo", "purpose": "door"}),
}


def send(served, path, document, request):
    """Status and JSON of an answer."""
    sent = urllib.request.Request(
        f"{served.url}/v1/{path}",
        json.dumps(document).encode(),
        {"Authorization": f"Bearer {served.key}", "Content-Type": "application/json", "Idempotency-Key": request},
    )
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_second_gets_the_first_ones_answer(serve):
    served = serve()
    for edit, asked in EDITS.items():
        with Gallery(served.gallery, collection=edit) as gallery:
            path, document = asked(fill(gallery))
            before = len(gallery.edits())
            start = threading.Barrier(8)

            def ask(_, start=start, path=f"collections/{edit}/{path}", document=document):
                start.wait()
                return send(served, path, document, "order-8")

            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(ask, range(8)))
            assert {status for status, _ in answers} <= {200, 201}, answers
            assert all(said == answers[0][1] for _, said in answers)
            assert len(gallery.edits()) == before + 1
