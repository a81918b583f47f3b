// The suite sends no key, and has no option for one: each of its requests gets it here.
import { channel } from "node:diagnostics_channel";

const [NAME, KEY] = ["x-arize-api-key", "sandbox-key"];
channel("undici:request:create").subscribe(({ request }) => request.addHeader(NAME, KEY));
channel("http.client.request.created").subscribe(({ request }) => request.setHeader(NAME, KEY));
