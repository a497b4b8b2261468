#!/usr/bin/env python3
"""The WebSocket of the real service: numbers without gaps, replay, pictures, slow clients, frames that no good client sends. Prints TAP."""
import json
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import BINARY, CLIP, ROOT, Closed, Service, Tap, WebSocket, assets_missing  # noqa: E402

tap = Tap()
QUEUE = 16
SECTIONS = f"""
streams:
  - {{stream_id: good, uri: {CLIP}, loop: true, frame_rate: 7}}
  - {{stream_id: other, uri: {CLIP}, loop: true, frame_rate: 7, target_fps: 3}}
"""


def make_service(sections, settings):
    service = Service(sections=sections)
    service.config.write_text(service.config.read_text().replace("rate_limit: 0", f"rate_limit: 0, {settings}"))
    return service


class Client(threading.Thread):
    """Reads all that comes, in a thread of its own."""

    def __init__(self, service, key, **command):
        super().__init__(daemon=True)
        self.ws = service.websocket(key)
        self.messages, self.code, self.ended = [], None, False
        if command:
            self.ws.send({"type": "subscribe", **command})
        self.start()

    def run(self):
        try:
            while True:
                self.messages.append(self.ws.receive())
        except Closed as closed:
            self.code = closed.code
        except OSError:
            pass
        self.ended = True

    def of(self, kind, stream=None):
        return [m for m in list(self.messages) if isinstance(m, dict) and m["type"] == kind and stream in (None, m.get("stream_id"))]

    def seqs(self, stream):
        return [m["seq"] for m in self.of("stream_update", stream)]

    def close(self):
        try:
            self.ws.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join(5)
        self.ws.close()


def without_gap(seqs):
    return len(seqs) > 0 and seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def wait(service, done, what, seconds=40):
    return service.wait_until(done, what, seconds)


def handshake(service, keys):
    def shake(key=None, more="", lines=None):
        s = socket.create_connection(("127.0.0.1", service.port), 20)
        lines = lines or ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
        lines = ["GET /ws HTTP/1.1", f"Host: 127.0.0.1:{service.port}", *lines] + ([f"X-API-Key: {key}"] if key else []) + ([more] if more else [])
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        data = b""
        while b"\r\n\r\n" not in data or (not data.startswith(b"HTTP/1.1 101") and b"}" not in data):
            part = s.recv(65536)
            if not part:
                break
            data += part
        s.close()
        return int(data.split()[1]), data.decode(errors="replace")

    tap.check(shake()[0] == 401, "no key: 401")
    status, text = shake("0" * 64)
    tap.check(status == 401 and "application/problem+json" in text, "a wrong key: 401, a problem document", text)
    status, text = shake(keys["viewer"])
    tap.check(status == 101 and "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in text, "a viewer's key: 101, with the answer of RFC 6455's example", text)
    base = ["Upgrade: websocket", "Connection: Upgrade"]
    status, text = shake(keys["viewer"], lines=base + ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 8"])
    tap.check(status == 426 and "Sec-WebSocket-Version: 13" in text, "another version: 426 naming the one spoken", text)
    tap.check(shake(keys["viewer"], lines=base + ["Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"])[0] == 400, "a key that is none: 400")
    tap.check(shake(keys["viewer"], lines=["Connection: keep-alive"])[0] == 426, "a plain GET: 426")
    cookie = service.request("POST", "/session", None, {"key": keys["viewer"]})[1]["Set-Cookie"].split(";")[0]
    own = f"Origin: http://127.0.0.1:{service.port}"
    for name, more, wanted in (("and the dashboard's Origin", f"\r\n{own}", 101), ("without an Origin", "", 403), ("and a foreign Origin", "\r\nOrigin: http://evil.example", 403)):
        got = shake(more=f"Cookie: {cookie}{more}")
        tap.check(got[0] == wanted, f"a cookie {name}: {wanted}", got)


def numbers(service, keys):
    one = Client(service, keys["viewer"], streams=["good"])
    every = Client(service, keys["viewer"], streams="*")
    wait(service, lambda: len(one.seqs("good")) >= 12 and len(every.seqs("other")) >= 4, "updates")
    tap.check(without_gap(one.seqs("good")) and without_gap(every.seqs("good")) and without_gap(every.seqs("other")), "numbers rise by one, stream by stream")
    tap.check(not one.of("stream_update", "other"), "a client gets only the streams that it subscribed")
    tap.check(not one.of("gap") and not every.of("gap"), "no gap is announced to clients that read")
    update = one.of("stream_update")[-1]
    tap.check(update["schema"] == 1 and update["timestamp"] <= update["published"] and update["crowd_data"]["people"]["unit"] and len({m["epoch"] for m in one.of("stream_update")}) == 1,
              "an update has schema, times, epoch and a measure with its unit", update)
    status = one.of("system_status")
    tap.check(status and all(m["schema"] == 1 for m in one.messages if isinstance(m, dict)), "the system's state comes by itself; every message says its schema")
    every.ws.send({"type": "unsubscribe", "streams": "*"})
    wait(service, lambda: every.of("unsubscribed"), "the answer")
    before, other = len(every.of("stream_update")), len(one.seqs("good"))
    wait(service, lambda: len(one.seqs("good")) >= other + 4, "more for the other client")
    tap.check(len(every.of("stream_update")) == before, "nothing comes after unsubscribe")
    one.ws.send({"type": "subscribe", "streams": ["other"]})
    wait(service, lambda: len(one.seqs("other")) >= 2, "the second stream")
    tap.check(one.of("subscribed")[-1]["streams"] == ["good", "other"], "subscriptions add up", one.of("subscribed"))
    one.ws.send({"type": "unsubscribe", "streams": ["good"]})
    wait(service, lambda: one.of("unsubscribed"), "the answer")
    before, others = len(one.seqs("good")), len(one.seqs("other"))
    wait(service, lambda: len(one.seqs("other")) >= others + 3, "the one that is left")
    tap.check(len(one.seqs("good")) == before and without_gap(one.seqs("other")), "one stream of two is unsubscribed")
    one.close()
    every.close()


def pings(service, keys):
    ws = service.websocket(keys["viewer"])
    for id in (7, "a"):
        ws.send({"type": "ping", "id": id})
        tap.check(ws.receive_type("pong")["id"] == id, f"ping {id!r} is answered with its id")
    ws.send_frame(9, b"hello")
    opcode, payload = ws.frame()
    while opcode != 10:
        opcode, payload = ws.frame()
    tap.check(payload == b"hello", "a ping of the protocol is answered with its bytes", payload)
    wrong = {"no JSON": "{\"type\": ", "no type": "{}", "an unknown type": '{"type": "dance"}', "streams of a wrong type": '{"type": "subscribe", "streams": 7}',
             "a stream_id that is none": '{"type": "subscribe", "streams": ["a b"]}', "alerts_after below 0": '{"type": "subscribe", "streams": "*", "alerts_after": -1}',
             "pictures of a wrong type": '{"type": "subscribe", "streams": "*", "pictures": 1}', "an array": "[1]", "257 streams": json.dumps({"type": "subscribe", "streams": [f"s{i}" for i in range(257)]})}
    for name, text in wrong.items():
        ws.send_frame(1, text.encode())
        said = ws.receive_type("error")
        tap.check(said["schema"] == 1 and said["detail"], f"{name}: an error message, the connection stays", said)
    text = json.dumps({"type": "ping", "id": "whole"}).encode()
    ws.send_frame(1, text[:9], final=False)
    ws.send_frame(9, b"between")
    ws.send_frame(0, text[9:])
    tap.check(ws.receive_type("pong")["id"] == "whole", "a message in two parts, a ping between")
    ws.close()


def pictures(service, keys):
    client = Client(service, keys["viewer"], streams=["good"], pictures=True)
    wait(service, lambda: len([m for m in client.messages if isinstance(m, tuple)]) >= 8, "live pictures")
    client.close()
    updates = {m["seq"]: m for m in client.of("stream_update", "good")}
    heads = [m[0] for m in client.messages if isinstance(m, tuple)]
    tap.check(all(h["seq"] in updates and updates[h["seq"]]["timestamp"] == h["timestamp"] and updates[h["seq"]]["epoch"] == h["epoch"] for h in heads[:-1]),
              "a picture's number and time are those of a published update", heads)
    tap.check([h["seq"] for h in heads] == sorted({h["seq"] for h in heads}), "pictures come in order, once")
    tap.check(all(m[1][:2] == b"\xff\xd8" and m[1][-2:] == b"\xff\xd9" and m[0]["width"] and m[0]["height"] for m in client.messages if isinstance(m, tuple)), "each is a whole JPEG")


def raise_test(service, keys):
    status, alert = service.call("POST", "/alerts/test", keys["operator"])
    assert status == 201, (status, alert)
    return alert["alert_id"]


def numbered(client):
    return [m["seq"] for m in client.of("alert") if m["seq"] is not None]


def replay(service, keys):
    first = Client(service, keys["viewer"], streams=["good"], alerts_after=0)
    id = raise_test(service, keys)
    wait(service, lambda: any(m["alert_id"] == id and m["seq"] is not None for m in first.of("alert")), "the alert with its number")
    mine = [m for m in first.of("alert") if m["alert_id"] == id]
    tap.check(mine[0]["level"] and mine[0]["message"], "an alert comes at once, and with its number when it is stored", [m["seq"] for m in mine])
    wait(service, lambda: len(first.seqs("good")) >= 2, "updates")
    last, seen = max(numbered(first)), first.of("stream_update", "good")[-1]
    first.close()
    missed = [raise_test(service, keys) for _ in range(3)]
    time.sleep(0.8)
    again = Client(service, keys["viewer"], streams=["good"], alerts_after=last, seen={"good": {"epoch": seen["epoch"], "seq": seen["seq"]}})
    wait(service, lambda: set(missed) <= {m["alert_id"] for m in again.of("alert")}, "the alerts that were missed")
    live = raise_test(service, keys)
    wait(service, lambda: any(m["alert_id"] == live and m["seq"] is not None for m in again.of("alert")), "the next alert")
    seqs = numbered(again)
    tap.check(min(seqs) > last and seqs == list(range(last + 1, last + 1 + len(seqs))), "reconnected: every alert since, once, in order, and then the live ones", (last, seqs))
    wait(service, lambda: again.seqs("good"), "updates")
    gap = again.of("gap", "good")
    tap.check(len(gap) == 1 and gap[0]["from"] == seen["seq"] + 1 and gap[0]["to"] == again.seqs("good")[0] - 1 and gap[0]["epoch"] == seen["epoch"], "the measurements that were missed are announced", gap)
    again.ws.send({"type": "subscribe", "streams": ["good"], "alerts_after": 0})
    wait(service, lambda: len(numbered(again)) >= len(seqs) + last, "all alerts")
    tap.check(numbered(again)[len(seqs):][:last] == list(range(1, last + 1)), "replayed from the very first")
    seen, last = again.of("stream_update", "good")[-1], max(numbered(again))
    watcher = Client(service, keys["viewer"], streams="*")
    tap.check(service.stop() == 0, "ends cleanly with clients connected")
    watcher.join(5)
    again.join(5)
    tap.check(watcher.code == 1001 and again.code == 1001, "the clients are told: 1001", (watcher.code, again.code))
    service.start()
    after = Client(service, keys["viewer"], streams=["good"], alerts_after=last, seen={"good": {"epoch": seen["epoch"], "seq": seen["seq"]}})
    id = raise_test(service, keys)
    wait(service, lambda: any(m["alert_id"] == id and m["seq"] is not None for m in after.of("alert")) and after.seqs("good"), "alerts and updates after the restart")
    tap.check(numbered(after)[0] > last and numbered(after) == sorted(set(numbered(after))), "the numbers of alerts go on over a restart", (last, numbered(after)))
    gap, first = after.of("gap", "good"), after.of("stream_update", "good")[0]
    tap.check(first["epoch"] != seen["epoch"] and gap and gap[0]["epoch"] == seen["epoch"] and gap[0]["from"] == seen["seq"] + 1 and gap[0]["to"] is None,
              "a restart is a new epoch, and the end of the old one is announced as missing", (gap, first["epoch"]))
    after.close()


def over_kill(service, keys):
    """An alert is kept although the service is killed right after it was raised."""
    first = Client(service, keys["viewer"], streams="*")
    raise_test(service, keys)
    wait(service, lambda: numbered(first), "an alert with its number")
    last = max(numbered(first))
    first.close()
    id = raise_test(service, keys)
    service.kill()
    service.start()
    again = Client(service, keys["viewer"], streams="*", alerts_after=last)
    wait(service, lambda: any(m["alert_id"] == id and m["seq"] is not None and m["seq"] > last for m in again.of("alert")), "the alert raised before kill -9")
    tap.check(True, "an alert is replayed over kill -9")
    silent = Client(service, keys["viewer"])
    before = len(again.of("stream_update"))
    raise_test(service, keys)
    wait(service, lambda: len(again.of("stream_update")) >= before + 5 and silent.of("system_status"), "updates for the other client")
    tap.check(not silent.of("stream_update") and not silent.of("alert"), "a client that asked for nothing gets nothing but the system's state")
    again.close()
    silent.close()


def slow_clients(service, keys):
    """Nobody reads on one side; the other side loses nothing."""
    for alert in service.call("GET", "/alerts?state=open&limit=500", keys["viewer"])[1]["items"]:  # none may end by itself meanwhile
        service.call("POST", f"/alerts/{alert['alert_id']}/resolve", keys["operator"])
    fast = Client(service, keys["viewer"], streams="*", alerts_after=0)

    def sleeper():
        ws = WebSocket.__new__(WebSocket)
        ws.socket = socket.socket()
        ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ws.socket.settimeout(20)
        ws.socket.connect(("127.0.0.1", service.port))
        ws.buffer = b""
        ws.socket.sendall(f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          f"Sec-WebSocket-Version: 13\r\nX-API-Key: {keys['viewer']}\r\n\r\n".encode())
        while b"\r\n\r\n" not in ws.buffer:
            ws._more()
        ws.buffer = ws.buffer.split(b"\r\n\r\n", 1)[1]
        ws.send({"type": "subscribe", "streams": "*", "pictures": True})
        return ws

    def dropped():
        text = service.request("GET", "/metrics", keys["viewer"])[2].decode()
        return {line.split()[0]: int(line.split()[1]) for line in text.splitlines() if line.startswith("sci_websocket_")}

    slow = sleeper()
    before = service.resident_kb()
    wait(service, lambda: dropped()["sci_websocket_dropped_total"] >= 10, "measurements dropped for the slow client", 120)
    more, name = service.resident_kb() - before, "what waits for a client that does not read is bounded"
    if "libasan" in pathlib.Path(f"/proc/{service.process.pid}/maps").read_text():
        tap.skip(name, "AddressSanitizer keeps what was freed")
    else:
        tap.check(more < 16384, name, f"{more} kB")
    seen, gaps, numbers = [], [], []
    while len(gaps) < 1 or len(seen) < 25:
        message = slow.receive()
        if isinstance(message, dict) and message.get("stream_id") == "good":
            if message["type"] == "stream_update":
                seen.append(message["seq"])
                numbers.append(message["seq"])
            elif message["type"] == "gap":
                gaps.append((message["from"], message["to"]))
                numbers += range(message["from"], message["to"] + 1)
    tap.check(without_gap(numbers), "it gets the newest ones when it reads again, and is told exactly which it has missed", (seen, gaps))
    slow.close()
    slow = sleeper()
    base = dropped()["sci_websocket_dropped_total"]
    wait(service, lambda: dropped()["sci_websocket_dropped_total"] > base, "the second slow client is slow", 120)
    raised, until = [], time.monotonic() + 60  # how many fit into the kernel's buffers first is the kernel's affair
    while dropped()["sci_websocket_overruns_total"] == 0 and time.monotonic() < until:
        raised.append(raise_test(service, keys))
        time.sleep(0.02)
    code = None
    alerts_seen = []
    until = time.monotonic() + 30
    try:
        while time.monotonic() < until:
            message = slow.receive()
            if isinstance(message, dict) and message["type"] == "alert":
                alerts_seen.append(message["seq"])
    except Closed as closed:
        code = closed.code
    slow.close()
    tap.check(code == 1013, "a client whose alerts no longer fit is closed with 1013", (code, len(raised)))
    wait(service, lambda: {m["alert_id"] for m in fast.of("alert") if m["seq"] is not None} >= set(raised), "the alerts at the client that reads")
    back = Client(service, keys["viewer"], streams="*", alerts_after=max([s for s in alerts_seen if s is not None], default=0))
    wait(service, lambda: {m["alert_id"] for m in back.of("alert")} >= set(raised[-3:]), "the alerts after coming back")
    tap.check(numbered(back) == list(range(numbered(back)[0], numbered(back)[0] + len(numbered(back)))), "it comes back with alerts_after and has lost none", numbered(back))
    tap.check(not fast.ended and not fast.of("gap") and without_gap(fast.seqs("good")) and without_gap(fast.seqs("other")) and without_gap(numbered(fast)),
              "the client that reads has lost nothing, measurements or alerts", (fast.ended, fast.code, fast.of("gap"), numbered(fast)))
    back.close()
    fast.close()


def code_after(service, keys, send):
    ws = service.websocket(keys["viewer"])
    try:
        send(ws)
        while True:
            ws.receive()
    except Closed as closed:
        return closed.code
    except OSError as error:
        return type(error).__name__
    finally:
        ws.close()


def bad_frames(service, keys):
    ping = json.dumps({"type": "ping"}).encode()
    mask = b"\x80\x00\x00\x00\x00"

    def many(ws):
        for _ in range(300):
            ws.send({"type": "ping"})

    cases = {
        "an unmasked frame": (lambda ws: ws.send_frame(1, ping, mask=False), 1002),
        "a message of 70 kB": (lambda ws: ws.send_frame(1, b"x" * 70000), 1009),
        "a message of 70 kB in parts": (lambda ws: [ws.send_frame(1 if i == 0 else 0, b"x" * 10000, final=i == 6) for i in range(7)], 1009),
        "a frame that says 2^62 bytes": (lambda ws: ws.socket.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0xxxx"), 1009),
        "a length with its highest bit": (lambda ws: ws.socket.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 63) + b"\0\0\0\0xxxx"), 1002),
        "text that is not UTF-8": (lambda ws: ws.send_frame(1, b'{"type": "\xff\xfe"}'), 1007),
        "a binary message": (lambda ws: ws.send_frame(2, ping), 1003),
        "a reserved opcode": (lambda ws: ws.send_frame(3, ping), 1002),
        "a reserved bit": (lambda ws: ws.socket.sendall(b"\xc1" + mask), 1002),
        "a ping of 126 bytes": (lambda ws: ws.send_frame(9, b"x" * 126), 1002),
        "a ping in parts": (lambda ws: ws.send_frame(9, b"x", final=False), 1002),
        "a continuation of nothing": (lambda ws: ws.send_frame(0, ping), 1002),
        "a message within a message": (lambda ws: (ws.send_frame(1, b"{", final=False), ws.send_frame(1, b"{}")), 1002),
        "a close with a code that may not be sent": (lambda ws: ws.send_frame(8, struct.pack(">H", 1005)), 1002),
        "a close of one byte": (lambda ws: ws.send_frame(8, b"x"), None),
        "a good close": (lambda ws: ws.send_frame(8, struct.pack(">H", 1000) + b"bye"), 1000),
        "300 commands at once": (many, 1008),
    }
    for name, (send, wanted) in cases.items():
        got = code_after(service, keys, send)
        tap.check(got == wanted, f"{name}: closed with {wanted or 'no code'}", f"got {got}")
    tap.check(service.call("GET", "/health")[0] == 200, "the service is well afterwards")


def revoked(service):
    key = service.key("viewer", "leaver")
    client = Client(service, key, streams="*")
    wait(service, lambda: client.seqs("good"), "updates")
    subprocess.run([BINARY, "token", "revoke", "--name", "leaver", "-c", str(service.config)], cwd=ROOT, capture_output=True, check=True)
    client.join(20)
    tap.check(client.code == 1008, "a client whose key is revoked is closed with 1008", client.code)
    client.close()


def too_many():
    with make_service("\nstreams: []\n", "max_clients: 2") as service:
        key = service.key("viewer")
        held = [service.websocket(key) for _ in range(2)]
        for ws in held:
            ws.receive_type("system_status")  # it has its place
        third = service.websocket(key)
        tap.check([ws.status for ws in held] == [101, 101] and third.status == 503 and "Retry-After" in third.head, "one client more than server.max_clients: 503 with Retry-After", third.head)
        held[0].close()
        third.close()
        tap.check(bool(service.wait_until(lambda: service.websocket(key).status == 101, "a place", 15)), "when one leaves, another may come")
        tap.check(service.stop() == 0, "ends cleanly")


def main():
    why = assets_missing()
    if why:
        tap.skip("the WebSocket", why)
        return
    with make_service(SECTIONS, f"client_queue: {QUEUE}") as service:
        keys = {role: service.key(role) for role in ("viewer", "operator", "admin")}
        for part in (handshake, numbers, pings, pictures, bad_frames, replay, over_kill, slow_clients, lambda s, k: revoked(s)):
            began = time.monotonic()
            try:
                part(service, keys)
            except Exception as error:  # the others go on
                tap.check(False, part.__name__, f"{type(error).__name__}: {error}")
            print(f"# {part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        tap.check(service.stop() == 0, "SIGTERM ends it with 0")
    tap.run("too many clients", too_many)


main()
sys.exit(tap.end())
