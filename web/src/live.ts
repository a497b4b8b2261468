// The WebSocket connection: subscribes, resumes where it was, comes back by itself, and says when it is lost.
import type { AlertMessage, HealthFlag, StreamUpdate, SystemStatus } from "./types";

export interface PictureHeader {
  stream_id: string;
  epoch?: string;
  seq: number;
  timestamp: string;
  width: number;
  height: number;
}

export interface LiveHandlers {
  open(): void;
  lost(retryAt: number): void;
  refused(): void; // not logged in any more
  update(message: StreamUpdate): void;
  alert(message: AlertMessage): void;
  status(message: SystemStatus): void;
  health(message: { stream_id: string; health: HealthFlag[] }): void;
  state(message: { stream_id: string; state: string; reason: string | null }): void;
  gap(message: { stream_id: string; from: number; to: number }): void;
  picture(header: PictureHeader, jpeg: Blob): void;
}

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 8000;
const SILENT_MS = 15000; // the server says how it is every five seconds

export class Live {
  private socket: WebSocket | null = null;
  private alertsAfter = 0;
  private failures = 0;
  private lastHeard = 0;
  private timer = 0;
  private closed = false;
  private pictures = true;

  constructor(private readonly handlers: LiveHandlers) {
    document.addEventListener("visibilitychange", this.onVisibility);
    window.addEventListener("online", this.retryNow);
    window.addEventListener("offline", () => this.restart());
    window.setInterval(() => this.checkSilence(), 3000);
  }

  start(): void {
    this.closed = false;
    this.connect();
  }

  stop(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
  }

  /** What comes is late, or the computer slept: what waits on the way is of no use. */
  restart(): void {
    this.socket?.close();
  }

  private connect(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.onOpen(socket);
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.onMessage(event.data);
    socket.onclose = () => this.onClose(socket);
    this.socket = socket;
    this.lastHeard = performance.now();
  }

  private onOpen(socket: WebSocket): void {
    this.failures = 0;
    this.subscribe(socket);
    this.handlers.open();
  }

  private subscribe(socket: WebSocket): void {
    const message: Record<string, unknown> = { type: "subscribe", streams: "*", pictures: this.pictures };
    if (this.alertsAfter > 0) message["alerts_after"] = this.alertsAfter;
    socket.send(JSON.stringify(message));
  }

  private onMessage(data: string | ArrayBuffer): void {
    this.lastHeard = performance.now();
    if (typeof data === "string") this.dispatch(JSON.parse(data) as { type: string });
    else this.onPicture(data);
  }

  private dispatch(message: { type: string }): void {
    switch (message.type) {
      case "stream_update":
        return this.handlers.update(message as StreamUpdate);
      case "alert": {
        const alert = message as AlertMessage;
        if (alert.seq !== null && alert.seq > this.alertsAfter) this.alertsAfter = alert.seq;
        return this.handlers.alert(alert);
      }
      case "system_status":
        return this.handlers.status(message as unknown as SystemStatus);
      case "stream_state":
        return this.handlers.state(message as unknown as { stream_id: string; state: string; reason: string | null });
      case "stream_health":
        return this.handlers.health(message as unknown as { stream_id: string; health: HealthFlag[] });
      case "gap":
        return this.handlers.gap(message as unknown as { stream_id: string; from: number; to: number });
    }
  }

  private onPicture(data: ArrayBuffer): void {
    const bytes = new Uint8Array(data);
    const end = bytes.indexOf(10);
    if (end < 0) return;
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as PictureHeader;
    this.handlers.picture(header, new Blob([bytes.subarray(end + 1)], { type: "image/jpeg" }));
  }

  private onClose(socket: WebSocket): void {
    if (socket !== this.socket || this.closed) return;
    this.socket = null;
    const wait = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures, 6)) * (0.75 + Math.random() / 2);
    this.failures++;
    this.handlers.lost(Date.now() + wait);
    this.timer = window.setTimeout(() => void this.reconnect(), wait);
  }

  /** A refused upgrade tells a browser nothing: ask whether the session still counts before trying again. */
  private async reconnect(): Promise<void> {
    try {
      const response = await fetch("/session", { cache: "no-store" });
      if (response.status === 401) return this.handlers.refused();
    } catch {
      /* not there yet: the attempt below fails and plans the next */
    }
    if (!this.closed && !this.socket) this.connect();
  }

  private readonly retryNow = (): void => {
    if (this.closed || this.socket) return;
    window.clearTimeout(this.timer);
    void this.reconnect();
  };

  private checkSilence(): void {
    if (this.socket?.readyState === WebSocket.OPEN && performance.now() - this.lastHeard > SILENT_MS) this.socket.close();
  }

  /** Nobody looks at a hidden page's pictures: the server need not encode them. Alerts go on. */
  private readonly onVisibility = (): void => {
    this.pictures = !document.hidden;
    if (this.socket?.readyState === WebSocket.OPEN) this.subscribe(this.socket);
    if (!document.hidden) this.retryNow();
  };
}
