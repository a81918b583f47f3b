// What host.js does, by the reference implementation, which checks each message by its schema.

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

const CSP = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'none'";
const frame = document.querySelector("iframe");
const sent = [];
let bridge;

async function open(html, hostCapabilities, hostContext) {
  bridge = new AppBridge(null, { name: "test", version: "1" }, hostCapabilities, { hostContext });
  bridge.onerror = (error) => console.error(String(error));
  bridge.onsizechange = ({ height }) => { frame.style.height = `${height}px`; };
  bridge.oncalltool = async (params) => {
    const { result, error } = await callTool(params);
    if (error) throw new Error(error.message);
    return result;
  };
  const initialized = new Promise((resolve) => { bridge.oninitialized = resolve; });
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${CSP}">`);
  await initialized;
}

const tells = {
  "tool-input": (params) => bridge.sendToolInput(params),
  "tool-result": (params) => bridge.sendToolResult(params),
  "tool-cancelled": (params) => bridge.sendToolCancelled(params),
  "host-context-changed": (params) => bridge.setHostContext(params),
};
const tell = (method, params) => tells[method](params);
const ask = async () => ({ result: await bridge.teardownResource({}) });

addEventListener("message", ({ source, data }) => { if (source === frame.contentWindow) sent.push(data); });
Object.assign(window, { open, tell, ask, sent });
