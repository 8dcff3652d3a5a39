/** Delegated events, page texts and other small things every behaviour needs. */

/** A behaviour of an attribute: it works for elements that arrive later as well. */
export function on<K extends keyof DocumentEventMap>(
  type: K,
  selector: string,
  handle: (event: DocumentEventMap[K], element: HTMLElement) => void,
  options: AddEventListenerOptions = {},
): void {
  document.addEventListener(
    type,
    (event) => {
      const target = event.target;
      if (!(target instanceof Element)) return;
      const element = target.closest<HTMLElement>(selector);
      if (element) handle(event, element);
    },
    options,
  );
}

/** Call `prepare` for every match now and in every part of the page that arrives later, once per element. */
export function each(selector: string, prepare: (element: HTMLElement) => void): void {
  const seen = new WeakSet<Element>();
  const visit = (root: ParentNode): void => {
    const found = [...root.querySelectorAll<HTMLElement>(selector)];
    if (root instanceof HTMLElement && root.matches(selector)) found.unshift(root);
    for (const element of found) {
      if (seen.has(element)) continue;
      seen.add(element);
      prepare(element);
    }
  };
  visit(document);
  document.addEventListener("htmx:after:process", (event) => {
    if (event.target instanceof Element) visit(event.target);
  });
}

let texts: Record<string, string> | undefined;

/** A text of the page's language, with {names} replaced. */
export function text(key: string, values: Record<string, string> = {}): string {
  texts ??= JSON.parse(document.getElementById("texts")?.textContent ?? "{}") as Record<string, string>;
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The JSON of a data block or attribute; undefined where there is none or where it does not parse. */
export function json<T>(source: string | null | undefined): T | undefined {
  if (!source) return undefined;
  try {
    return JSON.parse(source) as T;
  } catch {
    return undefined;
  }
}

/** Make an element with classes and text; attributes of user data are never parsed as HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  classes = "",
  content: string | Node[] = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (typeof content === "string") element.textContent = content;
  else element.append(...content);
  return element;
}

export function icon(name: string): HTMLElement {
  const element = make("i", `icon i-${name.replace(/[^a-z0-9-]/g, "")}`);
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** What an event carries; htmx declares its own events, with less than they hold. */
export const detailOf = <T>(event: Event): T => (event as unknown as CustomEvent<T>).detail;

export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"));

export const isPhone = (): boolean => matchMedia("(max-width: 767.98px)").matches;

export const language = (): string => document.documentElement.lang || "en";

/** Can this element be seen and pressed? */
export const isShown = (element: HTMLElement): boolean => element.checkVisibility?.() ?? element.offsetParent !== null;
