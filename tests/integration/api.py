#!/usr/bin/env python3
"""The API of the real service: every route of /openapi.json with every role, errors, cameras, history, alerts. Prints TAP."""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from openapi import Description  # noqa: E402
from sci_service import BINARY, CLIP, ROOT, Service, Tap, assets_missing  # noqa: E402

tap = Tap()
RANK = {"none": 0, "viewer": 1, "operator": 2, "admin": 3}
CALLERS = {"no key": 0, "a wrong key": 0, "viewer": 1, "operator": 2, "admin": 3}
WRONG = "0" * 64
SECTIONS = f"""
streams:
  - {{stream_id: square, uri: {CLIP}, loop: true, frame_rate: 7}}
  - {{stream_id: off, uri: {CLIP}, enabled: false}}
alerts:
  rules:
    - {{id: somebody, stream: square, measure: people, thresholds: {{medium: 1, high: 90, critical: 99}}, for: {{medium: 0.2s}}, action: Look.}}
"""


class World:
    """What the routes of the matrix act on."""

    def __init__(self, service):
        self.service = service
        self.keys = {role: service.key(role) for role in ("viewer", "operator", "admin")}
        self.keys |= {"no key": None, "a wrong key": WRONG}
        self.admin = self.keys["admin"]
        self.count = 0
        self.description = Description(service.call("GET", "/openapi.json")[1])
        raised = service.wait_until(self.raised, "an alert with its picture", 60)
        self.alert = raised["alert_id"]
        # The sample clip's coding does not go into MP4; recorder.py has cameras whose clips are made.
        (service.folder / "pictures" / f"{self.alert}.mp4").write_bytes(b"a clip")

    def raised(self):
        _, body = self.service.call("GET", "/alerts?state=open&stream=square", self.admin)
        with_picture = [a for a in body["items"] if a["picture"]]
        answers = [a for a in with_picture if self.service.request("GET", f"/alerts/{a['alert_id']}/picture.jpg", self.admin)[0] == 200]
        return answers[0] if answers else None

    def new_camera(self):
        self.count += 1
        return {"stream_id": f"more-{self.count}", "uri": str(CLIP), "enabled": False}

    def added(self):
        camera = self.new_camera()
        status, body = self.service.call("POST", "/streams", self.admin, camera)
        assert status == 201, (status, body)
        return camera["stream_id"]

    def test_alert(self):
        status, alert = self.service.call("POST", "/alerts/test", self.keys["operator"])
        assert status == 201, (status, alert)
        return alert["alert_id"]


# How each route is called so that it succeeds: the id in its path, its body. A route that is not here fails the test.
ROUTES = {
    "GET /health": {}, "GET /status": {}, "GET /metrics": {}, "GET /config": {},
    "POST /session": {"body": lambda w: {"key": w.keys["viewer"]}}, "GET /session": {}, "DELETE /session": {},
    "GET /streams": {}, "POST /streams": {"body": World.new_camera},
    "GET /streams/{id}": {"id": lambda w: "square"}, "DELETE /streams/{id}": {"id": World.added},
    "PATCH /streams/{id}": {"id": World.added, "body": lambda w: {"location": "North gate"}},
    "POST /streams/{id}/view/accept": {"id": lambda w: "square"},
    "GET /streams/{id}/picture.jpg": {"id": lambda w: "square"}, "GET /streams/{id}/live.mjpg": {"id": lambda w: "square", "endless": True},
    "POST /analyze/image": {"body": lambda w: w.service.request("GET", "/streams/square/picture.jpg", w.admin)[2], "headers": {"Content-Type": "image/jpeg"}},
    "GET /analytics/{id}": {"id": lambda w: "square"}, "GET /alerts": {}, "POST /alerts/test": {},
    "GET /alerts/{id}": {"id": lambda w: w.alert}, "GET /alerts/{id}/picture.jpg": {"id": lambda w: w.alert},
    "GET /alerts/{id}/clip": {"id": lambda w: w.alert},
    "POST /alerts/{id}/acknowledge": {"id": World.test_alert}, "POST /alerts/{id}/resolve": {"id": World.test_alert},
    "GET /ws": {"headers": {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}, "endless": True},
    "GET /openapi.json": {}, "GET /docs": {},
}


def raw(service, method, path, key=None, headers=None, body=b"", take=0):
    """(status, headers, the first bytes of the body) without waiting for the end."""
    s = socket.create_connection(("127.0.0.1", service.port), 20)
    lines = [f"{method} {path} HTTP/1.1", "Host: x"] + [f"{k}: {v}" for k, v in (headers or {}).items()]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    data = b""
    try:
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        while b"\r\n\r\n" not in data or len(data.split(b"\r\n\r\n", 1)[1]) < take:
            part = s.recv(65536)
            if not part:
                break
            data += part
    finally:
        s.close()
    head, rest = data.split(b"\r\n\r\n", 1)
    first, *fields = head.decode().split("\r\n")
    return int(first.split()[1]), {f.split(": ", 1)[0].title(): f.split(": ", 1)[1] for f in fields}, rest


def call(world, name, key, body=None, id=None):
    """Calls a route as the table says; a body overrides the table's."""
    method, path = name.split()
    how = ROUTES[name]
    if "{id}" in path:
        path = path.replace("{id}", id or how["id"](world))
    if how.get("endless"):
        return raw(world.service, method, path, key, how.get("headers"), body or b"")
    if body is None and "body" in how:
        body = how["body"](world)
    status, headers, text = world.service.request(method, path, key, body, how.get("headers"))
    return status, {k.title(): v for k, v in dict(headers).items()}, text


def problem_wrong(world, answer, status, operation=None, *words):
    """Why this is not the problem document that it should be; "" when it is."""
    got, headers, text = answer
    if got != status:
        return f"status {got}, not {status}: {text[:300]!r}"
    if operation is not None and str(status) not in operation["responses"]:
        return f"{status} is not documented"
    if headers.get("Content-Type") != "application/problem+json":
        return f"Content-Type {headers.get('Content-Type')}"
    document = json.loads(text)
    extra = set(document) - {"type", "title", "status", "detail", "errors"}
    said = world.description.wrong(document, {"$ref": "#/components/schemas/Problem"})
    if said or extra or document["status"] != status or not document["detail"]:
        return f"{said} {extra} {document}"
    missing = [word for word in words if word not in text.decode()]
    return f"does not say {missing}: {document}" if missing else ""


def success_wrong(world, answer, operation):
    got, headers, text = answer
    wanted = [int(s) for s in operation["responses"] if int(s) < 400]
    if got not in wanted:
        return f"status {got}, not {wanted}: {text[:300]!r}"
    content = operation["responses"][str(got)].get("content", {})
    if got == 204:
        return "" if not text else f"204 with {len(text)} bytes"
    if not content:
        return ""
    kind, media = next(iter(content.items()))
    if not headers.get("Content-Type", "").startswith(kind):
        return f"Content-Type {headers.get('Content-Type')}, not {kind}"
    return world.description.wrong(json.loads(text), media["schema"]) if "schema" in media else ""


def matrix(world):
    listed = {f"{method} {path}": operation for method, path, operation in world.description.operations()}
    tap.check(set(listed) == set(ROUTES), "every route of /openapi.json is tested here", f"only one side has {set(listed) ^ set(ROUTES)}")
    for name, operation in listed.items():
        if name not in ROUTES:
            continue
        least = RANK[operation["x-least-role"]]
        wrongs = []
        for caller, rank in CALLERS.items():
            open_to_all = least == 0
            fixed = None if open_to_all or rank >= least else ("square" if "/streams" in name else world.alert)
            answer = call(world, name, world.keys[caller], id=fixed)
            if open_to_all or rank >= least:
                said = success_wrong(world, answer, operation)
            elif rank == 0:
                said = problem_wrong(world, answer, 401, operation)
                said = said or ("" if "Bearer" in answer[1].get("Www-Authenticate", "") else "no WWW-Authenticate")
            else:
                said = problem_wrong(world, answer, 403, operation, caller, operation["x-least-role"])
            if said:
                wrongs.append(f"{caller}: {said}")
        tap.check(not wrongs, f"{name}: every role, no key, a wrong key", "\n".join(wrongs))
        bodies(world, name, operation, least)


def bodies(world, name, operation, least):
    """What is malformed is said with its place; a route that takes no body does not care for one."""
    broken = b'{"comment": "x",\n  "uri": }'
    wrongs = []
    if "requestBody" not in operation:
        said = success_wrong(world, call(world, name, world.admin, broken), operation)
        tap.check(not said, f"{name}: a body that it does not take changes nothing", said)
        return
    if "application/json" not in operation["requestBody"]["content"]:
        return  # analyze_image.py
    id = ROUTES[name]["id"](world) if "{id}" in name else None
    path = name.split()[1].replace("{id}", id or "")
    wrongs.append(problem_wrong(world, call(world, name, world.admin, broken, id), 400, operation, "line 2, column"))
    for body, status in ((b"[1, 2]", 422), (b'"text"', 422), (b'{"no_such_field": 1}', 422), (b"\xff\xfe", 400), (b"{" * 5000, 400)):
        wrongs.append(problem_wrong(world, call(world, name, world.admin, body, id), status, operation))
    answer = world.service.request(name.split()[0], path, world.admin, b"{}", {"Content-Type": "text/plain"})
    wrongs.append(problem_wrong(world, answer, 415, operation))
    if operation["requestBody"]["required"]:
        wrongs.append(problem_wrong(world, call(world, name, world.admin, b"", id), 400, operation, "body"))
        answer = call(world, name, world.admin, b"{}", id)
        wrongs.append(success_wrong(world, answer, operation) if "PATCH" in name else problem_wrong(world, answer, 422, operation, "errors"))
    if least > 1:
        wrongs.append(problem_wrong(world, call(world, name, world.keys["viewer"], broken, id), 403, operation))
    tap.check(not any(wrongs), f"{name}: malformed bodies", "\n".join(w for w in wrongs if w))


def methods(world):
    for path, known in world.description.document["paths"].items():
        listed = {m.upper() for m in known}
        real = path.replace("{id}", "square")
        if path == "/alerts/test":  # also the alert of that name
            listed |= {m.upper() for m in world.description.document["paths"]["/alerts/{id}"]}
        wrongs = []
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if method in listed:
                continue
            answer = world.service.request(method, real, world.admin)
            wrongs.append(problem_wrong(world, answer, 405, None, method))
            allow = set((answer[1].get("Allow") or "").split(", "))
            if not listed <= allow or method in allow:
                wrongs.append(f"{method}: Allow: {allow}")
        answer = world.service.request("OPTIONS", real, world.admin)
        if answer[0] != 204 or not listed <= set((answer[1].get("Allow") or "").split(", ")):
            wrongs.append(f"OPTIONS: {answer[0]} {answer[1].get('Allow')}")
        if "GET" in listed and "live" not in path and path != "/ws" and "/alerts/" not in path:
            answer = world.service.request("HEAD", real, world.admin)
            if answer[0] != 200 or answer[2]:
                wrongs.append(f"HEAD: {answer[0]}, {len(answer[2])} bytes")
        tap.check(not any(wrongs), f"{path}: other methods are 405 with Allow, OPTIONS and HEAD answered", "\n".join(w for w in wrongs if w))


def not_found(world):
    cases = {"/nothing": "nothing", "/streams/square/nothing": "nothing", "/streams/nobody": "nobody", "/streams/nobody/picture.jpg": "nobody",
             "/streams/nobody/live.mjpg": "nobody", "/analytics/nobody": "nobody", "/alerts/nobody": "nobody", "/alerts/nobody/clip": "nobody", "/alerts/..%2f..%2fetc%2fpasswd/clip": "", "/alerts/nobody/picture.jpg": "nobody",
             "/streams/%2e%2e%2fetc": "", "/alerts/..%2f..%2fetc%2fpasswd/picture.jpg": ""}
    for path, word in cases.items():
        said = problem_wrong(world, world.service.request("GET", path, world.admin), 404, None, word)
        tap.check(not said, f"GET {path}: 404", said)
    for method, path in (("DELETE", "/streams/nobody"), ("POST", "/alerts/nobody/acknowledge"), ("POST", "/alerts/nobody/resolve")):
        said = problem_wrong(world, world.service.request(method, path, world.admin), 404, None, "nobody")
        tap.check(not said, f"{method} {path}: 404 naming it", said)
    said = problem_wrong(world, world.service.request("GET", "/streams/%zz", world.admin), 400)
    tap.check(not said, "a path that does not decode: 400", said)
    said = problem_wrong(world, raw(world.service, "GET", "/" + "a" * 9000, world.admin), 414)
    tap.check(not said, "a path of 9000 bytes: 414", said)


def wrong_queries(world):
    for method, path, operation in world.description.operations():
        queries = [p for p in operation["parameters"] if p["in"] == "query"]
        if not queries:
            continue
        wrongs = []
        for p in queries:
            schema = p["schema"]
            values = ["x", "0", "999999999999999999999", "1.5"] if schema.get("type") == "integer" else ["purple"] if "enum" in schema else ["yesterday", "2026-13-01T00:00:00Z"] if schema.get("format") else []
            values += ["purple"] if p["name"] in ("measure", "cursor") else ["a%20b"] if p["name"] == "stream" else []
            for value in values:
                answer = world.service.request(method, f"{path.replace('{id}', 'good')}?{p['name']}={value}", world.admin)
                said = problem_wrong(world, answer, 422, operation)
                if not said and [e["field"] for e in json.loads(answer[2])["errors"]] != [p["name"]]:
                    said = f"does not name the field: {answer[2]}"
                wrongs += [f"{p['name']}={value}: {said}"] if said else []
        answer = world.service.request(method, f"{path.replace('{id}', 'good')}?frobnicate=1", world.admin)
        said = problem_wrong(world, answer, 422, operation, "frobnicate")
        wrongs += [f"unknown parameter: {said}"] if said else []
        tap.check(not wrongs, f"{method} {path}: wrong query parameters are 422 with the field", "\n".join(wrongs))
    answer = world.service.request("GET", "/analytics/square?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", world.admin)
    tap.check(not (said := problem_wrong(world, answer, 422, None, "from")), "a history that ends before it begins: 422", said)


def big_body(world):
    s = socket.create_connection(("127.0.0.1", world.service.port), 20)
    s.sendall(f"POST /streams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.admin}\r\nContent-Type: application/json\r\nContent-Length: {10 << 20}\r\n\r\n".encode())
    answer = b""
    try:
        for _ in range(160):
            s.sendall(b" " * 65536)
    except OSError:
        pass  # answered before the end: allowed
    try:
        while b"}" not in answer and (part := s.recv(65536)):
            answer += part
    except OSError:
        pass
    s.close()
    tap.check(answer.startswith(b"HTTP/1.1 413 ") and b"application/problem+json" in answer, "a body of 10 MB: 413", answer[:300])


def wrong_cameras(world):
    ok = {"stream_id": "w", "uri": str(CLIP)}
    cases = {
        "no uri": ({"stream_id": "w"}, "uri"), "no stream_id": ({"uri": str(CLIP)}, "stream_id"), "a stream_id with a blank": (ok | {"stream_id": "a b"}, "stream_id"),
        "an unknown scheme": (ok | {"uri": "gopher://x/y"}, "uri"), "a file elsewhere": (ok | {"uri": "/etc/passwd"}, "uri"),
        "a file elsewhere by dots": (ok | {"uri": f"{ROOT}/var/sample/../../../../../../etc/passwd"}, "uri"), "an unknown key": (ok | {"colour": 1}, "colour"),
        "a wrong type": (ok | {"enabled": "maybe"}, "enabled"), "a zone of two corners": (ok | {"zones": [{"id": "z", "polygon": [[0, 0], [1, 1]]}]}, "zones"),
    }
    for name, (body, field) in cases.items():
        answer = world.service.request("POST", "/streams", world.admin, body)
        said = problem_wrong(world, answer, 422)
        fields = [] if said else [e["field"] for e in json.loads(answer[2]).get("errors", [])]
        tap.check(any(field in f for f in fields), f"POST /streams, {name}: 422 naming the field", said or answer[2])
    tap.check(world.service.call("GET", "/streams/w", world.admin)[0] == 404, "none of them was made")
    said = problem_wrong(world, world.service.request("POST", "/streams", world.admin, ok | {"stream_id": "square"}), 409, None, "square")
    tap.check(not said, "POST /streams, a stream that exists: 409", said)
    said = problem_wrong(world, world.service.request("DELETE", "/streams/square", world.admin), 409, None, "square", "sci.yaml")
    tap.check(not said, "DELETE /streams, a stream of the file: 409 that says where it is written", said)
    secret = {"stream_id": "secret", "uri": "rtsp://guard:hunter2@127.0.0.1:9/cam", "enabled": False}
    _, headers, text = world.service.request("POST", "/streams", world.admin, secret)
    everywhere = text + b"".join(world.service.request("GET", p, world.admin)[2] for p in ("/streams", "/streams/secret", "/config", "/status"))
    tap.check(headers.get("Location") == "/streams/secret" and b"hunter2" not in everywhere and "hunter2" not in world.service.log.read_text(),
              "a camera's password is never given back, nor logged; Location says where the camera is", text)
    world.service.call("DELETE", "/streams/secret", world.admin)


def documented_lines(world):
    """Every curl line of docs/api.md, as it stands there; each documented route has one."""
    text = (ROOT / "docs/api.md").read_text()
    lines = re.findall(r"^\| (\w+) \| `(curl .*)` \|$", text, re.M)
    service, folder = world.service, world.service.folder / "curl"
    folder.mkdir(exist_ok=True)
    called = set()
    for who, line in lines:
        path = re.search(r"\$BASE(/[^\s\"?]*)", line).group(1)
        alert = world.alert if path.endswith(("picture.jpg", "clip")) else world.test_alert()
        environment = dict(os.environ, BASE=f"http://127.0.0.1:{service.port}", KEY=service.key("viewer" if who == "anybody" else who), ALERT=alert,
                           JSON="Content-Type: application/json")
        environment["AUTH"] = "Authorization: Bearer " + environment["KEY"]
        ended = subprocess.run(["bash", "-c", line.replace("curl ", "curl -w '%{http_code}' ", 1)], cwd=folder, env=environment, capture_output=True)
        status = ended.stdout[-3:].decode()
        tap.check(status in ("101", "200", "201", "204"), f"docs/api.md, {who}: {line}", ended.stdout[-400:])
        method = re.search(r"-X (\w+)", line)
        pattern = re.sub(r"/(gate_b|square|\$ALERT)(?=/|$)", "/{id}", path)
        called.add((method.group(1).lower() if method else "post" if " -d " in line else "get", pattern))
    missing = {(method.lower(), path) for method, path, _ in world.description.operations()} - called
    tap.check(not missing, "every route has a curl line in docs/api.md", missing)


class Listener(threading.Thread):
    """Gathers the updates of every stream."""

    def __init__(self, service, key):
        super().__init__(daemon=True)
        self.ws = service.websocket(key)
        self.ws.send({"type": "subscribe", "streams": "*"})
        self.seen = {}
        self.gaps = []
        self.start()

    def run(self):
        try:
            while True:
                message = self.ws.receive()
                if message["type"] == "stream_update":
                    self.seen.setdefault(message["stream_id"], []).append(message["seq"])
                elif message["type"] == "gap":
                    self.gaps.append(message)
        except Exception:  # closed: the test has ended
            pass


def add_and_remove(world):
    service = world.service
    listener = Listener(service, world.keys["viewer"])
    for turn in (1, 2):
        status, body = service.call("POST", "/streams", world.admin, {"stream_id": "hot", "uri": str(CLIP), "frame_rate": 7, "loop": True, "location": "Gate"})
        tap.check(status == 201 and body["location"] == "Gate", f"hot add, turn {turn}: 201", (status, body))
        before = len(listener.seen.get("hot", []))
        service.wait_until(lambda: len(listener.seen.get("hot", [])) >= before + 4, "updates of the new camera", 30)
        new = listener.seen["hot"][before:]
        tap.check(new[0] == 1 and new == list(range(1, len(new) + 1)), f"turn {turn}: its updates count from 1", new)
        tap.check(service.call("GET", "/streams/hot", world.admin)[1]["state"] == "live", f"turn {turn}: live")
        tap.check(service.call("DELETE", "/streams/hot", world.admin)[0] == 204, f"hot remove, turn {turn}: 204")
        time.sleep(0.3)  # what was on its way when the answer came
        before, other = len(listener.seen["hot"]), len(listener.seen["square"])
        service.wait_until(lambda: len(listener.seen["square"]) >= other + 5, "updates of the other camera", 30)
        tap.check(len(listener.seen["hot"]) == before, f"turn {turn}: nothing of it afterwards")
        tap.check(service.call("GET", "/streams/hot", world.admin)[0] == 404, f"turn {turn}: 404 afterwards")
    good = listener.seen["square"]
    tap.check(good == list(range(good[0], good[0] + len(good))) and not listener.gaps, "the other camera lost nothing meanwhile", good)
    listener.ws.close()


def jpeg_size(data):
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "not a whole JPEG"
    at = 2
    while data[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return int.from_bytes(data[at + 7:at + 9], "big"), int.from_bytes(data[at + 5:at + 7], "big")


def pictures(world):
    service = world.service
    status, headers, data = service.request("GET", "/streams/square/picture.jpg", world.admin)
    tap.check(status == 200 and jpeg_size(data) == (768, 576), "picture.jpg is a picture of the camera's size", status)
    tap.check(int(headers["X-Sci-Seq"]) >= 1 and headers["X-Sci-Timestamp"].endswith("Z"), "picture.jpg says which one it is", dict(headers))
    _, _, small = service.request("GET", "/streams/square/picture.jpg?width=160", world.admin)
    tap.check(jpeg_size(small) == (160, 120), "picture.jpg in another width", jpeg_size(small))
    said = problem_wrong(world, service.request("GET", "/streams/off/picture.jpg", world.admin), 409)
    tap.check(not said, "a camera that has no picture yet: 409", said)
    _, _, still = service.request("GET", f"/alerts/{world.alert}/picture.jpg", world.admin)
    tap.check(jpeg_size(still) == (768, 576), "the alert's picture")
    status, headers, data = raw(service, "GET", "/streams/square/live.mjpg", world.admin, take=400000)
    boundary = headers["Content-Type"].split("boundary=")[1].strip('"').encode()
    parts = data.split(b"--" + boundary)[1:-1] if b"chunked" not in headers.get("Transfer-Encoding", "").encode() else None
    if parts is None:
        parts = dechunk(data).split(b"--" + boundary)[1:-1]
    sizes = []
    for part in parts:
        head, body = part.lstrip(b"\r\n").split(b"\r\n\r\n", 1)
        length = int(re.search(rb"Content-Length: (\d+)", head, re.I).group(1))
        sizes.append(jpeg_size(body[:length]))
    tap.check(len(sizes) >= 3 and set(sizes) == {sizes[0]} and abs(sizes[0][0] / sizes[0][1] - 4 / 3) < 0.01, "live.mjpg: whole pictures one after another", sizes)
    together = [socket.create_connection(("127.0.0.1", service.port), 20) for _ in range(12)]
    for s in together:
        s.sendall(f"GET /streams/square/live.mjpg HTTP/1.1\r\nHost: x\r\nX-API-Key: {world.admin}\r\n\r\n".encode())
    tap.check(service.call("GET", "/health")[0] == 200 and service.call("GET", "/streams", world.admin)[0] == 200, "twelve viewers of live.mjpg hold no thread")
    for s in together:
        s.close()


def dechunk(data):
    out = b""
    while b"\r\n" in data:
        size, data = data.split(b"\r\n", 1)
        count = int(size, 16)
        out, data = out + data[:count], data[count + 2:]
    return out


def session(world):
    service = world.service
    origin = f"http://127.0.0.1:{service.port}"
    status, headers, text = service.request("POST", "/session", None, {"key": world.keys["operator"]}, {"Origin": origin})
    cookie = headers.get("Set-Cookie") or ""
    tap.check(status == 201 and "HttpOnly" in cookie and "SameSite=Strict" in cookie and json.loads(text)["role"] == "operator", "a key is traded for a cookie", (status, cookie))
    held = {"Cookie": cookie.split(";")[0]}
    said = json.loads(service.request("GET", "/session", None, None, held)[2])
    tap.check(said == {"name": "test-operator", "role": "operator", "by": "session"}, "who am I, by the cookie", said)
    tap.check(service.request("GET", "/streams/square/picture.jpg", None, None, held)[0] == 200, "a picture tag needs nothing but the cookie")
    cases = {"without an Origin": ({}, 403), "from a foreign Origin": ({"Origin": "http://evil.example"}, 403), "from the dashboard": ({"Origin": origin}, 201)}
    for name, (more, wanted) in cases.items():
        got = service.request("POST", "/alerts/test", None, b"", held | more)
        tap.check(got[0] == wanted, f"cookie, {name}: {wanted}", got[:1] + got[2:])
    tap.check(service.request("GET", "/streams", None, None, held | {"Origin": "http://evil.example"})[0] == 403, "reading from a foreign Origin: 403")
    tap.check(service.request("POST", "/streams", None, World.new_camera(world), held | {"Origin": origin})[0] == 403, "the cookie has the key's role")
    said = problem_wrong(world, norm(service.request("POST", "/session", None, {"key": WRONG})), 401)
    tap.check(not said, "a wrong key opens no session: 401", said)
    tap.check(service.request("POST", "/session", None, {"key": world.admin}, {"Origin": "http://evil.example"})[0] == 403, "nor does a foreign page")
    tap.check(service.request("DELETE", "/session", None, None, held)[0] == 403 and service.request("DELETE", "/session", None, None, held | {"Origin": origin})[0] == 204, "the session is ended, from the dashboard only")
    tap.check(service.request("GET", "/session", None, None, held)[0] == 401, "an ended session is none")
    tap.check(service.request("GET", "/session", None, None, {"X-API-Key": world.admin})[0] == 200, "X-API-Key is a way too")
    tap.check(service.request("GET", "/session", None, None, {"Authorization": "Basic eDp5"})[0] == 401, "Basic is none")


def norm(answer):
    return answer[0], {k.title(): v for k, v in dict(answer[1]).items()}, answer[2]


LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$')


def metrics(world):
    _, headers, text = world.service.request("GET", "/metrics", world.keys["viewer"])
    tap.check(headers["Content-Type"].startswith("text/plain; version=0.0.4"), "metrics: the format's type", headers["Content-Type"])
    types, samples, bad, helps = {}, {}, [], set()
    for line in text.decode().splitlines():
        if line.startswith("# HELP "):
            helps.add(line.split()[2])
        elif line.startswith("# TYPE "):
            types[line.split()[2]] = line.split()[3]
        elif found := LINE.match(line):
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(2) or ""))
            family = re.sub(r"_(bucket|sum|count)$", "", found.group(1))
            family = family if types.get(family) == "histogram" else found.group(1)
            if family not in types or (found.group(1), tuple(labels.items())) in samples:
                bad.append(line)
            samples[found.group(1), tuple(labels.items())] = float(found.group(3))
        else:
            bad.append(line)
    tap.check(not bad and helps == set(types), "metrics: every line is of the format, once, with HELP and TYPE before it", bad)
    tap.check(all(name.startswith("sci_") for name in types) and all(n.endswith("_total") for n, t in types.items() if t == "counter"), "metrics: names", list(types))
    good = {(n, dict(labels).get("le")): v for (n, labels), v in samples.items() if dict(labels).get("stream") == "square"}
    buckets = [v for (n, le), v in good.items() if n == "sci_latency_seconds_bucket"]
    tap.check(len(buckets) > 3 and buckets == sorted(buckets) and buckets[-1] == good["sci_latency_seconds_count", None] > 0, "metrics: the histogram rises to its count", buckets)
    tap.check(good["sci_frames_analyzed_total", None] > 0 and good["sci_people", None] >= 0, "metrics: pictures and people of the camera", good)


def alerts(world):
    service, operator = world.service, world.keys["operator"]
    status, body = service.call("POST", f"/alerts/{world.alert}/acknowledge", operator, {"comment": "steward sent – säkert"})
    tap.check(status == 200 and body["state"] == "acknowledged" and body["acknowledged_by"] == "test-operator" and body["acknowledged"] and body["comment"] == "steward sent – säkert",
              "acknowledged, with who and when", (status, body))
    detail = service.wait_until(lambda: (lambda d: d if any(c["event"] == "acknowledged" for c in d["history"] or []) else None)(service.call("GET", f"/alerts/{world.alert}", operator)[1]), "the history", 10)
    tap.check(any(c["event"] == "acknowledged" and c["who"] == "test-operator" for c in detail["history"]), "its history says so", detail["history"])
    status, again = service.call("POST", f"/alerts/{world.alert}/acknowledge", world.admin, {"comment": "me too"})
    tap.check(status == 200 and again["acknowledged_by"] == "test-operator" and again["acknowledged"] == body["acknowledged"] and again["comment"] == "me too",
              "acknowledged again: it stays with who was first, the comment is added", (status, again))
    tests = [world.test_alert() for _ in range(3)]
    status, body = service.call("POST", f"/alerts/{tests[0]}/resolve", operator, {"comment": "done"})
    tap.check(status == 200 and body["state"] == "resolved" and body["resolved_by"] == "test-operator" and body["resolved"] and body["is_test"], "resolved, with who and when", (status, body))
    for what in ("resolve", "acknowledge"):
        said = problem_wrong(world, service.request("POST", f"/alerts/{tests[0]}/{what}", operator), 409)
        tap.check(not said, f"{what} what is resolved: 409", said)
    for comment in ("x" * 256, 7):
        said = problem_wrong(world, service.request("POST", f"/alerts/{tests[1]}/acknowledge", operator, {"comment": comment}), 422, None, "comment")
        tap.check(not said, f"a comment that is {type(comment).__name__} of {len(str(comment))}: 422", said)
    paged, cursor = [], ""
    while cursor is not None and len(paged) < 500:
        _, page = service.call("GET", f"/alerts?limit=2{cursor and '&cursor=' + cursor}", operator)
        paged += [a["alert_id"] for a in page["items"]]
        cursor = page["next"]
    whole = [a["alert_id"] for a in service.call("GET", "/alerts?limit=500", operator)[1]["items"]]
    tap.check(len(paged) == len(set(paged)) and set(tests) <= set(paged) and paged == whole, "alerts page by page are all, once, in order", (len(paged), len(whole)))
    resolved = service.call("GET", "/alerts?state=resolved&limit=500", operator)[1]["items"]
    tap.check(tests[0] in [a["alert_id"] for a in resolved] and {a["state"] for a in resolved} == {"resolved"}, "alerts by state")
    high = service.call("GET", "/alerts?level=CRITICAL&limit=500", operator)[1]["items"]
    tap.check(all(a["level"] == "CRITICAL" for a in high), "alerts by level")


def rows(service, key, query="step=1s&measure=people&limit=1000"):
    return {(i["timestamp"], i["zone_id"], i["measure"]): i for i in service.call("GET", f"/analytics/square?{query}", key)[1]["items"]}


def restart(world):
    service = world.service
    before = service.wait_until(lambda: (lambda r: r if len(r) >= 5 else None)(rows(service, world.admin)), "history", 30)
    sane = all(r["min"] <= r["mean"] <= r["max"] and 0 < r["valid_share"] <= 1 and r["unit"] for r in before.values() if r["mean"] is not None)
    tap.check(sane, "history: rows of a second", list(before.values())[:2])
    every, cursor = {}, ""
    window = "from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z"
    while cursor is not None:
        _, page = service.call("GET", f"/analytics/square?step=1s&measure=people&limit=3&{window}{cursor and '&cursor=' + cursor}", world.admin)
        every |= {(i["timestamp"], i["zone_id"], i["measure"]): i for i in page["items"]}
        cursor = page["next"]
    tap.check(set(before) <= set(every), "history page by page is all of it", sorted(set(before) - set(every)))
    kept = world.added()
    service.kill()
    service.start()
    newest = sorted(before)[-2:]
    after = rows(service, world.admin, f"step=1s&measure=people&limit=10000&{window}")
    lost = [k for k, v in before.items() if k not in newest and after.get(k) != v]
    tap.check(not lost, "history is there after kill -9", lost)
    detail = service.call("GET", f"/alerts/{world.alert}", world.admin)[1]
    tap.check(detail["acknowledged_by"] == "test-operator" and detail["acknowledged"], "the alert is still acknowledged, with who and when", detail)
    tap.check(service.call("GET", f"/streams/{kept}", world.admin)[0] == 200, "a camera made over the API is still there")
    tap.check(service.call("DELETE", f"/streams/{kept}", world.admin)[0] == 204, "and can be removed")


def revoked(world):
    service = world.service
    key = service.key("viewer", "leaver")
    tap.check(service.call("GET", "/streams", key)[0] == 200, "a new key counts at once")
    subprocess.run([BINARY, "token", "revoke", "--name", "leaver", "-c", str(service.config)], cwd=ROOT, capture_output=True, check=True)
    service.wait_until(lambda: service.call("GET", "/streams", key)[0] == 401, "the key is refused", 15)
    tap.check(True, "a revoked key is refused after a few seconds")


def limits():
    """Another service, because this one has no limit."""
    service = Service(sections="\nstreams: []\n")
    service.config.write_text(service.config.read_text().replace("rate_limit: 0", "rate_limit: 3"))
    with service:
        key = service.key("viewer")
        answers = [service.request("GET", "/status", key) for _ in range(20)]
        late = [a for a in answers if a[0] == 429]
        tap.check(answers[0][0] == 200 and late and int(late[0][1]["Retry-After"]) >= 1 and json.loads(late[0][2])["status"] == 429, "too many requests: 429 with Retry-After",
                  [a[0] for a in answers])
        tap.check(service.call("GET", "/health")[0] == 200, "and /health still answers")
        guesses = [service.request("GET", "/status", f"{i:064}")[0] for i in range(140)]
        tap.check(guesses[0] == 401 and 429 in guesses, "too many wrong keys: 429", (guesses[0], guesses[-1]))
        tap.check(service.stop() == 0, "ends cleanly")


def main():
    why = assets_missing()
    if why:
        tap.skip("the API", why)
        return
    with Service(sections=SECTIONS) as service:
        world = World(service)
        for part in (matrix, methods, not_found, wrong_queries, big_body, wrong_cameras, pictures, session, metrics, alerts, documented_lines, add_and_remove, restart, revoked):
            began = time.monotonic()
            try:
                part(world)
            except Exception as error:  # the others go on
                tap.check(False, part.__name__, f"{type(error).__name__}: {error}")
            print(f"# {part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        tap.check(service.stop() == 0, "SIGTERM ends it with 0")
    tap.run("limits", limits)


main()
sys.exit(tap.end())
