// The alert queue: the worst that nobody has acknowledged stands on top.
import { useState } from "preact/hooks";
import { api } from "./api";
import { levelWord, number, time, title, unit } from "./format";
import { store, useStore } from "./store";
import type { Alert } from "./types";

function place(alert: Alert): string {
  if (alert.is_test) return "Test of the alert chain";
  const camera = alert.stream_id ? store.streams.get(alert.stream_id)?.info.location || title(alert.stream_id) : "System";
  return alert.zone_id ? `${title(alert.zone_id)}, ${camera}` : camera;
}

function figures(alert: Alert): string {
  if (alert.is_test || alert.value === null || alert.unit === null) return "";
  const decimals = Math.abs(alert.value) < 20 ? 1 : 0;
  const limit = alert.threshold === null ? "" : `, limit ${number(alert.threshold, decimals)}`;
  return `${number(alert.value, decimals)} ${unit(alert.unit)}${limit}`;
}

function Actions({ alert }: { alert: Alert }) {
  const [comment, setComment] = useState("");
  if (!store.can("operator")) return <p class="hint">You are looking on as a viewer: an operator acknowledges.</p>;
  const act = (what: "acknowledge" | "resolve") => {
    const words = what === "acknowledge" ? "Acknowledged" : "Resolved";
    void store.act(() => api[what](alert.alert_id, comment), `${words}: ${place(alert)}`);
    setComment("");
  };
  return (
    <form class="actions" onSubmit={(event) => (event.preventDefault(), act(alert.state === "active" ? "acknowledge" : "resolve"))}>
      <input value={comment} onInput={(event) => setComment(event.currentTarget.value)} maxLength={250} placeholder="Comment" aria-label={`Comment on ${place(alert)}`} />
      {alert.state === "active" ? (
        <button type="submit" class="primary">
          Acknowledge
        </button>
      ) : null}
      <button type="button" onClick={() => act("resolve")}>
        Resolve
      </button>
    </form>
  );
}

// The seconds around the moment. It is recorded for some seconds after the alert was raised; the server says why when there is none.
function Clip({ alert }: { alert: Alert }) {
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState("");
  const path = `/alerts/${encodeURIComponent(alert.alert_id)}/clip`;
  const explain = async () => setProblem(await api.clipProblem(path));
  if (!asked)
    return (
      <p>
        <button type="button" class="link" onClick={() => setAsked(true)}>
          Clip of that moment
        </button>
      </p>
    );
  if (problem)
    return (
      <p class="hint">
        {problem}{" "}
        <button type="button" class="link" onClick={() => setProblem("")}>
          Try again
        </button>
      </p>
    );
  return (
    <video class="clip" src={path} controls muted autoplay playsInline aria-label={`Clip of ${place(alert)}`} onError={() => void explain()}>
      <a href={path}>Clip of that moment</a>
    </video>
  );
}

function AlertItem({ alert }: { alert: Alert }) {
  return (
    <li class={`alert level-${alert.level.toLowerCase()} ${alert.state}`} data-alert={alert.alert_id} data-state={alert.state}>
      <div class="alert-head">
        <span class="level">{levelWord(alert.level)}</span>
        <strong>{place(alert)}</strong>
        <time dateTime={alert.raised}>{time(alert.raised)}</time>
      </div>
      <p class="alert-message">{alert.message}</p>
      {figures(alert) ? <p class="alert-figures">{figures(alert)}</p> : null}
      {alert.blind ? <p class="blind">Blind: the measure cannot be taken now. The alert stays until it can.</p> : null}
      {alert.action ? <p class="todo">{alert.action}</p> : null}
      {alert.picture ? (
        <p>
          <a href={`/alerts/${encodeURIComponent(alert.alert_id)}/picture.jpg`} target="_blank" rel="noreferrer">
            Picture of that moment
          </a>
        </p>
      ) : null}
      {alert.is_test || !alert.stream_id ? null : <Clip alert={alert} />}
      {alert.acknowledged_by && alert.acknowledged ? (
        <p class="who">
          Acknowledged by {alert.acknowledged_by} at {time(alert.acknowledged)}
        </p>
      ) : null}
      {alert.comment ? <p class="comment">“{alert.comment}”</p> : null}
      <Actions alert={alert} />
    </li>
  );
}

function PastItem({ alert }: { alert: Alert }) {
  const who = alert.resolved_by === "system" || !alert.resolved_by ? "by itself" : `by ${alert.resolved_by}`;
  return (
    <li class={`past level-${alert.level.toLowerCase()}`} data-alert={alert.alert_id}>
      <span class="dot" aria-hidden="true" />
      <span>
        {place(alert)}: {levelWord(alert.peak_level).toLowerCase()}, over {alert.resolved ? time(alert.resolved) : ""} {who}
      </span>
    </li>
  );
}

export function AlertPanel() {
  useStore();
  const open = store.openAlerts();
  const past = store.pastAlerts();
  return (
    <section class="panel alerts" aria-label="Alerts">
      <header>
        <h2>Alerts</h2>
        <span class="count">{open.length ? `${open.length} open` : "none open"}</span>
        {store.can("operator") ? (
          <button class="quiet" onClick={() => void store.act(api.testAlert, "Test alert raised: it clears by itself")} title="Proves that alerts are raised, heard and stored">
            Test alert
          </button>
        ) : null}
      </header>
      <ul class="alert-list" aria-live="polite">
        {open.map((alert) => (
          <AlertItem key={alert.alert_id} alert={alert} />
        ))}
      </ul>
      {open.length === 0 ? <p class="calm">Nothing needs attention.</p> : null}
      {past.length ? (
        <details>
          <summary>Over ({past.length})</summary>
          <ul class="past-list">
            {past.map((alert) => (
              <PastItem key={alert.alert_id} alert={alert} />
            ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}
