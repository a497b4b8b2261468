// How people move: speed, main direction, and what crosses the lines.
import { measure, title } from "./format";
import { GroundPlan } from "./plan";
import { asMeasure, store, useStore, type StreamView } from "./store";
import type { Measure, Track } from "./types";

const SECTORS = 8;

/** Share of the walking people per sector of the site plan, counter-clockwise from +x; null without calibration. */
function headings(tracks: Track[]): number[] | null {
  const counts = new Array<number>(SECTORS).fill(0);
  let total = 0;
  for (const track of tracks) {
    const vx = track.ground?.vx;
    const vy = track.ground?.vy;
    if (vx === null || vx === undefined || vy === null || vy === undefined || Math.hypot(vx, vy) < 0.3) continue;
    const sector = Math.round((Math.atan2(vy, vx) / (2 * Math.PI)) * SECTORS + SECTORS) % SECTORS;
    counts[sector] = (counts[sector] ?? 0) + 1;
    total++;
  }
  return total ? counts.map((count) => count / total) : null;
}

function Rose({ shares }: { shares: number[] }) {
  const sector = (share: number, i: number) => {
    const r = 8 + 40 * Math.sqrt(share);
    const a0 = ((i - 0.42) / SECTORS) * 2 * Math.PI;
    const a1 = ((i + 0.42) / SECTORS) * 2 * Math.PI;
    const p = (a: number) => `${(50 + r * Math.cos(a)).toFixed(1)},${(50 - r * Math.sin(a)).toFixed(1)}`;
    return <path key={i} d={`M50,50 L${p(a0)} A${r},${r} 0 0 0 ${p(a1)} Z`} class={share > 0 ? "rose-on" : "rose-off"} />;
  };
  return (
    <svg viewBox="0 0 100 100" class="rose" role="img" aria-label="Walking directions on the site plan">
      <circle cx="50" cy="50" r="48" class="rose-ring" />
      {shares.map(sector)}
    </svg>
  );
}

function share(m: Measure | undefined) {
  return m?.valid ? `${measure(m, 0)} %` : <span title={m?.reason ?? "not measured"}>–</span>;
}

export function Movement({ view }: { view: StreamView | undefined }) {
  useStore();
  const dead = view !== undefined && (store.ageOf(view) > 5 || view.info.state !== "live");
  const data = dead ? undefined : view?.latest?.crowd_data; // the last value is not the value
  const shares = headings(data?.tracks ?? []);
  const speed = asMeasure(data?.["speed_mean"]);
  return (
    <section class="panel movement" aria-label="Movement">
      <header>
        <h2>Movement</h2>
        <span class="count">{speed?.valid ? `${measure(speed, 2)} m/s mean` : (speed?.reason ?? (dead ? "not live" : ""))}</span>
      </header>
      <div class="movement-body">
        {data?.density.grid ? <GroundPlan grid={data.density.grid} /> : null}
        {shares ? <Rose shares={shares} /> : <p class="calm">{dead ? "This camera is not live." : "Nobody is walking, or the camera is not calibrated."}</p>}
        <table>
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">In</th>
              <th scope="col">Out</th>
              <th scope="col">In / min</th>
              <th scope="col">Out / min</th>
              <th scope="col">
                <abbr title="Share of what the exit's width can carry">Capacity</abbr>
              </th>
            </tr>
          </thead>
          <tbody>
            {(data?.lines ?? []).map((line) => (
              <tr key={line.id}>
                <th scope="row">{title(line.id)}</th>
                <td>{line.count_in ?? "–"}</td>
                <td>{line.count_out ?? "–"}</td>
                <td>{measure(asMeasure(line["flow_in"]), 1)}</td>
                <td>{measure(asMeasure(line["flow_out"]), 1)}</td>
                <td>{share(asMeasure(line["flow_capacity_share"]))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
