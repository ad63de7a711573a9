
import { learned } from "./live.js?4f3e04e6b0";

let stopped = false;

async function heard() {
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
  return stopped;
}

addEventListener("message", ({ data }) => {
  if (data.stop) stopped = true;
  else learned(data, (news) => postMessage(news), heard);
});
