// The top of the page: what the system is, how it is, the worst zone, the time.
import { levelWord, measure, now, number, title, zoneName } from "./format";
import { store, useStore, useTick, worstLevel } from "./store";
import { worstZone } from "./cards";

function systemState(): { text: string; kind: string; detail: string } {
  if (store.connection !== "open") return { text: "No connection", kind: "bad", detail: "What is shown is not live." };
  const active = store.openAlerts().filter((alert) => alert.state === "active");
  const level = worstLevel(active);
  const warnings = store.status?.warnings ?? [];
  if (level === "CRITICAL" || level === "HIGH") return { text: `${levelWord(level)} alert`, kind: "bad", detail: `${active.length} not acknowledged` };
  if (level) return { text: `${levelWord(level)} alert`, kind: "warn", detail: `${active.length} not acknowledged` };
  if (warnings.length) return { text: "Degraded", kind: "warn", detail: warnings[0] ?? "" };
  return { text: "All normal", kind: "good", detail: "Cameras, measures and store work" };
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="9" cy="13" r="3" />
      <circle cx="23" cy="13" r="3" />
      <circle cx="16" cy="9" r="3.6" />
      <path d="M3 25c0-4.500 2.700-7.400 6-7.400M29 25c0-4.500-2.700-7.400-6-7.400M9.500 27c0-6 2.800-11 6.500-11s6.500 5 6.500 11z" />
    </svg>
  );
}

export function Header({ onSettings }: { onSettings: () => void }) {
  const { settings, streams } = useStore();
  useTick(1000);
  const state = systemState();
  const worst = worstZone([...streams.values()]);
  return (
    <header class="top">
      <div class="brand">
        <Logo />
        <h1>Smart Crowd Intelligence</h1>
      </div>
      <div class={`state ${state.kind}`} role="status" data-system={state.kind}>
        <span class="dot" aria-hidden="true" />
        <span>
          <strong>{state.text}</strong>
          <small>{state.detail}</small>
        </span>
      </div>
      {worst ? (
        <div class="worst">
          <small>Worst zone</small>
          <strong>
            {title(worst.zone)} {measure(worst.occupancy, 0)}/{number(worst.capacity ?? 0, 0)}
          </strong>
        </div>
      ) : null}
      <div class="clock">
        <strong>{now()}</strong>
        <small>{zoneName()}</small>
      </div>
      <button class="icon" aria-pressed={settings.muted} aria-label={settings.muted ? "Sound is off: switch it on" : "Sound is on: mute"} title="Sound (M)" onClick={() => store.set({ muted: !settings.muted })}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M4 9v6h4l5 4V5L8 9z" />
          {settings.muted ? <path d="M17 9l5 6M22 9l-5 6" class="stroke" /> : <path d="M16.500 8.500a5 5 0 0 1 0 7M19 6a8.500 8.500 0 0 1 0 12" class="stroke" />}
        </svg>
      </button>
      <button class="icon" aria-label="Settings" title="Settings (S)" onClick={onSettings}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path class="stroke" d="M4 7h9M17 7h3M4 17h3M11 17h9" />
          <circle class="stroke" cx="15" cy="7" r="2.200" />
          <circle class="stroke" cx="9" cy="17" r="2.200" />
        </svg>
      </button>
    </header>
  );
}
