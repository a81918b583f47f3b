// The TypeScript SDK against arize-mcp http: `node http.mjs URL KEY` prints what it saw as one JSON object.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, key] = process.argv.slice(2);

async function session(headers, use) {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

const seen = await session({ Authorization: `Bearer ${key}` }, async (client) => ({
  server: client.getServerVersion().name,
  tools: (await client.listTools()).tools.map((tool) => tool.name),
  works: await client.callTool({ name: "experiments_list", arguments: { limit: 1 } }),
  fails: await client.callTool({ name: "experiments_get", arguments: { experiment_id: "nope" } }),
  // On one connection at a time, all at once.
  many: (
    await Promise.all(
      Array.from({ length: 50 }, () => client.callTool({ name: "experiments_list", arguments: { limit: 2 } })),
    )
  ).map((result) => result.structuredContent.experiments.length),
}));
seen.ownHeader = await session({ "X-Arize-API-Key": key }, async (client) => (await client.listTools()).tools.length);
seen.withoutKey = await session({}, () => "connected").catch((error) => `${error.code}: ${error.message}`);
console.log(JSON.stringify(seen));
