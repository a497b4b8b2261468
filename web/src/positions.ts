// A camera that gives positions has no picture: its zones, lines, density cells and people are drawn as a plan, x right, y up.
import { DENSITY_STEPS, label, stepColour } from "./draw";
import type { StreamView } from "./store";
import type { StreamUpdate, XY } from "./types";

interface Extent {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

function reach(extent: Extent, [x, y]: XY): void {
  extent.x0 = Math.min(extent.x0, x);
  extent.x1 = Math.max(extent.x1, x);
  extent.y0 = Math.min(extent.y0, y);
  extent.y1 = Math.max(extent.y1, y);
}

function onGround<T extends { coordinates: string }>(places: T[]): T[] {
  return places.filter((place) => place.coordinates === "ground");
}

/** What there is to see: the zones and lines, or, without any, the people. */
function extentOf(view: StreamView, update: StreamUpdate | null): Extent | null {
  const extent = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  const zones = onGround(view.info.zones);
  zones.forEach((zone) => zone.polygon.forEach((p) => reach(extent, p)));
  onGround(view.info.lines).forEach((line) => line.points.forEach((p) => reach(extent, p)));
  if (zones.length === 0) update?.crowd_data.tracks.forEach((t) => t.ground && reach(extent, [t.ground.x, t.ground.y]));
  return extent.x1 >= extent.x0 ? { x0: extent.x0 - 1, y0: extent.y0 - 1, x1: extent.x1 + 1, y1: extent.y1 + 1 } : null;
}

export function drawPositions(canvas: HTMLCanvasElement, view: StreamView): number | null {
  const at = canvas.getContext("2d");
  if (!at) return null;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round((width * 9) / 16));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  at.fillStyle = "#0d1518";
  at.fillRect(0, 0, width, height);
  const update = view.latest ?? null;
  const e = extentOf(view, update);
  if (!e) return update?.seq ?? null;
  const scale = Math.min(width / (e.x1 - e.x0), height / (e.y1 - e.y0));
  const place = ([x, y]: XY): XY => [width / 2 + (x - (e.x0 + e.x1) / 2) * scale, height / 2 - (y - (e.y0 + e.y1) / 2) * scale];
  const trace = (points: XY[]) => {
    at.beginPath();
    points.map(place).forEach(([x, y], i) => (i === 0 ? at.moveTo(x, y) : at.lineTo(x, y)));
  };
  const grid = update?.crowd_data.density.grid;
  for (let i = 0; grid && i + 1 < grid.cells.length; i += 2) {
    const colour = stepColour(DENSITY_STEPS, grid.cells[i + 1] ?? 0);
    const index = grid.cells[i] ?? 0;
    const [x, y] = place([grid.origin_x + (index % grid.columns) * grid.cell_m, grid.origin_y + (Math.floor(index / grid.columns) + 1) * grid.cell_m]);
    at.fillStyle = colour ?? "transparent";
    at.fillRect(x, y, grid.cell_m * scale, grid.cell_m * scale);
  }
  at.lineWidth = 1.5 * ratio;
  at.strokeStyle = "rgba(255,255,255,0.85)";
  for (const zone of onGround(view.info.zones)) {
    trace(zone.polygon);
    at.closePath();
    at.stroke();
    const top = zone.polygon.map(place).reduce((a, b) => (b[1] < a[1] ? b : a));
    label(at, zone.id, Math.max(6, top[0]), Math.max(16 * ratio, top[1] - 4), "#fff", 12 * ratio);
  }
  at.strokeStyle = "rgba(120,200,255,0.95)";
  for (const line of onGround(view.info.lines)) {
    trace(line.points);
    at.stroke();
  }
  at.fillStyle = "#7fe0c8";
  for (const track of update?.crowd_data.tracks ?? []) {
    if (!track.ground) continue;
    const [x, y] = place([track.ground.x, track.ground.y]);
    at.beginPath();
    at.arc(x, y, Math.max(2 * ratio, 0.2 * scale), 0, 2 * Math.PI);
    at.fill();
  }
  return update?.seq ?? null;
}
