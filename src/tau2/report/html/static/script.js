"use strict";
/* Draws conversations and filters the grid. What models said becomes text, never markup. */
(() => {
  const byId = (id) => document.getElementById(id);
  const index = JSON.parse(byId("index").textContent);
  const simulations = index.simulations.map(
    ([run, place, task, trial, outcome, reward, tools, kept]) => ({
      run, place, task, trial, outcome, reward, tools: new Set(tools), kept, key: `c${run}-${place}`,
    }));
  const byKey = new Map(simulations.map((one) => [one.key, one]));
  const overview = byId("overview"), conversation = byId("conversation"), filters = byId("filters");
  let fitting = simulations, left = 0, spoken = null;

  function element(name, attributes, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === true) made.setAttribute(key, "");
      else if (value !== null && value !== undefined && value !== false) {
        made.setAttribute(key, value);
      }
    }
    made.append(...content.filter((part) => part !== null && part !== undefined));
    return made;
  }

  /* --- filters --- */
  const fits = {
    "": () => true,
    full: (reward) => reward !== null && reward >= 0.999999,
    part: (reward) => reward !== null && reward > 0 && reward < 0.999999,
    zero: (reward) => reward === 0,
    none: (reward) => reward === null,
  };
  const chosen = (name) => byId(`f-${name}`).value;
  /* Looked up once: a run may have tens of thousands of cells. */
  const grid = [...document.querySelectorAll(".grid tbody tr")].map((row) => ({
    row,
    cells: [...row.querySelectorAll("a.cell")].map(
      (cell) => ({ cell, one: byKey.get(cell.getAttribute("href").slice(1)), off: false })),
  }));

  function refresh() {
    const task = chosen("task").toLowerCase(), outcome = chosen("outcome");
    const reward = fits[chosen("reward")], tool = chosen("tool");
    fitting = simulations.filter((one) => one.task.toLowerCase().includes(task)
      && (!outcome || one.outcome === outcome) && reward(one.reward)
      && (!tool || one.tools.has(Number(tool))));
    const fit = new Set(fitting);
    for (const { row, cells } of grid) {
      row.hidden = !cells.some((known) => fit.has(known.one));
      if (row.hidden) continue;
      for (const known of cells) {
        const off = !fit.has(known.one);
        if (off !== known.off) known.cell.classList.toggle("off", off);
        known.off = off;
      }
    }
    byId("f-count").textContent = fitting.length === simulations.length ? ""
      : `${fitting.length} of ${simulations.length} simulations`;
  }

  index.tools.map((name, number) => [name, number]).sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .forEach(([name, number]) => byId("f-tool").append(element("option", { value: number }, name)));
  filters.addEventListener("input", refresh);
  filters.addEventListener("reset", () => setTimeout(refresh));
  filters.addEventListener("submit", (event) => event.preventDefault());

  /* --- one conversation --- */
  async function unpacked(id) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const paragraph = (text, kind) => element("p", { class: kind }, text);

  function drawDiff(change) {
    const fields = element("dl", null);
    for (const [name, old, now] of change.fields) {
      const sides = [];
      if (old !== null) sides.push(element("del", null, old));
      if (old !== null && now !== null) sides.push(" → ");
      if (now !== null) sides.push(element("ins", null, now));
      fields.append(element("dt", null, name || "value"), element("dd", null, ...sides));
    }
    const whose = change.side === "user" ? `${change.kind}, user's data` : change.kind;
    return element("div", { class: "diff" },
      element("p", null, change.record, " ", element("span", { class: "kind" }, whose)), fields);
  }

  function drawCall(call) {
    const folded = element("details", { class: call.error ? "call error" : "call" },
      element("summary", null, call.error ? `✗ ${call.brief}` : call.brief));
    if (call.arguments !== undefined) {
      folded.append(element("pre", { "aria-label": "arguments" }, call.arguments));
    }
    folded.append(call.result === undefined ? paragraph("no result is recorded", "who")
      : element("pre", { "aria-label": "result" }, call.result));
    const parts = [folded, ...(call.changes || []).map(drawDiff)];
    if (call.more) parts.push(paragraph(`… and ${plural(call.more, "more record")}`, "who"));
    if (call.problem) parts.push(paragraph(call.problem, "who failed"));
    return parts;
  }

  function drawTurn(entry) {
    const seconds = entry.seconds ? ` · ${entry.seconds} s` : "";
    const marks = entry.marks ? ` · ${entry.marks.join(", ")}` : "";
    const turn = element("div", { class: `turn ${entry.who}`, "data-at": entry.at, "data-to": entry.to },
      element("div", { class: "who" }, `${entry.turn === undefined ? "" : `${entry.turn}. `}${entry.who}${seconds}${marks}`));
    if (entry.at !== undefined) {
      const time = element("button", { type: "button", class: "time" }, spokenCall.clock(entry.at));
      time.addEventListener("click", () => { if (spoken) spoken.go(entry.at); });
      turn.firstChild.prepend(time, " ");
    }
    if (entry.thought) turn.append(element("div", { class: "text thought" }, entry.thought));
    if (entry.text) turn.append(element("div", { class: "text" }, entry.text));
    if (entry.heard) {
      turn.append(element("div", { class: "heard" }, `the ${entry.who === "user" ? "agent" : "user"} heard: `,
        ...entry.heard.flatMap(([word, right]) => [right ? word : element("mark", null, word), " "])));
    }
    for (const call of entry.calls || []) turn.append(...drawCall(call));
    return turn;
  }

  function drawChecks(data) {
    const list = element("ul", { class: "checks" });
    for (const check of data.checks) {
      const kind = check.counts ? check.kind : `${check.kind} (not counted)`;
      list.append(element("li", null,
        element("span", { class: check.met ? "met" : "unmet" }, check.met ? "✓" : "✗"),
        element("span", { class: "kind" }, kind), element("span", null, check.text)));
    }
    const notes = data.notes.map((note) => element("p", { class: "text" }, note));
    return element("div", { class: "panel" }, element("h3", null, "checks"),
      data.checks.length ? list : paragraph("nothing was checked", "who"), ...notes);
  }

  function bar(one) {
    const at = fitting.indexOf(one);
    const step = (by, text) => {
      const to = at < 0 ? undefined : fitting[at + by];
      return to ? element("a", { href: `#${to.key}` }, text) : null;
    };
    const fold = element("button", { type: "button", id: "fold" }, "unfold all");
    fold.addEventListener("click", foldAll);
    return element("div", { class: "bar-top" },
      element("a", { href: "#overview-top", id: "back" }, "← overview"),
      step(-1, "‹ previous"), step(1, "next ›"), element("span", { class: "grow" }),
      at < 0 ? null : element("span", { class: "who" }, `${at + 1} of ${fitting.length}`), fold);
  }

  function drawn(one, data) {
    const turns = data.messages.map(drawTurn);
    spoken = data.call ? spokenCall.panel(element, data.call, turns) : null;
    const facts = data.facts.map(([name, value]) =>
      element("div", null, element("dt", null, name), element("dd", null, value)));
    const brief = element("details", { class: "panel" }, element("summary", null, "the task"));
    for (const [title, text] of data.brief) {
      brief.append(element("h3", null, title), element("div", { class: "text" }, text));
    }
    return [
      element("h2", null, `task ${data.task}`),
      element("dl", { class: "facts" }, ...facts),
      data.brief.length ? brief : null,
      drawChecks(data),
      ...data.replay.map((problem) => paragraph(`Database changes are not known: ${problem}`, "warn")),
      ...(spoken ? spoken.nodes : []),
      ...turns,
      data.left_out ? paragraph(`… and ${plural(data.left_out, "more message")}`, "warn") : null,
    ].filter((part) => part !== null);
  }

  async function open(one) {
    const top = bar(one);
    hush();
    let parts;
    if (!one.kept) {
      parts = [element("h2", null, `task ${one.task}`),
        paragraph("This conversation is not in the page: a report holds a limited number, failures first. "
          + "tau2 view shows it; tau2 report --max-conversations takes more in.", "warn")];
    } else {
      try {
        parts = drawn(one, await unpacked(`d${one.run}-${one.place}`));
      } catch (problem) {
        parts = [paragraph(`This conversation cannot be shown: ${problem.message}`, "warn")];
      }
    }
    if (location.hash !== `#${one.key}`) return;
    conversation.dataset.key = one.key;
    conversation.replaceChildren(top, ...parts);
    show(conversation);
    if (spoken) spoken.redraw();
    scrollTo(0, 0);
  }

  function hush() {
    if (spoken) spoken.stop();
    spoken = null;
  }

  function show(which) {
    overview.hidden = which !== overview;
    conversation.hidden = which !== conversation;
    which.focus({ preventScroll: true });
  }

  function route() {
    const one = byKey.get(location.hash.slice(1));
    if (one) {
      if (!overview.hidden) left = scrollY;
      open(one);
      return;
    }
    if (!overview.hidden) return;
    hush();
    const from = conversation.dataset.key;
    show(overview);
    const section = location.hash.startsWith("#run") ? byId(location.hash.slice(1)) : null;
    if (section) section.scrollIntoView();
    else scrollTo(0, left);
    const cell = from && document.querySelector(`a.cell[href="#${from}"]`);
    if (cell) cell.focus({ preventScroll: true });
  }

  /* --- keys --- */
  function foldAll() {
    const calls = [...conversation.querySelectorAll("details.call")];
    const open = calls.some((call) => !call.open);
    calls.forEach((call) => { call.open = open; });
    byId("fold").textContent = open ? "fold all" : "unfold all";
  }

  function step(by) {
    const at = fitting.indexOf(byKey.get(location.hash.slice(1)));
    const to = at < 0 ? fitting[0] : fitting[at + by];
    if (to) location.hash = to.key;
  }

  const keys = {
    j: () => step(1), k: () => step(-1),
    ArrowRight: () => { if (!conversation.hidden) step(1); },
    ArrowLeft: () => { if (!conversation.hidden) step(-1); },
    e: () => { if (!conversation.hidden) foldAll(); },
    p: () => { if (spoken) spoken.toggle(); },
    u: () => { location.hash = "overview-top"; }, Escape: () => { location.hash = "overview-top"; },
    "/": () => { if (!overview.hidden) byId("f-task").focus(); },
    "?": () => byId("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const typing = event.target.closest && event.target.closest("input, select");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  /* Arrows walk through the grid when one of its cells has the focus. */
  overview.addEventListener("keydown", (event) => {
    const cell = event.target.closest && event.target.closest("a.cell");
    const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: "down", ArrowUp: "up" }[event.key];
    if (!cell || !move) return;
    const rows = [...document.querySelectorAll(".grid tbody tr:not([hidden])")];
    const row = cell.closest("tr"), cells = [...row.querySelectorAll("a.cell")], at = cells.indexOf(cell);
    let to = cells[at + move];
    if (typeof move === "string") {
      const next = rows[rows.indexOf(row) + (move === "down" ? 1 : -1)];
      const others = next ? [...next.querySelectorAll("a.cell")] : [];
      to = others[Math.min(at, others.length - 1)];
    }
    event.preventDefault();
    event.stopPropagation();
    if (to) to.focus();
  });

  addEventListener("hashchange", route);
  refresh();
  route();
})();
