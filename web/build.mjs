/**
 * Bundle the scripts and styles of the pages into platform/fairlead/static/dist.
 *
 * Every file gets a name with a hash of its content, so that browsers may keep it for ever;
 * manifest.json tells the templates which name is the present one:
 *   {"app.js": "app-3KQ5….js", "app.css": "app-9XZ….css", "charts.js": "charts-….js"}
 *
 * `node build.mjs --watch` builds again on every change.
 */
import { build, context } from "esbuild";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../platform/fairlead/static/dist");
const entries = ["app.ts", "charts.ts", "app.css", "studio.ts", "studio.css"]
  .map((name) => join(here, "src", name))
  .filter(existsSync);

/** Write manifest.json and remove what an earlier build left behind. */
const manifest = {
  name: "manifest",
  setup(pluginBuild) {
    pluginBuild.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const names = {};
      const current = new Set(["manifest.json"]);
      for (const [path, output] of Object.entries(result.metafile.outputs)) {
        const name = basename(path);
        current.add(name);
        if (output.entryPoint) {
          const extension = extname(name);
          names[basename(output.entryPoint, extname(output.entryPoint)) + extension] = name;
        }
      }
      const sorted = Object.fromEntries(Object.entries(names).sort(([a], [b]) => (a < b ? -1 : 1)));
      // Written last: a manifest never names a file that is not there yet.
      await writeFile(join(out, "manifest.json"), JSON.stringify(sorted, null, 2) + "\n");
      for (const name of await readdir(out)) {
        if (!current.has(name)) await rm(join(out, name), { force: true, recursive: true });
      }
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: entries,
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "safari16", "chrome110", "firefox115"],
  minify: true,
  // Only while developing: the maps weigh four times what they describe.
  sourcemap: process.argv.includes("--watch") ? "linked" : false,
  legalComments: "linked",
  metafile: true,
  loader: { ".svg": "file", ".woff2": "file", ".woff": "file", ".png": "file" },
  logLevel: "info",
  plugins: [manifest],
};

await mkdir(out, { recursive: true });
if (process.argv.includes("--watch")) {
  const watching = await context(options);
  await watching.watch();
} else {
  await build(options);
}
