// REST calls. The session cookie goes along by itself; errors carry the problem document's words.
import type { Alert, AnalyticsRow, Session, StreamInfo } from "./types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new ApiError(0, "The server cannot be reached.");
  }
  const text = await response.text();
  let answer: unknown = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    /* not JSON: the status says enough */
  }
  if (!response.ok) {
    const problem = answer as { detail?: string; title?: string } | null;
    throw new ApiError(response.status, problem?.detail ?? problem?.title ?? `The server answered ${response.status}.`);
  }
  return answer as T;
}

const id = encodeURIComponent;

async function all<T>(path: string, limit: number): Promise<T[]> {
  const items: T[] = [];
  let next: string | null = null;
  do {
    const join = path.includes("?") ? "&" : "?";
    const page: { items: T[]; next: string | null } = await call("GET", next ? `${path}${join}cursor=${id(next)}` : path);
    items.push(...page.items);
    next = page.next;
  } while (next && items.length < limit);
  return items;
}

export const api = {
  session: () => call<Session>("GET", "/session"),
  login: (key: string) => call<Session>("POST", "/session", { key }),
  logout: () => call<null>("DELETE", "/session"),
  streams: () => all<StreamInfo>("/streams", 1000),
  stream: (stream: string) => call<StreamInfo>("GET", `/streams/${id(stream)}`),
  acceptView: (stream: string) => call<StreamInfo>("POST", `/streams/${id(stream)}/view/accept`, {}),
  alerts: (state: string, limit: number) => all<Alert>(`/alerts?state=${state}&limit=${limit}`, limit),
  acknowledge: (alert: string, comment: string) => call<Alert>("POST", `/alerts/${id(alert)}/acknowledge`, { comment }),
  resolve: (alert: string, comment: string) => call<Alert>("POST", `/alerts/${id(alert)}/resolve`, { comment }),
  /** Why a clip does not play: the server's words, or that the browser cannot decode it. */
  clipProblem: async (path: string): Promise<string> => {
    try {
      const response = await fetch(path, { headers: { Range: "bytes=0-0" }, cache: "no-store" });
      if (response.ok) return "This browser cannot play the camera's video. The clip can be saved and opened elsewhere.";
      const problem = (await response.json()) as { detail?: string };
      return problem.detail ?? `The server answered ${response.status}.`;
    } catch {
      return "The server cannot be reached.";
    }
  },
  testAlert: () => call<Alert>("POST", "/alerts/test", {}),
  analytics: (stream: string, measure: string, zone: string, step: string, from: Date, to: Date) =>
    all<AnalyticsRow>(
      `/analytics/${id(stream)}?measure=${id(measure)}&zone=${id(zone)}&step=${step}&limit=10000&from=${from.toISOString()}&to=${to.toISOString()}`,
      20000,
    ),
};
