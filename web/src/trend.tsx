// History and present in one chart: rows of the store first, then what arrives.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { api } from "./api";
import { title, unit } from "./format";
import { asMeasure, store, useStore, type StreamView } from "./store";
import type { AnalyticsRow, Measure } from "./types";

const RANGES = [
  { label: "5 min", minutes: 5, step: "1s" },
  { label: "30 min", minutes: 30, step: "1s" },
  { label: "6 h", minutes: 360, step: "1m" },
  { label: "24 h", minutes: 1440, step: "1m" },
];

interface Series {
  measure: string;
  zone: string; // empty: the camera itself
  label: string;
  unit: string;
}

/** Everything that the newest snapshot publishes, for the list of choices. */
function choices(view: StreamView): Series[] {
  const data = view.latest?.crowd_data;
  if (!data) return [];
  const of = (place: Record<string, unknown>, zone: string, prefix: string): Series[] =>
    Object.entries(place).flatMap(([name, value]) => {
      const m = asMeasure(value);
      return m && name !== "picture_age" ? [{ measure: name, zone, label: `${prefix}${title(name)}`, unit: unit(m.unit) }] : [];
    });
  const density: Series[] = [
    ...(data.density.mean ? [{ measure: "density_mean", zone: "", label: "Density mean", unit: unit(data.density.mean.unit) }] : []),
    ...(data.density.peak ? [{ measure: "density_peak", zone: "", label: "Density peak", unit: unit(data.density.peak.unit) }] : []),
  ];
  return [...of(data, "", ""), ...density, ...[...data.zones, ...data.lines].flatMap((place) => of(place, place.id, `${title(place.id)}: `))];
}

function current(view: StreamView, series: Series): Measure | undefined {
  const data = view.latest?.crowd_data;
  if (!data) return undefined;
  if (series.zone) {
    const place = [...data.zones, ...data.lines].find((p) => p.id === series.zone);
    return asMeasure(place?.[series.measure]);
  }
  if (series.measure === "density_mean") return data.density.mean;
  if (series.measure === "density_peak") return data.density.peak;
  return asMeasure(data[series.measure]);
}

type Points = [number[], (number | null)[], (number | null)[], (number | null)[]];

function toPoints(rows: AnalyticsRow[], stepSeconds: number): Points {
  const points: Points = [[], [], [], []];
  let last = 0;
  for (const row of rows) {
    const t = Date.parse(row.timestamp) / 1000;
    if (last && t - last > 3 * stepSeconds) push(points, last + stepSeconds, null, null, null); // a hole is shown as a hole
    push(points, t, row.mean, row.min, row.max);
    last = t;
  }
  return points;
}

function push(points: Points, t: number, mean: number | null, min: number | null, max: number | null): void {
  points[0].push(t);
  points[1].push(mean);
  points[2].push(min);
  points[3].push(max);
}

function colours(): { line: string; band: string; grid: string; text: string } {
  const style = getComputedStyle(document.documentElement);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return { line: get("--accent"), band: get("--accent-soft"), grid: get("--line"), text: get("--text-2") };
}

function clockLabel(t: number, seconds: boolean): string {
  return new Date(t * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });
}

function makeChart(host: HTMLElement, series: Series, points: Points): uPlot {
  const c = colours();
  const axis = { stroke: c.text, grid: { stroke: c.grid, width: 1 }, ticks: { stroke: c.grid, width: 1 }, font: "12px system-ui, sans-serif" };
  return new uPlot(
    {
      width: host.clientWidth,
      height: 220,
      cursor: { drag: { x: false, y: false } },
      legend: { show: false },
      scales: { y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max(1, (max ?? 1) * 1.1)] } },
      axes: [{ ...axis, space: 90, values: (_, splits, __, ___, step) => splits.map((t) => clockLabel(t, step < 60)) }, { ...axis, size: 46, label: series.unit, labelSize: 18, labelFont: "12px system-ui, sans-serif" }],
      series: [{}, { label: series.label, stroke: c.line, width: 2, spanGaps: false, points: { show: false } }, { label: "least", stroke: "transparent", points: { show: false } }, { label: "most", stroke: "transparent", points: { show: false } }],
      bands: [{ series: [3, 2], fill: c.band }],
    },
    points,
    host,
  );
}

/** Keeps the chart of one series up to date; says what went wrong. */
function useChart(view: StreamView | undefined, series: Series | undefined, range: (typeof RANGES)[number]) {
  const host = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState("");
  const key = view && series ? `${view.info.stream_id}/${series.zone}/${series.measure}` : "";
  useEffect(() => {
    if (!view || !series || !host.current) return;
    const element = host.current;
    let chart: uPlot | null = null;
    let stopped = false;
    let points: Points = [[], [], [], []];
    const stepSeconds = range.step === "1s" ? 1 : 60;
    const load = async () => {
      const to = new Date();
      const from = new Date(to.getTime() - range.minutes * 60000);
      try {
        points = toPoints(await api.analytics(view.info.stream_id, series.measure, series.zone, range.step, from, to), stepSeconds);
        setProblem("");
      } catch (error) {
        setProblem(error instanceof Error ? error.message : "The history cannot be read.");
      }
      if (stopped) return;
      chart?.destroy();
      chart = makeChart(element, series, points);
    };
    const append = () => {
      if (!chart || range.step !== "1s") return;
      const m = store.ageOf(view) < 3 ? current(view, series) : undefined;
      const value = m?.valid ? m.value : null;
      const t = Date.now() / 1000;
      push(points, t, value, value, value);
      while ((points[0][0] ?? t) < t - range.minutes * 60) points.forEach((column) => column.shift());
      chart.setData(points);
    };
    void load();
    const appendTimer = window.setInterval(append, 1000);
    const reloadTimer = window.setInterval(() => void load(), range.step === "1s" ? 60000 : 30000);
    const observer = new ResizeObserver(() => chart?.setSize({ width: element.clientWidth, height: 220 }));
    observer.observe(element);
    return () => {
      stopped = true;
      window.clearInterval(appendTimer);
      window.clearInterval(reloadTimer);
      observer.disconnect();
      chart?.destroy();
    };
  }, [key, range.label, store.settings.theme]);
  return { host, problem };
}

export function Trend({ view }: { view: StreamView | undefined }) {
  useStore();
  const [chosen, choose] = useState("/people");
  const [range, setRange] = useState(RANGES[0]!);
  const list = view ? choices(view) : [];
  const series = list.find((s) => `${s.zone}/${s.measure}` === chosen) ?? list[0];
  const { host, problem } = useChart(view, series, range);
  return (
    <section class="panel trend" aria-label="Trend">
      <header>
        <h2>Trend</h2>
        <select aria-label="Measure" value={series ? `${series.zone}/${series.measure}` : ""} onChange={(event) => choose(event.currentTarget.value)}>
          {list.map((s) => (
            <option key={`${s.zone}/${s.measure}`} value={`${s.zone}/${s.measure}`}>
              {s.label}
            </option>
          ))}
        </select>
        <div class="segments" role="group" aria-label="Time range">
          {RANGES.map((r) => (
            <button key={r.label} aria-pressed={r.label === range.label} onClick={() => setRange(r)}>
              {r.label}
            </button>
          ))}
        </div>
      </header>
      {problem ? <p class="problem">{problem}</p> : null}
      <div ref={host} class="chart" role="img" aria-label={series ? `${series.label} over the last ${range.label}` : "No measure chosen"} />
    </section>
  );
}
