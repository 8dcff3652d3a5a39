/**
 * Keys. data-key="c" on a button, link or input: the key presses it (an input is focused). "ctrl+k" works while typing
 * as well. `?` shows the keys of the page. Lists have keys of their own, see list.ts.
 */
import { isShown, isTyping, make, on, text } from "./dom";
import { openDialog } from "./dialog";

const name = (event: KeyboardEvent): string =>
  `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;

function shownKeys(): Map<string, string> {
  const keys = new Map<string, string>();
  for (const element of document.querySelectorAll<HTMLElement>("[data-key]")) {
    const key = element.dataset["key"] ?? "";
    if (isShown(element) && !keys.has(key)) keys.set(key, element.dataset["keyLabel"] ?? element.textContent?.trim() ?? "");
  }
  if (document.querySelector("[data-list]")) {
    keys.set("↑ ↓", text("key_arrows"));
    keys.set("Enter", text("key_open"));
    if (document.querySelector("[data-pick]")) keys.set("X", text("key_pick"));
    if (document.querySelector("[data-peek]")) keys.set("Space", text("key_peek"));
  }
  keys.set("Esc", text("key_escape"));
  keys.set("?", text("key_help"));
  return keys;
}

export function showKeys(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#keys");
  const list = dialog?.querySelector("[data-key-list]");
  if (!dialog || !list) return;
  list.replaceChildren();
  for (const [key, label] of shownKeys()) {
    const keys = make("dd", "", [make("span", "keys", key.split(/[+ ]/).map((part) => make("kbd", "", part.length === 1 ? part.toUpperCase() : part.replace("ctrl", "Ctrl"))))]);
    list.append(make("dt", "", label), keys);
  }
  openDialog(dialog);
}

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const pressed = name(event);
    const withCtrl = pressed.startsWith("ctrl+");
    if (!withCtrl && isTyping(event.target)) return;
    const open = document.querySelector("dialog[open]");
    if (pressed === "?" && !open) {
      event.preventDefault();
      showKeys();
      return;
    }
    const elements = [...document.querySelectorAll<HTMLElement>("[data-key]")].filter((element) => element.dataset["key"] === pressed);
    const element = elements.find((candidate) => isShown(candidate) && (!open || open.contains(candidate)));
    if (!element) return;
    event.preventDefault();
    if (element.matches("input, textarea, select")) {
      element.focus();
      if (element instanceof HTMLInputElement) element.select();
    } else element.click();
  });
  // Ctrl+Enter sends the form it is typed in.
  on("keydown", "form textarea, form input", (event, input) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    (input as HTMLInputElement).form?.requestSubmit();
  });
  on("click", "[data-keys-open]", showKeys);
}
