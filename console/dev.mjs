// Serves src/ as it is now, and has a running program answer everything else:
//   node dev.mjs http://127.0.0.1:9102 [port]
import { createServer, request } from "node:http";
import { readFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";

const [target = "http://127.0.0.1:9102", port = "9199"] = process.argv.slice(2);
const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml", html: "text/html; charset=utf-8" };
const here = new URL(".", import.meta.url);

createServer(async (incoming, answer) => {
  const path = incoming.url.split("?")[0].replace(/\/$/, "");
  const name = path === "/console" ? "index.html" : /^\/console\/([a-z]+\.[a-z]+)$/.exec(path)?.[1];
  if (name) {
    if (name === "index.html") execFileSync("node", ["build.mjs"], { cwd: here.pathname });
    const bytes = await readFile(new URL(`dist/${name}`, here)).catch(() => null);
    answer.writeHead(bytes ? 200 : 404, {
      "content-type": types[name.split(".")[1]] ?? "text/plain",
      "content-security-policy": "default-src 'self'",
    });
    answer.end(bytes);
    return;
  }
  const { method, headers, url } = incoming;
  const passed = request(new URL(url, target), { method, headers }, (response) => {
    answer.writeHead(response.statusCode, response.headers);
    response.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  incoming.pipe(passed);
  answer.on("close", () => passed.destroy());
}).listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/console`));
