// The TypeScript SDK 1.x: lists the tools, makes one call that works and one that fails, and reads the problem.
//
//     npm install
//     node client.mjs
//
// The server runs on its own sandbox: no account, no key, no network. ARIZE_MCP_COMMAND is the path of the arize-mcp
// command, where it is not on PATH. Exit code 0 means that the problem arrived whole.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

// For your account, leave --sandbox out and add env: { ARIZE_API_KEY: process.env.ARIZE_API_KEY }: a server over stdio is
// given only a handful of variables, such as PATH and HOME, unless you name more.
const transport = new StdioClientTransport({
  command: process.env.ARIZE_MCP_COMMAND ?? "arize-mcp",
  args: ["--sandbox"],
});

// What a framework hands to a model: the blocks of text.
const textOf = (result) =>
  result.content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("");

const client = new Client({ name: "typescript-example", version: "1.0.0" });
await client.connect(transport);

let arrived = false;
try {
  // Listing first also lets the SDK check each result against the tool's output schema. It does so with problems too,
  // which is why arize-mcp's output schemas require no field that a problem lacks.
  const { tools } = await client.listTools();
  console.log("Tools:", tools.map((tool) => tool.name).join(", "));

  const works = await client.callTool({ name: "experiments_list", arguments: { limit: 2 } });
  const names = (works.structuredContent?.experiments ?? []).map((experiment) => experiment.name);
  console.log("experiments_list found:", names.join(", "));

  // A call that fails throws nothing: it is a result with isError, so that a model can read it and go on.
  const fails = await client.callTool({ name: "experiments_get", arguments: { experiment_id: "nope" } });
  console.log("experiments_get failed:", textOf(fails));

  const problem = fails.isError ? JSON.parse(textOf(fails)) : {};
  console.log("  detail:", problem.detail);
  console.log("  hint:  ", problem.hint);

  arrived =
    !works.isError &&
    names.length > 0 &&
    problem.detail === "No experiment has this id." &&
    problem.hint.includes("Check the id with experiments_list") &&
    fails.structuredContent?.detail === problem.detail;
} finally {
  await client.close();
}

console.log(arrived ? "The problem arrived whole." : "The problem did not arrive whole.");
process.exitCode = arrived ? 0 : 1;
