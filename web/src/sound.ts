// One sound for a new alert: two short tones, made here. Browsers allow sound only after a person has touched the page.
let context: AudioContext | null = null;

export function unlockSound(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

export function soundIsReady(): boolean {
  return context !== null && context.state === "running";
}

function tone(at: AudioContext, frequency: number, start: number, length: number): void {
  const oscillator = at.createOscillator();
  const gain = at.createGain();
  oscillator.type = "sine";
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.25, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.001, start + length);
  oscillator.connect(gain).connect(at.destination);
  oscillator.start(start);
  oscillator.stop(start + length);
}

export function playAlert(): void {
  if (!context || context.state !== "running") return;
  tone(context, 880, context.currentTime, 0.22);
  tone(context, 659, context.currentTime + 0.24, 0.34);
}
