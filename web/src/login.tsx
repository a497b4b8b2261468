// The way in: an API key, traded for a cookie that scripts cannot read.
import { useState } from "preact/hooks";
import { store } from "./store";
import { unlockSound } from "./sound";

export function Login() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    unlockSound();
    setBusy(true);
    setProblem("");
    try {
      await store.login(key.trim());
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "That did not work.");
    }
    setBusy(false);
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)}>
        <img src="icon.svg" alt="" width="48" height="48" />
        <h1>Smart Crowd Intelligence</h1>
        <p>Live crowd safety. Enter the API key that set-up printed, or that your administrator gave you.</p>
        <input type="text" name="username" autocomplete="username" value="api key" hidden readOnly />
        <label for="key">API key</label>
        <input id="key" type="password" autocomplete="current-password" required value={key} onInput={(event) => setKey(event.currentTarget.value)} aria-describedby="problem" />
        <p id="problem" class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "One moment" : "Enter"}
        </button>
        <p class="hint">
          Lost the key? On the machine: <code>sci token create --role admin --name me</code>
        </p>
      </form>
    </main>
  );
}
