// Rows of Run SQL as a table that sorts and pages. They live in this page and nowhere else.
import { el, get, icon } from "./api.js";

const CHART_ROWS = 10_000, PAGE = 1000;
const GONE = "These rows are gone: they end when you sign out, after an hour, and when the right to them ends. Run it again to see them.";

export function showResult(place, result) {
  const columns = result.columns, numeric = columns.map((column) => column.numeric);
  const loaded = [...result.rows]; // in the order of the source, by which the next ones are asked for
  let sorted = -1, down = false;
  const body = el("tbody");
  const draw = () => {
    const rows = sorted < 0 ? loaded : [...loaded].sort(by(sorted, numeric[sorted], down));
    if (!rows.length) body.replaceChildren(el("tr", {}, el("td", { class: "soft", colspan: Math.max(1, columns.length) }, "It ran, and no row matched.")));
    else body.replaceChildren(...rows.map((row) => el("tr", {}, ...row.map((value, at) => el("td", { class: numeric[at] ? "num" : undefined }, value === null ? el("span", { class: "muted" }, "null") : String(value))))));
    count.textContent = words(result, loaded.length) + (sorted >= 0 && loaded.length < result.row_count ? `, sorted among these ${loaded.length}` : "");
  };
  const count = el("span", { role: "status" });
  const heads = columns.map((column, at) => el("th", { scope: "col", class: numeric[at] ? "num" : undefined }, el("button", { type: "button", title: column.type, onclick: () => {
    down = sorted === at ? !down : numeric[at];
    sorted = at;
    heads.forEach((head, index) => (index === at ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    draw();
  } }, column.name)));
  const more = el("button", { class: "btn btn-quiet btn-sm", type: "button", onclick: async () => {
    more.disabled = true;
    try {
      const next = await get(`/api/v1/results/${result.result_id}?offset=${loaded.length}&limit=500`);
      loaded.push(...next.rows);
      draw();
      more.hidden = loaded.length >= result.row_count;
    } catch (error) { count.textContent = error.status === 404 ? GONE : error.message; more.hidden = error.status === 404; }
    more.disabled = false;
  } }, "Show more");
  more.hidden = !result.result_id || loaded.length >= result.row_count;
  draw();
  const figure = el("div", { "data-drawn-of": result.result_id ?? "" });
  if (numeric.some(Boolean) && loaded.length) {
    pictured(result).then((made) => {
      figure.hidden = Boolean(place.closest("[data-message]")?.querySelector(`.prose figure.chart[data-of="${CSS.escape(result.result_id ?? "")}"]`));
      figure.replaceChildren(...[made].filter(Boolean));
    }).catch(() => { /* the table stands without it */ });
  }
  place.replaceChildren(el("section", { class: "result", "aria-label": "Result" },
    el("div", { class: "result-head" }, count, el("span", { class: "push" }), more, result.result_id ? el("a", { class: "btn btn-quiet btn-sm", href: `/results/${result.result_id}.csv`, download: true }, icon("download"), "CSV") : null, result.result_id && result.downloads?.includes("parquet") ? el("a", { class: "btn btn-quiet btn-sm", href: `/results/${result.result_id}.parquet`, download: true }, icon("download"), "Parquet") : null),
    el("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Rows" }, el("table", { class: "table table-tight" }, el("thead", {}, el("tr", {}, ...heads)), body)),
    figure,
    result.masked?.length ? el("p", { class: "result-note" }, icon("shield-check", "icon-sm"), el("span", {}, "Masked, since marked sensitive: ", el("span", { class: "mono" }, result.masked.join(", ")))) : null,
    el("p", { class: "result-note" }, icon("eye-off", "icon-sm"), el("span", {}, "Rows are for your session only: in no history, gone when you sign out. The assistant saw only column names and types.", result.receipt_id ? el("span", {}, " ", el("a", { class: "nowrap", href: `/decisions/${result.receipt_id}` }, `Decision ${result.receipt_id}`), ".") : null))));
}

// Compares two rows by one column. A null is last either way; whole numbers that JavaScript's own are too short for compare as they are.
function by(at, number, down) {
  const whole = (value) => /^-?\d+$/.test(value);
  const order = (a, b) => {
    if (!number) return String(a).localeCompare(String(b));
    if (whole(a) && whole(b)) { const [x, y] = [BigInt(a), BigInt(b)]; return x < y ? -1 : x > y ? 1 : 0; }
    return Number(a) - Number(b);
  };
  return (a, b) => (a[at] === null || b[at] === null ? (a[at] === null) - (b[at] === null) : order(a[at], b[at]) * (down ? -1 : 1));
}

function words(result, shown) {
  const total = result.row_count;
  const time = result.milliseconds === null || result.milliseconds === undefined ? "" : ` · ${(result.milliseconds / 1000).toFixed(1)} s`;
  const [some, all] = [shown, total].map((number) => number.toLocaleString("en"));
  return `${shown < total ? `${some} of ${all}` : all} ${total === 1 ? "row" : "rows"}${result.truncated ? `, cut at the ${result.truncated === "bytes" ? "size" : "row"} limit: the source has more` : ""}${time}`;
}

// A chart that the answer asked for, in the place of its placeholder. The rows come from the person's own result.
export async function drawChart(mark, resultId, chart) {
  const figure = await pictured({ result_id: resultId, rows: [] }, chart);
  if (!figure) return;
  const alone = mark.parentElement?.matches("p") && mark.parentElement.childNodes.length === 1;
  const place = alone ? mark.parentElement : mark;
  place.replaceWith(figure);
  figure.inPlaceOf = place; // comes back when the statement runs again, for the chart of those rows
  figure.dataset.of = resultId; // the answer draws these rows, so the chart below them would be the same again
  figure.closest("[data-message]")?.querySelectorAll(`[data-drawn-of="${CSS.escape(resultId)}"]`).forEach((own) => { own.hidden = true; });
}

// A chart is drawn from more rows than a table shows at first; where there are yet more it says of how many it is.
export async function pictured(result, chart = null) {
  const { chartOf } = await import("./chart.js");
  let { columns, rows, row_count: total } = result;
  while (result.result_id && rows.length < Math.min(CHART_ROWS, total ?? 1)) {
    const next = await get(`/api/v1/results/${result.result_id}?offset=${rows.length}&limit=${PAGE}`);
    [columns, total] = [next.columns, next.row_count];
    if (!next.rows.length) break;
    rows = [...rows, ...next.rows];
  }
  return chartOf(columns ?? [], rows, (columns ?? []).map((column) => column.numeric), chart, total ?? 0);
}
