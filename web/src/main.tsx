import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import "./styles.css";
import { AlertPanel } from "./alerts";
import { api } from "./api";
import { Cards } from "./cards";
import { SettingsDialog } from "./dialog";
import { Header } from "./header";
import { CountingNote, FlowLegend, Legend } from "./legend";
import { Login } from "./login";
import { Movement } from "./movement";
import { unlockSound } from "./sound";
import { store, useStore, useTick } from "./store";
import { Tile } from "./tile";
import { Trend } from "./trend";
import { Zones } from "./zones";

function LostBanner() {
  const { connection, retryAt } = useStore();
  useTick(500);
  if (connection === "open") return null;
  const wait = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  return (
    <div class="banner" role="alert">
      <strong>{connection === "lost" ? "The server cannot be reached." : "Connecting to the server."}</strong>
      <span>{connection === "lost" ? ` What is shown is not live. Trying again${wait > 0 ? ` in ${wait} s` : ""}; nothing needs to be done.` : ""}</span>
    </div>
  );
}

/** The title says what an operator must know while another window is in front. */
function usePageTitle(): void {
  const { connection, unseen } = useStore();
  useTick(1000);
  const active = store.openAlerts().filter((alert) => alert.state === "active").length;
  const flash = unseen > 0 && Math.floor(Date.now() / 1000) % 2 === 0;
  const lead = connection === "lost" ? "NO CONNECTION" : flash ? "NEW ALERT" : active ? `(${active})` : "";
  const text = `${lead ? `${lead} ` : ""}Smart Crowd Intelligence`;
  useEffect(() => {
    document.title = text;
  }, [text]);
}

function toggleTheme(): void {
  const dark = store.settings.theme === "dark" || (store.settings.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  store.set({ theme: dark ? "light" : "dark" });
}

function acknowledgeFirst(): void {
  const first = store.openAlerts().find((alert) => alert.state === "active");
  if (first && store.can("operator")) void store.act(() => api.acknowledge(first.alert_id, ""), "Acknowledged");
}

function useKeys(select: (index: number) => void, openSettings: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const { settings } = store;
      const actions: Record<string, () => void> = {
        a: acknowledgeFirst,
        m: () => store.set({ muted: !settings.muted }),
        d: toggleTheme,
        b: () => store.set({ boxes: !settings.boxes }),
        t: () => store.set({ trails: !settings.trails }),
        z: () => store.set({ zones: !settings.zones }),
        h: () => store.set({ density: !settings.density }),
        f: () => store.set({ flow: !settings.flow }),
        s: openSettings,
        "?": openSettings,
      };
      if (/^[1-9]$/.test(event.key)) select(Number(event.key) - 1);
      else actions[event.key.toLowerCase()]?.();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [select, openSettings]);
}

function Dashboard() {
  const { streams, notice, settings } = useStore();
  const [selected, select] = useState<string | null>(null);
  const [settingsOpen, openSettings] = useState(false);
  const views = [...streams.values()].sort((a, b) => a.info.stream_id.localeCompare(b.info.stream_id));
  const focus = views.find((view) => view.info.stream_id === selected);
  usePageTitle();
  useKeys(
    (index) => select(views[index]?.info.stream_id ?? null),
    () => openSettings(true),
  );
  return (
    <>
      <a class="skip" href="#cameras">
        Skip to the cameras
      </a>
      <Header onSettings={() => openSettings(true)} />
      <LostBanner />
      <main>
        <Cards />
        <div class="columns">
          <section class="cameras" id="cameras" aria-label="Cameras" tabIndex={-1}>
            <div class={`grid n${Math.min(views.length, 4)} ${focus ? "focused" : ""}`}>
              {views.map((view) => (
                <Tile key={view.info.stream_id} view={view} large={focus === view} onSelect={() => select(focus === view ? null : view.info.stream_id)} />
              ))}
              {views.length === 0 ? <p class="calm">No cameras yet: add one in the configuration, or with POST /streams.</p> : null}
            </div>
            {settings.density ? <Legend views={views} /> : null}
            {settings.flow ? <FlowLegend views={views} /> : null}
            <CountingNote />
          </section>
          <div class="side">
            <AlertPanel />
            <Zones />
          </div>
        </div>
        <div class="columns lower">
          <Trend view={focus ?? views[0]} />
          <Movement view={focus ?? views[0]} />
        </div>
      </main>
      {settingsOpen ? <SettingsDialog onClose={() => openSettings(false)} /> : null}
      {notice ? (
        <div class={`toast ${notice.bad ? "bad" : ""}`} role="status">
          {notice.text}
        </div>
      ) : null}
    </>
  );
}

function App() {
  const { connection, sessionChecked } = useStore();
  if (!sessionChecked) return null;
  return connection === "logged-out" ? <Login /> : <Dashboard />;
}

document.addEventListener("pointerdown", unlockSound, { passive: true });
document.addEventListener("keydown", unlockSound, { passive: true });
window.addEventListener("focus", () => store.seen());
void store.begin();
render(<App />, document.getElementById("app") as HTMLElement);
