// Talks to /api/v1 as the person who is signed in. Errors are problem documents; `ProblemError` carries them.
const token = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

export class ProblemError extends Error {
  constructor(problem, status) {
    super(problem.detail || "That did not work.");
    this.problem = problem;
    this.status = status;
  }
}

export async function send(method, path, body, options = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": token(), ...options.headers };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: options.signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError({ detail: "You are offline, or Docent does not answer. What is on this page stays." }, 0);
  }
  if (!response.ok) {
    let problem = {};
    try { problem = await response.json(); } catch { /* not JSON: the status says enough */ }
    if (response.status === 401) problem.detail = "You are signed out. Load this page again to sign in.";
    throw new ProblemError(problem, response.status);
  }
  return options.raw ? response : response.json();
}

export const get = (path, options) => send("GET", path, undefined, options);

// HTML that our own server rendered (templates and the sanitiser), as nodes. Text of a model never comes here raw.
export function nodesOf(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  fragment.append(...parsed.body.childNodes);
  return fragment;
}

export async function page(path, options = {}) {
  const response = await send("GET", path, undefined, { ...options, raw: true, headers: { Accept: "text/html" } });
  return nodesOf(await response.text());
}

export function icon(name, extra = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

// el("button", {class: "btn", onclick}, "text", node)
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// One polite sentence for screen readers.
export function say(text) {
  const live = document.getElementById("said");
  if (live) live.textContent = text;
}
