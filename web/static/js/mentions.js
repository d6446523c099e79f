// @-mentions in a composer: type @ and the beginning of a name; the chosen resources go along by id.
import { el, get, icon } from "./api.js";

const KINDS = { table: "table-2", view: "eye", column: "columns-3", term: "book-open", schema: "folder", database: "database" };

export class Mentions {
  constructor(form, input) {
    this.form = form;
    this.input = input;
    this.chosen = new Map();
    this.turn = 0;
    input.addEventListener("input", () => this.look());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  get open() { return Boolean(this.box); }

  begin() {
    this.input.setRangeText("@", this.input.selectionStart, this.input.selectionEnd, "end");
    this.input.focus();
    this.look();
  }

  // The ids of what is still named in the text; the slate is clean afterwards.
  take() {
    const ids = [...this.chosen].filter(([name]) => this.last?.includes(`@${name}`)).map(([, id]) => id);
    this.chosen.clear();
    this.turn += 1;
    return ids.slice(0, 20);
  }

  async look() {
    this.last = this.input.value;
    const before = this.input.value.slice(0, this.input.selectionStart);
    const found = /(?:^|\s)@([\w.$]*)$/.exec(before);
    const turn = ++this.turn; // before any return: suggestions for what is not there any more must not open late and take the Enter
    if (!found) { this.close(); return; }
    let items = [];
    try { items = (await get(`/api/v1/suggest?q=${encodeURIComponent(found[1])}&limit=8`)).items; } catch { /* no suggestion is no harm */ }
    if (turn !== this.turn) return;
    this.draw(items, found[1].length);
  }

  draw(items, typed) {
    this.close();
    if (!items.length) return;
    this.items = items;
    this.typed = typed;
    this.at = 0;
    this.box = el("div", { class: "menu mention-box", role: "listbox", id: "mention-list", "aria-label": "Resources" },
      ...items.map((item, index) => {
        const line = el("div", { role: "option", id: `mention-${index}`, "aria-selected": String(index === 0) }, icon(KINDS[item.kind] ?? "table-2"), el("span", { class: "mono cut" }, item.qualified_name));
        line.addEventListener("pointerdown", (event) => { event.preventDefault(); this.pick(index); });
        return line;
      }));
    this.form.append(this.box);
    this.input.setAttribute("aria-controls", "mention-list");
    this.input.setAttribute("aria-activedescendant", "mention-0");
  }

  key(event) {
    if (!this.box) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.at = (this.at + step + this.items.length) % this.items.length;
      [...this.box.children].forEach((line, index) => line.setAttribute("aria-selected", String(index === this.at)));
      this.input.setAttribute("aria-activedescendant", `mention-${this.at}`);
    } else if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); event.stopImmediatePropagation(); this.pick(this.at); }
    else if (event.key === "Escape") { event.stopPropagation(); this.close(); }
  }

  pick(index) {
    const item = this.items[index];
    const end = this.input.selectionStart;
    this.input.setRangeText(`${item.qualified_name} `, end - this.typed, end, "end");
    this.chosen.set(item.qualified_name, item.id);
    this.last = this.input.value;
    this.close();
    this.input.focus();
  }

  close() {
    this.box?.remove();
    this.box = null;
    this.input.removeAttribute("aria-activedescendant");
  }
}
