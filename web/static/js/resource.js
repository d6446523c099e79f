// A resource's page: descriptions edited in place, "Ask about this" in the sidebar.
import { toggle } from "./frame.js";
import { el, icon, say, send } from "./api.js";

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("[data-edit]") && event.target.open) {
    const box = event.target.querySelector("textarea");
    box.focus();
    event.target.closest("tr")?.setAttribute("data-state", "editing");
  } else if (event.target.matches?.("[data-edit]")) event.target.closest("tr")?.removeAttribute("data-state");
}, true);

document.addEventListener("click", (event) => {
  const cancel = event.target.closest("[data-cancel]");
  if (cancel) { const open = cancel.closest("details"); open.open = false; open.querySelector("form").reset(); open.querySelector("summary").focus(); }
  const ask = event.target.closest("[data-ask-about]");
  if (ask && document.getElementById("side")) { event.preventDefault(); toggle("side", true, ask); }
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-edit] form");
  if (!form) return;
  if (event.key === "Escape") { event.stopPropagation(); form.querySelector("[data-cancel]").click(); }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
});

// A description is saved without leaving the page; everything else posts as the form says.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-edit] form");
  if (!form || form.elements.field.value !== "description") return;
  event.preventDefault();
  const box = form.closest("details"), value = form.elements.value.value.trim();
  const id = form.action.match(/\/r\/(\d+)\/edit/)[1];
  try {
    const answer = await send("PATCH", `/api/v1/resources/${id}`, { description: value });
    const summary = box.querySelector("summary");
    if (!answer.proposed) {
      const shown = answer.resource.description;
      summary.replaceChildren(...(shown ? [el("span", { dir: "auto", class: "rtl-ok pre-wrap" }, shown), el("span", { class: "pen" }, icon("pencil", "icon-sm"))] : [el("span", { class: "undoc muted" }, "No description ", el("span", { class: "link-btn" }, "Add"))]));
    } else summary.append(el("span", { class: "chip", "data-tone": "amber" }, "Proposed"));
    form.elements.value.defaultValue = value;
    box.open = false;
    summary.focus();
    say(answer.proposed ? "Proposed. An editor can accept it." : "Saved.");
  } catch (error) {
    form.querySelector(".notice")?.remove();
    if (error.status === 0 && !navigator.onLine) {
      form.prepend(el("div", { class: "notice", role: "status" }, icon("wifi-off"), el("div", {}, el("p", {}, "Your edit waits."), el("p", {}, "It is saved when you are back online. Keep this page open."))));
      addEventListener("online", () => { form.querySelector(".notice")?.remove(); form.requestSubmit(); }, { once: true });
      return;
    }
    form.prepend(el("div", { class: "notice", "data-tone": "red", role: "alert" }, icon("circle-alert"), el("div", {}, el("p", {}, error.message))));
  }
});

// An address that names a column by its mark alone: the part of a wide table that holds it is asked for.
const toColumn = () => {
  const id = location.hash.match(/^#c(\d+)$/)?.[1];
  if (id && document.querySelector("[data-parts]") && !document.getElementById(`c${id}`) && new URLSearchParams(location.search).get("column") !== id) location.replace(`?column=${id}${location.hash}`);
};
toColumn();
addEventListener("hashchange", toColumn);
