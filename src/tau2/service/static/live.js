"use strict";
/* Replaces the part of a page that changes while a run is played. The server escapes all of it. */
{
  const part = document.querySelector("[data-live]");
  const note = document.querySelector("#stopped");
  const SECONDS = 2;
  let shown = "";

  async function update() {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.live, { cache: "no-store" });
      note.hidden = answer.ok;
      if (!answer.ok) return;
      const text = await answer.text();
      if (text !== shown) part.innerHTML = shown = text;
    } catch {
      note.hidden = false;
    }
  }

  if (part) {
    setInterval(update, SECONDS * 1000);
    document.addEventListener("visibilitychange", update);
  }
}
