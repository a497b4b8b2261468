// Numbers, times and names as a person reads them.
import type { Level, Measure } from "./types";

export const NO_VALUE = "–";

export function number(value: number, decimals: number): string {
  return value.toLocaleString(undefined, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** "3.2", or a dash when there is no value: never a made-up zero. */
export function measure(m: Measure | undefined, decimals: number): string {
  return m && m.valid && m.value !== null ? number(m.value, decimals) : NO_VALUE;
}

export function unit(name: string): string {
  return name.replace("m2", "m²");
}

export function interval(m: Measure | undefined, decimals: number): string {
  if (!m) return "";
  if (!m.valid) return m.reason ?? "not measured";
  if (m.low === undefined || m.high === undefined || m.low === m.high) return "";
  return `${number(m.low, decimals)} to ${number(m.high, decimals)}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function time(text: string): string {
  const t = new Date(text);
  return t.toDateString() === new Date().toDateString() ? clock.format(t) : day.format(t);
}

export function now(): string {
  return clock.format(new Date());
}

/** The browser's time zone as people write it: "CET", "UTC+2". */
export function zoneName(): string {
  const part = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(new Date());
  return part.find((p) => p.type === "timeZoneName")?.value ?? "local time";
}

export function age(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export const LEVELS: Level[] = ["LOW", "MEDIUM", "HIGH", "CRITICAL"];

export function levelRank(level: Level): number {
  return LEVELS.indexOf(level);
}

const levelWords: Record<Level, string> = { LOW: "Low", MEDIUM: "Medium", HIGH: "High", CRITICAL: "Critical" };
export function levelWord(level: Level): string {
  return levelWords[level];
}

export function title(id: string): string {
  const words = id.replace(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
