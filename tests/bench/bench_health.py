"""How soon the health checks notice a damaged picture, and whether they cry wolf.

    tests/bench/bench_health.py [--build build] [--videos FOLDER] [--keep FOLDER] [--only WORD]

Real clips unchanged (looped to a minute where they are shorter) must raise no flag. Copies are damaged from the
32nd second on with ffmpeg and encoded again; the table says when which flag came, and what it cost. FOLDER holds the
clips (crossing, street, umn_panic, intel); without it only the sample clip is used.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLEAN_S, DAMAGED_S, RATE = 32, 36, 5

# name, filter of the damaged part, the flag that is expected (None: none), of "{n}" pixels where it says so
DAMAGES = [
    ("none (encoded again)", "null", None),
    ("blur, sigma 0.15 % of the width", "blur 0.15", None),
    ("blur, sigma 0.5 %", "blur 0.5", "blurred"),
    ("blur, sigma 1 %", "blur 1", "blurred"),
    ("shift by 3 px", "shift 3", None),
    ("shift by 10 px", "shift 10", "moved"),
    ("shift by 30 px", "shift 30", "moved"),
    ("shift by 30 px down", "shift 0 30", "moved"),
    ("rotate 2 degrees", "rotate 2", "moved"),
    ("shaking by 4 px, 2 Hz", "shake 4", None),
    ("another view (mirrored)", "hflip", "moved"),
    ("box over 10 % (grey)", "drawbox=x=iw*0.1:y=ih*0.2:w=iw*0.3:h=ih*0.33:t=fill:color=0x606060", None),
    ("box over 35 % (grey)", "drawbox=x=0:y=0:w=iw*0.5:h=ih*0.7:t=fill:color=0x606060", "covered"),
    ("paint: half blurred away", "paint", "covered"),
    ("all grey", "drawbox=t=fill:color=0x606060", "plain"),
    ("black", "drawbox=t=fill:color=black", "black"),
    ("darker (brightness -0.2)", "eq=brightness=-0.2", None),
    ("night (a tenth of the light, noise)", "lutyuv=y=16+(val-16)*0.1,noise=alls=4:allf=t", "black"),
    ("brighter (+0.2)", "eq=brightness=0.2", None),
    ("burnt out", "lutyuv=y='min(235,val*2.5+60)'", "overexposed"),
    ("half the contrast", "eq=contrast=0.5", None),
    ("frozen", f"trim=end_frame=1,tpad=stop_mode=clone:stop={RATE * DAMAGED_S}", "frozen"),
]
MARGIN = 36  # cut off all around, so that a shifted copy shows a real picture to its edge


def part(what, clean, width):
    """The filter of a part: both are cut to the same size."""
    crop = f"crop=iw-{2 * MARGIN}:ih-{2 * MARGIN}"
    word, *numbers = what.split()
    if clean or word not in ("blur", "shift", "rotate", "shake", "paint"):
        return f"{crop},{'null' if clean else what}"
    n = [float(x) for x in numbers]
    if word == "blur":
        return f"{crop},gblur={n[0] / 100 * width:.2f}"
    if word == "shift":
        return f"{crop}:{MARGIN}+{n[0]}:{MARGIN}+{n[1] if len(n) > 1 else 0}"
    if word == "shake":
        return f"{crop}:{MARGIN}+{n[0]}*sin(2*PI*2.03*t):{MARGIN}+{n[0]}*sin(2*PI*1.7*t)"
    if word == "rotate":
        return f"rotate={n[0]}*PI/180,{crop}"
    return f"{crop},split[p][q];[q]crop=iw/2:ih:0:0,gblur=30[r];[p][r]overlay=0:0"


def width_of(clip):
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width", "-of", "csv=p=0", clip],
                         capture_output=True, text=True, check=True).stdout
    return min(1280, int(out.strip().strip(",")))


def damage(clip, what, out):
    width = width_of(clip)
    graph = (
        f"[0:v]fps={RATE},scale='min(1280,iw)':-2,split[a][b];"
        f"[a]trim=0:{CLEAN_S},setpts=PTS-STARTPTS,{part('null', True, width)},setsar=1[c];"
        f"[b]trim={CLEAN_S}:{CLEAN_S + DAMAGED_S},setpts=PTS-STARTPTS,{part(what, False, width)},setsar=1,trim=0:{DAMAGED_S}[d];"
        "[c][d]concat=n=2:v=1,format=yuv420p,pad=ceil(iw/2)*2:ceil(ih/2)*2[v]"
    )
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", clip, "-filter_complex", graph, "-map", "[v]", "-an",
         "-t", str(CLEAN_S + DAMAGED_S), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "22", "-g", "25", out],
        check=True,
    )


def look(bench, clip, *arguments):
    run = subprocess.run([bench, clip, *map(str, arguments)], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{clip}: {run.stderr}")
    changes, cost = [], ""
    for line in run.stdout.splitlines():
        if line.startswith("="):
            cost = line[2:]
        elif not line.startswith("#"):
            time, *flags = line.split()
            changes.append((float(time), [f for f in flags if f != "-"]))
    return changes, cost


def first(changes, flag):
    return next((time for time, flags in changes if flag in flags), None)


def judge(changes, expected):
    """In words, and whether it is right."""
    early = sorted({f for time, flags in changes if time < CLEAN_S for f in flags})
    seen = sorted({f for _, flags in changes for f in flags})
    other = [f for f in seen if f != expected]
    at = first(changes, expected) if expected else None
    words = f"{at - CLEAN_S:.1f} s" if at else ("missed" if expected else "nothing said")
    if other:
        words += ", also " + ", ".join(f"{f} {first(changes, f) - CLEAN_S:.1f} s" for f in other)
    return words, not early and (at is not None or not expected) and (bool(expected) or not seen)


def clips(folder):
    found = [("vtest.avi", ROOT / "var/sample/vtest.avi")]
    if folder:
        found += [(p.name, p) for p in sorted(pathlib.Path(folder).glob("*/*")) if p.suffix in (".avi", ".mp4")]
    return [(name, str(path)) for name, path in found if path.exists()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build"))
    shared = os.environ.get("SCI_SHARED")
    parser.add_argument("--videos", default=f"{shared}/data/videos" if shared else None)
    parser.add_argument("--keep", help="where the damaged copies are written and left")
    parser.add_argument("--only", default="")
    parser.add_argument("--damaged-only", action="store_true")
    options = parser.parse_args()
    bench = f"{options.build}/tests/bench/bench_health"
    right = True
    print("| clip as it is | flags | cost |\n|---|---|---|")
    for name, path in [] if options.damaged_only else clips(options.videos):
        changes, cost = look(bench, path, 8, *([] if name in ("vtest.avi", "one-by-one-person-detection.mp4") else [60]))
        words = ", ".join(f"{time:.0f} s: {' '.join(flags) or 'none'}" for time, flags in changes)
        right = right and not changes
        print(f"| {name} | {words or 'none'} | {cost} |", flush=True)
    damaged = [c for c in clips(options.videos) if c[0] in ("vtest.avi", "one-by-one-person-detection.mp4", "street.mp4")]
    names = [name for name, _ in damaged]
    print(f"\n| damaged from {CLEAN_S} s on | expected | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    with tempfile.TemporaryDirectory() as folder:
        keep = pathlib.Path(options.keep or folder)
        keep.mkdir(parents=True, exist_ok=True)
        for title, what, expected in [d for d in DAMAGES if options.only in d[0]]:
            cells = []
            for name, path in damaged:
                copy = keep / f"{pathlib.Path(name).stem}-{''.join(c if c.isalnum() else '_' for c in title)}.mkv"
                if not copy.exists():
                    damage(path, what, str(copy))
                words, good = judge(look(bench, str(copy), 8)[0], expected)
                right = right and good
                cells.append(words if good else f"**{words}**")
            print(f"| {title} | {expected or 'none'} | {' | '.join(cells)} |", flush=True)
    sys.exit(not right)


main()
