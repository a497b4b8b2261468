#!/usr/bin/env python3
"""The WebSocket through the real service: numbers without holes, resume, live pictures, slow and broken clients. Prints TAP."""
import json
import pathlib
import socket as sockets
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from sci_service import CLIP, Closed, Service, Tap, WebSocket, assets_missing, demo_sections  # noqa: E402

tap = Tap()


def subscribed(service, role="viewer", **more):
    socket = service.websocket(service.key(role))
    socket.send({"type": "subscribe", "streams": "*", **more})
    return socket


def messages(socket, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield socket.receive()


def no_holes(service):
    socket = subscribed(service)
    updates = [m for m in messages(socket, 4) if isinstance(m, dict) and m["type"] == "stream_update"]
    numbers = [m["seq"] for m in updates]
    assert len(numbers) >= 5, f"{len(numbers)} updates in 4 s"
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    assert len({m["epoch"] for m in updates}) == 1 and all(m["schema"] == 1 and m["stream_id"] == "square" for m in updates)
    socket.close()


def by_stream(service):
    admin = service.key("admin")
    assert service.call("POST", "/streams", admin, {"stream_id": "other", "uri": str(CLIP), "loop": True, "frame_rate": 7})[0] == 201
    socket = service.websocket(service.key("viewer"))
    socket.send({"type": "subscribe", "streams": ["other"]})
    first = socket.receive_type("stream_update", 20)
    seen = {m["stream_id"] for m in messages(socket, 2) if isinstance(m, dict) and m["type"] == "stream_update"} | {first["stream_id"]}
    assert seen == {"other"}, seen
    socket.send({"type": "subscribe", "streams": ["square"]})
    socket.send({"type": "unsubscribe", "streams": ["other"]})
    socket.send({"type": "ping", "id": 7})
    socket.receive_type("pong")
    seen = {m["stream_id"] for m in messages(socket, 2) if isinstance(m, dict) and m["type"] == "stream_update"}
    assert seen == {"square"}, seen
    assert service.call("DELETE", "/streams/other", admin)[0] == 204
    socket.close()


def nothing_unasked(service):
    socket = service.websocket(service.key("viewer"))
    socket.socket.settimeout(2)
    try:
        message = socket.receive()
        while isinstance(message, dict) and message["type"] not in ("stream_update", "alert"):
            message = socket.receive()
        raise AssertionError(f"not asked for: {str(message)[:200]}")
    except TimeoutError:
        pass
    socket.close()


def pictures_have_updates(service):
    socket = subscribed(service, pictures=True)
    updates, pictures = set(), []
    for message in messages(socket, 5):
        if isinstance(message, tuple):
            head, jpeg = message
            assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9" and head["width"] > 0, head
            pictures.append(head["seq"])
        elif message["type"] == "stream_update":
            updates.add(message["seq"])
    assert len(pictures) >= 4, f"{len(pictures)} pictures in 5 s"
    missing = [seq for seq in pictures[1:-1] if seq not in updates]
    assert not missing, f"pictures without an update of their number: {missing}"
    socket.close()


def ping_and_pong(service):
    socket = service.websocket(service.key("viewer"))
    socket.send({"type": "ping", "id": "x1"})
    assert socket.receive_type("pong")["id"] == "x1"
    socket.send_frame(9, b"are you there")
    while True:
        opcode, payload = socket.frame()
        if opcode == 10:
            break
    assert payload == b"are you there"
    socket.close()


def raise_alert(service):
    return service.call("POST", "/alerts/test", service.key("operator"), {})[1]["alert_id"]


def next_numbered(socket, alert_id):
    while True:
        message = socket.receive_type("alert", 20)
        if message["alert_id"] == alert_id and message["seq"] is not None:
            return message


def alerts_are_replayed(service):
    socket = subscribed(service)
    last = next_numbered(socket, raise_alert(service))["seq"]
    socket.close()
    missed = [raise_alert(service) for _ in range(5)]
    time.sleep(1.5)
    socket = subscribed(service, alerts_after=last)
    replayed = []
    while len({a for a, _ in replayed} & set(missed)) < len(missed):
        message = socket.receive_type("alert", 20)
        replayed.append((message["alert_id"], message["seq"]))
    numbers = [seq for _, seq in replayed if seq is not None]
    assert numbers == sorted(numbers) and min(numbers) > last, f"after {last}: {numbers}"
    socket.close()


def replay_survives_kill(service):
    socket = subscribed(service)
    last = next_numbered(socket, raise_alert(service))["seq"]
    socket.close()
    missed = raise_alert(service)
    service.kill()
    service.start()
    socket = subscribed(service, alerts_after=last)
    assert next_numbered(socket, missed)["seq"] > last
    socket.close()


def a_gap_is_announced(service):
    socket = subscribed(service)
    update = socket.receive_type("stream_update")
    socket.close()
    time.sleep(1)
    socket = service.websocket(service.key("viewer"))
    socket.send({"type": "subscribe", "streams": ["square"], "seen": {"square": {"epoch": update["epoch"], "seq": update["seq"]}}})
    gap = socket.receive_type("gap", 10)
    after = socket.receive_type("stream_update", 10)
    assert gap["stream_id"] == "square" and gap["from"] == update["seq"] + 1 and gap["to"] == after["seq"] - 1, f"{gap} {after['seq']}"
    socket.close()


def slow_client(service):
    """It subscribes to everything and never reads; another one loses nothing, and memory stays."""
    slow = WebSocket("127.0.0.1", service.port, service.key("viewer"), 60)
    slow.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    slow.send({"type": "subscribe", "streams": "*", "pictures": True})
    good, before = subscribed(service), service.resident_kb()
    numbers = [m["seq"] for m in messages(good, 12) if isinstance(m, dict) and m["type"] == "stream_update"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and len(numbers) > 10, f"{len(numbers)} updates"
    assert service.resident_kb() - before < 16 * 1024, f"{service.resident_kb() - before} kB more"
    seen, gaps = [], 0
    slow.socket.settimeout(10)
    try:
        for message in messages(slow, 4):
            if isinstance(message, dict):
                gaps += message["type"] == "gap"
                seen += [message["seq"]] if message["type"] == "stream_update" else []
    except Closed as closed:
        assert closed.code == 1013, closed.code
    assert seen == sorted(set(seen)), "the slow client got updates twice or out of order"
    assert gaps or seen == list(range(seen[0], seen[0] + len(seen))), "numbers are missing and no gap says so"
    good.close()
    slow.close()


def closed_with(service, code, send):
    socket = service.websocket(service.key("viewer"))
    socket.socket.settimeout(10)
    send(socket)
    try:
        for message in messages(socket, 10):
            pass
    except Closed as closed:
        assert closed.code == code, f"closed with {closed.code}, expected {code}"
        return
    except ConnectionError:
        raise AssertionError(f"reset without a close frame, expected {code}") from None
    raise AssertionError("not closed")


def broken_frames(service):
    closed_with(service, 1002, lambda s: s.send_frame(1, b'{"type": "ping"}', mask=False))
    closed_with(service, 1007, lambda s: s.send_frame(1, b"\xff\xfe\xfd"))
    closed_with(service, 1002, lambda s: s.send_frame(5, b"what is that"))
    closed_with(service, 1009, lambda s: s.send_frame(1, b" " * (1 << 20)))


def wrong_commands_are_answered(service):
    socket = service.websocket(service.key("viewer"))
    for text in (b"{", b"[]", b'{"type": "dance"}', b'{"type": "subscribe", "streams": 7}', b'{"type": "subscribe", "streams": "*", "alerts_after": -4}'):
        socket.send_frame(1, text)
        answer = socket.receive_type("error", 5)
        assert answer.get("message") or answer.get("detail"), answer
    socket.send({"type": "ping"})
    socket.receive_type("pong", 5)
    socket.close()


def keys_are_needed(service):
    for key in (None, "sci_wrong"):
        socket = service.websocket(key)
        assert socket.status == 401, socket.status
        socket.close()
    status, headers, text = service.request("GET", "/ws", service.key("viewer"))
    assert status == 426 and json.loads(text)["status"] == 426, status


def stopping_says_so(service):
    socket = subscribed(service)
    socket.receive_type("stream_update")
    service.process.send_signal(15)
    try:
        for _ in messages(socket, 10):
            pass
    except Closed as closed:
        assert closed.code == 1001, closed.code
        assert service.process.wait(15) == 0
        return
    raise AssertionError("not closed")


def main():
    why = assets_missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    with Service(demo_sections()) as service:
        for role in ("viewer", "operator", "admin"):
            service.key(role)
        service.wait_until(lambda: service.call("GET", "/streams/square", service.key("admin"))[1]["state"] == "live", "the camera live", 20)
        tap.run("numbers have no holes", no_holes, service)
        tap.run("a client that asked for nothing gets nothing", nothing_unasked, service)
        tap.run("subscribe and unsubscribe by stream", by_stream, service)
        tap.run("every live picture has an update of its number", pictures_have_updates, service)
        tap.run("ping and pong, in JSON and in frames", ping_and_pong, service)
        tap.run("alerts that were missed are replayed", alerts_are_replayed, service)
        tap.run("also over kill -9", replay_survives_kill, service)
        tap.run("a gap is announced", a_gap_is_announced, service)
        tap.run("a client that never reads harms nobody", slow_client, service)
        tap.run("broken frames are closed with their code", broken_frames, service)
        tap.run("wrong commands are answered, and the connection goes on", wrong_commands_are_answered, service)
        tap.run("no key, a wrong key, no upgrade", keys_are_needed, service)
        tap.run("a stop says 1001 and exits with 0", stopping_says_so, service)
    return tap.end()


sys.exit(main())
