// Every zone of the site in one table, the one that reaches its limit first on top.
import { measure, title, unit } from "./format";
import { asMeasure, store, useStore, type StreamView } from "./store";
import type { Measure, Place } from "./types";

interface Row {
  key: string;
  name: string;
  people: Measure | undefined;
  level: Measure | undefined;
  worst: Measure | undefined;
  toLimit: Measure | undefined;
}

function rowOf(view: StreamView, zone: Place, prefix: boolean): Row {
  if (store.ageOf(view) > 5 || view.info.state !== "live") zone = { id: zone.id }; // the last value is not the value
  return {
    key: `${view.info.stream_id}/${zone.id}`,
    name: prefix ? `${view.info.location || title(view.info.stream_id)}: ${title(zone.id)}` : title(zone.id),
    people: asMeasure(zone["occupancy"]),
    level: asMeasure(zone["level_of_service"]),
    worst: asMeasure(zone["density_worst"]),
    toLimit: asMeasure(zone["time_to_limit"]),
  };
}

const limitOf = (row: Row) => (row.toLimit?.valid && row.toLimit.value !== null ? row.toLimit.value : Infinity);
const worstOf = (row: Row) => (row.worst?.valid && row.worst.value !== null ? row.worst.value : -1);

/** Fruin's levels of service for walkways, A to F. */
export function serviceLetter(level: Measure | undefined): string {
  return level?.valid && level.value !== null ? ("ABCDEF"[Math.round(level.value) - 1] ?? "–") : "–";
}

export function duration(m: Measure | undefined): string {
  if (!m?.valid || m.value === null) return m?.reason === "not rising" ? "not rising" : "–";
  return m.value < 90 ? `${Math.round(m.value)} s` : `${Math.round(m.value / 60)} min`;
}

export function Zones() {
  const { streams } = useStore();
  const rows = [...streams.values()].flatMap((view) => (view.latest?.crowd_data.zones ?? []).map((zone) => rowOf(view, zone, streams.size > 1)));
  rows.sort((a, b) => limitOf(a) - limitOf(b) || worstOf(b) - worstOf(a));
  if (rows.length === 0) return null;
  return (
    <section class="panel zone-table" aria-label="Zones">
      <header>
        <h2>Zones</h2>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Zone</th>
            <th scope="col">People</th>
            <th scope="col">
              <abbr title="Level of service, from A (free) to F (standing still)">Level</abbr>
            </th>
            <th scope="col">
              <abbr title="Worst square metre that lasts, in people per square metre">Worst m²</abbr>
            </th>
            <th scope="col">
              <abbr title="Time until the density limit, if it goes on rising as it does">To limit</abbr>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">{row.name}</th>
              <td>{measure(row.people, 0)}</td>
              <td title={row.level?.reason ?? ""}>{serviceLetter(row.level)}</td>
              <td title={row.worst?.reason ?? unit("people/m2")}>{measure(row.worst, 2)}</td>
              <td title={row.toLimit?.reason ?? ""}>{duration(row.toLimit)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
