// Keeps the page live: reads it again and replaces the parts that changed. Without script the page reloads itself.
"use strict";
const seconds = Number(document.body.dataset.refreshSeconds);
const state = document.getElementById("refresh-state");

function replace(shown, fresh) {
  const open = [...shown.querySelectorAll("details")].map((each) => each.open);
  fresh.querySelectorAll("details").forEach((each, number) => { each.open = open[number] ?? each.open; });
  if (shown.outerHTML !== fresh.outerHTML) shown.replaceWith(document.adoptNode(fresh));
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = [...page.querySelectorAll("[data-live]")];
    if (fresh.some((each) => !document.getElementById(each.id))) return location.reload();
    for (const each of fresh) {
      const shown = document.getElementById(each.id);
      if (!shown.contains(document.activeElement)) replace(shown, each);
    }
    state.textContent = "";
  } catch {
    state.textContent = "The server does not answer. These are the last numbers; the page tries again.";
  }
}

async function keepLive() {
  await refresh();
  setTimeout(keepLive, seconds * 1000);
}

if (seconds > 0) setTimeout(keepLive, seconds * 1000);
