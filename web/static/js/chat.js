// <docent-chat>: the assistant, in the sidebar of every page and on its own page. One element, no dependency.
// The server renders its frame; this streams answers into it. Nothing that is typed or answered is kept in the browser.
import { ProblemError, el, get, icon, nodesOf, say, send } from "./api.js";
import { Mentions } from "./mentions.js";
import { drawChart, showResult } from "./result.js";
import { edit, lock, sqlOf, stop, watch } from "./sql.js";

const INTEGRATION_KINDS = { table: "table-2", view: "eye", column: "columns-3", term: "book-open", dashboard: "layout-dashboard", model: "braces" };

const marksOf = (article, n) => article.querySelectorAll(`.local[data-bind^="r${n}."], .local[data-bind="r${n}"]`);

// Reads server-sent events from a fetch response.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new ProblemError({ detail: "The answer broke off: the connection was lost." }, 0);
    });
    if (done) return;
    buffer += value;
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const block = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      let name = "message", data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("data: ")) data += line.slice(6);
      }
      if (data) yield { name, data: JSON.parse(data) };
    }
  }
}

// Who can change a refusal, as a sentence: "an admin of the workspace: Ada Byron", or "nobody: change the statement".
function changedBy(who) {
  if (!who) return "";
  const nobody = /^nobody: /i.test(who), words = nobody ? who.replace(/^nobody: /i, "") : `${who.replace(/: (.+)$/, " ($1)")} can change it`;
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

class DocentChat extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.form = this.querySelector("[data-composer]");
    this.input = this.form.querySelector("textarea");
    this.list = this.querySelector("[data-msgs]");
    this.scroller = this.querySelector("[data-scroll]");
    this.live = this.querySelector("[data-live]");
    this.askButton = this.form.querySelector("[data-ask]");
    this.stopButton = this.form.querySelector("[data-stop]");
    this.mentions = new Mentions(this.form, this.input);
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.ask(this.input.value); });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !this.mentions.open) { event.preventDefault(); this.ask(this.input.value); }
    });
    this.input.addEventListener("input", () => this.grow());
    this.stopButton.addEventListener("click", () => this.stop());
    this.addEventListener("click", (event) => this.clicked(event));
    watch(this);
    this.addEventListener("pointerover", (event) => this.preview(event));
    this.addEventListener("focusin", (event) => this.preview(event));
    this.addEventListener("pointerout", (event) => { if (!event.relatedTarget?.closest?.(".preview, .cite")) this.hidePreview(); });
    this.addEventListener("focusout", () => this.hidePreview());
    this.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hidePreview(); });
    if (this.dataset.draft) { this.input.value = this.dataset.draft; this.grow(); this.input.focus(); }
    if (this.list.childElementCount) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 180)}px`;
  }

  askFromOutside(text) {
    if (!this.hasAttribute("data-page")) document.querySelector(".app").dataset.side = "open";
    this.ask(text);
  }

  // --- asking ----------------------------------------------------------------------------------------------
  async ask(text, { retry = null } = {}) {
    text = text.trim();
    if (!text || this.running || this.input.disabled) return;
    this.querySelector("[data-start]")?.remove();
    const article = this.begin(text);
    if (retry) retry.replaceWith(article);
    this.input.value = "";
    this.grow();
    this.busy(true);
    this.running = { article, control: new AbortController(), raw: "", settled: "", promptId: null, finished: false, words: {} };
    this.stick = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    const body = { prompt: text, stream: true, mentions: this.mentions.take() };
    if (this.dataset.chat) body.chat_id = Number(this.dataset.chat);
    if (this.parent) body.parent = this.parent;
    const persona = this.querySelector("[data-persona]")?.value;
    if (persona) body.persona = persona;
    if (this.dataset.resource) body.page_resource_id = Number(this.dataset.resource);
    try {
      const response = await send("POST", "/api/v1/prompts", body, {
        raw: true, signal: this.running.control.signal, headers: { Accept: "text/event-stream", "Docent-Page": "1" },
      });
      for await (const event of events(response)) this.take(event, article);
      if (!this.running.finished) throw new ProblemError({ detail: "The answer broke off: the connection was closed." }, 0);
    } catch (error) {
      this.broke(article, error);
    } finally {
      article.removeAttribute("aria-busy");
      article.querySelector(".caret")?.classList.remove("caret");
      this.busy(false);
      this.running = null;
      dispatchEvent(new CustomEvent("docent:answered"));
    }
  }

  begin(text) {
    const initials = (this.dataset.person || "?").split(/[\s.@]+/).filter(Boolean).slice(0, 2).map((part) => part[0]).join("").toUpperCase();
    const steps = el("details", { class: "steps", "data-steps": true, open: true },
      el("summary", {}, icon("chevron-right", "icon-sm turn"), el("span", { class: "cut", "data-step-line": true }, "Reading your question")), el("ol"));
    const article = el("article", { "aria-label": "Your question, being answered", "aria-busy": "true", "data-message": true },
      el("div", { class: "ask" }, el("span", { class: "avatar avatar-md", "aria-hidden": "true" }, initials), el("p", { class: "pre-wrap", dir: "auto" }, el("span", { class: "vh" }, "You asked: "), text)),
      el("div", { class: "answer" }, steps, el("div", { class: "prose", dir: "auto", "data-settled": true }), el("p", { class: "streaming caret", dir: "auto", "data-streaming": true })));
    article.question = text;
    this.list.append(article);
    return article;
  }

  take({ name, data }, article) {
    const run = this.running;
    const near = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 80;
    if (name === "step") {
      if (data.prompt_id) run.promptId = data.prompt_id;
      if (data.chat_id) run.chatId = data.chat_id;
      this.step(data, article);
    } else if (name === "text") this.text(data, article);
    else if (name === "error") { run.error = data; }
    else if (name === "done") this.done(data, article);
    if (near) this.scroller.scrollTop = this.scroller.scrollHeight; // otherwise reading stays where it was
  }

  step(data, article) {
    const line = article.querySelector("[data-step-line]");
    if (!data.n) { line.textContent = data.title || "Reading your question"; return; }
    const list = article.querySelector("[data-steps] ol");
    let item = list.querySelector(`[data-n="${data.n}"]`);
    const fresh = el("li", { class: "step", "data-n": data.n, "data-state": data.state },
      icon({ working: "loader-circle", failed: "x" }[data.state] ?? "check"), el("div", {}, data.title || data.tool),
      el("span", { class: "muted small" }, data.ms !== undefined ? `${data.ms} ms` : data.state === "working" ? "now" : ""));
    const io = el("dl", { class: "step-io" });
    const shown = Object.values(data.arguments ?? {}).map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value))).join(" ");
    if (shown) io.append(el("dt", {}, "Asked"), el("dd", {}, el("code", {}, shown)));
    if (data.summary) io.append(el("dt", {}, "Found"), el("dd", {}, data.summary));
    if (data.words) this.running.words[data.n] = data.words;
    if (io.childElementCount) fresh.append(io);
    item ? item.replaceWith(fresh) : list.append(fresh);
    line.textContent = data.limit ? `Step ${data.n} of at most ${data.limit}: ${data.title}` : data.title;
  }

  text(data, article) {
    const run = this.running;
    run.raw += data.text;
    const streaming = article.querySelector("[data-streaming]");
    if (data.html) {
      // Blocks that are complete come as sanitised HTML; what is still open stays plain text.
      article.querySelector("[data-settled]").append(nodesOf(data.html));
      run.settled = run.raw;
    }
    streaming.textContent = data.html ? "" : run.raw.slice(run.settled.length);
    const sentences = run.raw.match(/[^.!?\n]+[.!?\n]+/g) ?? [];
    if (sentences.length > (run.said ?? 0)) { this.live.textContent = sentences.at(-1).trim(); run.said = sentences.length; }
  }

  done(data, article) {
    const run = this.running;
    run.finished = true;
    this.parent = data.prompt_id || undefined;
    if (data.chat_id) this.chat(data.chat_id);
    const fresh = nodesOf(data.page ?? "").querySelector("article");
    if (!fresh) return;
    fresh.question = article.question;
    article.replaceWith(fresh);
    run.article = fresh;
    this.refusals(run.words, fresh);
    for (const shape of data.shapes ?? []) this.shape(shape, fresh);
    this.live.textContent = "The answer is complete.";
  }

  // What a source said of a statement that the assistant ran lies beside the rows, since it may quote values as they do.
  async refusals(words, article) {
    const items = article.querySelectorAll("details.steps > ol > li");
    for (const [n, id] of Object.entries(words)) {
      const io = items[n - 1]?.querySelector(".step-io");
      if (!io) continue;
      let said;
      try { [[said]] = (await get(`/api/v1/results/${id}?limit=1`)).rows; } catch { continue; /* gone, as rows go */ }
      io.append(el("dt", {}, "Source"), el("dd", {}, el("pre", { class: "code pre-wrap", tabindex: "0", "data-words": "" }, said)));
      if (Number(n) === items.length) article.querySelector("details.steps").open = true; // nothing came after it
    }
  }

  chat(id) {
    if (this.dataset.chat === String(id)) return;
    this.dataset.chat = String(id);
    if (this.hasAttribute("data-page")) history.replaceState(null, "", `/assistant/${id}`);
    const open = this.querySelector("[data-open-page]");
    if (open) open.href = `/assistant/${id}`;
    const title = this.querySelector("[data-chat-title]");
    if (title?.textContent === "New chat") title.textContent = this.list.querySelector(".ask > p")?.textContent.replace(/^You asked: /, "").slice(0, 80) ?? title.textContent;
    this.input.placeholder = "Ask a follow-up";
  }

  broke(article, error) {
    const stopped = error.name === "AbortError";
    const text = stopped ? "You stopped this answer." : (this.running?.error?.message ?? error.message);
    const who = error.problem?.who ? ` Who can change it: ${error.problem.who}.` : "";
    const wait = error.problem?.retry_after ? ` Try again in ${error.problem.retry_after} seconds.` : "";
    const tone = stopped ? "plain" : [403, 409, 429].includes(error.status) ? "amber" : "red";
    article.querySelector(".answer").append(el("div", { class: "notice", "data-tone": tone, role: "alert" }, icon(stopped ? "square" : tone === "amber" ? "lock" : "circle-alert"),
      el("div", {}, el("p", {}, text), el("p", {}, `${this.running?.raw ? "What came before is kept." : "Nothing was answered."}${who}${wait}`),
        el("div", { class: "btn-row" }, el("button", { class: "btn btn-sm", type: "button", "data-retry": true }, icon("rotate-ccw"), "Retry")))));
    if (!article.querySelector("[data-steps] li")) article.querySelector("[data-steps]")?.remove();
    this.live.textContent = text;
  }

  busy(on) {
    this.askButton.hidden = on;
    this.stopButton.hidden = !on;
    if (on) this.stopButton.focus(); else if (document.activeElement === document.body || document.activeElement === this.stopButton) this.input.focus({ preventScroll: true });
  }

  async stop() {
    const run = this.running;
    if (!run) return;
    if (run.promptId) {
      try { await send("POST", `/api/v1/prompts/${run.promptId}/stop`, {}); return; } catch { /* it may have ended by itself */ }
    }
    run.control.abort();
  }

  reset() {
    if (this.running) this.running.control.abort();
    delete this.dataset.chat;
    this.parent = undefined;
    this.list.replaceChildren();
    this.input.focus();
  }

  // --- a message's buttons -----------------------------------------------------------------------------------
  clicked(event) {
    const target = event.target.closest("button, a, .local, .unknown");
    if (!target) return;
    const article = target.closest("[data-message]");
    if (target.matches("[data-new-chat]") && !this.hasAttribute("data-page")) { event.preventDefault(); this.reset(); }
    else if (target.matches("[data-starter]")) { event.preventDefault(); this.ask(target.dataset.starter); }
    else if (target.matches("[data-retry]")) this.ask(this.question(article), { retry: article.querySelector("[data-settled]") ? article : null });
    else if (target.matches("[data-open-sent]")) article.querySelector("dialog[data-sent]").showModal();
    else if (target.matches("[data-feedback]")) this.feedback(target, article);
    else if (target.matches("[data-save]")) this.save(target, article);
    else if (target.matches("[data-run]")) this.run(target);
    else if (target.matches("[data-edit-sql]")) edit(target.closest("[data-sql-block]"));
    else if (target.matches("[data-mention]")) this.mentions.begin();
  }

  question(article) {
    return article.question ?? article.querySelector(".ask > p").textContent.replace(/^You asked: /, "").trim();
  }

  async feedback(button, article) {
    const on = button.getAttribute("aria-pressed") !== "true";
    try {
      await send("POST", `/api/v1/prompts/${article.dataset.prompt}/feedback`, { value: on ? button.dataset.feedback : null });
      article.querySelectorAll("[data-feedback]").forEach((other) => other.setAttribute("aria-pressed", String(on && other === button)));
      say(on ? "Thank you." : "Taken back.");
    } catch (error) { say(error.message); }
  }

  async save(button, article) {
    try {
      await send("POST", `/api/v1/prompts/${article.dataset.prompt}/save`, {});
      button.remove();
      say("Saved in your history.");
      dispatchEvent(new CustomEvent("docent:answered"));
    } catch (error) { say(error.message); }
  }

  async run(button) {
    const block = button.closest("[data-sql-block]");
    const place = block.parentElement.querySelector(`[data-result-of="${block.dataset.n}"]`);
    if (block.dataset.run) { block.dataset.stopping = ""; stop(block); return; }
    const label = button.lastChild;
    block.dataset.run = crypto.randomUUID();
    this.unbind(block.closest("[data-message]"), block.dataset.n);
    label.textContent = "Stop";
    place.replaceChildren(el("section", { class: "result", "aria-busy": "true" }, el("p", { class: "result-note" }, "Running the statement. Read-only, on the source itself.")));
    try {
      const result = await send("POST", "/api/v1/sql/run", { sql: sqlOf(block), integration_id: Number(block.dataset.integration), confirm: true, run_id: block.dataset.run });
      showResult(place, result);
      label.textContent = "Run again";
      await this.bind(block.closest("[data-message]"), block.dataset.n, result.result_id);
    } catch (error) {
      const who = changedBy(error.problem?.who ?? "");
      const wanted = "stopping" in block.dataset && /cancelled/.test(error.message), refused = error.status === 403;
      const said = wanted ? error.message[0].toUpperCase() + error.message.slice(1) + "." : error.message;
      place.replaceChildren(el("div", { class: "notice", "data-tone": wanted ? "plain" : refused ? "amber" : "red", role: "alert" }, icon(wanted ? "square" : refused ? "lock" : "circle-alert"), el("div", {}, el("p", {}, said), error.problem?.full ? el("pre", { class: "code pre-wrap", tabindex: "0" }, error.problem.full) : null, who ? el("p", {}, who) : null)));
      if (refused) lock(block, error.message);
      label.textContent = "Run";
    } finally { delete block.dataset.run; delete block.dataset.stopping; }
  }

  // What an earlier run filled in goes when the statement runs again: a sentence never tells of rows that are not shown.
  unbind(article, n) {
    article.querySelectorAll(".prose figure.chart").forEach((figure) => {
      const place = figure.inPlaceOf, mark = place?.matches("[data-bind]") ? place : place?.querySelector("[data-bind]");
      if (mark?.dataset.bind.startsWith(`r${n}.`)) figure.replaceWith(place);
    });
    marksOf(article, n).forEach((mark) => {
      mark.textContent = "";
      mark.classList.remove("unknown");
      mark.removeAttribute("title");
    });
  }

  // Placeholders get their values from the person's own result; the assistant wrote them without seeing a row.
  async bind(article, n, resultId) {
    const marks = [...marksOf(article, n)];
    if (!marks.length) return;
    const items = [];
    for (let at = 0; at < marks.length; at += 100) { // as many as one request takes
      items.push(...(await send("POST", `/api/v1/results/${resultId}/values`, { name: `r${n}`, binds: marks.slice(at, at + 100).map((mark) => mark.dataset.bind) })).items);
    }
    items.forEach((item, at) => {
      const alone = marks[at].parentElement.matches("p") && marks[at].parentElement.childNodes.length === 1;
      if (item.kind === "chart" && item.chart) { drawChart(marks[at], resultId, item.chart).catch(() => {}); return; }
      if (item.kind === "table" && alone) return; // the table stands above; the empty line is not shown
      marks[at].textContent = item.kind === "value" || item.kind === "unknown" ? item.text : "the table above"; // unknown: as it was written
      marks[at].classList.toggle("unknown", item.kind === "unknown");
      marks[at].title = item.kind === "unknown" ? item.why : "Filled in here from your result. The assistant saw a placeholder.";
    });
  }

  async shape(shape, article) {
    if (!shape.result_id) return;
    let place = article.querySelector(`[data-result-of="${shape.n}"]`);
    if (!place) { place = el("div"); article.querySelector(".msg-foot").before(place); }
    try {
      showResult(place, await get(`/api/v1/results/${shape.result_id}?limit=100`));
      const again = article.querySelector(`[data-sql-block][data-n="${shape.n}"] [data-run]`);
      if (again) again.lastChild.textContent = "Run again";
    } catch { /* the rows are gone; the answer says what they were */ }
  }

  // --- citations preview on hover and focus ------------------------------------------------------------------
  preview(event) {
    const mark = event.target.closest?.("a.cite, a.name");
    if (!mark || this.shown?.mark === mark) return;
    this.hidePreview();
    const article = mark.closest("[data-message]");
    const source = [...(article?.querySelectorAll("[data-source] a") ?? [])].find((link) => link.pathname === mark.pathname);
    const box = el("div", { class: "preview float", role: "tooltip", id: "preview" }, icon(INTEGRATION_KINDS[source?.dataset.kind?.toLowerCase()] ?? "table-2"),
      el("strong", { class: "mono" }, source?.textContent ?? mark.textContent), el("span", {}, source?.dataset.description || source?.dataset.kind || "In the catalog"));
    document.body.append(box);
    const place = mark.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(place.left, innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${place.top - box.offsetHeight - 6 > 8 ? place.top - box.offsetHeight - 6 : place.bottom + 6}px`;
    mark.setAttribute("aria-describedby", "preview");
    box.addEventListener("pointerleave", () => this.hidePreview());
    this.shown = { mark, box };
  }

  hidePreview() {
    this.shown?.box.remove();
    this.shown?.mark.removeAttribute("aria-describedby");
    this.shown = null;
  }
}

customElements.define("docent-chat", DocentChat);
