// What a host does for a view, as the specification has it, by hand. The test brings callTool: it calls the real server's.

const CSP = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'none'";
const frame = document.querySelector("iframe");
const sent = [];
const answers = new Map();
const post = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const tell = (method, params) => post({ method: `ui/notifications/${method}`, params });
const ask = (id, method) => new Promise((resolve) => { answers.set(id, resolve); post({ id, method, params: {} }); });
let started;

function open(html, hostCapabilities, hostContext) {
  const ready = new Promise((resolve) => { started = resolve; });
  addEventListener("message", async ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    sent.push(data);
    const { id, method, params } = data;
    if (method === "ui/initialize") {
      const hostInfo = { name: "test", version: "1" };
      post({ id, result: { protocolVersion: "2026-01-26", hostInfo, hostCapabilities, hostContext } });
    } else if (method === "ui/notifications/initialized") started();
    else if (method === "ui/notifications/size-changed") frame.style.height = `${params.height}px`;
    else if (method === "tools/call") post({ id, ...(await callTool(params)) });
    else if (id !== undefined && !method) answers.get(id)(data);
  });
  frame.srcdoc = html.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${CSP}">`);
  return ready;
}
