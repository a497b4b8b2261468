// One camera: live picture with overlays, its state, its age, its numbers.
import { useEffect, useRef, useState } from "preact/hooks";
import { drawStream } from "./draw";
import { drawPositions } from "./positions";
import { age, measure, number, title, unit } from "./format";
import type { Measure } from "./types";
import { Health, Pace, tileState } from "./health";
import { asMeasure, store, useStore, useTick, zonesOf, type StreamView } from "./store";

function useCanvas(view: StreamView) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      frame = 0;
      const at = canvas.current;
      if (!at) return;
      const seq = view.info.gives === "positions" ? drawPositions(at, view) : drawStream(at, view, store.settings);
      at.dataset["pictureSeq"] = String(view.picture?.header.seq ?? "");
      at.dataset["overlaySeq"] = String(seq ?? "");
    };
    const ask = () => (frame ||= requestAnimationFrame(draw));
    view.listeners.add(ask);
    const observer = new ResizeObserver(ask);
    if (canvas.current) observer.observe(canvas.current);
    ask();
    return () => {
      view.listeners.delete(ask);
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [view]);
  return canvas;
}

function describe(view: StreamView): string {
  const state = tileState(view);
  const people = state.old ? undefined : asMeasure(view.latest?.crowd_data["people"]);
  const count = people?.valid ? `${people.value} people` : "people not measured";
  return `Camera ${view.info.location || view.info.stream_id}, ${state.text}: ${count}`;
}

/** Nobody shall take an empty frame for an empty place. */
function withoutPictures(view: StreamView): string {
  return view.info.gives === "positions" ? "No pictures: positions from elsewhere" : "No pictures: detections from elsewhere";
}

function Zones({ view, old }: { view: StreamView; old: boolean }) {
  const zones = zonesOf(view);
  if (zones.length === 0) return null;
  return (
    <ul class="zones" aria-label="Zones">
      {zones.map((zone) => (
        <li key={zone.zone}>
          <span class="zone-name">{title(zone.zone)}</span>
          <span class="zone-bar" aria-hidden="true">
            <span class={`zone-fill ${fillKind(zone.share)}`} style={{ width: `${old ? 0 : Math.min(100, 100 * (zone.share ?? 0))}%` }} />
          </span>
          <span class="zone-count" title={zone.occupancy?.valid ? "" : zone.occupancy?.reason}>
            {measure(old ? undefined : zone.occupancy, 0)}
            {zone.capacity ? <small> / {number(zone.capacity, 0)}</small> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function fillKind(share: number | null): string {
  if (share === null) return "none";
  return share >= 1 ? "full" : share >= 0.8 ? "near" : "free";
}

const REGIMES: Record<string, string> = {
  boxes: "by boxes",
  density: "by density network",
  blended: "by boxes and density network",
};

/** The 90 % interval, and how the people were counted. */
function Counted({ people, regime }: { people: Measure | undefined; regime: string | undefined }) {
  if (!people?.valid || people.low === undefined || people.high === undefined) return null;
  return (
    <small class="counted" title="The 90 % interval, and how people are counted here">
      {" "}
      {number(people.low, 0)}–{number(people.high, 0)}
      <span data-regime={regime}>{REGIMES[regime ?? ""] ?? ""}</span>
    </small>
  );
}

export function Tile({ view, large, onSelect }: { view: StreamView; large: boolean; onSelect: () => void }) {
  const { settings } = useStore();
  useTick(500);
  const canvas = useCanvas(view);
  const [, redraw] = useState(settings);
  useEffect(() => redraw(settings), [settings]);
  const seconds = store.shownAge(view);
  const state = tileState(view);
  const shown = state.old ? null : view.latest; // the last value is not the value
  const people = asMeasure(shown?.crowd_data["people"]);
  const peak = shown?.crowd_data.density.peak;
  const speed = asMeasure(shown?.crowd_data["speed_mean"]);
  return (
    <article class={`tile ${state.old ? "old" : ""} ${large ? "large" : ""}`} data-stream={view.info.stream_id} data-state={view.info.state}>
      <header>
        <button class="tile-title" onClick={onSelect} aria-pressed={large}>
          {view.info.location || title(view.info.stream_id)}
        </button>
        <span class={`pill ${state.kind}`}>{state.text}</span>
        <span class="age" title="Age of what is shown">
          {Number.isFinite(seconds) ? age(seconds) : view.latest ? "age unknown" : "no picture yet"}
        </span>
      </header>
      <div class="picture">
        <canvas ref={canvas} role="img" aria-label={describe(view)} />
        {state.stamp ? (
          <span class={`stamp ${state.old && view.latest ? "loud" : ""}`} role="status">
            {state.stamp}
          </span>
        ) : null}
        {view.latest && !state.stamp && view.info.gives !== "pictures" ? <span class="stamp" data-gives={view.info.gives}>{withoutPictures(view)}</span> : null}
      </div>
      {view.info.reason && view.latest ? <p class="reason">{view.info.reason}</p> : null}
      <Health view={view} />
      <Pace view={view} />
      <dl class="facts">
        <div>
          <dt>People</dt>
          <dd>
            <span data-measure="people">{measure(people, 0)}</span>
            <Counted people={people} regime={shown?.crowd_data.regime} />
          </dd>
        </div>
        <div>
          <dt>Peak density</dt>
          <dd title={peak?.valid ? "" : peak?.reason}>
            {peak?.valid ? measure(peak, 2) : <small class="why">{peak?.reason ?? "not measured"}</small>}
            {peak?.valid ? <small> {unit("people/m2")}</small> : null}
          </dd>
        </div>
        <div>
          <dt>Mean speed</dt>
          <dd>
            {speed?.valid ? measure(speed, 2) : <small class="why">{speed?.reason ?? "not measured"}</small>}
            {speed?.valid ? <small> m/s</small> : null}
          </dd>
        </div>
      </dl>
      <Zones view={view} old={state.old} />
    </article>
  );
}
