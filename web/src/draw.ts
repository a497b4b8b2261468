// What is drawn over a camera's picture: density cells, flow, zones, lines, trails, boxes. All of one snapshot: the picture's own.
import type { CrowdData, CrowdedPlace, Grid, PictureMap, StreamInfo, StreamUpdate, Track, XY } from "./types";
import type { Settings } from "./settings";
import type { StreamView, Trail } from "./store";
import { drawFlow } from "./flow";

/** People per square metre and their colours, from crowd-safety practice: contact begins near 3.5, danger near 5. */
export const DENSITY_STEPS: { from: number; colour: string; label: string }[] = [
  { from: 0.1, colour: "rgba(56,189,178,0.20)", label: "0.1" },
  { from: 0.5, colour: "rgba(56,189,178,0.42)", label: "0.5" },
  { from: 1, colour: "rgba(163,205,88,0.52)", label: "1" },
  { from: 2, colour: "rgba(245,190,66,0.60)", label: "2" },
  { from: 3.5, colour: "rgba(236,108,66,0.66)", label: "3.5" },
  { from: 5, colour: "rgba(190,32,84,0.74)", label: "5" },
];

/** Without a calibration: people per 100 x 100 pixels of the picture, in the same colours. */
export const MAP_STEPS = [0.1, 0.25, 0.5, 1, 2, 4].map((from, i) => ({ from, colour: DENSITY_STEPS[i]?.colour ?? "", label: String(from) }));

export function stepColour(steps: { from: number; colour: string }[], value: number): string | null {
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i];
    if (step && value >= step.from) return step.colour;
  }
  return null;
}

export function densityColour(value: number): string | null {
  return stepColour(DENSITY_STEPS, value);
}

/** The ground says more than the picture, where it is known. */
export function showsMap(data: CrowdData): boolean {
  return !data.density.grid && !!data.density.picture;
}

function drawMap(at: Context, map: PictureMap, sx: number, sy: number): void {
  const per = 10000 / (map.cell_width * map.cell_height);
  for (let i = 0; i + 1 < map.cells.length; i += 2) {
    const colour = stepColour(MAP_STEPS, (map.cells[i + 1] ?? 0) * per);
    if (!colour) continue;
    const column = (map.cells[i] ?? 0) % map.columns;
    const row = Math.floor((map.cells[i] ?? 0) / map.columns);
    const x = Math.round(column * map.cell_width * sx);
    const y = Math.round(row * map.cell_height * sy);
    at.fillStyle = colour;
    at.fillRect(x, y, Math.round((column + 1) * map.cell_width * sx) - x, Math.round((row + 1) * map.cell_height * sy) - y);
  }
}

type Context = CanvasRenderingContext2D;

function path(at: Context, points: XY[], width: number, height: number): void {
  at.beginPath();
  points.forEach(([x, y], i) => (i === 0 ? at.moveTo(x * width, y * height) : at.lineTo(x * width, y * height)));
}

function drawDensity(at: Context, info: StreamInfo, grid: Grid, width: number, height: number): void {
  const lattice = info.grid_image;
  if (!lattice || lattice.columns !== grid.columns || lattice.rows !== grid.rows) return;
  const corner = (column: number, row: number): XY | null | undefined => lattice.points[row * (lattice.columns + 1) + column];
  for (let i = 0; i + 1 < grid.cells.length; i += 2) {
    const colour = densityColour(grid.cells[i + 1] ?? 0);
    if (!colour) continue;
    const column = (grid.cells[i] ?? 0) % grid.columns;
    const row = Math.floor((grid.cells[i] ?? 0) / grid.columns);
    const quad = [corner(column, row), corner(column + 1, row), corner(column + 1, row + 1), corner(column, row + 1)];
    if (quad.some((p) => !p)) continue;
    path(at, quad as XY[], width, height);
    at.closePath();
    at.fillStyle = colour;
    at.fill();
  }
}

export function label(at: Context, text: string, x: number, y: number, colour: string, size: number): void {
  at.font = `600 ${size}px system-ui, sans-serif`;
  const width = at.measureText(text).width;
  at.fillStyle = "rgba(10,18,22,0.72)";
  at.beginPath();
  at.roundRect(x - 4, y - size - 2, width + 8, size + 6, 3);
  at.fill();
  at.fillStyle = colour;
  at.fillText(text, x, y);
}

function drawZones(at: Context, info: StreamInfo, update: StreamUpdate, width: number, height: number, scale: number): void {
  for (const zone of info.zones) {
    if (zone.image_polygon.length < 3) continue;
    path(at, zone.image_polygon, width, height);
    at.closePath();
    at.lineWidth = 1.5 * scale;
    at.strokeStyle = "rgba(255,255,255,0.85)";
    at.setLineDash([]);
    at.stroke();
    at.fillStyle = "rgba(255,255,255,0.05)";
    at.fill();
    const state = update.crowd_data.zones.find((z) => z.id === zone.id);
    const occupancy = state?.["occupancy"] as { value: number | null; valid: boolean } | undefined;
    const count = occupancy?.valid && occupancy.value !== null ? `${Math.round(occupancy.value)}` : "–";
    const text = zone.capacity ? `${zone.id}  ${count}/${zone.capacity}` : `${zone.id}  ${count}`;
    const top = zone.image_polygon.reduce((a, b) => (b[1] < a[1] ? b : a));
    label(at, text, Math.max(6, Math.min(width - 90 * scale, top[0] * width)), Math.max(16 * scale, top[1] * height - 4), "#fff", 12 * scale);
  }
  for (const line of info.lines) {
    if (line.image_points.length < 2) continue;
    path(at, line.image_points, width, height);
    at.lineWidth = 2.5 * scale;
    at.strokeStyle = "rgba(120,200,255,0.95)";
    at.stroke();
  }
}

/** A ring around the peak of each place that stays crowded, with its people per square metre. */
function drawCrowdedPlaces(at: Context, info: StreamInfo, grid: Grid, places: CrowdedPlace[], width: number, height: number, scale: number): void {
  const lattice = info.grid_image;
  if (!lattice || lattice.columns !== grid.columns) return;
  for (const place of places) {
    const column = Math.floor((place.x - grid.origin_x) / grid.cell_m);
    const row = Math.floor((place.y - grid.origin_y) / grid.cell_m);
    const corner = lattice.points[row * (lattice.columns + 1) + column];
    if (!corner) continue;
    const [x, y] = [corner[0] * width, corner[1] * height];
    at.beginPath();
    at.arc(x, y, 18 * scale, 0, 2 * Math.PI);
    at.lineWidth = 3 * scale;
    at.strokeStyle = place.peak >= 5 ? "#ff7ab8" : place.peak >= 3.5 ? "#ff8a7a" : "#f4bf4f";
    at.stroke();
    label(at, `${place.peak.toFixed(1)} /m²`, x + 20 * scale, y + 4 * scale, "#fff", 12 * scale);
  }
}

function drawTrail(at: Context, trail: Trail, now: number, sx: number, sy: number, scale: number): void {
  const points = trail.points.filter((p) => p.at <= now + 0.001);
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1];
    const b = points[i];
    if (!a || !b) continue;
    const fresh = Math.max(0, 1 - (now - b.at) / 6);
    at.beginPath();
    at.moveTo(a.x * sx, a.y * sy);
    at.lineTo(b.x * sx, b.y * sy);
    at.strokeStyle = `rgba(94,211,196,${(0.75 * fresh).toFixed(2)})`;
    at.lineWidth = 2 * scale;
    at.stroke();
  }
}

function drawBox(at: Context, track: Track, sx: number, sy: number, scale: number): void {
  at.setLineDash(track.coasted ? [5 * scale, 4 * scale] : []);
  at.lineWidth = 1.75 * scale;
  at.strokeStyle = track.coasted ? "rgba(230,238,240,0.85)" : "#5fd3c4";
  at.strokeRect(track.x * sx, track.y * sy, track.w * sx, track.h * sy);
  at.setLineDash([]);
  if (track.h * sy > 26 * scale) label(at, String(track.track_id), track.x * sx + 3, track.y * sy - 4 * scale, "#dffaf6", 10 * scale);
}

/** Draws the newest picture with the overlays of its own snapshot. Returns the sequence number of what was drawn over it, or null. */
export function drawStream(canvas: HTMLCanvasElement, view: StreamView, settings: Settings): number | null {
  const at = canvas.getContext("2d");
  if (!at) return null;
  const picture = view.picture;
  const update = picture ? (view.ring.get(picture.header.seq) ?? null) : view.latest;
  const source = update?.crowd_data.picture ?? picture?.header ?? { width: view.info.width || 16, height: view.info.height || 9 };
  const density = Math.min(2, window.devicePixelRatio || 1);
  const width = Math.max(1, Math.round(canvas.clientWidth * density));
  const height = Math.max(1, Math.round((width * source.height) / source.width));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const scale = density;
  at.fillStyle = "#0d1518";
  at.fillRect(0, 0, width, height);
  if (picture) at.drawImage(picture.bitmap, 0, 0, width, height);
  if (!update) return null;
  const sx = width / source.width;
  const sy = height / source.height;
  const grid = update.crowd_data.density.grid;
  const map = update.crowd_data.density.picture;
  if (settings.density && map && showsMap(update.crowd_data)) drawMap(at, map, sx, sy);
  if (settings.density && grid) drawDensity(at, view.info, grid, width, height);
  if (settings.density && grid) drawCrowdedPlaces(at, view.info, grid, update.crowd_data.crowded_places, width, height, scale);
  const motion = update.crowd_data.motion;
  const arrows = settings.flow && motion ? drawFlow(at, view.info, motion, width, height, scale) : 0;
  canvas.dataset["arrows"] = String(arrows);
  if (settings.zones) drawZones(at, view.info, update, width, height, scale);
  const now = Date.parse(update.timestamp) / 1000;
  if (settings.trails) for (const track of update.crowd_data.tracks) drawTrail(at, view.trails.get(track.track_id) ?? { points: [] }, now, sx, sy, scale);
  if (settings.boxes) for (const track of update.crowd_data.tracks) drawBox(at, track, sx, sy, scale);
  return update.seq;
}
