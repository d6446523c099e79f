// Adding an integration in steps. One form, of which one part is shown at a time; nothing is stored before the last.
// Without this script the parts stand below each other and the form works alone.
import { el, icon, nodesOf, say } from "./api.js";

const form = document.querySelector("[data-wizard]");
const panels = [...form.querySelectorAll("[data-panel]")];
const marks = [...document.querySelectorAll("[data-steps] > .stage")];
const out = form.querySelector("[data-tried-out]");
const next = form.querySelector("[data-next-1]");
const checkNow = form.querySelector("[data-check-now]");
const scope = form.querySelector("[data-scope]");
const place = form.querySelector("[data-schemas-out]");
const pattern = form.querySelector("[data-pattern]");
let at = 1, checked = form.hasAttribute("data-no-check");

const glyph = { done: "check", working: "circle", waiting: "circle" };
function show(step, focus = true) {
  at = step;
  panels.forEach((panel) => { panel.hidden = Number(panel.dataset.panel) !== step; });
  marks.forEach((mark, index) => {
    const state = index + 1 < step ? "done" : index + 1 === step ? "working" : "waiting";
    mark.dataset.state = state;
    state === "working" ? mark.setAttribute("aria-current", "step") : mark.removeAttribute("aria-current");
    mark.querySelector(".icon").replaceWith(icon(glyph[state]));
  });
  if (step === 4) summary();
  if (focus) form.querySelector(`#w-${step}`).focus();
}

function summary() {
  const data = new FormData(form), teams = [...form.querySelectorAll("[name=team]:checked")].map((box) => box.parentElement.textContent.trim());
  const chosen = data.get("scope") === "chosen" ? `${data.getAll("schema").length} of ${place.querySelectorAll("[name=schema]").length} schemas` : data.get("schemas") || "all schemas";
  form.querySelector("[data-summary]").textContent = `${data.get("name") || "It"}: ${scope || pattern?.childElementCount ? chosen : "everything"}, seen by ${teams.length ? `${teams.join(", ")} and admins` : "admins only"}.`;
}

// What the connection is made of; an answer counts for exactly this.
const connection = () => JSON.stringify([...form.querySelectorAll("[data-panel='1'] [name]")].filter((input) => input.name !== "name").map((input) => input.value));
let answered = "";

async function check() {
  if (!form.elements.name.reportValidity()) return;
  const wait = setTimeout(() => { waiting.textContent = "Still waiting for an answer from the source."; }, 2000);
  const waiting = el("p", { class: "small soft", role: "status" }, "Connecting…");
  out.replaceChildren(el("span", { class: "skel skel-line" }), waiting);
  checkNow.disabled = true;
  answered = connection();
  try {
    const response = await fetch(form.dataset.check, { method: "POST", body: new FormData(form), headers: { "Docent-Page": "1" } });
    if (!response.ok) throw new Error();
    took(nodesOf(await response.text()));
  } catch { out.replaceChildren(el("div", { class: "notice", "data-tone": "red", role: "alert" }, icon("circle-alert"), el("div", {}, el("p", {}, "Docent did not answer. Nothing was stored; check again.")))); }
  clearTimeout(wait);
  checkNow.disabled = false;
}

function took(fragment) {
  out.replaceChildren(fragment);
  checked = Boolean(out.querySelector("[data-tried=yes]"));
  next.hidden = !checked;
  checkNow.textContent = checked ? "Check again" : "Check the connection";
  checkNow.classList.toggle("btn-primary", !checked);
  next.classList.toggle("btn-primary", checked);
  const list = out.querySelector("[data-schemas]");
  if (list && scope && place) {
    place.replaceChildren(...list.childNodes);
    list.remove();
    scope.hidden = false;
    const wanted = form.querySelector("[name=schemas]")?.value ? "pattern" : "all";
    scope.querySelectorAll("input").forEach((radio) => { radio.disabled = false; radio.checked = radio.value === wanted; });
    if (place.querySelectorAll("[name=schema]").length > 12) filterable();
    chosen();
  }
  if (checked) next.focus();
}

function filterable() {
  const box = el("input", { class: "input", type: "search", placeholder: "Filter schemas", "aria-label": "Filter schemas", oninput: () => {
    place.querySelectorAll("label").forEach((label) => { label.hidden = !label.textContent.toLowerCase().includes(box.value.toLowerCase()); });
  } });
  place.prepend(box);
}

function chosen() {
  const which = form.querySelector("[name=scope]:checked")?.value;
  place.hidden = which === "pattern";
  pattern.hidden = which !== "pattern";
  place.querySelectorAll("[name=schema]").forEach((box) => { box.disabled = which !== "chosen"; if (which === "all") box.checked = true; });
}

form.addEventListener("change", (event) => {
  if (event.target.name === "scope") chosen();
  else if (event.target.closest("[data-panel='1']") && checked && connection() !== answered && !form.hasAttribute("data-no-check")) {
    checked = false; // another connection than the one that answered
    next.hidden = true;
    checkNow.textContent = "Check the connection";
    checkNow.classList.add("btn-primary");
    out.replaceChildren();
  }
});
form.addEventListener("click", (event) => {
  const to = event.target.closest("[data-step-to]");
  if (!to) return;
  if (Number(to.dataset.stepTo) > at && !form.elements.name.reportValidity()) return;
  if (at === 2 && Number(to.dataset.stepTo) > 2 && form.querySelector("[name=scope]:checked")?.value === "chosen" && !form.querySelector("[name=schema]:checked")) {
    say("Choose at least one schema, or all of them.");
    place.querySelector("[name=schema]").focus();
    return;
  }
  show(Number(to.dataset.stepTo));
});
// Enter goes one step on; only the last step sends.
form.addEventListener("submit", (event) => {
  if (event.submitter === checkNow || (at === 1 && !checked)) { event.preventDefault(); check(); }
  else if (at < 4) { event.preventDefault(); show(at + 1); }
});
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.matches("button, textarea, a")) return;
  event.preventDefault();
  if (at === 1 && !checked) check();
  else if (at < 4) show(at + 1);
});

if (out.querySelector("[data-tried=yes]")) answered = connection();
if (answered) took(nodesOf(out.innerHTML));
show(1, false);
