// Writes every example payload of GitHub as a line of JSON: event, body and the signature by GitHub's own library.
import { readFileSync } from "node:fs";
import { sign } from "@octokit/webhooks-methods";

const secret = process.argv[2];
const file = new URL("node_modules/@octokit/webhooks-examples/api.github.com/index.json", import.meta.url);
for (const { name, examples } of JSON.parse(readFileSync(file, "utf8"))) {
  for (const example of examples) {
    const body = JSON.stringify(example);
    console.log(JSON.stringify({ name, body, signature: await sign(secret, body) }));
  }
}
