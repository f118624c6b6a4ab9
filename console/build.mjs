// Builds dist/ from src/: one script, one style sheet, the page, the icon, and a digest of them all.
// `node build.mjs --check` changes nothing and fails when dist/ is not what src/ gives.
import { createHash } from "node:crypto";
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { build } from "esbuild";

const LIMIT = 300_000;
const here = new URL(".", import.meta.url);
const bundle = async (entry, name) => {
  const result = await build({
    entryPoints: [new URL(entry, here).pathname],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome100", "firefox100", "safari15.4"],
    charset: "utf8",
    legalComments: "inline",
    outfile: name,
    absWorkingDir: here.pathname,
  });
  const out = result.outputFiles.find((file) => file.path.endsWith(name));
  return Buffer.from(out.contents);
};

const files = new Map([
  ["console.js", await bundle("src/main.ts", "console.js")],
  ["console.css", await bundle("src/style.css", "console.css")],
  ["index.html", await readFile(new URL("src/index.html", here))],
  ["icon.svg", await readFile(new URL("src/icon.svg", here))],
]);
const digest = createHash("sha256");
let size = 0;
for (const [name, bytes] of files) {
  digest.update(name).update(bytes);
  size += bytes.length;
}
files.set("etag", Buffer.from(`"${digest.digest("hex").slice(0, 24)}"\n`));
if (size > LIMIT) {
  console.error(`dist/ has ${size} bytes, more than ${LIMIT}`);
  process.exit(1);
}

const dist = new URL("dist/", here);
if (process.argv.includes("--check")) {
  const stale = [];
  for (const [name, bytes] of files) {
    const found = await readFile(new URL(name, dist)).catch(() => Buffer.alloc(0));
    if (!found.equals(bytes)) stale.push(name);
  }
  if (stale.length > 0) {
    console.error(`console/dist is not what console/src gives: ${stale.join(", ")} (cd console && npm ci && npm run build)`);
    process.exit(1);
  }
} else {
  await mkdir(dist, { recursive: true });
  for (const [name, bytes] of files) await writeFile(new URL(name, dist), bytes);
}
console.log(`${size} bytes in ${files.size - 1} files`);
