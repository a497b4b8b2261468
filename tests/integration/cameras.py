#!/usr/bin/env python3
"""The life of cameras through the real service: real servers that are killed, frozen, locked, or not there. Prints TAP.

States with their causes and reasons; every change an event, a metric and an alert; no secret in anything that the service gives.
"""
import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import farm as farms  # noqa: E402
from farm import Farm, encode  # noqa: E402
from http_camera import HttpCamera  # noqa: E402
from sci_service import BINARY, CLIP, ROOT, Closed, Service, Tap, assets_missing, free_port  # noqa: E402

tap = Tap()
USER, PASSWORD = "guard-7", "p@ss/w%rd:9?#x"
WRONG, QUERY_PASSWORD = "wr0ng-Secret", "qu3ry-Secret"


def quoted(text):
    return urllib.parse.quote(text, safe="")


LOGIN = f"{quoted(USER)}:{quoted(PASSWORD)}@"
BAD_LOGIN = f"{quoted(USER)}:{WRONG}@"


def forms(secret):
    """How a secret may come out again: as it is, escaped, in JSON, as Basic authentication."""
    raw = {secret, quoted(secret), quoted(secret).lower(), urllib.parse.quote(secret), json.dumps(secret)[1:-1],
           secret.replace("/", "\\/")}
    coded = {base64.b64encode(f"{user}:{secret}".encode()).decode().rstrip("=") for user in (USER, quoted(USER))}
    return raw | coded


SECRETS = set().union(*(forms(s) for s in (PASSWORD, WRONG, QUERY_PASSWORD, USER)))


class Follower(threading.Thread):
    """Follows all streams, and keeps every byte."""

    def __init__(self, service, key):
        super().__init__(daemon=True)
        self.ws = service.websocket(key, timeout=600)
        self.ws.send({"type": "subscribe", "streams": "*", "alerts_after": 0})
        self.messages = []
        self.start()

    def run(self):
        try:
            while True:
                message = self.ws.receive()
                if isinstance(message, dict):
                    self.messages.append((time.monotonic(), message))
        except (Closed, OSError):
            pass

    def states(self, stream, since=0):
        return [m for at, m in list(self.messages) if at >= since and m["type"] == "stream_state" and m["stream_id"] == stream]

    def alerts(self, stream, since=0):
        return [m for at, m in list(self.messages) if at >= since and m["type"] == "alert" and stream in json.dumps(m)]


def state(service, key, stream):
    return service.call("GET", f"/streams/{stream}", key)[1]


def wait_state(service, key, stream, wanted, seconds=30):
    return service.wait_until(lambda: (lambda s: s if s and s["state"] == wanted else None)(state(service, key, stream)), f"{stream}: {wanted}", seconds)


def metric(service, key, name, **labels):
    text = ",".join(f'{k}="{v}"' for k, v in labels.items())
    for line in service.request("GET", "/metrics", key)[2].decode().splitlines():
        if line.startswith(f"{name}{{{text}}} "):
            return float(line.rsplit(" ", 1)[1])
    return None


def small_clip(folder):
    return encode(["-r", "25", "-i", str(CLIP), "-t", "8", "-vf", "scale=384:288", "-bf", "0"], folder / "small.mp4", rate="400k")


def still(folder):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(CLIP), "-frames:v", "1", str(folder / "still.jpg")], check=True, stdin=subprocess.DEVNULL)


# ---- what fails, and why ----

def check_failures(service, key, cases):
    for stream, cause, words in cases:
        def look():
            s = wait_state(service, key, stream, "failed")
            assert s["cause"] == cause, (s["cause"], s["reason"])
            assert words in s["reason"], s["reason"]
        tap.run(f"{stream}: failed, {cause}, \"{words}\"", look)


def check_retries(service, key, follower):
    before, waits = state(service, key, "nobody")["reconnects"], [state(service, key, "rtsp_refused")["retry_in_s"]]
    time.sleep(4)
    after = state(service, key, "nobody")
    waits.append(state(service, key, "rtsp_refused")["retry_in_s"])  # one of two moments 4 s apart is not the end of a wait
    tap.check(max(w or 0 for w in waits) > 3, "a wrong password is not tried again at once", waits)
    tap.check(after["reconnects"] > before and (after["retry_in_s"] or 0) <= 3, "a camera that is away is tried again within 3 s",
              (before, after["reconnects"], after["retry_in_s"]))
    repeated = [m for m in follower.states("nobody") if m["state"] == "failed"]
    entered = metric(service, key, "sci_stream_state_changes_total", stream="nobody", state="failed")
    tap.check(len(repeated) <= 1 and entered == 1, "the same failure again is no new event", "\n".join(map(str, repeated)))


# ---- killed and frozen ----

def kill_and_return(service, key, follower, farm):
    began = time.monotonic()
    lives = metric(service, key, "sci_stream_state_changes_total", stream="killed", state="live")
    farm.kill()
    down = wait_state(service, key, "killed", "failed")
    assert down["cause"] == "network", down
    people = down["people"]
    farm.start()
    wait_state(service, key, "killed", "live")
    after = metric(service, key, "sci_stream_state_changes_total", stream="killed", state="live")
    assert after == lives + 1, (lives, after)
    seen = [m["state"] for m in follower.states("killed", began)]
    assert seen[0] == "failed" and seen[-1] == "live", seen
    assert metric(service, key, "sci_stream_state", stream="killed", state="live") == 1
    assert people is not None


def freeze_and_return(service, key, follower, farm):
    began = time.monotonic()
    farm.freeze()
    try:
        stalled = wait_state(service, key, "frozen", "stalled")
        assert stalled["cause"] == "timeout" and "no picture" in stalled["reason"], stalled
        failed = wait_state(service, key, "frozen", "failed")
        assert failed["cause"] == "timeout", failed
        alert = service.wait_until(lambda: [m for m in follower.alerts("frozen", began) if m["event"] == "raised"], "the alert of the lost camera")[0]
        assert alert["level"] == "HIGH" and alert["rule_id"] == "camera-lost", alert
        status = service.call("GET", "/status", key)[1]
        assert any("frozen" in w for w in status["warnings"]), status["warnings"]
    finally:
        farm.thaw()
    wait_state(service, key, "frozen", "live")
    service.wait_until(lambda: [m for m in follower.alerts("frozen", began) if m["event"] == "cleared"], "the alert is over", 40)
    seen = [m["state"] for m in follower.states("frozen", began)]
    assert seen[:2] == ["stalled", "failed"] and seen[-1] == "live", seen


# ---- added, changed, switched off and removed while running ----

def call(service, key, method, path, body=None, expected=200):
    status, answer = service.call(method, path, key, body)
    assert status == expected, (method, path, body, status, answer)
    return answer


def life_of_one(service, key, follower, uri, other):
    """From one address over another and off and on again to its removal; `other` has another size of picture."""
    call(service, key, "POST", "/streams", {"stream_id": "hot", "uri": uri, "target_fps": 2, "loop": True}, 201)
    first = wait_state(service, key, "hot", "live")
    call(service, key, "PATCH", "/streams/hot", {"uri": other, "location": "Gate"})
    second = wait_state(service, key, "hot", "live")
    assert second["epoch"] != first["epoch"] and second["location"] == "Gate", second
    assert (second["width"], second["height"]) != (first["width"], first["height"]), (first, second)
    assert call(service, key, "PATCH", "/streams/hot", {"enabled": False})["state"] == "disabled"
    updates = sum(m.get("stream_id") == "hot" and m["type"] == "stream_update" for _, m in list(follower.messages))
    time.sleep(1)
    assert state(service, key, "hot")["state"] == "disabled"
    after = sum(m.get("stream_id") == "hot" and m["type"] == "stream_update" for _, m in list(follower.messages))
    assert after == updates, (updates, after)
    call(service, key, "PATCH", "/streams/hot", {"enabled": True, "uri": uri})
    third = wait_state(service, key, "hot", "live")
    assert (third["width"], third["location"]) == (first["width"], "Gate"), third
    call(service, key, "DELETE", "/streams/hot", None, 204)
    call(service, key, "GET", "/streams/hot", None, 404)


def wrong_changes(service, key):
    call(service, key, "POST", "/streams", {"stream_id": "kept", "uri": f"rtsp://{LOGIN}127.0.0.1:9/cam", "enabled": False, "target_fps": 3}, 201)
    before = state(service, key, "kept")
    for body, field in (({"stream_id": "other"}, "stream_id"), ({"zone": []}, "zone"), ({"target_fps": -1}, "target_fps"),
                        ({"uri": before["uri"]}, "uri"), ({"uri": None}, "uri"), ({"uri": "/etc/passwd"}, "uri"), ({"uri": "v4l2:///dev/mem"}, "uri")):
        answer = call(service, key, "PATCH", "/streams/kept", body, 422)
        assert any(e["field"] == field for e in answer["errors"]), (body, answer)
    assert state(service, key, "kept")["epoch"] == before["epoch"]
    assert call(service, key, "PATCH", "/streams/kept", {"target_fps": None})["target_fps"] is None
    call(service, key, "PATCH", "/streams/nobody_here", {"enabled": False}, 404)
    call(service, key, "PATCH", "/streams/off", {"enabled": True}, 409)


def changes_last(service, key):
    """After a restart a changed camera is as it was changed."""
    call(service, key, "PATCH", "/streams/kept", {"location": "North", "uri": f"rtsp://{BAD_LOGIN}127.0.0.1:9/other"})
    assert service.stop() == 0
    service.start()
    kept = state(service, key, "kept")
    assert kept["location"] == "North" and kept["uri"].endswith("@127.0.0.1:9/other") and kept["state"] == "disabled", kept


def no_alert_when_off(service, key):
    alerts = service.call("GET", "/alerts?limit=500", key)[1]["items"]
    assert not [a for a in alerts if a["stream_id"] == "off"], alerts
    assert [a for a in alerts if a["stream_id"] == "nobody" and a["rule_id"] == "camera-lost"], alerts


# ---- secrets ----

def try_wrong_requests(service, key):
    """Answers to requests that are wrong, and have a secret in them."""
    answers = []
    for body in ({"stream_id": "x", "uri": f"foo://{LOGIN}host/"}, {"stream_id": "bad id", "uri": f"rtsp://{LOGIN}host/"},
                 {"stream_id": "rtsp_good", "uri": f"rtsp://{LOGIN}host/"}, {"stream_id": "y", "uri": f"{USER}:{WRONG}@host/x"},
                 {"stream_id": "z", "uri": f"rtsp:/{BAD_LOGIN}host/x"}, {"stream_id": "w", "uri": f"file://{BAD_LOGIN}host/x"},
                 {"stream_id": "v", "uri": f"rtsp://{LOGIN}host/", "location": 7},
                 {"stream_id": "u", "uri": ["rtsp://" + LOGIN]}):
        status, _, text = service.request("POST", "/streams", key, body)
        assert status in (409, 422), (status, text)
        answers.append(text.decode())
    return answers


def everything(service, key, follower):
    """(where, text) of all that the service and its tools give."""
    for number, text in enumerate(try_wrong_requests(service, key)):
        yield f"answer {number} to a wrong request", text
    paths = ["/health", "/status", "/metrics", "/config", "/streams", "/alerts", "/openapi.json", "/docs", "/session"]
    paths += [f"/streams/{s['stream_id']}" for s in service.call("GET", "/streams", key)[1]["items"]]
    paths += [f"/alerts/{a['alert_id']}" for a in service.call("GET", "/alerts?limit=500", key)[1]["items"]]
    for path in paths:
        status, headers, text = service.request("GET", path, key)
        assert status == 200, (path, status)
        yield path, str(headers) + text.decode(errors="replace")
    for _, message in list(follower.messages):
        yield "a message", json.dumps(message, ensure_ascii=False)
    for words in (["config", "check"], ["config", "check", "--json"], ["doctor"]):
        out = subprocess.run([BINARY, *words, "-c", str(service.config)], cwd=ROOT, capture_output=True, text=True, timeout=120)
        yield " ".join(words), out.stdout + out.stderr
    yield "the log", service.log.read_text(errors="replace")
    yield "its arguments and environment", pathlib.Path(f"/proc/{service.process.pid}/cmdline").read_text()


def check_secrets(service, key, follower):
    places = 0
    for where, text in everything(service, key, follower):
        places += 1
        for secret in SECRETS:
            assert secret not in text, f"{secret!r} in {where}: ...{text[max(0, text.find(secret) - 200):][:400]}..."
    assert places > 30, places


def run(folder):
    still(folder)
    clip = small_clip(folder)
    closed, silent_path = free_port(), "status/503"
    locked = Farm([clip], 1, "--user", USER, "--password", PASSWORD)
    killed, frozen = Farm([clip], 4), Farm([clip], 1)  # one camera for each client: the server hangs where TCP and UDP share one
    with locked, killed, frozen, HttpCamera(folder, login=(USER, PASSWORD)) as basic, \
            HttpCamera(folder, query={"user": USER, "pwd": QUERY_PASSWORD}) as query:
        cameras = {
            "rtsp_good": locked.uri(1, LOGIN), "rtsp_refused": locked.uri(1, BAD_LOGIN), "rtsp_no_login": locked.uri(1),
            "rtsp_no_path": killed.uri(7), "nobody": f"rtsp://{LOGIN}127.0.0.1:{closed}/cam1",
            "no_host": f"rtsp://{LOGIN}no-such-host.invalid/cam1",
            "killed": killed.uri(1), "frozen": frozen.uri(1), "udp": killed.uri(2) + "#udp",
            "http_good": basic.uri("mjpeg/still.jpg", LOGIN), "http_refused": basic.uri("mjpeg/still.jpg", BAD_LOGIN),
            "http_forbidden": query.uri(f"status/403?user={USER}&pwd={QUERY_PASSWORD}"),
            "http_query": query.uri(f"mjpeg/still.jpg?user={USER}&pwd={QUERY_PASSWORD}"),
            "http_query_refused": query.uri(f"mjpeg/still.jpg?user={USER}&pwd={WRONG}"),
            "http_no_path": query.uri(f"nothing?user={USER}&pwd={QUERY_PASSWORD}"),
            "http_503": query.uri(f"{silent_path}?user={USER}&pwd={QUERY_PASSWORD}"),
            "http_page": query.uri(f"page.html?user={USER}&pwd={QUERY_PASSWORD}"),
            "no_file": str(folder / "no-such.mp4"),
        }
        (folder / "page.html").write_text("<html>log in</html>" * 50)
        sections = "streams:\n" + "".join(f"  - {{stream_id: {n}, uri: {json.dumps(u)}, target_fps: 2}}\n" for n, u in cameras.items())
        sections += f"  - {{stream_id: off, uri: {json.dumps(locked.uri(1, LOGIN))}, enabled: false}}\n"
        with Service(sections, folder=folder, workers=1) as service:
            key = service.key("admin")
            follower = Follower(service, key)
            for stream in ("rtsp_good", "http_good", "http_query", "killed", "frozen", "udp"):
                tap.run(f"{stream}: live", lambda name=stream: wait_state(service, key, name, "live"))
            check_failures(service, key, [
                ("rtsp_refused", "authentication", "wrong name or password"), ("rtsp_no_login", "authentication", "or none (401)"),
                ("rtsp_no_path", "not_found", "404"), ("nobody", "network", "Connection refused"), ("no_host", "network", ""),
                ("http_refused", "authentication", "(401)"), ("http_forbidden", "authentication", "(403)"),
                ("http_query_refused", "authentication", "(401)"), ("http_no_path", "not_found", "404"),
                ("http_503", "network", "5XX"), ("http_page", "format", "not a video"), ("no_file", "not_found", "No such file")])
            tap.check(state(service, key, "off")["state"] == "disabled", "a disabled camera is not opened")
            check_retries(service, key, follower)
            tap.run("killed: noticed, and live again by itself", kill_and_return, service, key, follower, killed)
            tap.run("udp: live again by itself", lambda: wait_state(service, key, "udp", "live"))
            tap.run("frozen: stalled, failed, an alert; live again, the alert over", freeze_and_return, service, key, follower, frozen)
            tap.run("a camera that was never there is an alert, one that is switched off is none", no_alert_when_off, service, key)
            (folder / "shots").mkdir()
            shutil.copy(folder / "still.jpg", folder / "shots/1.jpg")
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(folder / "still.jpg"), "-vf", "scale=320:240", str(folder / "small.jpg")], check=True, stdin=subprocess.DEVNULL)
            for kind, uri, other in (("RTSP over TCP", killed.uri(3), str(CLIP)), ("RTSP over UDP", killed.uri(4) + "#udp", str(CLIP)),
                                     ("a file", str(clip), str(CLIP)), ("a folder of images", str(folder / "shots"), killed.uri(3)),
                                     ("MJPEG", basic.uri("mjpeg/small.jpg", LOGIN), basic.uri("mjpeg/still.jpg", LOGIN))):
                tap.run(f"{kind}: added, changed while live, off, on, removed", life_of_one, service, key, follower, uri, other)
            tap.run("changes that are wrong change nothing", wrong_changes, service, key)
            tap.run("no secret in anything that is given", check_secrets, service, key, follower)
            tap.run("a change lasts over a restart", changes_last, service, key)
            tap.check(service.stop() == 0, "the service ends well")
            tap.run("nor in the last words of the log", lambda: [secret for secret in SECRETS if secret in service.log.read_text()] == [] or 1 / 0)


def motion_by_vectors(folder):
    """What a live camera's coder found is asked of its decoder, and comes out as motion on the ground."""
    clip = encode(["-i", str(CLIP), "-t", "20", "-bf", "0"], folder / "moving.mp4")
    with Farm([clip], 1) as camera:
        stream = f"""streams:
  - stream_id: moving
    uri: {camera.uri()}
    target_fps: 5
    motion: {{when: always, source: vectors}}
    calibration: {{size: 768x576, homography: {{pairs: [[100, 560, 0, 0], [700, 560, 12, 0], [600, 150, 12, 30], [200, 150, 0, 30]]}}}}
"""
        with Service(stream) as service:
            socket = service.websocket(service.key("viewer"), timeout=60)
            socket.send({"type": "subscribe", "streams": "*"})
            until = time.monotonic() + 60
            while time.monotonic() < until:
                motion = socket.receive_type("stream_update")["crowd_data"]["motion"]
                if motion and motion["source"] == "vectors" and motion["cells"]:
                    break
            else:
                raise AssertionError("no motion by vectors")
            tap.check(service.stop() == 0, "the service ends well")


def main():
    missing = assets_missing() or farms.missing()
    if missing:
        tap.skip("cameras", missing)
        return tap.end()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sci-test-"))
    try:
        run(folder)
        tap.run("motion on the ground from a live camera's own vectors", motion_by_vectors, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
