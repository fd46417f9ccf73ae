"use strict";
/* Draws the timeline of a spoken call and plays its recording. Times are in seconds. */
const spokenCall = (() => {
  const LANES = [["agent", 26], ["user", 62]], HEIGHT = 26, EFFECTS = 98, BOTTOM = 112, LEFT = 46;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
  const svgName = "http://www.w3.org/2000/svg";

  function svg(name, attributes, text) {
    const made = document.createElementNS(svgName, name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.append(text);
    return made;
  }

  function clock(seconds) {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  }

  /* A rectangle with a text that appears under the pointer. */
  function bar(x, y, width, height, kind, title) {
    const made = svg("rect", { x, y, width: Math.max(width, 1.5), height, rx: 2, class: kind });
    if (title) made.append(svg("title", null, title));
    return made;
  }

  function drawn(call, scale) {
    const width = Math.ceil(LEFT + call.seconds * scale + 12);
    const at = (seconds) => LEFT + seconds * scale;
    const picture = svg("svg", {
      width, height: BOTTOM + 4, viewBox: `0 0 ${width} ${BOTTOM + 4}`, class: "call-lanes",
      role: "img", "aria-label": `timeline of a call of ${clock(call.seconds)}`,
    });
    const step = STEPS.find((one) => one * scale >= 55) || 1200;
    for (let second = 0; second <= call.seconds; second += step) {
      picture.append(svg("line", { x1: at(second), x2: at(second), y1: 18, y2: BOTTOM, class: "gridline" }),
        svg("text", { x: at(second), y: 12, "text-anchor": second ? "middle" : "start" }, clock(second)));
    }
    for (const [name, y] of LANES) {
      picture.append(svg("line", { x1: LEFT, x2: at(call.seconds), y1: y + HEIGHT / 2, y2: y + HEIGHT / 2, class: "gridline" }),
        svg("text", { x: 2, y: y + HEIGHT / 2 + 4 }, name));
    }
    if (call.effects.length) picture.append(svg("text", { x: 2, y: EFFECTS + 9 }, "effects"));
    for (const [from, to] of call.overlaps) {
      picture.append(bar(at(from), 20, (to - from) * scale, EFFECTS - 24, "overlap", `both speak, ${clock(from)}`));
    }
    for (const [lane, from, to, text, marks] of call.segments) {
      const kind = `said ${LANES[lane][0]}${marks.includes("backchannel") ? " backchannel" : ""}`;
      const title = `${clock(from)} ${LANES[lane][0]}${marks ? ` (${marks})` : ""}: ${text}`;
      picture.append(bar(at(from), LANES[lane][1], (to - from) * scale, HEIGHT, kind, title));
    }
    for (const [lane, from, to, name] of call.effects) {
      picture.append(bar(at(from), EFFECTS, (to - from) * scale, 9, "effect", `${clock(from)} ${LANES[lane][0]}'s side: ${name}`));
    }
    for (const [from, brief, failed] of call.tools) {
      const mark = svg("path", { d: `M${at(from)} 24 l-5 -8 h10 z`, class: failed ? "tool failed" : "tool" });
      mark.append(svg("title", null, `${clock(from)} ${failed ? "✗ " : ""}${brief}`));
      picture.append(mark);
    }
    for (const [from, dropped] of call.cuts) {
      const rest = dropped === null ? "" : `, ${(dropped / 1000).toFixed(1)} s were not said`;
      picture.append(bar(at(from) - 1, LANES[0][1] - 4, 3, HEIGHT + 8, "cut", `${clock(from)} the agent is cut off${rest}`));
    }
    const head = svg("line", { x1: LEFT, x2: LEFT, y1: 16, y2: BOTTOM, class: "playhead" });
    picture.append(head);
    return { picture, head, at, secondsAt: (x) => Math.min(call.seconds, Math.max(0, (x - LEFT) / scale)) };
  }

  function recording(call) {
    const audio = call.audio;
    if (!audio || audio.problem) return null;
    const player = document.createElement("audio");
    player.controls = true;
    player.preload = "metadata";
    if (audio.id) {
      const packed = document.getElementById(audio.id).textContent;
      const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
      player.src = URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" }));
    } else {
      player.src = audio.src;
    }
    return player;
  }

  function legend(element, call) {
    const kinds = [["said agent", "agent"], ["said user", "user"]];
    if (call.overlaps.length) kinds.push(["overlap", "both"]);
    if (call.segments.some(([, , , , marks]) => marks.includes("backchannel"))) {
      kinds.push(["said user backchannel", "backchannel"]);
    }
    if (call.tools.length) kinds.push(["tool", "tool call"]);
    if (call.cuts.length) kinds.push(["cut", "cut off"]);
    if (call.effects.length) kinds.push(["effect", "effect"]);
    return element("p", { class: "legend" }, ...kinds.map(([kind, name]) => {
      const patch = svg("svg", { width: 12, height: 12, class: "call-lanes" });
      patch.append(kind === "tool" ? svg("path", { d: "M6 11 l-5 -9 h10 z", class: kind })
        : svg("rect", { width: kind === "cut" ? 3 : 12, height: 12, rx: 2, class: kind }));
      return element("span", null, patch, ` ${name}`);
    }), call.always.length ? element("span", null, `throughout: ${call.always.join(", ")}`) : null);
  }

  /* Returns the panel, and how other parts of the page go to a time. */
  function panel(element, call, turns) {
    const player = recording(call);
    const strip = element("div", { class: "strip", tabindex: 0, "aria-label": "timeline; click to go to a time" });
    const caption = element("p", { class: "caption", "aria-live": "off" });
    let zoom = 1, view = null, now = 0;

    function redraw() {
      const room = strip.clientWidth - LEFT - 14;
      view = drawn(call, Math.max(room, 60) * zoom / Math.max(call.seconds, 1));
      strip.replaceChildren(view.picture);
      follow();
    }
    function follow() {
      const x = view.at(now);
      view.head.setAttribute("x1", x);
      view.head.setAttribute("x2", x);
      if (x < strip.scrollLeft + LEFT || x > strip.scrollLeft + strip.clientWidth - 20) {
        strip.scrollLeft = x - strip.clientWidth / 3;
      }
      const spoken = call.segments.filter(([, from, to]) => from <= now && now < to);
      caption.textContent = spoken.map(([lane, , , text]) => `${LANES[lane][0]}: ${text}`).join("  ·  ");
      for (const turn of turns) {
        turn.classList.toggle("now", Number(turn.dataset.at) <= now && now < Number(turn.dataset.to));
      }
    }
    function go(seconds) {
      now = Math.min(Math.max(seconds, 0), call.seconds);
      if (player) player.currentTime = now;
      follow();
    }
    function toggle() {
      if (!player) return;
      if (player.paused) player.play();
      else player.pause();
    }
    strip.addEventListener("click", (event) => {
      const seconds = view.secondsAt(event.clientX - view.picture.getBoundingClientRect().left);
      go(seconds);
      const turn = turns.find((one) => Number(one.dataset.to) > seconds);
      if (!player && turn) turn.scrollIntoView({ block: "center" });
    });
    strip.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 2, ArrowLeft: -2 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      go(now + by);
    });
    const button = (text, name, act) => {
      const made = element("button", { type: "button", "aria-label": name, title: name }, text);
      made.addEventListener("click", act);
      return made;
    };
    const zoomTo = (by) => () => { zoom = Math.min(64, Math.max(1, zoom * by)); redraw(); };
    const tools = element("div", { class: "player" }, player,
      button("−", "zoom out", zoomTo(0.5)), button("+", "zoom in", zoomTo(2)));
    const problem = element("p", { class: "warn", hidden: true });
    const say = (text) => { problem.textContent = text; problem.hidden = false; };
    if (player) {
      player.addEventListener("timeupdate", () => { now = player.currentTime; follow(); });
      player.addEventListener("error", () => say(call.audio.src
        ? `The recording is not where this page looks for it: ${decodeURI(call.audio.src)}`
        : "This browser cannot play the recording."));
    } else if (call.audio) say(call.audio.problem);
    new ResizeObserver(() => redraw()).observe(strip);
    return {
      nodes: [
        element("div", { class: "panel call-panel" }, tools, problem, strip, caption),
        legend(element, call),
        player ? null : element("p", { class: "note" }, "There is no recording of this call."),
      ],
      go, toggle, redraw, stop: () => { if (player) player.pause(); },
    };
  }

  return { panel, clock };
})();
