// What this browser remembers: theme, sound, overlays.
export interface Settings {
  theme: "auto" | "light" | "dark";
  muted: boolean;
  boxes: boolean;
  trails: boolean;
  zones: boolean;
  density: boolean;
  flow: boolean;
}

const KEY = "sci.settings";
const defaults: Settings = { theme: "auto", muted: false, boxes: true, trails: true, zones: true, density: true, flow: true };

export function loadSettings(): Settings {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>) };
  } catch {
    return { ...defaults };
  }
}

export function saveSettings(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    /* private browsing: the choice lasts as long as the page */
  }
}

export function applyTheme(theme: Settings["theme"]): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
