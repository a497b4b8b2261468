#!/usr/bin/env python3
"""The recorder in the real service, with cameras: an alert's clip, kill -9, a full disk, what is deleted. TAP."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import farm  # noqa: E402
from sci_service import Service, Tap, assets_missing  # noqa: E402

BEFORE, AFTER, KEYS = 4, 3, 2  # seconds; the clip's cameras have a key frame every 2 s
tap = Tap()


def sections(cameras):
    streams = "".join(f"  - {{stream_id: cam{i}, uri: '{cameras.uri(i)}', target_fps: 2, record: {'false' if i == 3 else 'true'}}}\n" for i in (1, 2, 3))
    return f"""
streams:
{streams}
alerts:
  defaults: false
  rules:
    - {{id: somebody, stream: "*", measure: people, thresholds: {{medium: 1}}, for: {{medium: 0.2s}}, clear_below: 0.5, clear_for: 600s}}
    - {{id: unrecorded, stream: cam1, measure: unrecorded, thresholds: {{medium: 4}}, for: {{medium: 1s}}, clear_below: 1, clear_for: 1s}}
    - {{id: lost, stream: cam2, measure: picture_age, thresholds: {{high: 6}}, for: {{high: 0.2s}}, clear_below: 3, clear_for: 0.2s}}
"""


def recorder(extra=""):
    return f", clip_before: {BEFORE}s, clip_after: {AFTER}s, segment: 2s, keep: 60s{extra}"


def probe(data):
    """(seconds, pictures that decode, codec, what FFmpeg has to say about its times) of a clip."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(data)
        file.flush()
        out = json.loads(subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames:format=duration", "-of", "json",
                                         file.name], capture_output=True, check=True).stdout)
        said = subprocess.run(["ffmpeg", "-nostdin", "-v", "warning", "-i", file.name, "-c", "copy", "-f", "null", "-"], capture_output=True, check=True).stderr
    stream = out["streams"][0]
    return float(out["format"]["duration"]), int(stream["nb_read_frames"]), stream["codec_name"], said.decode()


def alert_of(service, key, stream, rule, state=""):
    def found():
        items = service.call("GET", f"/alerts?stream={stream}{state}", key)[1]["items"]
        return next((a for a in items if a["rule_id"] == rule), None)
    return service.wait_until(found, f"an alert of {stream}", 90)


def clip_of(service, key, alert, seconds=40):
    """The clip, and the statuses on the way to it."""
    seen = []

    def answer():
        status, headers, data = service.request("GET", f"/alerts/{alert['alert_id']}/clip", key)
        if status not in seen:
            seen.append(status)
        return (headers, data) if status in (200, 404) else None
    headers, data = service.wait_until(answer, "the clip", seconds)
    return seen, headers, data


def recorder_state(service, key):
    return service.call("GET", "/status", key)[1]["recorder"]


def clips(service, key):
    first = alert_of(service, key, "cam1", "somebody")
    seen, headers, data = clip_of(service, key, first)
    tap.check(seen[-1] == 200 and set(seen) <= {409, 200} and headers["Content-Type"] == "video/mp4", "an alert's clip: not ready, then there", seen)
    seconds, pictures, codec, said = probe(data)
    tap.check(AFTER - 1 <= seconds <= BEFORE + AFTER + KEYS + 1 and codec == "h264" and pictures > 25, "it has the seconds around the moment", (seconds, pictures))
    tap.check(said == "", "its times are in order", said[:300])
    status, headers, part = service.request("GET", f"/alerts/{first['alert_id']}/clip", key, headers={"Range": "bytes=4-7"})
    tap.check(status == 206 and part == b"ftyp" and headers["Content-Range"] == f"bytes 4-7/{len(data)}", "a part of it", (status, part))
    status, _, _ = service.request("GET", f"/alerts/{first['alert_id']}/clip", key, headers={"Range": "bytes=99999999-"})
    tap.check(status == 416, "a part that is beyond its end", status)
    tap.check(service.request("GET", f"/alerts/{first['alert_id']}/clip")[0] == 401, "not without a key")

    left_out = alert_of(service, key, "cam3", "somebody")
    status, problem = service.call("GET", f"/alerts/{left_out['alert_id']}/clip", key)
    seen, _, _ = clip_of(service, key, left_out)
    tap.check(seen[-1] == 404, "a camera that is not recorded has no clip", (status, problem))
    stream = service.call("GET", "/streams/cam3", key)[1]["recording"]
    tap.check(not stream["active"] and stream["reason"] == "record is false", "and its stream says why", stream)

    stream = service.call("GET", "/streams/cam1", key)[1]["recording"]
    tap.check(stream["active"] and stream["bytes"] > 0 and stream["dropped_packets"] == 0, "a stream tells that it is recorded", stream)
    metrics = service.request("GET", "/metrics", key)[2].decode()
    tap.check('sci_recording{stream="cam1"} 1' in metrics and 'sci_recording{stream="cam3"} 0' in metrics, "so do the metrics")
    return first


def lost_camera(service, key, cameras):
    # On a slow machine it may have been lost at the start too.
    service.wait_until(lambda: service.call("GET", "/streams/cam2", key)[1]["recording"]["bytes"] > 1000000, "cam2 is recorded", 60)
    service.wait_until(lambda: not [a for a in service.call("GET", "/alerts?state=open", key)[1]["items"] if a["rule_id"] == "lost"], "cam2 is there", 60)
    cameras.kill()
    alert = alert_of(service, key, "cam2", "lost", "&state=open")
    seen, _, data = clip_of(service, key, alert)
    seconds = probe(data)[0] if seen[-1] == 200 else 0
    tap.check(BEFORE - 1 <= seconds <= BEFORE + KEYS + 4, "a lost camera's clip shows what came before", (seen, seconds))
    cameras.start()


def killed(service, key, first):
    """kill -9 while a clip is waited for: made at the next start."""
    ring = service.folder / "recordings/cam1"
    service.wait_until(lambda: service.call("GET", "/streams/cam1", key)[1]["recording"]["active"], "recording", 30)
    service.wait_until(lambda: len(list(ring.glob("*.mkv"))) > 2, "segments", 30)
    time.sleep(8)  # some seconds without a break, on a slow machine too
    wanted = service.folder / "pictures" / "after-kill.mp4.wanted"
    # The wish that an alert of this moment would have left, for no alert can be timed so well.
    now = time.time_ns()
    service.kill()
    wanted.write_text(f"cam1 {now - 3 * 10**9} {now} {now + 10**9}\n")
    before = {p.name for p in ring.glob("*.mkv")}
    service.start()
    clip = service.folder / "pictures/after-kill.mp4"
    service.wait_until(clip.exists, "the clip of before the kill", 30)
    seconds, _, _, said = probe(clip.read_bytes())
    tap.check(1 <= seconds <= 3 + KEYS + 1 and not wanted.exists() and said == "", "after kill -9 the clip that was waited for is made", (seconds, said))
    tap.check(before & {p.name for p in ring.glob("*.mkv")}, "what had been recorded is still there", before)
    status, _, data = service.request("GET", f"/alerts/{first['alert_id']}/clip", key)
    tap.check(status == 200 and len(data) > 1000, "the first alert's clip too", status)
    service.wait_until(lambda: recorder_state(service, key)["streams"] == 2, "recording goes on", 30)
    tap.check(True, "recording goes on")


def swept(service, key, first):
    """Stills and clips whose alert is gone: two old ones of nobody, one of an alert that is there."""
    pictures = service.folder / "pictures"
    old = [pictures / "gone.jpg", pictures / "gone.mp4", pictures / "notes.txt"]
    for path in old:
        path.write_bytes(b"x")
    (pictures / "young.jpg").write_bytes(b"x")
    kept = pictures / f"{first['alert_id']}.mp4"
    for path in old + [kept]:
        os.utime(path, (time.time() - 7200,) * 2)
    service.stop()
    service.start()
    service.wait_until(lambda: not old[0].exists() and not old[1].exists(), "old files of no alert are deleted", 40)
    tap.check(old[2].exists() and kept.exists() and (pictures / "young.jpg").exists(), "files of alerts, young ones and others' stay")


def limits(service, key):
    state = recorder_state(service, key)
    service.wait_until(lambda: recorder_state(service, key)["segments"] > 8, "some segments", 60)
    limit = 1500000
    service.stop()
    service.config.write_text(service.config.read_text().replace("clip_before", f"max_size: {limit}, clip_before", 1))
    service.start()
    service.wait_until(lambda: recorder_state(service, key)["recording"], "recording", 30)
    time.sleep(6)
    sizes = sum(p.stat().st_size for p in (service.folder / "recordings").glob("*/*.mkv"))
    tap.check(sizes < limit + 2 * 2 * 10**6, "a smaller limit is kept", (state, sizes))


def full_disk(cameras, clips_folder):
    """A disk of 24 MB that others fill: analysis goes on, recording stops, says so, and comes back."""
    disk = pathlib.Path(tempfile.mkdtemp(prefix="sci-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(disk)], capture_output=True).returncode:
        tap.check(True, "a full disk # SKIP no right to mount a small disk")
        return
    try:
        service = Service(sections=sections(cameras))
        text = service.config.read_text()
        service.config.write_text(text.replace(f"recorder: {{path: {service.folder}/recordings, min_free: 64MiB", f"recorder: {{path: {disk}/ring, min_free: 4MiB" + recorder(), 1))
        with service:
            key = service.key("admin")
            service.wait_until(lambda: recorder_state(service, key)["streams"] == 2, "recording", 60)
            with open(disk / "other", "wb", buffering=0) as other:
                try:
                    while True:
                        other.write(bytes(65536))
                except OSError:
                    pass
            state = service.wait_until(lambda: (s := recorder_state(service, key))["reason"] and s, "recording stops", 30)
            warnings = service.call("GET", "/status", key)[1]["warnings"]
            tap.check(not state["recording"] and any("nothing is recorded" in w for w in warnings), "a full disk stops it, and the status says so", (state, warnings))
            tap.check("\nsci_recorder_recording 0\n" in service.request("GET", "/metrics", key)[2].decode(), "so does the metric")
            alert = alert_of(service, key, "cam1", "unrecorded", "&state=open")
            tap.check(alert["level"] == "MEDIUM" and alert["value"] >= 4, "and an alert, by rule", alert)
            before = service.call("GET", "/streams/cam1", key)[1]
            time.sleep(3)
            after = service.call("GET", "/streams/cam1", key)[1]
            tap.check(after["state"] == "live" and after["frames_analyzed"] > before["frames_analyzed"] and after["recording"]["dropped_packets"] > 0,
                      "analysis goes on, and what is not recorded is counted", after["recording"])
            os.unlink(disk / "other")
            service.wait_until(lambda: recorder_state(service, key)["streams"] == 2, "recording is back", 30)
            tap.check("\nsci_recorder_recording 1\n" in service.request("GET", "/metrics", key)[2].decode(), "with room again it goes on by itself")
            service.wait_until(lambda: not [a for a in service.call("GET", "/alerts?state=open", key)[1]["items"] if a["rule_id"] == "unrecorded"], "the alert is over", 60)
            tap.check(True, "and the alert is over")
            subprocess.run(["rm", "-rf", str(disk / "ring")], check=True)
            service.wait_until(lambda: "the folder is gone" in service.log.read_text(errors="replace"), "the folder's absence is told", 15)
            service.wait_until(lambda: recorder_state(service, key)["streams"] == 2, "recording is back", 30)
            tap.check((disk / "ring").is_dir(), "a folder that was deleted comes back")
            tap.check(service.stop() == 0, "ends cleanly")
    finally:
        subprocess.run(["umount", str(disk)], check=False)
        disk.rmdir()


def main():
    why = farm.missing() or assets_missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="sci-clips-") as folder:
        clip = farm.wide_clip(folder)
        with farm.Farm([clip], 3) as cameras:
            with Service(sections=sections(cameras), recorder=recorder()) as service:
                key = service.key("admin")
                first = clips(service, key)
                lost_camera(service, key, cameras)
                killed(service, key, first)
                swept(service, key, first)
                limits(service, key)
            full_disk(cameras, folder)
    return tap.end()


sys.exit(main())
