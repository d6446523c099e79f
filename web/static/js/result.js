// Rows of Run SQL as a table that sorts and pages. They live in this page and nowhere else.
import { el, get, icon } from "./api.js";

const NUMERIC = /^(?!.*(interval|point)).*(int|num|dec|float|double|real|money)/i;

export function showResult(place, result) {
  const columns = result.columns, numeric = numericOf(columns, result.rows);
  let rows = result.rows, sorted = -1, down = false;
  const body = el("tbody");
  const draw = () => body.replaceChildren(...rows.map((row) => el("tr", {}, ...row.map((value, at) => el("td", { class: numeric[at] ? "num" : undefined }, value === null ? el("span", { class: "muted" }, "null") : String(value))))));
  const heads = columns.map((column, at) => el("th", { scope: "col", class: numeric[at] ? "num" : undefined }, el("button", { type: "button", title: column.type, onclick: () => {
    down = sorted === at ? !down : numeric[at];
    sorted = at;
    rows = [...rows].sort((a, b) => (a[at] === null ? 1 : b[at] === null ? -1 : numeric[at] ? Number(a[at]) - Number(b[at]) : String(a[at]).localeCompare(String(b[at]))) * (down ? -1 : 1));
    heads.forEach((head, index) => (index === at ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    draw();
  } }, column.name)));
  const count = el("span", {}, words(result, rows.length));
  const more = el("button", { class: "btn btn-quiet btn-sm", type: "button", onclick: async () => {
    more.disabled = true;
    try {
      const next = await get(`/api/v1/results/${result.result_id}?offset=${rows.length}&limit=500`);
      rows = [...rows, ...next.rows];
      draw();
      count.textContent = words(result, rows.length);
      more.hidden = rows.length >= result.row_count;
    } catch (error) { count.textContent = error.message; }
    more.disabled = false;
  } }, "Show more");
  more.hidden = !result.result_id || rows.length >= result.row_count;
  draw();
  const figure = el("div");
  if (numeric.some(Boolean) && rows.length > 1) pictured(result).then((made) => figure.replaceChildren(...[made].filter(Boolean))).catch(() => { /* the table stands without it */ });
  place.replaceChildren(el("section", { class: "result", "aria-label": "Result" },
    el("div", { class: "result-head" }, count, el("span", { class: "push" }), more, result.result_id ? el("a", { class: "btn btn-quiet btn-sm", href: `/results/${result.result_id}.csv`, download: true }, icon("download"), "CSV") : null, result.result_id && result.downloads?.includes("parquet") ? el("a", { class: "btn btn-quiet btn-sm", href: `/results/${result.result_id}.parquet`, download: true }, icon("download"), "Parquet") : null),
    el("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Rows" }, el("table", { class: "table table-tight" }, el("thead", {}, el("tr", {}, ...heads)), body)),
    figure,
    el("p", { class: "result-note" }, icon("eye-off", "icon-sm"), el("span", {}, "Rows came straight to this page and are not stored. The assistant saw only column names and types."))));
}

function words(result, shown) {
  const total = result.row_count;
  const time = result.milliseconds === null || result.milliseconds === undefined ? "" : ` · ${(result.milliseconds / 1000).toFixed(1)} s`;
  return `${shown < total ? `${shown} of ${total}` : total} ${total === 1 ? "row" : "rows"}${result.truncated ? `, ${result.truncated}` : ""}${time}`;
}

// A chart that the answer asked for, in the place of its placeholder. The rows come from the person's own result.
export async function drawChart(mark, resultId, chart) {
  const figure = await pictured(await get(`/api/v1/results/${resultId}?limit=1000`), chart);
  if (!figure) return;
  const alone = mark.parentElement?.matches("p") && mark.parentElement.childNodes.length === 1;
  (alone ? mark.parentElement : mark).replaceWith(figure);
}

// A chart is drawn from up to 1,000 rows, more than the table shows at first, and says so where there are yet more.
async function pictured(result, chart = null) {
  const { chartOf } = await import("./chart.js");
  const more = result.result_id && result.rows.length < Math.min(1000, result.row_count);
  const { rows } = more ? await get(`/api/v1/results/${result.result_id}?limit=1000`) : result;
  return chartOf(result.columns, rows, numericOf(result.columns, rows), chart, result.row_count);
}

// A column of numbers: by its type, or where the source tells none (or text) by its values.
function numericOf(columns, rows) {
  return columns.map((column, at) => {
    if (NUMERIC.test(column.type)) return true;
    const given = rows.slice(0, 50).map((row) => row[at]).filter((value) => value !== null);
    return !column.type && given.length > 0 && given.every((value) => typeof value === "number");
  });
}
