// The block of a statement: edit it, see what the source expects of it, save it. What is edited passes every gate again.
import { el, send } from "./api.js";
import { drawChart } from "./result.js";

const MOST_ESTIMATES = 3; // a page: each is an EXPLAIN at the source
const PAUSE = 1000; // milliseconds without a key until a statement that is written is asked about
let estimated = 0;
const locked = new WeakMap(); // blocks that a refusal closed, and what stood there before

export const sqlOf = (block) => block.querySelector("[data-sql-edit]")?.value ?? block.querySelector("[data-sql-text]").textContent;

export function edit(block) {
  const pre = block.querySelector("[data-sql-text]"), open = block.querySelector("[data-sql-edit]");
  if (open) { open.focus(); return; }
  const box = el("textarea", { class: "textarea mono sql-edit", "data-sql-edit": "", "aria-label": "SQL text, yours to change", spellcheck: "false", rows: String(Math.min(20, pre.textContent.split("\n").length + 1)) });
  box.value = pre.textContent;
  box.addEventListener("input", () => {
    const kept = block.querySelector("[data-sql-keep]");
    if (kept) kept.value = box.value;
    stale(block);
    clearTimeout(pause);
    pause = setTimeout(ask, PAUSE);
  });
  let pause = 0;
  const ask = () => { clearTimeout(pause); if (pause) { pause = 0; estimate(block); } };
  box.addEventListener("change", ask);
  pre.replaceWith(box);
  box.focus();
}

// What stands below a statement is about the text that it had: it goes when the text changes, and a refusal with it.
function stale(block) {
  block.querySelectorAll("[data-touches], [data-estimate]").forEach((line) => { line.hidden = true; });
  unlock(block);
}

// A statement may not have come to its start when somebody wants it no more: it is asked again until it has.
export async function stop(block) {
  const id = block.dataset.run;
  for (let wait = 200; block.dataset.run === id; wait = Math.min(2 * wait, 2000)) {
    try { await send("POST", `/api/v1/sql/runs/${id}/cancel`, {}); return; } catch { /* not begun, or just ended */ }
    await new Promise((done) => setTimeout(done, wait));
  }
}

// A refusal of one text, over the state of the gates that the page came with.
export function lock(block, reason) {
  const place = block.querySelector(".lock"), word = place.querySelector("strong"), use = place.querySelector("use");
  locked.has(block) || locked.set(block, { tone: place.dataset.tone, word: word.textContent, icon: use.getAttribute("href") });
  place.dataset.tone = "amber";
  word.textContent = reason;
  use.setAttribute("href", "/static/icons.svg#lock");
  block.querySelector("[data-run]").disabled = true;
}

function unlock(block) {
  const was = locked.get(block);
  if (!was) return;
  const place = block.querySelector(".lock");
  place.dataset.tone = was.tone;
  place.querySelector("strong").textContent = was.word;
  place.querySelector("use").setAttribute("href", was.icon);
  block.querySelector("[data-run]").disabled = false;
  locked.delete(block);
}

// The tables that the guard found in a text that a person wrote; the first text has them from the answer, as links.
function touched(block, tables) {
  const place = block.querySelector("[data-touches]");
  place.replaceChildren(...(tables.length ? ["Touches ", ...tables.flatMap((name, at) => [at ? ", " : "", el("span", { class: "mono" }, name)])] : ["Touches no table"]));
  place.hidden = false;
}

// Bytes in powers of a thousand, as warehouses bill.
function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  return `${new Intl.NumberFormat("en", { maximumFractionDigits: at ? 1 : 0 }).format(bytes / 1000 ** at)} ${units[at]}`;
}

// Asks the gates and the planner; nothing is run.
export async function estimate(block) {
  const place = block.querySelector("[data-estimate]");
  if (!place || !block.dataset.integration) return;
  try {
    const text = sqlOf(block);
    const told = await send("POST", "/api/v1/sql/check", { sql: text, integration_id: Number(block.dataset.integration), estimate: true });
    if (text !== sqlOf(block)) return; // it was changed meanwhile, and asked about again
    if (told.decision === "accept" && block.querySelector("[data-sql-edit]")) touched(block, told.tables);
    place.hidden = false;
    place.dataset.tone = told.decision === "accept" ? "" : "amber";
    const parts = [];
    const number = (value, digits = 0) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(value);
    const near = (told.unknown ?? []).filter((each) => each.nearest).map((each) => `Did you mean ${each.nearest} for ${each.name}?`);
    if (told.decision !== "accept") parts.push([`It would not run: ${told.reasons[0] ?? "refused"}${near.length ? "." : ""}`, ...near].join(" "));
    else {
      if (Number.isFinite(told.estimated_rows)) parts.push(`The source expects about ${number(told.estimated_rows)} ${told.estimated_rows === 1 ? "row" : "rows"}`);
      if (Number.isFinite(told.estimated_cost)) parts.push(`${parts.length ? "" : "The source expects a "}cost ${number(told.estimated_cost)}`);
      if (Number.isFinite(told.estimated_bytes)) parts.push(`${parts.length ? "would read" : "The source would read"} ${size(told.estimated_bytes)}`);
      if (told.masked?.length) parts.push(`${parts.length ? "masked" : "It would run, masked"}: ${told.masked.join(", ")}`);
      if (told.estimate_failed) { place.dataset.tone = "amber"; parts.push(`The source did not say what it expects: ${told.estimate_failed}`); }
      else if (!parts.length) parts.push("It would run. This source gives no estimate.");
    }
    place.textContent = parts.join(", ");
  } catch { place.hidden = true; }
}

function scan(root) {
  root.querySelectorAll("[data-chart][data-of]:not([data-drawn])").forEach((mark) => {
    mark.dataset.drawn = "";
    drawChart(mark, mark.dataset.of, JSON.parse(mark.dataset.chart)).catch(() => { /* the rows are gone; the words stay */ });
  });
  root.querySelectorAll("[data-sql-block][data-integration]:not([data-asked])").forEach((block) => {
    block.dataset.asked = "";
    if (block.querySelector("[data-run]")?.disabled === false && estimated < MOST_ESTIMATES) { estimated += 1; estimate(block); }
  });
}

export function watch(root) {
  scan(root);
  new MutationObserver(() => scan(root)).observe(root, { childList: true, subtree: true });
}
