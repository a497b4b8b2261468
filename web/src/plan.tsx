// The ground seen from above: people per square metre on the site plan, from the snapshot's grid. y points up, as on a plan.
import { densityColour } from "./draw";
import type { Grid } from "./types";

export function GroundPlan({ grid }: { grid: Grid }) {
  const cells = [];
  for (let i = 0; i + 1 < grid.cells.length; i += 2) {
    const index = grid.cells[i] ?? 0;
    const colour = densityColour(grid.cells[i + 1] ?? 0);
    if (!colour) continue;
    cells.push(<rect key={index} x={index % grid.columns} y={grid.rows - 1 - Math.floor(index / grid.columns)} width="1" height="1" fill={colour} />);
  }
  const width = (grid.columns * grid.cell_m).toFixed(0);
  const height = (grid.rows * grid.cell_m).toFixed(0);
  return (
    <figure class="plan">
      <svg viewBox={`0 0 ${grid.columns} ${grid.rows}`} role="img" aria-label="People per square metre on the ground plan" shape-rendering="crispEdges">
        {cells}
      </svg>
      <figcaption>
        Ground plan, {width} m × {height} m, people/m²
      </figcaption>
    </figure>
  );
}
