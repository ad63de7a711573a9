
import { copyOf, whenAlive } from "./figure.js?4f3e04e6b0";

const PACES = { "1×": 240, "2×": 120, "½×": 480 };

let pace = PACES["1×"];


const reels = new Map();

let playing = 0;

export const frameOf = (figure, last) => Number(reels.get(figure)?.slider.value ?? last);

function show(frame) {
  for (const [figure, { viewer, slider, words, times, said }] of reels) {
    slider.value = `${frame}`;
    viewer.currentTime = times[frame];
    words.textContent = said[frame];
    slider.setAttribute("aria-valuetext", said[frame]);
    figure.dispatchEvent(new Event("frame"));
  }
}

function pause() {
  clearTimeout(playing);
  playing = 0;
  for (const { button } of reels.values()) label(button, "▶", "Play the training");
}

function label(button, sign, name) {
  button.textContent = sign;
  button.setAttribute("aria-label", name);
  button.setAttribute("title", name);
}

function play(slider) {
  if (slider.value === slider.max) show(0);
  for (const { button } of reels.values()) label(button, "❙❙", "Pause");
  const step = () => {
    show(Number(slider.value) + 1);
    if (slider.value === slider.max) pause();
    else playing = setTimeout(step, pace);
  };
  playing = setTimeout(step, pace);
}

whenAlive.push(({ figure, viewer }) => {
  const player = /** @type {HTMLElement | null} */ (figure.querySelector(".player"));
  if (!player) return;
  player.append(copyOf("player"));
  const slider = /** @type {HTMLInputElement} */ (player.querySelector("input"));
  const [words, button] = [".words", "[data-play]"].map((part) => /** @type {Element} */ (player.querySelector(part)));
  const times = JSON.parse(player.dataset.times ?? "[]");
  const known = [...reels.values()][0];
  slider.max = `${times.length - 1}`;
  reels.set(figure, { viewer, slider, words, button, times, said: JSON.parse(player.dataset.words ?? "[]") });
  viewer.animationName = "training";
  viewer.pause();
  show(Number(known?.slider.value ?? slider.max));
  slider.addEventListener("input", () => {
    pause();
    show(Number(slider.value));
  });
  player.addEventListener("click", (event) => {
    const pressed = /** @type {HTMLElement} */ (event.target).closest("button");
    if (!pressed) return;
    if (pressed.matches("[data-speed]")) {
      const paces = Object.entries(PACES);
      const next = (paces.findIndex(([sign]) => sign === pressed.textContent) + 1) % paces.length;
      [pressed.textContent, pace] = paces[next];
      return;
    }
    const was = playing;
    pause();
    if (pressed !== button)
      show(Math.min(Math.max(Number(slider.value) + Number(pressed.dataset.by), 0), times.length - 1));
    else if (!was) play(slider);
  });
});
