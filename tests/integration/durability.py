#!/usr/bin/env python3
"""kill -9 at random moments: what was stored, who acknowledged what and when, and that a restart goes on. TAP."""
import datetime
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import Service, Tap, assets_missing  # noqa: E402

KILLS = 6
FIGURES = {"cpu_s", "resident_bytes", "disk_free_bytes", "streams_live", "alerts_open", "rules_blind", "spooled_bytes", "dropped_rows"}
tap = Tap()


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def seconds_stored(service, key):
    """The full seconds of the camera's people, with their rows."""
    items, cursor = {}, ""
    while True:
        status, body = service.call("GET", f"/analytics/square?step=1s&measure=people&limit=1000{cursor}", key)
        assert status == 200, body
        items.update({at(i["timestamp"]): i for i in body["items"] if i["zone_id"] is None})
        if not body["next"]:
            return items
        cursor = f"&cursor={body['next']}"


def rest_at(service):
    """What lies on the disk of a dead process: (integrity, newest second). Looked at in a copy: the service has to mend the original itself."""
    with tempfile.TemporaryDirectory() as copy:
        for path in service.folder.glob("sci.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, copy)
        db = sqlite3.connect(pathlib.Path(copy) / "sci.db")
        integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
        newest = db.execute("SELECT max(start_ms) FROM analytics WHERE step_s = 1 AND stream_id = 'square'").fetchone()[0] or 0
        db.close()
    return integrity, newest / 1000


def wait_for_alert(service, key):
    def alert():
        items = service.call("GET", "/alerts?state=active", key)[1]["items"]
        return items[0] if items else None
    return service.wait_until(alert, "an alert", 60)


def acknowledgement(service, key, alert_id):
    status, body = service.call("GET", f"/alerts/{alert_id}", key)
    assert status == 200, (status, body)
    events = [e for e in body["history"] if e["event"] == "acknowledged"]
    return [(e["who"], e["timestamp"]) for e in events]


def run():
    random.seed()
    seed = random.randrange(1 << 30)
    print(f"# seed {seed}")
    random.seed(seed)
    with Service() as service:
        viewer, operator = service.key("viewer"), service.key("operator", "night shift")
        alert = wait_for_alert(service, viewer)
        status, body = service.call("POST", f"/alerts/{alert['alert_id']}/acknowledge", operator, {"comment": "seen"})
        pressed = time.time()
        tap.check(status == 200, "an operator acknowledges an alert", (status, body))
        service.kill()
        killed = time.time()
        expected = None
        known = {}
        for number in range(1, KILLS + 1):
            integrity, newest = rest_at(service)
            tap.check(integrity == "ok", f"kill {number}: the database is sound", integrity)
            # What had ended a second before the kill is there: that row began less than three seconds before it.
            tap.check(killed - newest < 3.0, f"kill {number}: at most the last second is lost", f"killed at {killed:.3f}, the last row begins at {newest:.3f}")
            service.start()
            known_now = seconds_stored(service, viewer)
            lost = [s for s in known if known_now.get(s) != known[s]]
            tap.check(not lost, f"kill {number}: what was read before is still there, unchanged", lost)
            who = acknowledgement(service, viewer, alert["alert_id"])
            expected = expected or who
            right = len(who) == 1 and who == expected and who[0][0] == "night shift" and abs(at(who[0][1]) - pressed) < 5
            tap.check(right, f"kill {number}: still acknowledged, by whom and when", who)
            before = service.call("GET", "/streams/square", viewer)[1]["frames_analyzed"]
            service.wait_until(lambda: service.call("GET", "/streams/square", viewer)[1]["frames_analyzed"] > before + 3, "snapshots after the restart", 20)
            time.sleep(random.uniform(1.5, 4.5))
            now = seconds_stored(service, viewer)
            newest_read = max(now)
            known = {s: row for s, row in now.items() if s < newest_read}
            service.kill()
            killed = time.time()
        integrity, _ = rest_at(service)
        tap.check(integrity == "ok", "in the end the database is sound", integrity)
        service.start()
        tap.check(service.stop() == 0, "and the service starts and ends cleanly")
        db = sqlite3.connect(service.folder / "sci.db")
        figures = {name for (name,) in db.execute("SELECT DISTINCT name FROM system_metrics WHERE value IS NOT NULL")}
        db.close()
        tap.check(FIGURES <= figures, "the service's own figures are stored", FIGURES - figures)


why = assets_missing()
if why:
    tap.skip("durability", why)
else:
    try:
        run()
    except Exception as error:
        tap.check(False, "durability", f"{type(error).__name__}: {error}")
sys.exit(tap.end())
