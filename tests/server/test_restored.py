"""A service that is backed up while it serves, and goes on from its backup as if nothing had been."""

from __future__ import annotations

import shutil
import threading

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("urllib3")

from served import small

from mien.cli import main
from mien.client import Client
from mien.recognition import load_calibration, pipeline_name


@pytest.mark.weights
@pytest.mark.samples
def test_a_service_goes_on_from_its_backup(serve, samples, tmp_path, capsys):
    service = serve()
    obama, again, biden = (small(samples / name) for name in ("obama.jpg", "obama2.jpg", "biden.jpg"))
    admin = Client(service.url, service.key)
    admin.make_collection(consent_required=False)
    calibration = {**load_calibration(pipeline_name("sface")).to_dict(), "name": "site"}
    admin.install_calibration(calibration=calibration)
    door = admin.issue_key("door", "reader", ["main"])["secret"]
    kept = admin.enroll("Obama", obama)["person_id"]
    gone = admin.enroll("Biden", biden)["person_id"]
    over = threading.Event()

    def look():
        while not over.is_set():
            admin.identify(again)

    busy = threading.Thread(target=look)
    busy.start()
    where = ["--gallery", str(service.gallery), "--state", str(service.state)]
    assert main(["backup", str(tmp_path / "backup"), *where]) == 0
    over.set()
    busy.join(timeout=30)
    admin.erase(gone)
    service.stop()

    aside = tmp_path / "aside"
    aside.mkdir()
    for path in [*tmp_path.glob("people.mien*"), *tmp_path.glob("service.db*")]:
        shutil.move(path, aside)
    assert main(["restore", str(tmp_path / "backup"), *where, "--before", str(aside / "people.mien")]) == 0
    assert "left out, because erased since: 1 person" in capsys.readouterr().out

    service.start()
    reader = Client(service.url, door)
    assert [face["person"] for face in reader.identify(again)["faces"]] == ["Obama"]
    assert [face["person"] for face in reader.identify(biden)["faces"]] == [None]
    assert {face["decision"]["calibration"] for face in reader.identify(again)["faces"]} == {"site"}
    assert [one["source"] for one in admin.calibrations()] == ["installed"]
    assert [person["person_id"] for person in reader.people()] == [kept]
    assert reader.show_collection()["consent_required"] is False
    (refused,) = admin.enroll("Biden", biden)["refused"]
    assert refused["reasons"] == ["erased_before"]
    actions = [line["action"] for line in admin.audit()]
    assert {"erase", "restore"} <= {*actions}
    assert actions.index("erase") < actions.index("restore")
    assert admin.verify_audit()["sound"]
