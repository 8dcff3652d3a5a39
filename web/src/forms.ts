/**
 * Forms: fields that show, are required or locked by a condition; unsaved changes; drafts; problems in view.
 *
 * form[data-form]; [data-visible-when], [data-required-when], [data-readonly-when] hold expression trees and stand on a
 * field's wrapper or a section; form[data-guard] asks before it is left; form[data-draft="/url"] is saved there while
 * typing (POST of the fields, answered with 204); [data-draft-mark] says so; form[data-reset] is emptied after success.
 * Where a rule reads what is not in the page, the server answers: [data-env] says where to ask, and the tree reads the answer.
 */
import { detailOf, each, json, on, text } from "./dom";
import { ask } from "./dialog";
import { loadEvaluator, type Evaluate, type Values } from "./expression";
import { token } from "./requests";
import { recordOf } from "./values";

const DRAFT_MS = 1200;
const CONDITIONS = "[data-visible-when], [data-required-when], [data-readonly-when]";

interface PageEnv { extra?: Values; ask?: { url: string; reads: readonly string[] } }

const ASK_MS = 300;
/** What the server said last of the rules that only it can follow. */
const answers = new WeakMap<HTMLElement, Values>();
const envOf = (form: HTMLElement): PageEnv => json<PageEnv>(form.querySelector("[data-env]")?.textContent) ?? {};

function apply(form: HTMLElement, evaluate: Evaluate): void {
  const record = recordOf(form);
  const page = envOf(form);
  const env = { ...page, extra: { ...page.extra, ...answers.get(form) } };
  const holds = (tree: string | undefined): boolean => evaluate(json(tree), record, env) === true;
  for (const element of form.querySelectorAll<HTMLElement>(CONDITIONS)) {
    const { visibleWhen, requiredWhen, readonlyWhen } = element.dataset;
    if (visibleWhen) {
      const visible = holds(visibleWhen);
      element.hidden = !visible;
      // A disabled input is not sent: what happens to the value of a hidden field is for the server to say.
      for (const input of element.querySelectorAll<HTMLInputElement>("input, select, textarea")) {
        if (!visible && !input.disabled) {
          input.disabled = true;
          input.dataset["disabledByCondition"] = "";
        } else if (visible && "disabledByCondition" in input.dataset) {
          input.disabled = false;
          delete input.dataset["disabledByCondition"];
        }
      }
    }
    if (requiredWhen) {
      const required = !element.hidden && holds(requiredWhen);
      element.querySelector("[data-required-mark]")?.toggleAttribute("hidden", !required);
      for (const input of element.querySelectorAll<HTMLInputElement>("[name]:not([type=hidden])")) {
        input.required = required;
        input.setAttribute("aria-required", String(required));
      }
    }
    if (readonlyWhen) {
      const locked = holds(readonlyWhen);
      for (const input of element.querySelectorAll<HTMLInputElement>("[name]:not([type=hidden])")) {
        if (input.matches("select, [type=checkbox], [type=radio]")) input.toggleAttribute("inert", locked);
        else input.readOnly = locked;
        input.setAttribute("aria-readonly", String(locked));
      }
    }
  }
}

function startConditions(): void {
  each("form[data-form]", (form) => {
    if (!form.querySelector(CONDITIONS)) return;
    let waiting = false;
    const follow = (): void => {
      if (waiting) return;
      waiting = true;
      void loadEvaluator().then((evaluate) =>
        requestAnimationFrame(() => {
          waiting = false;
          if (form.isConnected) apply(form, evaluate);
        }),
      );
    };
    form.addEventListener("input", follow);
    form.addEventListener("change", follow);
    follow();
    if (form instanceof HTMLFormElement) startAsking(form, follow);
  });
}

/** Ask the server again when a field has changed that one of its rules reads; the last answer to come in counts. */
function startAsking(form: HTMLFormElement, follow: () => void): void {
  const { ask } = envOf(form);
  if (!ask) return;
  const reads = new Set(ask.reads);
  const typed = (): string => new URLSearchParams([...draftOf(form)].filter(([name]) => reads.has(name.split(".")[0] ?? ""))).toString();
  let asked = typed();
  let timer = 0;
  let turn = 0;
  const question = async (): Promise<void> => {
    const now = typed();
    if (now === asked || !form.isConnected) return;
    asked = now;
    const mine = ++turn;
    try {
      const answer = await fetch(ask.url, {
        method: "POST", body: draftOf(form), credentials: "same-origin", headers: { "X-CSRF-Token": token(), Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const said = (await answer.json()) as Values;
      if (mine !== turn) return;
      answers.set(form, said);
      follow();
    } catch {
      // The form stays as it is and asks again after the next change; the server decides when it is sent.
      if (mine === turn) asked = "";
    }
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void question(), ASK_MS);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
}

/** The fields as they would be sent, without files and without what belongs to this page only. */
function draftOf(form: HTMLFormElement): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && name !== "csrf_token") fields.append(name, value);
  return fields;
}

function startDrafts(): void {
  each("form[data-draft]", (element) => {
    const form = element as HTMLFormElement;
    const mark = form.querySelector<HTMLElement>("[data-draft-mark]");
    let timer = 0;
    const save = async (): Promise<void> => {
      if (!form.isConnected || !("dirty" in form.dataset)) return;
      if (mark) mark.textContent = text("saving");
      try {
        const answer = await fetch(form.dataset["draft"] ?? "", {
          method: "POST", body: draftOf(form), credentials: "same-origin", keepalive: true,
          headers: { "X-CSRF-Token": token(), "HX-Request": "true" },
        });
        if (mark) mark.textContent = text(answer.ok ? "saved" : "not_saved");
        if (answer.ok) form.dataset["drafted"] = "";
      } catch {
        if (mark) mark.textContent = text("not_saved");
      }
    };
    form.addEventListener("input", () => {
      delete form.dataset["drafted"];
      clearTimeout(timer);
      timer = window.setTimeout(() => void save(), DRAFT_MS);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") {
        clearTimeout(timer);
        void save();
      }
    });
  });
}

/** Something would really be lost: changed, guarded, and not yet kept as a draft. */
const atRisk = (): HTMLFormElement | undefined =>
  [...document.querySelectorAll<HTMLFormElement>("form[data-guard][data-dirty]")].find((form) => !("drafted" in form.dataset) && form.checkVisibility());

function startGuard(): void {
  on("input", "form[data-form]", (_event, form) => (form.dataset["dirty"] = ""));
  on("change", "form[data-form]", (_event, form) => (form.dataset["dirty"] = ""));
  addEventListener("beforeunload", (event) => {
    if (atRisk()) event.preventDefault();
  });
  // Bubbling comes too late for links that htmx follows, so this listens on the way down.
  on("click", "a[href]", (event, element) => {
    const link = element as HTMLAnchorElement;
    const form = atRisk();
    if (!form || link.target === "_blank" || event.ctrlKey || event.metaKey || link.getAttribute("href")?.startsWith("#") || link.hasAttribute("download")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void ask(text("leave"), text("leave_title"), text("leave_go"), text("leave_stay")).then((leave) => {
      if (!leave) return;
      delete form.dataset["dirty"];
      link.click();
    });
  }, { capture: true });
  on("submit", "form[data-form]", (_event, form) => {
    if (!form.matches("[hx-post], [hx-put], [hx-patch]") && !document.body.hasAttribute("hx-boost:inherited")) delete form.dataset["dirty"];
  });
}

/** Required fields are asked for here, so that the answer comes at once; the server decides again. */
function complain(form: HTMLFormElement): HTMLElement | undefined {
  let first: HTMLElement | undefined;
  for (const wrapper of form.querySelectorAll<HTMLElement>("[data-field]")) {
    const input = wrapper.querySelector<HTMLInputElement>("[required]");
    const error = wrapper.querySelector<HTMLElement>(".form-error");
    if (!input || !error || wrapper.closest("[hidden]")) continue;
    const missing = !input.disabled && input.value.trim() === "" && !(input.type === "checkbox" && input.checked);
    if (missing) {
      error.querySelector("span")!.textContent = text("required");
      first ??= wrapper;
    }
    if (missing || wrapper.classList.contains("asked")) {
      error.hidden = !missing;
      wrapper.classList.toggle("has-error", missing);
      wrapper.classList.toggle("asked", missing);
      input.setAttribute("aria-invalid", String(missing));
    }
  }
  return first;
}

function startSubmits(): void {
  on("submit", "form[data-form]", (event, element) => {
    const form = element as HTMLFormElement;
    const submitter = (event as SubmitEvent).submitter;
    const comment = form.querySelector<HTMLTextAreaElement>("textarea[name=comment]");
    if (form.dataset["commentOn"] && submitter?.getAttribute("value") === form.dataset["commentOn"] && comment && !comment.value.trim()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      comment.placeholder = text("comment_needed");
      comment.setAttribute("aria-invalid", "true");
      comment.focus();
      return;
    }
    const first = submitter?.hasAttribute("formnovalidate") ? undefined : complain(form);
    if (!first) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    first.closest("details")?.setAttribute("open", "");
    first.scrollIntoView({ block: "center", behavior: "smooth" });
    first.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus({ preventScroll: true });
  }, { capture: true });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = detailOf<{ ctx: { sourceElement: HTMLElement; response?: { status: number } } }>(event);
    const form = ctx.sourceElement;
    if (form instanceof HTMLFormElement && "reset" in form.dataset && (ctx.response?.status ?? 500) < 400) {
      form.reset();
      form.dispatchEvent(new Event("change", { bubbles: true }));
      delete form.dataset["dirty"];
      const mark = form.querySelector("[data-draft-mark]");
      if (mark) mark.textContent = "";
    }
  });
  // Problems that came back: take the eye and the reader there.
  each("[data-problems]", (summary) => summary.focus({ preventScroll: false }));
  on("click", "[data-problems] a", (event, link) => {
    const target = document.querySelector<HTMLElement>(link.getAttribute("href") ?? "");
    if (!target) return;
    event.preventDefault();
    target.closest("details")?.setAttribute("open", "");
    const input = target.matches("input, select, textarea") && !target.matches(".tomselected") ? target : target.parentElement?.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea");
    input?.focus();
    target.closest(".field")?.scrollIntoView({ block: "center" });
  });
}

function startComposers(): void {
  const show = (form: HTMLElement): void => {
    const kind = form.querySelector<HTMLInputElement>("input[name=kind]:checked");
    for (const part of form.querySelectorAll<HTMLElement>("[data-for-kind]")) {
      part.hidden = part.dataset["forKind"] !== kind?.value;
      for (const input of part.querySelectorAll<HTMLInputElement>("input, select, textarea")) input.disabled = part.hidden;
    }
    const area = form.querySelector<HTMLTextAreaElement>("textarea[name=text]");
    if (area && kind?.dataset["placeholder"]) area.placeholder = kind.dataset["placeholder"];
  };
  each("[data-composer]", show);
  on("change", "[data-composer]", (_event, form) => show(form));
}

function startSmallThings(): void {
  // Browsers without field-sizing: text areas grow by hand.
  if (!CSS.supports("field-sizing", "content")) {
    on("input", "textarea[data-grow]", (_event, area) => {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight + 2}px`;
    });
  }
  on("click", "[data-fill]", (_event, button) => {
    const form = document.querySelector<HTMLFormElement>(button.dataset["fillForm"] ?? "form");
    for (const [name, value] of Object.entries(json<Record<string, string>>(button.dataset["fill"]) ?? {})) {
      const input = form?.elements.namedItem(name);
      if (input instanceof HTMLInputElement) input.value = value;
    }
    form?.querySelector<HTMLElement>("[type=submit]")?.focus();
  });
  for (const type of ["dragover", "dragleave", "drop"] as const) {
    on(type, "[data-file-drop]", (event, area) => {
      event.preventDefault();
      area.classList.toggle("is-over", type === "dragover");
      const input = area.querySelector<HTMLInputElement>("input[type=file]");
      if (type === "drop" && input && event.dataTransfer?.files.length) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  }
  // A search inside a list answers while typing.
  let timer = 0;
  let asked = "";
  on("submit", "[data-filter-search]", () => (asked = search()?.value ?? ""), { capture: true });
  on("input", "[data-filter-search] input", (event, input) => {
    if ((event as InputEvent).isComposing) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => (input as HTMLInputElement).form?.requestSubmit(), 350);
  });
  // What is typed while the answer is on its way stays, and is asked for next.
  const search = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>("[data-filter-search] input[type=search]");
  let typed: string | undefined;
  document.addEventListener("htmx:before:swap", () => (typed = document.activeElement === search() ? search()?.value : undefined));
  document.addEventListener("htmx:after:swap", () => {
    const field = search();
    if (typed === undefined || !field || field.value === typed) return;
    field.value = typed;
    if (typed !== asked) field.form?.requestSubmit();
  });
}

export function startForms(): void {
  startConditions();
  startDrafts();
  startGuard();
  startSubmits();
  startComposers();
  startSmallThings();
}
