// How a camera is: live or not, what is wrong with its pictures, how often and how soon they are analysed.
import { useState } from "preact/hooks";
import { api } from "./api";
import { age, number } from "./format";
import { asMeasure, store, type StreamView } from "./store";
import type { HealthFlag } from "./types";

export const OLD_S = 2;

/** With these nothing of the picture counts. */
const BLIND = new Set(["black", "plain", "frozen", "dark", "overexposed", "blurred", "sparse"]);

export interface TileState {
  text: string;
  kind: "good" | "wait" | "bad" | "off";
  old: boolean; // what is shown is not live
  stamp: string | null; // said across the picture
}

const WORDS: Record<string, [string, TileState["kind"]]> = {
  connecting: ["Connecting", "wait"],
  stalled: ["No pictures", "bad"],
  failed: ["Lost", "bad"],
  ended: ["Ended", "off"],
  disabled: ["Off", "off"],
};

export function flagsOf(view: StreamView): HealthFlag[] {
  return view.latest?.crowd_data.health ?? view.info.health ?? [];
}

function oldness(seconds: number): string {
  return Number.isFinite(seconds) ? `${age(seconds)} old` : "of unknown age";
}

/** What the tile says of itself. Whatever is not known to be live is not shown as live. */
export function tileState(view: StreamView): TileState {
  const seconds = store.shownAge(view);
  const [word, kind] = WORDS[view.info.state] ?? ["", "good"];
  if (!view.latest && !view.picture) return { text: word || "Waiting", kind: word ? kind : "wait", old: true, stamp: view.info.reason ?? "Waiting for the first picture" };
  if (store.connection !== "open") return { text: "Not live", kind: "bad", old: true, stamp: `No connection to the server. Not live: ${oldness(seconds)}` };
  if (word) return { text: word, kind, old: true, stamp: `Not live: ${oldness(seconds)}` };
  if (seconds > OLD_S) return { text: "Not live", kind: "bad", old: true, stamp: `Not live: ${oldness(seconds)}` };
  const flags = flagsOf(view);
  if (flags.some((flag) => flag.code === "frozen")) return { text: "Frozen", kind: "bad", old: true, stamp: `Not live: the picture has not changed for ${age(asMeasure(view.latest?.crowd_data["picture_age"])?.value ?? 0)}` };
  const blind = flags.find((flag) => BLIND.has(flag.code));
  if (blind) return { text: "Blind", kind: "bad", old: false, stamp: blind.text };
  return { text: "Live", kind: flags.length ? "wait" : "good", old: false, stamp: null };
}

function AcceptView({ view }: { view: StreamView }) {
  const [asked, ask] = useState(false);
  const accept = async () => {
    ask(false);
    try {
      await api.acceptView(view.info.stream_id);
      store.say("The view is being learnt anew.");
    } catch (error) {
      store.say(error instanceof Error ? error.message : "That did not work.", true);
    }
  };
  if (!asked) return <button onClick={() => ask(true)}>Accept this view</button>;
  return (
    <span class="confirm" role="group" aria-label="Accept this view?">
      <span>Only if calibration and zones fit what is seen now.</span>
      <button class="primary" onClick={() => void accept()}>
        They fit: accept
      </button>
      <button onClick={() => ask(false)}>Cancel</button>
    </span>
  );
}

export function Health({ view }: { view: StreamView }) {
  const flags = flagsOf(view);
  const watched = flags.some((flag) => flag.code === "moved" || flag.code === "covered");
  if (flags.length === 0 || !view.latest) return null;
  return (
    <div class="health">
      <ul aria-label="What is wrong with this camera">
        {flags.map((flag) => (
          <li key={flag.code} class={BLIND.has(flag.code) ? "bad" : "wait"} data-flag={flag.code}>
            {flag.text}
          </li>
        ))}
      </ul>
      {watched && store.can("operator") ? <AcceptView view={view} /> : null}
    </div>
  );
}

/** "7.1 of 10 pictures/s, latency 82 ms". */
export function Pace({ view }: { view: StreamView }) {
  const rate = asMeasure(view.latest?.crowd_data["picture_rate"]);
  const target = view.info.aimed_fps;
  const latest = view.latest;
  const latency = latest && !tileState(view).old ? Date.parse(latest.published) - Date.parse(latest.timestamp) : null;
  const delay = asMeasure(latest?.crowd_data["picture_delay"]);
  return (
    <p class="pace">
      <span title="Pictures analysed per second, of those asked for" data-pace="rate">
        {rate?.valid && rate.value !== null ? number(rate.value, 1) : "–"}
        {target ? ` of ${number(target, target % 1 ? 1 : 0)}` : ""} pictures/s
      </span>
      <span title="From the capture of a picture to its published measures" data-pace="latency">
        latency {latency === null ? "–" : latency < 1000 ? `${Math.round(latency)} ms` : age(latency / 1000)}
        {delay?.valid && (delay.value ?? 0) >= 0.5 ? ` + ${age(delay.value ?? 0)} on the way` : ""}
      </span>
    </p>
  );
}
