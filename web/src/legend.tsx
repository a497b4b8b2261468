// The legends of the density overlays, and how people are counted.
import { DENSITY_STEPS, MAP_STEPS, showsMap } from "./draw";
import { SPEED_STEPS } from "./flow";
import { useStore, store, type StreamView } from "./store";

function Steps({ label, caption, steps }: { label: string; caption: string; steps: { colour: string; label: string }[] }) {
  return (
    <figure class="legend" aria-label={label}>
      <figcaption>{caption}</figcaption>
      {steps.map((step, i) => (
        <span key={step.label}>
          <i style={{ background: step.colour }} />
          {step.label}
          {i === steps.length - 1 ? "+" : ""}
        </span>
      ))}
    </figure>
  );
}

export function Legend({ views }: { views: StreamView[] }) {
  useStore();
  const maps = views.some((view) => view.latest && showsMap(view.latest.crowd_data));
  const grids = !maps || views.some((view) => view.latest?.crowd_data.density.grid);
  return (
    <>
      {grids ? <Steps label="Density in people per square metre" caption="people/m²" steps={DENSITY_STEPS} /> : null}
      {maps ? <Steps label="People per 100 by 100 pixels of the picture" caption="uncalibrated: people per 100×100 pixels" steps={MAP_STEPS} /> : null}
    </>
  );
}

/** Only while some camera measures how its crowd moves. */
export function FlowLegend({ views }: { views: StreamView[] }) {
  useStore();
  if (!views.some((view) => view.latest?.crowd_data.motion)) return null;
  return <Steps label="Speed of the arrows in metres per second" caption="arrows: the way of one second, m/s" steps={SPEED_STEPS} />;
}

/** Said as long as it is so: a crowd that is too dense for boxes looks smaller than it is. */
export function CountingNote() {
  useStore();
  const counting = store.status?.counting;
  const installed = !counting || counting.density_model;
  const byBoxes = [...store.streams.values()].map((view) => view.info).filter((info) => info.gives === "pictures" && info.counting === "boxes");
  if (installed && byBoxes.length === 0) return null;
  return (
    <p class="counting-note" role="note">
      {installed
        ? `People are counted by boxes only at ${byBoxes.map((info) => info.location || info.stream_id).join(", ")} (counting.mode), so dense crowds are under-counted there.`
        : "People are counted by boxes only: no density model is installed, so dense crowds are under-counted."}
    </p>
  );
}
