// What every page does: theme, panels that open and close, shortcuts, copying, confirming, menus, filters of lists.
import { say } from "./api.js";
import "./offline.js";

const root = document.documentElement;
const app = document.querySelector(".app");
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
root.dataset.js = "on";

const remember = (name, value) => { document.cookie = `docent_${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`; };

// Theme: the form works alone; here it changes without a reload.
const shownTheme = () => root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
const paintTheme = () => $$("[data-theme-set]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeSet === shownTheme())));
paintTheme();
$$("[data-theme-form]").forEach((form) => form.addEventListener("submit", (event) => {
  const theme = event.submitter?.dataset.themeSet;
  if (!theme) return;
  event.preventDefault();
  root.dataset.theme = theme;
  remember("theme", theme);
  paintTheme();
}));

// Panels: rail, side, saved, filters.
const panels = { rail: app, side: app, saved: document.querySelector(".chat-page"), filters: document.querySelector(".search") };
let opener = null;
export function toggle(name, open, from = null) {
  const panel = panels[name];
  if (!panel) return;
  const opening = open ?? panel.dataset[name] !== "open";
  panel.dataset[name] = opening ? "open" : "closed";
  $$(`[data-toggle="${name}"][aria-expanded]`).forEach((button) => button.setAttribute("aria-expanded", String(opening)));
  if (name === "side" && matchMedia("(min-width: 1001px)").matches) remember("side", opening ? "open" : "closed");
  if (opening) {
    opener = from ?? document.activeElement;
    (document.querySelector(`#${name} textarea:not([disabled])`) ?? document.querySelector(`#${name} a, #${name} button`))?.focus({ preventScroll: true });
  } else if (opener?.isConnected) { opener.focus({ preventScroll: true }); opener = null; }
}
addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-toggle]");
  if (button) toggle(button.dataset.toggle, undefined, button);
});
if (app && matchMedia("(max-width: 1000px)").matches && location.hash !== "#chat") app.dataset.side = "closed";
if (location.hash === "#chat") toggle("side", true);
$$('[data-toggle="side"][aria-expanded]').forEach((button) => button.setAttribute("aria-expanded", String(app?.dataset.side === "open")));

// The sidebar's width.
const grip = document.querySelector(".side-grip");
if (grip) {
  const set = (width) => {
    const fitting = Math.max(320, Math.min(640, Math.round(width)));
    root.style.setProperty("--side", `${fitting}px`);
    grip.setAttribute("aria-valuenow", String(fitting));
    localStorage.setItem("docent.side.width", String(fitting));
  };
  const kept = Number(localStorage.getItem("docent.side.width"));
  if (kept && matchMedia("(min-width: 721px)").matches) set(kept);
  grip.addEventListener("pointerdown", (down) => {
    grip.setPointerCapture(down.pointerId);
    const move = (event) => set(innerWidth - event.clientX);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", move), { once: true });
  });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: 16, ArrowRight: -16 }[event.key];
    if (step) { event.preventDefault(); set(Number(grip.getAttribute("aria-valuenow")) + step); }
  });
}

// Shortcuts.
addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "") || document.activeElement?.isContentEditable;
  const command = event.ctrlKey || event.metaKey;
  if (event.key === "/" && !typing && !command) {
    const find = document.getElementById("find");
    if (find) { event.preventDefault(); find.focus(); find.select(); }
  }
  if (command && event.key.toLowerCase() === "j") {
    event.preventDefault();
    if (document.getElementById("side")) toggle("side");
    else document.querySelector("docent-chat textarea")?.focus();
  }
  if (event.key === "Escape") {
    $$("details.egress[open], details[data-menu][open], details.workspace-menu[open]").forEach((open) => {
      open.open = false;
      open.querySelector("summary")?.focus();
    });
    if (app?.dataset.rail === "open") toggle("rail", false);
  }
});

// A menu closes when one looks elsewhere; arrows move inside it.
addEventListener("click", (event) => {
  $$("details.egress[open], details[data-menu][open], details.workspace-menu[open]").forEach((open) => {
    if (!open.contains(event.target)) open.open = false;
  });
});
addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const menu = document.activeElement?.closest?.(".menu") ?? document.activeElement?.closest?.("details")?.querySelector(":scope > .menu");
  if (!step || !menu) return;
  event.preventDefault();
  const items = $$("a, button", menu);
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
});

// Copy.
addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.querySelector(button.dataset.copyFrom)?.textContent ?? "";
  try { await navigator.clipboard.writeText(text); say("Copied."); } catch { say("Copying is not allowed here."); return; }
  const use = button.querySelector("use");
  if (use) { use.setAttribute("href", "/static/icons.svg#check"); setTimeout(() => use.setAttribute("href", "/static/icons.svg#copy"), 1200); }
});

// Confirm before something is gone. Focus starts on Keep.
const confirmBox = document.getElementById("confirm");
addEventListener("submit", (event) => {
  const form = event.target;
  const text = form.dataset?.confirm;
  if (!text || form.dataset.sure || !confirmBox?.showModal) return;
  event.preventDefault();
  confirmBox.querySelector("#confirm-text").textContent = text;
  confirmBox.querySelector("[data-go]").textContent = (event.submitter?.textContent || "Delete").trim();
  confirmBox.returnValue = "keep";
  confirmBox.showModal();
  confirmBox.addEventListener("close", () => {
    if (confirmBox.returnValue !== "go") return;
    form.dataset.sure = "yes";
    form.requestSubmit(event.submitter);
  }, { once: true });
});

// Drawers: open from a button beside them, close with their button or Escape.
addEventListener("click", (event) => {
  const close = event.target.closest?.("dialog [data-close]");
  if (close) close.closest("dialog").close();
  if (event.target.matches?.("dialog.drawer")) event.target.close();
});

// Filter what is already on the page.
$$("[data-filter]").forEach((input) => {
  const rows = () => $$(input.dataset.filter);
  const apply = () => {
    const wanted = input.value.trim().toLowerCase();
    const shown = document.querySelector('[data-filter-state][aria-pressed="true"]')?.dataset.filterState ?? "";
    rows().forEach((row) => {
      const fits = (!wanted || row.textContent.toLowerCase().includes(wanted)) && (!shown || (row.dataset.states ?? "").split(" ").includes(shown));
      row.toggleAttribute("hidden", !fits);
    });
  };
  input.addEventListener("input", apply);
  $$("[data-filter-state]").forEach((button) => button.addEventListener("click", () => {
    $$("[data-filter-state]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    apply();
  }));
});

// Forms that send themselves when a choice is made.
addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto]");
  if (form) form.requestSubmit();
});

// Arrow keys among the hits of a search.
const hits = $$(".hits .hit-name > a");
if (hits.length) addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const inField = /^(TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "") || (document.activeElement?.tagName === "INPUT" && document.activeElement.id !== "find");
  if (inField || document.activeElement?.closest?.("docent-chat, .menu, dialog")) return;
  event.preventDefault();
  const at = hits.indexOf(document.activeElement);
  hits[Math.max(0, Math.min(hits.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
  $$(".hit[data-state]").forEach((hit) => hit.removeAttribute("data-state"));
  document.activeElement.closest(".hit")?.setAttribute("data-state", "selected");
});

// On a phone a row of tabs is wider than the page: show the one that is open.
$$(".tabs > [aria-current]").forEach((tab) => { const row = tab.parentElement; row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2; });

// Where am I on a long settings page.
const places = $$(".local-index a[href^='#']");
if (places.length && "IntersectionObserver" in window) {
  const shown = new Set();
  const seen = new IntersectionObserver((entries) => {
    entries.forEach((entry) => (entry.isIntersecting ? shown.add(entry.target.id) : shown.delete(entry.target.id)));
    const first = places.find((link) => shown.has(link.getAttribute("href").slice(1)));
    if (first) places.forEach((link) => (link === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  }, { root: document.getElementById("main"), rootMargin: "0px 0px -60% 0px" });
  places.forEach((link) => { const target = document.querySelector(link.getAttribute("href")); if (target) seen.observe(target); });
}
