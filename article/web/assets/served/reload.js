// On pages that are served while they are written: loads the page anew when it has been built anew, where it is, and
// shows over it what is wrong.

const EVERY = 150; // milliseconds
const shown = new URL(import.meta.url).search.slice(1);
const box = document.createElement("pre");
box.setAttribute("role", "alert");
Object.assign(box.style, { position: "fixed", inset: "auto 0 0", zIndex: "99", margin: "0", padding: "1em" });
Object.assign(box.style, { maxHeight: "50vh", overflow: "auto", whiteSpace: "pre-wrap", color: "#fff", background: "#822" });

async function look() {
  try {
    const { version, problem } = await (await fetch("/-/state")).json();
    if (String(version) !== shown) return location.reload();
    if (box.textContent !== problem) box.textContent = problem;
    if (!problem) box.remove();
    else if (!box.isConnected) document.body.append(box);
  } catch {
    // The server is not there; it may come back.
  }
  setTimeout(look, EVERY);
}

look();
