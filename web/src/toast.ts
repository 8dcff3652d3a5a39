/**
 * Short answers that pass by. From the server: the header HX-Trigger: {"toast": {"text": "…", "tone": "green"}},
 * or an element with data-toast anywhere in what is swapped in.
 */
import { each, icon, make, on, text } from "./dom";

const SHOWN_MS = 5000;
const TONES: Record<string, string> = {
  grey: "tone-grey info-circle", green: "tone-green circle-check", amber: "tone-amber alert-triangle", red: "tone-red alert-circle",
};

function place(line: HTMLElement): void {
  const area = document.getElementById("toasts");
  if (!area) return;
  // A popover lies above open dialogs; it must be shown again to come above one opened since.
  if (area.matches(":popover-open")) area.hidePopover();
  area.append(line);
  area.showPopover();
  const leave = (): void => {
    line.remove();
    if (area.childElementCount === 0 && area.matches(":popover-open")) area.hidePopover();
  };
  line.querySelector("[data-toast-close]")?.addEventListener("click", leave);
  let timer = setTimeout(leave, SHOWN_MS);
  line.addEventListener("pointerenter", () => clearTimeout(timer));
  line.addEventListener("pointerleave", () => (timer = setTimeout(leave, SHOWN_MS)));
}

/** Say something in passing; tones are grey, green, amber and red. */
export function toast(message: string, tone = "grey", link?: { href: string; label: string }): void {
  const [toneClass, symbol] = (TONES[tone] ?? TONES["grey"] ?? "").split(" ");
  const line = make("div", `toast-line ${toneClass}`, [icon(symbol ?? "info-circle"), make("span", "", message)]);
  if (link) {
    const anchor = make("a", "", link.label);
    anchor.href = link.href;
    line.append(anchor);
  }
  const close = make("button", "btn btn-quiet btn-icon btn-sm", [icon("x")]);
  close.type = "button";
  close.dataset["toastClose"] = "";
  close.setAttribute("aria-label", text("close"));
  line.append(close);
  place(line);
}

export function startToasts(): void {
  each("[data-toast]", (line) => {
    if (!line.closest("template")) place(line);
  });
  document.addEventListener("toast", (event) => {
    const detail: unknown = (event as CustomEvent).detail;
    if (typeof detail !== "object" || detail === null) return;
    const said = detail as { text?: unknown; value?: unknown; tone?: unknown };
    const message = said.text ?? said.value;
    if (typeof message === "string") toast(message, typeof said.tone === "string" ? said.tone : "grey");
  });
  // What cannot be pressed says why.
  on("click", "[data-why]", (event, element) => {
    event.preventDefault();
    event.stopPropagation();
    toast(element.dataset["why"] ?? "", "amber");
  }, { capture: true });
}
