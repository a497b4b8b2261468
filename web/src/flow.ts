// The flow over the picture: an arrow per block of the ground, from its middle to where what moves there gets in one second.
import type { Motion, StreamInfo, XY } from "./types";

/** Metres per second and their colours: shuffling, walking slowly, walking, running. */
export const SPEED_STEPS: { from: number; colour: string; label: string }[] = [
  { from: 0.1, colour: "#8ecbff", label: "0.1" },
  { from: 0.6, colour: "#8ff0c4", label: "0.6" },
  { from: 1.2, colour: "#ffe27a", label: "1.2" },
  { from: 2, colour: "#ff8a7a", label: "2" },
];

const ARROW_S = 1;

function speedColour(speed: number): string | null {
  return SPEED_STEPS.reduce<string | null>((found, step) => (speed >= step.from ? step.colour : found), null);
}

/** A point on the ground in the picture, 0-1, between the corners of the lattice's cell that holds it; null where none is in view. */
export function groundToPicture(lattice: NonNullable<StreamInfo["grid_image"]>, x: number, y: number): XY | null {
  const u = (x - lattice.origin_x) / lattice.cell_m;
  const v = (y - lattice.origin_y) / lattice.cell_m;
  const column = Math.min(lattice.columns - 1, Math.max(0, Math.floor(u)));
  const row = Math.min(lattice.rows - 1, Math.max(0, Math.floor(v)));
  if (Math.abs(u - column - 0.5) > 1.5 || Math.abs(v - row - 0.5) > 1.5) return null; // beyond the lattice by more than a cell
  const at = (c: number, r: number): XY | null => lattice.points[r * (lattice.columns + 1) + c] ?? null;
  const [a, b, c, d] = [at(column, row), at(column + 1, row), at(column, row + 1), at(column + 1, row + 1)];
  if (!a || !b || !c || !d) return null;
  const [s, t] = [u - column, v - row];
  const mix = (axis: 0 | 1): number => (1 - t) * ((1 - s) * a[axis] + s * b[axis]) + t * ((1 - s) * c[axis] + s * d[axis]);
  return [mix(0), mix(1)];
}

function drawArrow(at: CanvasRenderingContext2D, from: XY, to: XY, colour: string, scale: number): void {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (length < 1) return;
  const head = Math.min(7 * scale, Math.max(3 * scale, 0.4 * length));
  const [ux, uy] = [dx / length, dy / length];
  const [bx, by] = [to[0] - head * ux, to[1] - head * uy];
  at.beginPath();
  at.moveTo(from[0], from[1]);
  at.lineTo(to[0], to[1]);
  at.moveTo(bx - 0.6 * head * uy, by + 0.6 * head * ux);
  at.lineTo(to[0], to[1]);
  at.lineTo(bx + 0.6 * head * uy, by - 0.6 * head * ux);
  // dark below and coloured above: seen on any ground
  for (const [width, style] of [[4.5 * scale, "rgba(10,18,22,0.75)"], [2 * scale, colour]] as [number, string][]) {
    at.lineWidth = width;
    at.strokeStyle = style;
    at.stroke();
  }
}

/** Returns how many arrows were drawn. */
export function drawFlow(at: CanvasRenderingContext2D, info: StreamInfo, motion: Motion, width: number, height: number, scale: number): number {
  const lattice = info.grid_image;
  let drawn = 0;
  if (!lattice) return 0;
  at.setLineDash([]);
  for (let i = 0; i + 3 < motion.cells.length; i += 4) {
    const [index = 0, vx = 0, vy = 0] = motion.cells.slice(i, i + 3);
    const colour = speedColour(Math.hypot(vx, vy));
    if (!colour) continue;
    const x = motion.origin_x + ((index % motion.columns) + 0.5) * motion.cell_m;
    const y = motion.origin_y + (Math.floor(index / motion.columns) + 0.5) * motion.cell_m;
    const from = groundToPicture(lattice, x, y);
    const to = groundToPicture(lattice, x + ARROW_S * vx, y + ARROW_S * vy);
    if (!from || !to) continue;
    drawArrow(at, [from[0] * width, from[1] * height], [to[0] * width, to[1] * height], colour, scale);
    drawn++;
  }
  return drawn;
}
