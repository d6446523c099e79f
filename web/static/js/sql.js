// The block of a statement: edit it, see what the source expects of it, save it. What is edited passes every gate again.
import { el, send } from "./api.js";
import { drawChart } from "./result.js";

const MOST_ESTIMATES = 3; // a page: each is an EXPLAIN at the source
let estimated = 0;

export const sqlOf = (block) => block.querySelector("[data-sql-edit]")?.value ?? block.querySelector("[data-sql-text]").textContent;

export function edit(block) {
  const pre = block.querySelector("[data-sql-text]"), open = block.querySelector("[data-sql-edit]");
  if (open) { open.focus(); return; }
  const box = el("textarea", { class: "textarea mono sql-edit", "data-sql-edit": "", "aria-label": "SQL text, yours to change", spellcheck: "false", rows: String(Math.min(20, pre.textContent.split("\n").length + 1)) });
  box.value = pre.textContent;
  box.addEventListener("input", () => { const kept = block.querySelector("[data-sql-keep]"); if (kept) kept.value = box.value; });
  box.addEventListener("change", () => estimate(block));
  pre.replaceWith(box);
  box.focus();
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
    const told = await send("POST", "/api/v1/sql/check", { sql: sqlOf(block), integration_id: Number(block.dataset.integration), estimate: true });
    place.hidden = false;
    place.dataset.tone = told.decision === "accept" ? "" : "amber";
    const parts = [];
    const number = (value, digits = 0) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(value);
    if (told.decision !== "accept") parts.push(`It would not run: ${told.reasons[0] ?? "refused"}`);
    else {
      if (Number.isFinite(told.estimated_rows)) parts.push(`The source expects about ${number(told.estimated_rows)} ${told.estimated_rows === 1 ? "row" : "rows"}`);
      if (Number.isFinite(told.estimated_cost)) parts.push(`${parts.length ? "" : "The source expects a "}cost ${number(told.estimated_cost)}`);
      if (Number.isFinite(told.estimated_bytes)) parts.push(`${parts.length ? "would read" : "The source would read"} ${size(told.estimated_bytes)}`);
      if (!parts.length) parts.push("It would run. This source gives no estimate.");
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
