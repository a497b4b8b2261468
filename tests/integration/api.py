#!/usr/bin/env python3
"""Every route, every role, no key, a wrong key, a malformed body: the documented status and document. Prints TAP.

The routes come from /openapi.json: one that is new and not in CALLS fails the test.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import CLIP, ROOT, Service, Tap, assets_missing, demo_sections  # noqa: E402

tap = Tap()
ROLES = ["viewer", "operator", "admin"]
NONE = ["none", *ROLES]

# What a good call needs beside method and path: path parameter, body, success; "stream" and "alert" are filled in by the test.
CALLS = {
    ("get", "/health"): {},
    ("get", "/status"): {},
    ("get", "/metrics"): {},
    ("get", "/config"): {},
    ("get", "/session"): {},
    ("delete", "/session"): {},
    ("post", "/session"): {"body": lambda s, role: {"key": s.key("viewer")}},
    ("get", "/streams"): {},
    ("post", "/streams"): {"body": lambda s, role: {"stream_id": f"new_{role}", "uri": str(CLIP), "loop": True, "frame_rate": 7}},
    ("get", "/streams/{id}"): {"id": "square"},
    ("delete", "/streams/{id}"): {"id": "new_admin"},
    ("get", "/streams/{id}/picture.jpg"): {"id": "square"},
    ("get", "/streams/{id}/live.mjpg"): {"id": "square", "endless": True},
    ("get", "/analytics/{id}"): {"id": "square"},
    ("get", "/alerts"): {},
    ("post", "/alerts/test"): {},
    ("get", "/alerts/{id}"): {"id": "alert"},
    ("get", "/alerts/{id}/picture.jpg"): {"id": "pictured"},
    ("post", "/alerts/{id}/acknowledge"): {"id": "alert", "body": lambda s, role: {"comment": role}},
    ("post", "/alerts/{id}/resolve"): {"id": "alert", "body": lambda s, role: {"comment": role}},
    ("get", "/ws"): {"upgrade": True},
    ("get", "/openapi.json"): {},
    ("get", "/docs"): {},
}


class Site:
    """The service, an alert of each kind that routes ask for, and calls by role."""

    def __init__(self, service):
        self.service = service
        self.spec = service.call("GET", "/openapi.json")[1]
        self.routes = [(method, path, o) for path, item in self.spec["paths"].items() for method, o in item.items()]

    def key_of(self, role):
        return None if role == "none" else self.service.key(role)

    def path_of(self, path, call):
        wanted = call.get("id")
        if wanted == "alert":
            wanted = self.service.call("POST", "/alerts/test", self.service.key("operator"), {})[1]["alert_id"]
        elif wanted == "pictured":
            wanted = self.pictured()
        return path.replace("{id}", wanted or "")

    def pictured(self):
        def found():
            items = self.service.call("GET", "/alerts?limit=500", self.service.key("viewer"))[1]["items"]
            kept = (a["alert_id"] for a in items if a["picture"])
            return next((a for a in kept if self.request("get", f"/alerts/{a}/picture.jpg", "viewer")[0] == 200), None)

        return self.service.wait_until(found, "an alert with a picture", 60)

    def request(self, method, path, role, body=None, headers=None):
        return self.service.request(method.upper(), path, self.key_of(role), body, headers)


def is_problem(status, headers, text):
    """None, or why this is no problem document of RFC 9457."""
    if not headers.get("Content-Type", "").startswith("application/problem+json"):
        return f"{status} is {headers.get('Content-Type')}"
    problem = json.loads(text)
    if problem.get("status") != status or not problem.get("title") or not problem.get("detail"):
        return f"{status}: {problem}"
    if any(not e.get("field") or not e.get("message") for e in problem.get("errors", [])):
        return f"{status}: errors {problem['errors']}"
    return None


def every_route_is_known(site):
    spec = {(method, path) for method, path, _ in site.routes}
    assert spec == set(CALLS), f"only documented: {spec - set(CALLS)}; only here: {set(CALLS) - spec}"


def answer_of(site, method, path, call, role):
    """(status, headers, body) of a good call, without the body where it never ends."""
    if call.get("upgrade"):
        socket = site.service.websocket(site.key_of(role))
        socket.close()
        head = dict(line.split(": ", 1) for line in socket.head.split("\r\n")[1:] if ": " in line)
        return socket.status, head, None
    if call.get("endless"):
        return first_part(site, path, role)
    body = call["body"](site.service, role) if "body" in call else ({} if method == "post" else None)
    return site.request(method, path, role, body)


def first_part(site, path, role):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", site.service.port, timeout=15)
    key = site.key_of(role)
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
    response = connection.getresponse()
    text = response.read() if response.status != 200 else response.read(4096)
    connection.close()
    if response.status == 200:
        assert b"image/jpeg" in text and b"\xff\xd8" in text, text[:200]
    return response.status, response.headers, text


def role_matrix(site, method, path, operation):
    call, least = CALLS[(method, path)], operation["x-least-role"]
    success = next(int(s) for s in operation["responses"] if s.startswith(("1", "2")))
    for role in NONE:
        target = site.path_of(path, call)
        status, headers, text = answer_of(site, method, target, call, role)
        allowed = NONE.index(role) >= NONE.index(least)
        wanted = success if allowed else 401 if role == "none" else 403
        assert status == wanted, f"{role}: {status}, expected {wanted}: {(text or b'')[:300]}"
        if status >= 400:
            why = text is not None and is_problem(status, headers, text)
            assert not why, f"{role}: {why}"
            assert str(status) in operation["responses"], f"{status} is not documented"
        if status == 401:
            assert headers.get("WWW-Authenticate"), "401 without WWW-Authenticate"


def wrong_key(site, method, path, operation):
    if operation["x-least-role"] == "none":
        return
    status, headers, text = site.service.request(method.upper(), path.replace("{id}", "square"), "sci_" + "A" * 43)
    assert status == 401 and not is_problem(status, headers, text), f"{status} {text[:200]}"


MALFORMED = [b"{", b"[1, 2", b'{"a": nope}', b"\xff\xfe\x00", b'{"a": 1} x', b"[" * 5000]
WRONG_TYPE = [b"[]", b'"text"', b"7", b'{"no_such_field": 1}']


def malformed_bodies(site, method, path, operation):
    target = site.path_of(path, CALLS[(method, path)])
    role = operation["x-least-role"]
    for bodies, statuses in ((MALFORMED, {400}), (WRONG_TYPE, {422})):
        for body in bodies:
            status, headers, text = site.request(method, target, role, body)
            assert status in statuses, f"{body[:20]!r}: {status} {text[:200]}"
            assert not is_problem(status, headers, text), f"{body[:20]!r}: {is_problem(status, headers, text)}"
            assert str(status) in operation["responses"], f"{status} is not documented"
    status, headers, text = site.request(method, target, role, b"{}", {"Content-Type": "text/plain"})
    assert status == 415 and not is_problem(status, headers, text), f"text/plain: {status} {text[:200]}"


def says_where_json_is_wrong(site):
    status, _, text = site.request("post", "/streams", "admin", b'{"stream_id": "a",\n "uri": nope}')
    assert status == 400 and re.search(r"line 2", json.loads(text)["detail"]), text


def wrong_fields(site):
    status, _, text = site.request("post", "/streams", "admin", {"stream_id": "a b", "uri": 7, "colour": "red"})
    fields = {e["field"] for e in json.loads(text)["errors"]}
    assert status == 422 and {"stream_id", "uri", "colour"} <= fields, text


def too_large(site):
    status, headers, text = site.request("post", "/streams", "admin", b" " * (10 << 20))
    assert status in (413, 0), status  # 0: the server hung up while the rest was still being sent
    status, headers, text = site.request("post", "/streams", "admin", b" " * (2 << 20))
    assert status == 413 and not is_problem(status, headers, text), f"{status} {text[:200]}"


def not_found(site):
    for path in ("/streams/nobody", "/streams/nobody/picture.jpg", "/streams/nobody/live.mjpg", "/analytics/nobody", "/alerts/nobody",
                 "/alerts/nobody/picture.jpg", "/no/such/path"):
        status, headers, text = site.request("get", path, "admin")
        assert status == 404 and not is_problem(status, headers, text), f"{path}: {status} {text[:200]}"
    for path in ("/alerts/nobody/acknowledge", "/alerts/nobody/resolve"):
        assert site.request("post", path, "operator", {})[0] == 404, path
    assert site.request("delete", "/streams/nobody", "admin")[0] == 404
    assert b"nobody" in site.request("get", "/streams/nobody", "admin")[2], "the stream is not named"


def wrong_method(site):
    for path in {path for _, path, _ in site.routes}:
        known = {method.upper() for method, p, _ in site.routes if p == path}
        status, headers, text = site.request("patch", path.replace("{id}", "square"), "admin", {})
        allow = {m.strip() for m in headers.get("Allow", "").split(",")}
        assert status == 405 and known <= allow, f"{path}: {status} Allow {headers.get('Allow')}"
        assert not is_problem(status, headers, text), path


def wrong_queries(site):
    for path, field in (("/analytics/square?limit=many", "limit"), ("/analytics/square?limit=0", "limit"), ("/analytics/square?step=2s", "step"),
                        ("/analytics/square?from=yesterday", "from"), ("/analytics/square?measure=love", "measure"),
                        ("/analytics/square?frm=2026-01-01T00:00:00Z", "frm"), ("/alerts?state=sleepy", "state"), ("/alerts?level=9", "level"),
                        ("/alerts?limit=501", "limit"), ("/streams/square/picture.jpg?width=1", "width")):
        status, headers, text = site.request("get", path, "viewer")
        assert status == 422 and not is_problem(status, headers, text), f"{path}: {status} {text[:200]}"
        assert field in {e["field"] for e in json.loads(text).get("errors", [])}, f"{path}: {text[:300]}"


def conflicts(site):
    alert = site.service.call("POST", "/alerts/test", site.service.key("operator"), {})[1]["alert_id"]
    assert site.request("post", f"/alerts/{alert}/resolve", "operator", {})[0] == 200
    for what in ("acknowledge", "resolve"):
        status, headers, text = site.request("post", f"/alerts/{alert}/{what}", "operator", {})
        assert status == 409 and not is_problem(status, headers, text), f"{what}: {status} {text[:200]}"
    assert site.request("post", "/streams", "admin", {"stream_id": "square", "uri": str(CLIP)})[0] == 409
    assert site.request("delete", "/streams/square", "admin")[0] == 409, "a camera of the configuration was removed"


def who_and_when(site):
    alert = site.service.call("POST", "/alerts/test", site.service.key("operator"), {})[1]["alert_id"]
    status, _, text = site.request("post", f"/alerts/{alert}/acknowledge", "operator", {"comment": "steward sent"})
    answer = json.loads(text)
    assert status == 200 and answer["acknowledged_by"] == "test-operator" and answer["acknowledged"] and answer["comment"] == "steward sent", text
    viewer = site.service.key("viewer")
    events = lambda: [e["event"] for e in site.service.call("GET", f"/alerts/{alert}", viewer)[1]["history"]]  # noqa: E731
    site.service.wait_until(lambda: events()[:2] == ["raised", "acknowledged"], "the history in the store", 10)


def session_by_cookie(site):
    status, headers, _ = site.service.request("POST", "/session", None, {"key": site.service.key("operator")})
    cookie = headers.get("Set-Cookie", "")
    assert status == 201 and "HttpOnly" in cookie and "SameSite=Strict" in cookie, cookie
    own = {"Cookie": cookie.split(";")[0], "Origin": f"http://127.0.0.1:{site.service.port}"}
    assert site.service.request("GET", "/session", headers=own)[0] == 200
    assert site.service.request("POST", "/alerts/test", None, {}, own)[0] == 201
    foreign = dict(own, Origin="http://evil.example")
    assert site.service.request("POST", "/alerts/test", None, {}, foreign)[0] == 403, "another site's page may act"
    assert site.service.request("DELETE", "/session", headers=own)[0] == 204
    assert site.service.request("GET", "/session", headers=own)[0] == 401, "the session outlives its end"
    assert site.service.request("POST", "/session", None, {"key": "sci_wrong"})[0] == 401


def cameras_come_and_go(site):
    admin = site.service.key("admin")
    before = site.service.call("GET", "/streams/square", admin)[1]["frames_analyzed"]
    status, stream = site.service.call("POST", "/streams", admin, {"stream_id": "second", "uri": str(CLIP), "loop": True, "frame_rate": 7})
    assert status == 201 and stream["stream_id"] == "second", stream
    site.service.wait_until(lambda: site.service.call("GET", "/streams/second", admin)[1]["state"] == "live", "the second camera live", 20)
    site.service.wait_until(lambda: site.service.call("GET", "/streams/second", admin)[1]["frames_analyzed"] > 3, "its pictures", 20)
    assert site.request("delete", "/streams/second", "admin")[0] == 204
    assert site.request("get", "/streams/second", "admin")[0] == 404
    after = site.service.call("GET", "/streams/square", admin)[1]["frames_analyzed"]
    assert after > before, "the first camera stood still"


def metrics_are_prometheus(site):
    status, headers, text = site.request("get", "/metrics", "viewer")
    assert status == 200 and headers["Content-Type"].startswith("text/plain"), headers
    sample = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+0-9.eEIinfNa]+$')
    typed = set()
    for line in text.decode().splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            assert sample.match(line), line
            name = re.split(r"[{ ]", line)[0]
            assert name.startswith("sci_") and (name in typed or re.sub(r"_(bucket|sum|count)$", "", name) in typed), line
    assert b'sci_frames_analyzed_total{stream="square"}' in text


def picture_has_its_number(site):
    status, headers, picture = site.request("get", "/streams/square/picture.jpg?width=320", "viewer")
    assert status == 200 and picture[:2] == b"\xff\xd8" and picture[-2:] == b"\xff\xd9"
    assert int(headers["X-Sci-Seq"]) > 0 and headers["X-Sci-Timestamp"].endswith("Z")


def history_pages(site):
    viewer = site.service.key("viewer")
    seen, cursor = [], ""
    for _ in range(20):
        status, page = site.service.call("GET", f"/analytics/square?step=1s&measure=people&limit=3{cursor}", viewer)
        assert status == 200, page
        seen += [(row["timestamp"], row["zone_id"]) for row in page["items"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}&to={page['to']}&from={page['from']}"
    assert len(seen) == len(set(seen)) and len(seen) > 5, seen
    assert seen == sorted(seen, key=lambda row: row[0])


def no_secret_is_shown(site):
    admin = site.service.key("admin")
    body = {"stream_id": "secret", "uri": "rtsp://user:hunter2@127.0.0.1:9/x"}
    status, _, text = site.request("post", "/streams", "admin", body)
    assert status == 201 and b"hunter2" not in text, text
    for path in ("/streams", "/streams/secret", "/config", "/status", "/metrics"):
        assert b"hunter2" not in site.request("get", path, "admin")[2], path
    site.service.call("DELETE", "/streams/secret", admin)
    assert "hunter2" not in site.service.log.read_text(errors="replace"), "the password is in the log"


def documented_lines(site):
    """Every curl line of docs/api.md, as it stands there; each documented route has one."""
    text = (ROOT / "docs/api.md").read_text()
    lines = re.findall(r"^\| (\w+) \| `(curl .*)` \|$", text, re.M)
    pictured, folder = site.pictured(), site.service.folder / "curl"
    folder.mkdir(exist_ok=True)
    called = set()
    for who, line in lines:
        path = re.search(r"\$BASE(/[^\s\"?]*)", line).group(1)
        alert = pictured if path.endswith("picture.jpg") else site.service.call("POST", "/alerts/test", site.service.key("operator"), {})[1]["alert_id"]
        environment = dict(os.environ, BASE=f"http://127.0.0.1:{site.service.port}", KEY=site.service.key("viewer" if who == "anybody" else who), ALERT=alert,
                           JSON="Content-Type: application/json")
        environment["AUTH"] = "Authorization: Bearer " + environment["KEY"]
        ended = subprocess.run(["bash", "-c", line.replace("curl ", "curl -w '%{http_code}' ", 1)], cwd=folder, env=environment, capture_output=True)
        status = ended.stdout[-3:].decode()
        assert status in ("101", "200", "201", "204"), f"{line}\n{ended.stdout[-400:]}"
        method = re.search(r"-X (\w+)", line)
        pattern = re.sub(r"/(gate_b|square|\$ALERT)(?=/|$)", "/{id}", path)
        called.add((method.group(1).lower() if method else "post" if " -d " in line else "get", pattern))
    missing = {(method, path) for method, path, _ in site.routes} - called
    assert not missing, f"without a line in docs/api.md: {missing}"


def main():
    why = assets_missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    with Service(demo_sections()) as service:
        site = Site(service)
        service.wait_until(lambda: service.call("GET", "/streams/square", service.key("admin"))[1]["state"] == "live", "the camera live", 20)
        tap.run("every documented route is tested", every_route_is_known, site)
        for method, path, operation in site.routes:
            if (method, path) not in CALLS:
                continue
            tap.run(f"{method.upper()} {path}: every role, and no key", role_matrix, site, method, path, operation)
            tap.run(f"{method.upper()} {path}: a wrong key", wrong_key, site, method, path, operation)
            if "requestBody" in operation:
                tap.run(f"{method.upper()} {path}: malformed bodies", malformed_bodies, site, method, path, operation)
        tap.run("malformed JSON: the answer says where", says_where_json_is_wrong, site)
        tap.run("every wrong field is named", wrong_fields, site)
        tap.run("a body of 10 MB", too_large, site)
        tap.run("what does not exist", not_found, site)
        tap.run("a method that a path does not have", wrong_method, site)
        tap.run("wrong queries", wrong_queries, site)
        tap.run("what is not possible now", conflicts, site)
        tap.run("an acknowledgement has who and when", who_and_when, site)
        tap.run("a session by cookie, and other sites' pages", session_by_cookie, site)
        tap.run("a camera comes and goes, the other goes on", cameras_come_and_go, site)
        tap.run("metrics are Prometheus's", metrics_are_prometheus, site)
        tap.run("a picture has its number", picture_has_its_number, site)
        tap.run("history comes in pages", history_pages, site)
        tap.run("every curl line of docs/api.md", documented_lines, site)
        tap.run("passwords of cameras are never shown", no_secret_is_shown, site)
    return tap.end()


sys.exit(main())
