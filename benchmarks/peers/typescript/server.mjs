// A server on the TypeScript SDK: McpServer, zod, and Node's own fetch, which keeps its connections.
//
// An answer is text, as in most such servers. With PEER_STRUCTURED=1 it is text and structured content, as with ours.

import { z } from "zod";
import { McpServer, StdioServerTransport } from "./sdk.mjs";

const BASE_URL = `${process.env.UPSTREAM_URL}/v2/experiments`;
const HEADERS = { Authorization: "Bearer k" };
const STRUCTURED = process.env.PEER_STRUCTURED === "1";

async function request(method, path, { query = {}, body } = {}) {
  const url = new URL(BASE_URL + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const response = await fetch(url, {
    method,
    headers: body ? { ...HEADERS, "Content-Type": "application/json" } : HEADERS,
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const data = response.status === 204 ? { deleted: true } : await response.json();
  const content = [{ type: "text", text: JSON.stringify(data) }];
  return STRUCTURED ? { content, structuredContent: data } : { content };
}

const server = new McpServer({ name: "arize-experiments", version: "1.0.0" });
const experimentId = z.string().describe("The experiment's id");
const limit = z.number().int().min(1);
const cursor = z.string().optional().describe("pagination.next_cursor of the page before");
const pathOf = (id) => `/${encodeURIComponent(id)}`;

server.registerTool(
  "experiments_list",
  {
    description: "List experiments, a page at a time.",
    inputSchema: z.object({
      dataset_id: z.string().optional(),
      name: z.string().optional(),
      limit: limit.max(100).optional(),
      cursor,
    }),
  },
  (query) => request("GET", "", { query }),
);
server.registerTool(
  "experiments_get",
  { description: "Get an experiment by its id.", inputSchema: z.object({ experiment_id: experimentId }) },
  ({ experiment_id }) => request("GET", pathOf(experiment_id)),
);
server.registerTool(
  "experiments_runs_list",
  {
    description: "List the runs of an experiment, a page at a time.",
    inputSchema: z.object({ experiment_id: experimentId, limit: limit.max(500).optional(), cursor }),
  },
  ({ experiment_id, ...query }) => request("GET", `${pathOf(experiment_id)}/runs`, { query }),
);
server.registerTool(
  "experiments_create",
  {
    description: "Create an experiment with its runs.",
    inputSchema: z.object({
      name: z.string().min(1),
      dataset_id: z.string(),
      experiment_runs: z.array(z.looseObject({ example_id: z.string(), output: z.string() })).min(1),
    }),
  },
  (body) => request("POST", "", { body }),
);
server.registerTool(
  "experiments_delete",
  { description: "Delete an experiment and its runs.", inputSchema: z.object({ experiment_id: experimentId }) },
  ({ experiment_id }) => request("DELETE", pathOf(experiment_id)),
);

await server.connect(new StdioServerTransport());
