// The figures of the whole site, at a glance.
import { age, interval, measure, number, title, unit } from "./format";
import { asMeasure, store, useStore, zonesOf, type StreamView, type ZoneSummary } from "./store";
import type { Measure } from "./types";
import { duration } from "./zones";

function Card({ label, value, sub, kind }: { label: string; value: string; sub?: string; kind?: string }) {
  return (
    <div class={`card ${kind ?? ""}`}>
      <span class="card-label">{label}</span>
      <span class="card-value">{value}</span>
      <span class="card-sub">{sub ?? ""}</span>
    </div>
  );
}

function fresh(view: StreamView): boolean {
  return store.ageOf(view) < 5;
}

export function worstZone(views: StreamView[]): ZoneSummary | null {
  const zones = views.filter(fresh).flatMap(zonesOf).filter((zone) => zone.share !== null);
  return zones.reduce<ZoneSummary | null>((worst, zone) => (!worst || (zone.share ?? 0) > (worst.share ?? 0) ? zone : worst), null);
}

function peopleCard(views: StreamView[]) {
  const live = views.filter(fresh);
  const values = live.map((view) => asMeasure(view.latest?.crowd_data["people"])).filter((m) => m?.valid);
  const sum = values.reduce((total, m) => total + (m?.value ?? 0), 0);
  const missing = views.length - values.length;
  const sub = missing > 0 ? `${values.length} of ${views.length} cameras` : views.length === 1 ? "one camera" : `${views.length} cameras`;
  return <Card label="People in view" value={values.length ? number(sum, 0) : "–"} sub={sub} kind={missing > 0 ? "partial" : ""} />;
}

function kindOfDensity(value: number): string {
  return value >= 5 ? "critical" : value >= 3.5 ? "high" : value >= 2 ? "medium" : "";
}

/** The worst square metre that lasts, over all cameras. */
function densityCard(views: StreamView[]) {
  const all = views.filter(fresh).map((view) => asMeasure(view.latest?.crowd_data["density_worst"]));
  const worst = extreme(all, (a, b) => a > b);
  if (!worst) return <Card label="Worst square metre" value="–" sub={all[0]?.reason ?? "not measured"} />;
  return <Card label={`Worst m², ${unit("people/m2")}`} value={measure(worst, 2)} sub={`90 %: ${interval(worst, 2) || "exact"}`} kind={kindOfDensity(worst.value ?? 0)} />;
}

function extreme(measures: (Measure | undefined)[], before: (a: number, b: number) => boolean): Measure | undefined {
  return measures.reduce((best, m) => (m?.valid && m.value !== null && (!best || before(m.value, best.value ?? 0)) ? m : best), undefined as Measure | undefined);
}

/** The zone that reaches its density limit first, if density goes on rising as it does. */
function limitCard(views: StreamView[]) {
  const zones = views.filter(fresh).flatMap((view) => view.latest?.crowd_data.zones ?? []);
  const first = extreme(
    zones.map((zone) => asMeasure(zone["time_to_limit"])),
    (a, b) => a < b,
  );
  const zone = zones.find((z) => asMeasure(z["time_to_limit"]) === first || asMeasure(z["time_to_limit"])?.value === first?.value);
  if (!first || !zone) return <Card label="Time to limit" value="–" sub={zones.length ? "no zone is filling" : "no zones"} />;
  const seconds = first.value ?? 0;
  const sub = first.low !== undefined && first.high !== undefined ? `${title(zone.id)}, 90 %: ${number(first.low, 0)} to ${number(first.high, 0)} s` : title(zone.id);
  return <Card label="Time to limit" value={duration(first)} sub={sub} kind={seconds < 60 ? "high" : seconds < 300 ? "medium" : ""} />;
}

function zoneCard(views: StreamView[]) {
  const worst = worstZone(views);
  if (!worst) return <Card label="Fullest zone" value="–" sub="no zone with a capacity" />;
  const kind = (worst.share ?? 0) >= 1 ? "high" : (worst.share ?? 0) >= 0.8 ? "medium" : "";
  return <Card label="Fullest zone" value={`${number(100 * (worst.share ?? 0), 0)} %`} sub={`${title(worst.zone)}: ${measure(worst.occupancy, 0)} of ${number(worst.capacity ?? 0, 0)}`} kind={kind} />;
}

export function Cards() {
  const { streams, status } = useStore();
  const views = [...streams.values()];
  const ages = views.map((view) => store.ageOf(view));
  const oldest = ages.length ? Math.max(...ages) : Infinity;
  const live = views.filter((view) => view.info.state === "live").length;
  const lost = status ? (status.streams["failed"] ?? 0) + (status.streams["stalled"] ?? 0) : 0;
  return (
    <section class="cards" aria-label="Figures of the site">
      {peopleCard(views)}
      {densityCard(views)}
      {zoneCard(views)}
      {limitCard(views)}
      <Card label="Cameras live" value={`${live} / ${views.length}`} sub={Number.isFinite(oldest) ? `oldest picture ${age(oldest)}` : "no picture yet"} kind={lost > 0 || live < views.length ? "medium" : ""} />
    </section>
  );
}
