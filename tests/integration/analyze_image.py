#!/usr/bin/env python3
"""POST /analyze/image of the real service: counts, maps, forms, and pictures that are none. Prints TAP.

The density network is one whose answer is known (tests/data/models/tiny_density.onnx): people per cell = the blue channel, 0 to 1.
"""
import http.client
import json
import os
import pathlib
import struct
import sys
import threading
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from openapi import Description  # noqa: E402
from sci_service import CLIP, ROOT, Service, Tap, assets_missing  # noqa: E402

tap = Tap()
TINY = ROOT / "tests/data/models/tiny_density.onnx"
CAMERAS = f"streams:\n  - {{stream_id: square, uri: {CLIP}, loop: true, frame_rate: 7}}\n"


def png(width, height, value=255, channels=3):
    """A flat picture."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    row = b"\0" + bytes([value]) * (width * channels)
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * height, 1)) + chunk(b"IEND", b"")


def post(service, query, body, kind="image/png", role="operator"):
    key = service.key(role)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=90)
    try:
        connection.request("POST", "/analyze/image" + query, body, {"Content-Type": kind, "Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, {k.title(): v for k, v in answer.getheaders()}, answer.read()
    except OSError:
        return 0, {}, b""
    finally:
        connection.close()


def refused(service, name, query, body, status, *words, kind="image/png", role="operator"):
    got, headers, text = post(service, query, body, kind, role)
    ok = got == status and headers.get("Content-Type") == "application/problem+json" and all(word in text.decode() for word in words)
    tap.check(ok, f"{name}: {status}", f"{got} {text[:300]}")


def counts(service, description):
    white = png(1024, 768)
    status, headers, text = post(service, "?mode=density&map=data", white)
    answer = json.loads(text)
    said = description.wrong(answer, {"$ref": "#/components/schemas/ImageAnalysis"})
    tap.check(status == 200 and not said, "an answer as /openapi.json describes it", f"{status} {said} {text[:300]}")
    cells = answer["map"]
    tap.check(19000 < answer["count"] < 19200 and answer["low"] < answer["count"] < answer["high"] and answer["regime"] == "density", "the count is the network's", answer["count"])
    tap.check((cells["columns"], cells["rows"]) == (160, 120) and len(cells["values"]) == 160 * 120 and abs(sum(cells["values"]) - answer["count"]) < 1, "the map sums to the count")
    tap.check(headers["X-Sci-Regime"] == "density" and float(headers["X-Sci-Count"]) == answer["count"], "the figures in the headers too", headers)
    tap.check(json.loads(post(service, "?mode=density", white)[2])["map"] is None, "no map that nobody asked for")
    square = service.request("GET", "/streams/square/picture.jpg", service.key("viewer"))[2]
    answer = json.loads(post(service, "?mode=boxes", square, "image/jpeg")[2])
    tap.check(answer["regime"] == "boxes" and answer["count"] == len(answer["boxes"]) > 0 and answer["crowd"] is None, "people on a street by boxes", answer)
    answer = json.loads(post(service, "", square, "application/octet-stream")[2])
    tap.check(answer["mode"] == "auto" and answer["regime"] in ("blended", "density") and answer["note"] is None, "auto looks with both", answer)
    status, headers, text = post(service, "?mode=density&map=jpeg", square, "image/jpeg")
    tap.check(status == 200 and headers["Content-Type"] == "image/jpeg" and text[:2] == b"\xff\xd8" and "X-Sci-Count" in headers, "the map as a picture", status)
    form = b'--b0\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--b0\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + white + b"\r\n--b0--\r\n"
    status, _, text = post(service, "?mode=density", form, "multipart/form-data; boundary=b0")
    tap.check(status == 200 and json.loads(text)["count"] > 19000, "the file of a form", f"{status} {text[:200]}")
    refused(service, "a form that is cut off", "?mode=density", form[:-40], 400, "cut off", kind="multipart/form-data; boundary=b0")
    refused(service, "a form with another boundary", "?mode=density", form, 400, "boundary", kind="multipart/form-data; boundary=other")


def odd_pictures(service):
    square = service.request("GET", "/streams/square/picture.jpg", service.key("viewer"))[2]
    for name, body in {"1 x 1": png(1, 1), "grey": png(640, 480, 90, 1), "8K": png(7680, 4320, 60), "a line": png(3000, 2, 128), "black": png(640, 480, 0)}.items():
        for mode in ("auto", "boxes", "density"):
            status, _, text = post(service, f"?mode={mode}", body)
            answer = json.loads(text)
            tap.check(status == 200 and 0 <= answer["low"] <= answer["count"] <= answer["high"], f"{name}, {mode}: counted", f"{status} {text[:200]}")
    for name, (body, words) in {"a cut-off JPEG": (square[:len(square) // 2], ("picture",)), "a cut-off PNG": (png(64, 64, 7)[:-20], ("picture",)),
                                "text": (b"no picture\n" * 50, ("picture",)), "a PNG's head alone": (png(64, 64)[:30], ("picture",))}.items():
        refused(service, name, "?mode=density", body, 400, *words)
    refused(service, "a side of 9000 pixels", "?mode=density", png(9000, 4), 422, "8192")
    refused(service, "no body", "", b"", 400, "picture")
    refused(service, "a body of JSON", "", b"{}", 415, "image/", kind="application/json")
    refused(service, "no such mode", "?mode=guess", png(8, 8), 422, "mode", "expected one of auto, boxes, density")
    refused(service, "a map of boxes", "?mode=boxes&map=data", png(8, 8), 422, "map")
    refused(service, "a viewer", "", png(8, 8), 403, "operator", role="viewer")
    tap.check(service.request("POST", "/analyze/image", None, png(8, 8))[0] == 401, "no key: 401")


def large_bodies(service):
    refused(service, "more than server.max_picture", "", b"\xff\xd8" + bytes(3 << 20), 413, "bytes")
    status, _, text = post(service, "?mode=density", png(640, 480) + bytes(1 << 21))
    tap.check(status == 200, "a picture of 2 MiB, more than server.max_body", text[:200])


def crowd_of_requests(service):
    """Twenty pictures at once: some are counted, the rest told to come again; nobody else waits."""
    body, answers = png(3840, 2160, 90), []
    threads = [threading.Thread(target=lambda: answers.append(post(service, "?mode=density", body))) for _ in range(20)]
    for thread in threads:
        thread.start()
    alive = 0
    while len(answers) < 11 and alive < 1000:  # nine are with the service, so as many threads of the pool would be blocked
        alive += service.call("GET", "/health")[0] == 200
    for thread in threads:
        thread.join()
    codes = sorted(a[0] for a in answers)
    full = [a for a in answers if a[0] == 503]
    tap.check(set(codes) == {200, 503} and codes.count(200) >= 1 and all(a[1].get("Retry-After") for a in full), "those beyond the bound: 503 with Retry-After", codes)
    tap.check(alive > 0, "others are answered meanwhile")
    metrics = service.request("GET", "/metrics", service.key("viewer"))[2].decode()
    value = lambda name: float(next(line.split()[-1] for line in metrics.splitlines() if line.startswith(name)))
    tap.check(value("sci_density_runs_total") >= codes.count(200) and value("sci_density_seconds_total") > 0 and value("sci_density_model_info") == 1, "the density network's runs are counted")
    tap.check(value('sci_images_total{result="refused"}') >= len(full), "and the pictures that were refused")


def stops_with_pictures_waiting(service):
    body, answers = png(3840, 2160, 90), []
    threads = [threading.Thread(target=lambda: answers.append(post(service, "?mode=density", body)[0])) for _ in range(6)]
    for thread in threads:
        thread.start()
    service.wait_until(lambda: service.call("GET", "/status", service.key("viewer"))[1]["counting"]["images_analyzed"] > 0 or len(answers), "the first picture")
    code = service.stop()
    for thread in threads:
        thread.join()
    tap.check(code == 0 and all(a in (0, 200, 503) for a in answers), "SIGTERM ends the service with pictures waiting", f"{code} {answers}")


def without_density_model():
    os.environ["SCI_INFERENCE__DENSITY_MODEL"] = "models/none.onnx"
    with Service(CAMERAS) as service:
        tap.check(service.call("GET", "/health")[1]["density_model"] is False, "/health says that there is no density model")
        status = service.call("GET", "/status", service.key("viewer"))[1]
        tap.check(status["counting"]["density_model"] is None and "boxes only" in status["counting"]["note"] and "under-counted" in status["counting"]["note"], "and so does /status", status["counting"])
        service.wait_until(lambda: service.request("GET", "/streams/square/picture.jpg", service.key("viewer"))[0] == 200, "a picture")
        square = service.request("GET", "/streams/square/picture.jpg", service.key("viewer"))[2]
        answer = json.loads(post(service, "", square, "image/jpeg")[2])
        tap.check(answer["regime"] == "boxes" and answer["count"] > 0 and "under-counted" in answer["note"], "auto counts by boxes and says so", answer)
        refused(service, "mode=density", "?mode=density", square, 422, "no density model installed")
        refused(service, "a map", "?map=jpeg", square, 422, "density model")


def with_a_head_on_the_detector():
    """Live from the detector's own pass at its size, 512 x 384; a picture over the API at 1280 x 960, so with 6.25 times as many cells."""
    os.environ["SCI_INFERENCE__DENSITY_MODEL"] = "detector"
    os.environ["SCI_INFERENCE__MODEL"] = str(ROOT / "tests/data/models/tiny_nanodet_crowd.onnx")
    with Service(CAMERAS + "counting: {mode: density, interval: 60s, idle_interval: 60s}\n") as service:
        key = service.key("operator")
        tap.check(service.call("GET", "/health")[1]["density_model"] is True, "a head is a density model")
        service.wait_until(lambda: service.call("GET", "/status", key)[1]["counting"]["density_runs"] > 5, "passes that count")
        tap.check(service.call("GET", "/status", key)[1]["counting"]["density_model"] == "detector", "/status says whose")
        square = service.request("GET", "/streams/square/picture.jpg", key)[2]
        answer = json.loads(post(service, "?mode=density", square, "image/jpeg")[2])
        socket = service.websocket(key)
        socket.send({"type": "subscribe", "streams": ["square"]})
        row = socket.receive_type("stream_update")["crowd_data"]
        socket.close()
        live = row["people"]["value"]
        tap.check(row["regime"] == "density" and abs(live * 6.25 - answer["count"]) < 0.05 * answer["count"], "live and over the API the same crowd", f"{live} {answer['count']}")
    os.environ["SCI_INFERENCE__MODEL"] = str(ROOT / "tests/data/models/tiny_nanodet.onnx")
    service = Service(CAMERAS)
    service.start(wait=False)
    code = service.process.wait(30)
    tap.check(code == 1 and "has no density head" in service.log.read_text(), "a detector without a head is refused at the start", service.log.read_text()[-300:])


def main():
    if missing := assets_missing():
        tap.skip("pictures over the API", missing)
        return tap.end()
    os.environ["SCI_INFERENCE__DENSITY_MODEL"] = str(TINY)
    os.environ["SCI_SERVER__MAX_PICTURE"] = "3MiB"
    with Service(CAMERAS) as service:
        description = Description(service.call("GET", "/openapi.json")[1])
        tap.check(service.call("GET", "/health")[1]["density_model"] is True, "/health says that there is a density model")
        service.wait_until(lambda: service.request("GET", "/streams/square/picture.jpg", service.key("viewer"))[0] == 200, "a picture")
        counts(service, description)
        odd_pictures(service)
        large_bodies(service)
        crowd_of_requests(service)
        stops_with_pictures_waiting(service)
    without_density_model()
    with_a_head_on_the_detector()
    return tap.end()


sys.exit(main())
