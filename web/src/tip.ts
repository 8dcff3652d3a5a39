/** data-tip="…": a sentence on hover and focus, in the top layer. Never the only place where something is said. */
import { make, on } from "./dom";

const WAIT_MS = 400;
let tip: HTMLElement | undefined;
let timer = 0;

function show(element: HTMLElement, words: string): void {
  tip ??= document.body.appendChild(make("div", "tip"));
  if (!tip.isConnected) document.body.append(tip);
  tip.popover = "manual";
  tip.setAttribute("aria-hidden", "true");
  tip.textContent = words;
  tip.showPopover();
  const at = element.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const above = at.bottom + size.height + 8 > innerHeight;
  tip.style.top = `${above ? at.top - size.height - 6 : at.bottom + 6}px`;
  tip.style.left = `${Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), innerWidth - size.width - 8)}px`;
}

function hide(): void {
  clearTimeout(timer);
  if (tip?.matches(":popover-open")) tip.hidePopover();
}

export function startTips(): void {
  const selector = "[data-tip], [data-why], .side-folded [data-tip-folded], time[data-exact]";
  const words = (element: HTMLElement): string =>
    element.dataset["why"] ?? element.dataset["tip"] ?? element.dataset["exact"] ?? element.dataset["tipFolded"] ?? "";
  on("pointerover", selector, (event, element) => {
    if (event.pointerType === "touch") return;
    hide();
    timer = window.setTimeout(() => element.isConnected && show(element, words(element)), WAIT_MS);
  });
  on("pointerout", selector, hide);
  on("focusin", selector, (_event, element) => {
    if (element.matches(":focus-visible")) show(element, words(element));
  });
  on("focusout", selector, hide);
  document.addEventListener("pointerdown", hide, true);
  document.addEventListener("keydown", hide, true);
  addEventListener("scroll", hide, { passive: true, capture: true });
}
