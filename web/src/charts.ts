/**
 * Charts: figure[data-chart] holds a data block {kind, labels, series: [{name, values}], links, unit, format, title}.
 * A click on a bar or a slice goes to its link. The tooltip is drawn, because the HTML one needs inline styles.
 */
import { BarChart, FunnelChart, LineChart, PieChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { each, json, language } from "./dom";

use([BarChart, FunnelChart, LineChart, PieChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

interface Spec {
  kind: "bar" | "stacked" | "line" | "pie" | "funnel";
  labels: string[];
  series: { name: string; values: (number | string | null)[] }[];
  links: (string | null)[];
  unit: string;
  format: "number" | "money" | "percent";
  title: string;
  horizontal: boolean;
}

// One accent and its quieter neighbours; told apart by lightness as well as by hue.
const LIGHT = ["#0f6f82", "#7fb8c3", "#9a5b00", "#b9a4e3", "#5b6a70", "#d98e63"];
const DARK = ["#4fb6c9", "#2b6d7b", "#e6b04c", "#8069b8", "#8f9ca1", "#c77b52"];
const charts = new Map<HTMLElement, EChartsType>();

function colours(element: HTMLElement): { text: string; line: string; raised: string; series: string[] } {
  const style = getComputedStyle(element);
  // A custom property gives back light-dark() as written; a used colour is resolved.
  const probe = document.createElement("span");
  element.append(probe);
  const resolved = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = { text: resolved("--text-2"), line: resolved("--line"), raised: resolved("--bg-raised") };
  probe.remove();
  const chosen = style.colorScheme;
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  return { ...found, series: dark ? DARK : LIGHT };
}

/** A colour on its way to another; both as the browser writes used colours. */
function blend(from: string, to: string, share: number): string {
  const parts = (colour: string): number[] =>
    colour.startsWith("#") ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) : (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  const target = parts(to);
  return `rgb(${parts(from).map((value, at) => Math.round(value + ((target[at] ?? 255) - value) * share)).join(",")})`;
}

function draw(figure: HTMLElement): void {
  const spec = json<Spec>(figure.querySelector('script[type="application/json"]')?.textContent);
  const picture = figure.querySelector<HTMLElement>(".chart-picture");
  if (!spec || !picture) return;
  const paint = colours(figure);
  const font = getComputedStyle(document.body).fontFamily;
  const exact = new Intl.NumberFormat(language(), { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat(language(), { notation: "compact", maximumFractionDigits: 1 });
  const say = (value: unknown): string => `${spec.format === "money" && spec.unit ? `${spec.unit} ` : ""}${exact.format(Number(value))}${spec.format === "percent" ? " %" : ""}`;
  const words = { color: paint.text, fontFamily: font, fontSize: 12 };
  const number = (value: number | string | null): number | null => (value === null || value === "" ? null : Number(value));
  const single = spec.kind === "pie" || spec.kind === "funnel";
  const category = { type: "category", data: spec.labels, inverse: spec.horizontal, axisLine: { lineStyle: { color: paint.line } }, axisTick: { show: false }, axisLabel: { ...words, hideOverlap: true, width: 120, overflow: "truncate" } };
  const amount = { type: "value", splitLine: { lineStyle: { color: paint.line } }, axisLabel: { ...words, formatter: (value: number) => short.format(value) } };
  const parts = spec.labels.map((name, index) => ({ name, value: number(spec.series[0]?.values[index] ?? null) }));
  const series = single
    ? [spec.kind === "pie"
        ? { type: "pie", name: spec.title, data: parts, radius: ["46%", "70%"], itemStyle: { borderColor: paint.raised, borderWidth: 2 }, label: words }
        : { type: "funnel", name: spec.title, data: parts, sort: "none", minSize: "18%", left: 8, right: "34%", top: 8, bottom: 8, gap: 2, label: { ...words, position: "right", formatter: (part: { name: string; value: unknown }) => `${part.name}  ${exact.format(Number(part.value))}` }, labelLine: { show: false }, itemStyle: { borderWidth: 0 } }]
    : spec.series.map((one) => ({
        type: spec.kind === "line" ? "line" : "bar", name: one.name, data: one.values.map(number), barMaxWidth: 32, symbolSize: 6,
        itemStyle: { borderRadius: spec.kind === "bar" ? (spec.horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0]) : 0 },
        ...(spec.kind === "stacked" && { stack: "all" }), lineStyle: { width: 2 },
      }));
  const chart = charts.get(figure) ?? init(picture, null, { renderer: "svg" });
  charts.set(figure, chart);
  chart.setOption({
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 300,
    aria: { enabled: true, label: { description: `${spec.title}. ${spec.labels.map((label, index) => `${label}: ${spec.series.map((one) => say(one.values[index])).join(", ")}`).join("; ")}` } },
    color: single && spec.kind === "funnel" ? [paint.series[0] ?? "#0f6f82"] : paint.series,
    textStyle: { fontFamily: font },
    grid: { left: 8, right: 12, top: spec.series.length > 1 ? 36 : 12, bottom: 4, containLabel: true },
    tooltip: { renderMode: "richText", trigger: single ? "item" : "axis", axisPointer: { type: "shadow", shadowStyle: { opacity: 0.06 } }, backgroundColor: paint.raised, borderColor: paint.line, textStyle: { ...words, fontSize: 13 }, valueFormatter: say },
    ...(spec.series.length > 1 && { legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, textStyle: words } }),
    ...(!single && { xAxis: spec.horizontal ? amount : category, yAxis: spec.horizontal ? category : amount }),
    series,
  } as never, true);
  if (spec.kind === "funnel") {
    chart.setOption({ series: [{ data: parts.map((part, index) => ({ ...part, itemStyle: { color: blend(paint.series[0] ?? "", paint.raised, (index * 0.6) / Math.max(1, parts.length)) } })) }] } as never);
  }
  chart.off("click");
  chart.on("click", (event) => {
    const link = spec.links[event.dataIndex];
    if (link && /^\/(?!\/)/.test(link)) location.assign(link);
  });
  picture.classList.toggle("is-linked", spec.links.some(Boolean));
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const figure = target.closest<HTMLElement>("[data-chart]");
    const chart = figure ? charts.get(figure) : undefined;
    if (figure && chart && target.isConnected) chart.resize();
  }
});

each("[data-chart]", (figure) => {
  draw(figure);
  const picture = figure.querySelector(".chart-picture");
  if (picture) resized.observe(picture);
});
const again = (): void => {
  for (const [figure, chart] of charts) {
    if (figure.isConnected) draw(figure);
    else {
      chart.dispose();
      charts.delete(figure);
    }
  }
};
document.addEventListener("theme-change", again);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
