// The messages and resources of the API, as docs/api.md describes them.

export interface Measure {
  value: number | null;
  unit: string;
  low?: number;
  high?: number;
  valid: boolean;
  reason?: string;
}

export interface Ground {
  x: number;
  y: number;
  error_m: number;
  vx: number | null;
  vy: number | null;
}

export interface Track {
  track_id: number;
  x: number;
  y: number;
  w: number;
  h: number;
  score: number;
  coasted: boolean;
  velocity: { dx: number; dy: number } | null;
  ground: Ground | null;
}

export interface Grid {
  origin_x: number;
  origin_y: number;
  cell_m: number;
  columns: number;
  rows: number;
  /** Pairs: index (row * columns + column), people per m². Cells that are left out are empty or not in view. */
  cells: number[];
}

/** A zone or line of a snapshot: its id, and measures by their names. */
export type Place = { id: string; kind?: string; capacity?: number | null; count_in?: number; count_out?: number } & {
  [measure: string]: unknown;
};

/** A connected place that stays crowded. `x`, `y` is its peak, in metres on the ground. */
export interface CrowdedPlace {
  id: number;
  x: number;
  y: number;
  peak: number;
  area_m2: number;
  people: number;
  age_s: number;
}

/** People per cell of the picture: pairs as in Grid. */
export interface PictureMap {
  columns: number;
  rows: number;
  cell_width: number;
  cell_height: number;
  cells: number[];
}

/** Something that is wrong with a camera's pictures (docs/cameras.md). */
export interface HealthFlag {
  code: string;
  text: string;
  since?: string;
}

/** Velocities on the ground: index of the block, vx, vy in m/s, and how many cells of the picture are behind it. */
export interface Motion {
  origin_x: number;
  origin_y: number;
  cell_m: number;
  columns: number;
  rows: number;
  cells: number[];
}

export interface CrowdData {
  picture: { width: number; height: number };
  regime: string;
  degraded: string | null;
  health?: HealthFlag[];
  density: { mean?: Measure; peak?: Measure; grid: Grid | null; picture?: PictureMap | null };
  motion?: Motion | null;
  crowded_places: CrowdedPlace[];
  zones: Place[];
  lines: Place[];
  tracks: Track[];
  [measure: string]: unknown;
}

export interface StreamUpdate {
  type: "stream_update";
  epoch: string;
  seq: number;
  stream_id: string;
  timestamp: string;
  published: string;
  crowd_data: CrowdData;
}

export type Level = "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";

export interface Alert {
  alert_id: string;
  level: Level;
  peak_level: Level;
  state: "active" | "acknowledged" | "resolved";
  blind: boolean;
  message: string;
  action: string | null;
  rule_id: string | null;
  stream_id: string | null;
  zone_id: string | null;
  measure: string | null;
  unit: string | null;
  value: number | null;
  threshold: number | null;
  is_test: boolean;
  raised: string;
  updated: string;
  acknowledged: string | null;
  acknowledged_by: string | null;
  resolved: string | null;
  resolved_by: string | null;
  resolved_reason: string | null;
  comment: string | null;
  picture: string | null;
  version?: number;
}

export interface AlertMessage extends Alert {
  type: "alert";
  seq: number | null;
  event: string;
  version: number;
}

export interface SystemStatus {
  version: string;
  uptime_s: number;
  streams: { total: number; [state: string]: number };
  alerts: { open: number; active: number; [level: string]: number };
  store: { ok: boolean; error: string | null };
  counting?: { density_model: string | null };
  warnings: string[];
}

export type XY = [number, number];

export interface ZoneInfo {
  id: string;
  kind: string;
  coordinates: string;
  capacity: number | null;
  polygon: XY[];
  image_polygon: XY[];
}

export interface LineInfo {
  id: string;
  coordinates: string;
  points: XY[];
  image_points: XY[];
}

export interface StreamInfo {
  stream_id: string;
  location: string;
  uri: string;
  state: string;
  reason: string | null;
  gives: "pictures" | "detections" | "positions";
  retry_in_s: number | null;
  width: number;
  height: number;
  fps: number;
  aimed_fps?: number | null; // what it is to be
  counting?: "auto" | "boxes" | "density";
  health?: HealthFlag[];
  calibrated: boolean;
  source: string | null;
  zones: ZoneInfo[];
  lines: LineInfo[];
  grid_image: { origin_x: number; origin_y: number; cell_m: number; columns: number; rows: number; points: (XY | null)[] } | null;
}

export interface AnalyticsRow {
  timestamp: string;
  zone_id: string | null;
  measure: string;
  unit: string;
  mean: number | null;
  min: number | null;
  max: number | null;
  valid_share: number;
}

export type Role = "viewer" | "operator" | "admin";
export interface Session {
  name: string;
  role: Role;
}
