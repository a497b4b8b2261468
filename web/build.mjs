// Builds web/dist: one page, one script, one style sheet, no request to anywhere else. `node build.mjs --watch` rebuilds on change.
import { build, context } from "esbuild";
import { cp, mkdir, rm } from "node:fs/promises";

const options = {
  entryPoints: { app: "src/main.tsx" },
  outdir: "dist",
  bundle: true,
  minify: true,
  sourcemap: false,
  target: ["es2021"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "linked",
  logLevel: "info",
};

await rm("dist", { recursive: true, force: true });
await mkdir("dist", { recursive: true });
await cp("src/index.html", "dist/index.html");
await cp("src/icon.svg", "dist/icon.svg");
if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
}
