// The page's state: streams, alerts, connection. Messages change it at any rate; components are told at most ten times a second.
import { useEffect, useState } from "preact/hooks";
import { api, ApiError } from "./api";
import { ServerClock } from "./clock";
import { levelRank, LEVELS } from "./format";
import { Live, type PictureHeader } from "./live";
import { loadSettings, saveSettings, applyTheme, type Settings } from "./settings";
import { playAlert } from "./sound";
import type { Alert, AlertMessage, HealthFlag, Measure, Role, Session, StreamInfo, StreamUpdate, SystemStatus, XY } from "./types";

const RING = 64; // updates kept per stream, until the picture of the same number has come
const TRAIL_S = 6;
const NOTIFY_MS = 100;

export interface Trail {
  points: { at: number; x: number; y: number }[];
}

export interface StreamView {
  info: StreamInfo;
  latest: StreamUpdate | null;
  ring: Map<number, StreamUpdate>;
  trails: Map<number, Trail>;
  picture: { header: PictureHeader; bitmap: ImageBitmap } | null;
  decoding: number; // highest seq under way
  gaps: number;
  listeners: Set<() => void>; // canvases: told at once
}

export type Connection = "connecting" | "open" | "lost" | "logged-out";

class Store {
  connection: Connection = "connecting";
  retryAt = 0;
  session: Session | null = null;
  sessionChecked = false;
  streams = new Map<string, StreamView>();
  alerts = new Map<string, Alert>();
  status: SystemStatus | null = null;
  settings: Settings = loadSettings();
  notice: { text: string; bad: boolean } | null = null;
  unseen = 0; // alerts raised since the page was last looked at

  private readonly clock = new ServerClock();
  private readonly subscribers = new Set<() => void>();
  private timer = 0;
  private readonly live = new Live({
    open: () => this.onOpen(),
    lost: (retryAt) => this.change(() => ((this.connection = "lost"), (this.retryAt = retryAt))),
    refused: () => this.loggedOut(),
    update: (message) => this.onUpdate(message),
    alert: (message) => this.onAlert(message),
    status: (message) => this.change(() => (this.status = message)),
    state: (message) => this.onState(message),
    health: (message) => this.onHealth(message),
    gap: (message) => this.onGap(message.stream_id),
    picture: (header, jpeg) => void this.onPicture(header, jpeg),
  });

  subscribe(listener: () => void): () => void {
    this.subscribers.add(listener);
    return () => this.subscribers.delete(listener);
  }

  private change(mutate: () => unknown): void {
    mutate();
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      for (const listener of this.subscribers) listener();
    }, NOTIFY_MS);
  }

  // ---- session ----

  async begin(): Promise<void> {
    applyTheme(this.settings.theme);
    if (!this.watching) this.watching = window.setInterval(() => this.watchClock(), 500);
    try {
      this.session = await api.session();
      this.live.start();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.connection = "logged-out";
      else window.setTimeout(() => void this.begin(), 2000);
      if (this.connection !== "logged-out") this.connection = "lost";
    }
    this.change(() => (this.sessionChecked = true));
  }

  async login(key: string): Promise<void> {
    this.session = await api.login(key);
    this.change(() => (this.connection = "connecting"));
    this.live.start();
  }

  async logout(): Promise<void> {
    await api.logout().catch(() => undefined);
    this.loggedOut();
  }

  private loggedOut(): void {
    this.live.stop();
    this.streams.clear();
    this.alerts.clear();
    this.change(() => ((this.session = null), (this.connection = "logged-out")));
  }

  can(role: Role): boolean {
    const ranks: Role[] = ["viewer", "operator", "admin"];
    return this.session !== null && ranks.indexOf(this.session.role) >= ranks.indexOf(role);
  }

  // ---- what comes in ----

  private watching = 0;
  private watchClock(): void {
    if (this.clock.jumped()) this.live.restart();
  }

  private onOpen(): void {
    this.clock.forget();
    this.change(() => (this.connection = "open"));
    void this.refreshStreams();
    void this.refreshAlerts();
  }

  async refreshStreams(): Promise<void> {
    try {
      const infos = await api.streams();
      const known = new Set(infos.map((info) => info.stream_id));
      for (const id of [...this.streams.keys()]) if (!known.has(id)) this.streams.delete(id);
      for (const info of infos) this.view(info.stream_id).info = info;
      this.change(() => undefined);
    } catch (error) {
      this.onFailure(error);
    }
  }

  private async refreshAlerts(): Promise<void> {
    try {
      const open = await api.alerts("open", 500);
      const recent = await api.alerts("resolved", 30);
      const listed = new Set(open.map((alert) => alert.alert_id));
      for (const alert of [...this.alerts.values()])
        if (alert.state !== "resolved" && !listed.has(alert.alert_id)) this.alerts.delete(alert.alert_id);
      for (const alert of [...recent, ...open]) this.mergeAlert(alert);
      this.change(() => undefined);
    } catch (error) {
      this.onFailure(error);
    }
  }

  private onFailure(error: unknown): void {
    if (error instanceof ApiError && error.status === 401) this.loggedOut();
    else if (error instanceof Error) this.say(error.message, true);
  }

  private view(id: string): StreamView {
    let view = this.streams.get(id);
    if (!view) {
      view = { info: unknownStream(id), latest: null, ring: new Map(), trails: new Map(), picture: null, decoding: 0, gaps: 0, listeners: new Set() };
      this.streams.set(id, view);
    }
    return view;
  }

  private onUpdate(update: StreamUpdate): void {
    const known = this.streams.has(update.stream_id);
    const view = this.view(update.stream_id);
    if (!this.clock.heard(Date.parse(update.published))) this.live.restart();
    if (view.latest && view.latest.epoch !== update.epoch) this.restart(view);
    view.latest = update;
    view.info.state = "live";
    view.info.reason = null;
    view.ring.set(update.seq, update);
    view.ring.delete(update.seq - RING);
    extendTrails(view, update);
    const grid = update.crowd_data.density.grid;
    const fits = !grid || (view.info.grid_image && view.info.grid_image.columns === grid.columns && view.info.grid_image.rows === grid.rows);
    const plan = view.info.gives === "positions"; // has neither a size nor a grid in a picture
    if (!known || (!plan && (view.info.width === 0 || !fits))) this.refreshSoon();
    if (!view.picture) view.listeners.forEach((listener) => listener());
    this.change(() => undefined);
  }

  private refreshPlanned = 0;
  private refreshSoon(): void {
    this.refreshPlanned ||= window.setTimeout(() => {
      this.refreshPlanned = 0;
      void this.refreshStreams();
    }, 400);
  }

  private restart(view: StreamView): void {
    view.ring.clear();
    view.trails.clear();
    view.picture?.bitmap.close();
    view.picture = null;
    view.decoding = 0;
  }

  private async onPicture(header: PictureHeader, jpeg: Blob): Promise<void> {
    const view = this.view(header.stream_id);
    if (header.seq <= view.decoding) return;
    view.decoding = header.seq;
    try {
      const bitmap = await createImageBitmap(jpeg);
      if (view.picture && view.picture.header.seq >= header.seq && view.picture.header.epoch === header.epoch) return bitmap.close();
      view.picture?.bitmap.close();
      view.picture = { header, bitmap };
      view.listeners.forEach((listener) => listener());
    } catch {
      /* a damaged picture is not shown; the next one is */
    }
  }

  private onState(message: { stream_id: string; state: string; reason: string | null }): void {
    const view = this.streams.get(message.stream_id);
    if (!view || message.state === "removed") return void this.refreshSoon();
    view.info.state = message.state;
    view.info.reason = message.reason;
    if (message.state === "connecting") this.refreshSoon();
    view.listeners.forEach((listener) => listener());
    this.change(() => undefined);
  }

  private onHealth(message: { stream_id: string; health: HealthFlag[] }): void {
    const view = this.streams.get(message.stream_id);
    if (view) view.info.health = message.health;
    this.refreshSoon(); // the target rate may be another
  }

  private onGap(stream: string): void {
    const view = this.streams.get(stream);
    if (view) this.change(() => view.gaps++);
  }

  private mergeAlert(alert: Alert): boolean {
    const old = this.alerts.get(alert.alert_id);
    if (old && (old.version ?? 0) > (alert.version ?? 0)) return false;
    this.alerts.set(alert.alert_id, alert);
    return !old || old.state === "resolved" || levelRank(alert.level) > levelRank(old.level);
  }

  private onAlert(message: AlertMessage): void {
    const worse = this.mergeAlert(message);
    if (worse && message.state === "active" && (message.event === "raised" || message.event === "level_changed")) {
      if (!this.settings.muted) playAlert();
      if (document.hidden) this.unseen++;
    }
    this.forgetOldAlerts();
    this.change(() => undefined);
  }

  private forgetOldAlerts(): void {
    const resolved = [...this.alerts.values()].filter((alert) => alert.state === "resolved");
    resolved.sort((a, b) => Date.parse(b.updated) - Date.parse(a.updated));
    for (const alert of resolved.slice(50)) this.alerts.delete(alert.alert_id);
  }

  // ---- what a person does ----

  set(settings: Partial<Settings>): void {
    this.settings = { ...this.settings, ...settings };
    saveSettings(this.settings);
    applyTheme(this.settings.theme);
    this.streams.forEach((view) => view.listeners.forEach((listener) => listener()));
    this.change(() => undefined);
  }

  seen(): void {
    if (this.unseen) this.change(() => (this.unseen = 0));
  }

  private noticeTimer = 0;
  say(text: string, bad = false): void {
    window.clearTimeout(this.noticeTimer);
    this.noticeTimer = window.setTimeout(() => this.change(() => (this.notice = null)), bad ? 8000 : 4000);
    this.change(() => (this.notice = { text, bad }));
  }

  async act(what: () => Promise<Alert>, done: string): Promise<void> {
    try {
      const alert = await what();
      this.mergeAlert(alert);
      this.say(done);
    } catch (error) {
      this.onFailure(error);
    }
  }

  // ---- derived ----

  /** Seconds since the capture that the newest figures are of, by the server's clock; Infinity before the first, and while it cannot be
   * known. */
  ageOf(view: StreamView): number {
    return view.latest ? this.clock.since(Date.parse(view.latest.timestamp)) : Infinity;
  }

  /** The same for the oldest thing on its tile: a picture may stay behind the figures. */
  shownAge(view: StreamView): number {
    const picture = view.picture ? this.clock.since(Date.parse(view.picture.header.timestamp)) : 0;
    return Math.max(picture, this.ageOf(view));
  }

  openAlerts(): Alert[] {
    const open = [...this.alerts.values()].filter((alert) => alert.state !== "resolved");
    return open.sort(
      (a, b) => Number(a.state === "acknowledged") - Number(b.state === "acknowledged") || levelRank(b.level) - levelRank(a.level) || Date.parse(b.raised) - Date.parse(a.raised),
    );
  }

  pastAlerts(): Alert[] {
    const past = [...this.alerts.values()].filter((alert) => alert.state === "resolved");
    return past.sort((a, b) => Date.parse(b.updated) - Date.parse(a.updated));
  }
}

function unknownStream(id: string): StreamInfo {
  return {
    stream_id: id, location: "", uri: "", state: "connecting", gives: "pictures", reason: null, retry_in_s: null, width: 0, height: 0, fps: 0,
    calibrated: false, source: null, zones: [], lines: [], grid_image: null,
  };
}

function extendTrails(view: StreamView, update: StreamUpdate): void {
  const at = Date.parse(update.timestamp) / 1000;
  for (const track of update.crowd_data.tracks) {
    const trail = view.trails.get(track.track_id) ?? { points: [] };
    trail.points.push({ at, x: track.x + track.w / 2, y: track.y + track.h });
    while (trail.points.length > 0 && at - (trail.points[0]?.at ?? at) > TRAIL_S) trail.points.shift();
    view.trails.set(track.track_id, trail);
  }
  for (const [id, trail] of view.trails) {
    const last = trail.points[trail.points.length - 1];
    if (!last || at - last.at > 1.5) view.trails.delete(id);
  }
}

export const store = new Store();

/** Renders the component again when the state has changed. */
export function useStore(): Store {
  const [, tick] = useState(0);
  useEffect(() => store.subscribe(() => tick((n) => n + 1)), []);
  return store;
}

/** Renders the component again every `ms`: ages grow by themselves. */
export function useTick(ms: number): void {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => tick((n) => n + 1), ms);
    return () => window.clearInterval(timer);
  }, [ms]);
}

export function asMeasure(value: unknown): Measure | undefined {
  return typeof value === "object" && value !== null && "valid" in value ? (value as Measure) : undefined;
}

export interface ZoneSummary {
  stream: string;
  zone: string;
  kind: string;
  occupancy: Measure | undefined;
  capacity: number | null;
  share: number | null; // of the capacity, 0-1
  density: Measure | undefined;
}

export function zonesOf(view: StreamView): ZoneSummary[] {
  return (view.latest?.crowd_data.zones ?? []).map((zone) => {
    const occupancy = asMeasure(zone["occupancy"]);
    const capacity = zone.capacity ?? null;
    const known = occupancy?.valid && occupancy.value !== null && capacity;
    return {
      stream: view.info.stream_id,
      zone: zone.id,
      kind: zone.kind ?? "",
      occupancy,
      capacity,
      share: known ? (occupancy.value as number) / capacity : null,
      density: asMeasure(zone["density_peak"]) ?? asMeasure(zone["density_mean"]),
    };
  });
}

export function worstLevel(alerts: Alert[]): Alert["level"] | null {
  return alerts.reduce<Alert["level"] | null>((worst, alert) => (worst === null || levelRank(alert.level) > levelRank(worst) ? alert.level : worst), null);
}

export { LEVELS };
export type { XY };
