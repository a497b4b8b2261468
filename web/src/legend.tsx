// One legend for every density overlay.
import { DENSITY_STEPS } from "./draw";

export function Legend() {
  return (
    <figure class="legend" aria-label="Density in people per square metre">
      <figcaption>people/m²</figcaption>
      {DENSITY_STEPS.map((step, i) => (
        <span key={step.label}>
          <i style={{ background: step.colour }} />
          {step.label}
          {i === DENSITY_STEPS.length - 1 ? "+" : ""}
        </span>
      ))}
    </figure>
  );
}
