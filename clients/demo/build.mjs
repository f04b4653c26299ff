/** Builds the page: `node build.mjs [DIRECTORY]`, by default into the API, which serves it. */

import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../../api/demo_page"));

await mkdir(target, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: [
    { in: "src/main.tsx", out: "demo" },
    { in: "src/style.css", out: "demo" },
  ],
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".woff2": "file" },
  assetNames: "[name]",
  legalComments: "none",
  preserveSymlinks: true, // the client finds this project's React
});
await copyFile(join(here, "src/index.html"), join(target, "index.html"));
await copyFile(join(here, "src/licences.txt"), join(target, "licences.txt"));
