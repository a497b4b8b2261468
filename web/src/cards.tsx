// The figures of the whole site, at a glance.
import { age, interval, measure, number, title, unit } from "./format";
import { asMeasure, store, useStore, zonesOf, type StreamView, type ZoneSummary } from "./store";

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

function densityCard(views: StreamView[]) {
  const peaks = views.filter(fresh).map((view) => ({ view, peak: view.latest?.crowd_data.density.peak }));
  const valid = peaks.filter((p) => p.peak?.valid);
  const worst = valid.reduce<(typeof valid)[number] | null>((a, b) => (!a || (b.peak?.value ?? 0) > (a.peak?.value ?? 0) ? b : a), null);
  if (!worst) return <Card label="Peak density" value="–" sub={peaks[0]?.peak?.reason ?? "not measured"} />;
  const value = worst.peak?.value ?? 0;
  const kind = value >= 5 ? "critical" : value >= 3.5 ? "high" : value >= 2 ? "medium" : "";
  return <Card label={`Peak density, ${unit("people/m2")}`} value={measure(worst.peak, 2)} sub={`90 %: ${interval(worst.peak, 2) || "exact"}`} kind={kind} />;
}

function speedCard(views: StreamView[]) {
  const speeds = views.filter(fresh).map((view) => asMeasure(view.latest?.crowd_data["speed_mean"]));
  const valid = speeds.filter((m) => m?.valid);
  if (valid.length === 0) return <Card label="Mean speed" value="–" sub={speeds[0]?.reason ?? "not measured"} />;
  const mean = valid.reduce((total, m) => total + (m?.value ?? 0), 0) / valid.length;
  return <Card label="Mean speed, m/s" value={number(mean, 2)} sub={valid.length === 1 ? `90 %: ${interval(valid[0], 2)}` : `${valid.length} cameras`} />;
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
      {speedCard(views)}
      <Card label="Cameras live" value={`${live} / ${views.length}`} sub={Number.isFinite(oldest) ? `oldest picture ${age(oldest)}` : "no picture yet"} kind={lost > 0 || live < views.length ? "medium" : ""} />
    </section>
  );
}
