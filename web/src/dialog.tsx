// Settings: what this browser shows and sounds, and who is logged in.
import { useEffect, useRef } from "preact/hooks";
import { store, useStore } from "./store";
import type { Settings } from "./settings";
import { playAlert, unlockSound } from "./sound";

const KEYS: [string, string][] = [
  ["1 – 9", "look at one camera"],
  ["A", "acknowledge the alert on top"],
  ["M", "sound on or off"],
  ["D", "dark or light"],
  ["B, T, Z, H, F", "boxes, trails, zones, density, flow"],
  ["S or ?", "this panel"],
  ["Esc", "close"],
];

function Toggle({ name, label }: { name: keyof Omit<Settings, "theme">; label: string }) {
  return (
    <label class="toggle">
      <input type="checkbox" checked={store.settings[name]} onChange={(event) => store.set({ [name]: event.currentTarget.checked })} />
      <span>{label}</span>
    </label>
  );
}

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { settings, session, status } = useStore();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="settings" aria-label="Settings" onClose={onClose}>
      <header>
        <h2>Settings</h2>
        <button class="icon" aria-label="Close" onClick={() => dialog.current?.close()}>
          ×
        </button>
      </header>
      <fieldset>
        <legend>Appearance</legend>
        <div class="segments" role="group" aria-label="Theme">
          {(["auto", "light", "dark"] as const).map((theme) => (
            <button key={theme} aria-pressed={settings.theme === theme} onClick={() => store.set({ theme })}>
              {theme === "auto" ? "As the system" : theme === "light" ? "Light" : "Dark"}
            </button>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>On the picture</legend>
        <Toggle name="boxes" label="Boxes and identities" />
        <Toggle name="trails" label="Where people came from" />
        <Toggle name="zones" label="Zones and lines" />
        <Toggle name="density" label="Density" />
        <Toggle name="flow" label="Flow: where what moves gets in a second" />
      </fieldset>
      <fieldset>
        <legend>Sound</legend>
        <Toggle name="muted" label="Mute new alerts" />
        <button onClick={() => (unlockSound(), window.setTimeout(playAlert, 50))}>Play the sound</button>
      </fieldset>
      <fieldset>
        <legend>Keys</legend>
        <dl class="keys">
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </fieldset>
      <footer>
        <span>
          {session ? `${session.name}, ${session.role}` : ""}
          {status ? `, version ${status.version}` : ""}
        </span>
        <a href="/docs">API</a>
        <button onClick={() => void store.logout()}>Log out</button>
      </footer>
    </dialog>
  );
}
