/** What every page loads: htmx and the behaviours of the kit. Each one works by attributes; see docs/development/design-kit.md. */
import htmx from "htmx.org";
import { startBoards } from "./board";
import { startDialogs } from "./dialog";
import { startForms } from "./forms";
import { startFrame } from "./frame";
import { startKeys } from "./keys";
import { startLines } from "./lines";
import { startLists } from "./list";
import { startPalette } from "./palette";
import { startRequests } from "./requests";
import { startScreens } from "./screens";
import { startSelects } from "./select";
import { startTimes } from "./times";
import { startTips } from "./tip";
import { startToasts } from "./toast";

declare global {
  interface Window {
    htmx: typeof htmx;
  }
}
window.htmx = htmx;

startFrame();
startToasts();
startRequests();
startDialogs();
startTips();
startForms();
startLines();
startSelects();
startLists();
startBoards();
startTimes();
startKeys();
startPalette();
startScreens();
