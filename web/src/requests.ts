/**
 * Everything about requests: the CSRF token, one submit at a time, an Idempotency-Key per form load, failures in words.
 */
import { detailOf, each, on, text } from "./dom";
import { toast } from "./toast";

interface Context {
  sourceElement: HTMLElement;
  request: { action: string; method: string; headers: Record<string, string>; form?: HTMLFormElement | null; submitter?: HTMLElement | null };
  response?: { status: number; raw: Response; headers: Headers };
  text?: string;
  swap: string;
}
interface Carried { ctx: Context; error?: unknown }

const SAFE = /^(GET|HEAD|OPTIONS)$/;
// These answers carry a fragment to be shown in place: what was wrong with the values, or who was faster.
const SWAPPED = new Set([409, 412, 422, 423]);
const underWay = new WeakSet<HTMLFormElement>();
let running = 0;

export const token = (): string => document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";

/** A fresh key; crypto.randomUUID() exists on secure origins only. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const keyOf = (form: HTMLFormElement): string => (form.dataset["idempotencyKey"] ??= freshKey());

function busy(context: Context, is: boolean): void {
  const { form, submitter } = context.request;
  const pressed = submitter ?? (context.sourceElement.matches("button, .btn") ? context.sourceElement : null);
  if (is) pressed?.setAttribute("aria-busy", "true");
  else pressed?.removeAttribute("aria-busy");
  if (form) {
    if (is) underWay.add(form);
    else underWay.delete(form);
  }
  running = Math.max(0, running + (is ? 1 : -1));
  document.body.classList.toggle("is-busy", running > 0);
}

function words(context: Context): string {
  const status = context.response?.status ?? 0;
  if (context.response?.headers.get("content-type")?.includes("json")) {
    try {
      const problem = JSON.parse(context.text ?? "") as { detail?: string; title?: string };
      if (problem.detail ?? problem.title) return problem.detail ?? problem.title ?? "";
    } catch {
      // Not the JSON it claims to be: the general sentence will do.
    }
  }
  return text({ 403: "forbidden", 404: "missing", 409: "changed_elsewhere", 412: "changed_elsewhere", 429: "too_many" }[status] ?? "failed");
}

const isPage = (html: string): boolean => /^\s*<!doctype html/i.test(html);

function answered(event: Event): void {
  const context = detailOf<Carried>(event).ctx;
  const status = context.response?.status ?? 0;
  const html = context.text ?? "";
  if (status === 401) {
    location.assign(`${document.body.dataset["signIn"] ?? "/signin"}?next=${encodeURIComponent(location.pathname + location.search)}`);
    event.preventDefault();
  } else if (status >= 400) {
    const boosted = context.request.headers["HX-Boosted"] === "true";
    const isHtml = context.response?.headers.get("content-type")?.includes("html") ?? false;
    if (boosted && isHtml && isPage(html) && !html.includes('id="page"')) {
      // A whole page about what went wrong belongs where the page would have been.
      document.open();
      document.write(html);
      document.close();
      event.preventDefault();
    } else if (!(SWAPPED.has(status) && isHtml && (!isPage(html) || boosted))) {
      if (!context.sourceElement.matches("[data-own-errors]")) toast(words(context), "red");
      event.preventDefault();
    }
  } else if (isPage(html) && !html.includes('id="page"')) {
    // Signed out, or sent on to a page without the frame.
    location.assign(context.response?.raw.url ?? location.href);
    event.preventDefault();
  }
}

export function startRequests(): void {
  document.addEventListener("htmx:config:request", (event) => {
    const context = detailOf<Carried>(event).ctx;
    const { request } = context;
    const form = request.form ?? context.sourceElement.closest("form");
    if (!SAFE.test(request.method)) {
      request.headers["X-CSRF-Token"] = token();
      if (form) {
        if (underWay.has(form) && context.sourceElement === form) {
          event.preventDefault();
          return;
        }
        request.headers["Idempotency-Key"] = keyOf(form);
        const version = form.querySelector<HTMLInputElement>(':scope > input[name="version"]')?.value;
        if (version) request.headers["If-Match"] = `"${version}"`;
      }
    }
  });
  // A swap hands attributes of the old element on to the new one with the same id. A style that a script has set (where a
  // menu stood, how high a text had grown) would be handed on as an attribute, which the content policy refuses.
  document.addEventListener("htmx:before:swap", () => {
    for (const element of document.querySelectorAll("#page [style]:not([popover]:popover-open), dialog [style]")) {
      element.removeAttribute("style");
    }
  });
  document.addEventListener("htmx:before:request", (event) => busy(detailOf<Carried>(event).ctx, true));
  document.addEventListener("htmx:finally:request", (event) => busy(detailOf<Carried>(event).ctx, false));
  document.addEventListener("htmx:after:request", (event) => {
    const context = detailOf<Carried>(event).ctx;
    const form = context.request.form;
    if (form && context.response && context.response.status < 400) {
      delete form.dataset["idempotencyKey"];
      delete form.dataset["dirty"];
    }
    answered(event);
  });
  document.addEventListener("htmx:error", (event) => {
    const error = detailOf<Carried>(event).error;
    if (error instanceof TypeError) toast(text("offline"), "red");
  });

  // Forms that leave the page: the same promises without htmx.
  on("submit", "form", (event, form) => {
    if (!(form instanceof HTMLFormElement) || event.defaultPrevented || form.method !== "post") return;
    if (underWay.has(form)) event.preventDefault();
    else underWay.add(form);
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) for (const form of document.forms) underWay.delete(form);
  });
  each("[data-here]", (input) => {
    if (input instanceof HTMLInputElement) input.value = location.pathname + location.search;
  });

  // The frame stays while pages change: keep its marks in step with the address.
  const mark = (): void => {
    const links = [...document.querySelectorAll<HTMLAnchorElement>(".side-group a, .bottom a[data-bottom]")];
    const fits = (link: HTMLAnchorElement): boolean =>
      link.pathname === "/" ? location.pathname === "/" : location.pathname === link.pathname || location.pathname.startsWith(`${link.pathname.replace(/\/$/, "")}/`);
    const longest = Math.max(0, ...links.filter(fits).map((link) => link.pathname.length));
    for (const link of links) {
      if (longest > 0 && fits(link) && link.pathname.length === longest) link.setAttribute("aria-current", "page");
      else if (longest > 0) link.removeAttribute("aria-current");
    }
    for (const input of document.querySelectorAll<HTMLInputElement>("[data-here]")) input.value = location.pathname + location.search;
    document.documentElement.classList.remove("side-open");
  };
  mark();
  document.addEventListener("htmx:after:history:push", mark);
  document.addEventListener("htmx:after:history:replace", mark);
  addEventListener("popstate", () => setTimeout(mark));
  // The inbox count anywhere on the page: HX-Trigger: {"inbox-count": {"value": 3}}.
  document.addEventListener("inbox-count", (event) => {
    const value = Number((event as CustomEvent<{ value?: unknown }>).detail.value ?? 0);
    for (const element of document.querySelectorAll<HTMLElement>("[data-inbox-count]")) {
      element.textContent = value > 0 ? String(value) : "";
      element.hidden = value <= 0;
    }
  });
}
