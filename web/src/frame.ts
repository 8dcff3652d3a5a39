/** The frame: theme, the menu at the side, its folded groups. Choices are kept in cookies, so that the server prints them. */
import { each, json, make, on } from "./dom";

const YEAR_S = 31_536_000;

function remember(name: string, value: string): void {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

function recall(name: string): string {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return decodeURIComponent(found?.slice(name.length + 1) ?? "");
}

export function startFrame(): void {
  const root = document.documentElement;
  on("click", "[data-theme-set]", (_event, button) => {
    const theme = button.dataset["themeSet"] ?? "auto";
    root.dataset["theme"] = theme;
    remember("theme", theme);
    for (const each of document.querySelectorAll<HTMLElement>("[data-theme-set]")) each.setAttribute("aria-pressed", String(each.dataset["themeSet"] === theme));
    document.dispatchEvent(new CustomEvent("theme-change"));
  });

  if (recall("side") === "folded") root.classList.add("side-folded");
  on("click", "[data-side-toggle]", () => {
    const folded = root.classList.toggle("side-folded");
    remember("side", folded ? "folded" : "open");
  });
  const sheet = (open: boolean): void => {
    root.classList.toggle("side-open", open);
    for (const button of document.querySelectorAll("[data-side-open]")) button.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector<HTMLElement>("#side a")?.focus({ preventScroll: true });
  };
  on("click", "[data-side-open]", () => sheet(!root.classList.contains("side-open")));
  document.addEventListener("click", (event) => {
    if (root.classList.contains("side-open") && event.target instanceof Element && !event.target.closest("#side, [data-side-open]")) sheet(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && root.classList.contains("side-open")) sheet(false);
  });

  const closed = new Set(json<string[]>(recall("side-closed")) ?? []);
  each("[data-side-group]", (group) => {
    const details = group as HTMLDetailsElement;
    const name = details.dataset["sideGroup"] ?? "";
    if (closed.has(name)) details.open = false;
    details.addEventListener("toggle", () => {
      if (details.open) closed.delete(name);
      else closed.add(name);
      remember("side-closed", JSON.stringify([...closed]));
    });
  });

  // Charts are heavy: their script comes with the first chart.
  each("[data-chart]", () => {
    const source = document.body.dataset["charts"];
    if (!source || document.querySelector("script[data-charts-script]")) return;
    const script = make("script");
    script.type = "module";
    script.src = source;
    script.dataset["chartsScript"] = "";
    document.head.append(script);
  });
}
