// The training as a film: a slider on the curve of the loss, which goes through the recorded steps of all films of the
// page at once; play, pause, one step on or back. Nothing moves that was not asked for.

import { copyOf, whenAlive } from "./figure.js";

/** Milliseconds from one recorded step to the next while it plays, by what the button of the speed says. */
const PACES = { "1×": 240, "2×": 120, "½×": 480 };

let pace = PACES["1×"];

/** A film that can be seen. @typedef {{ viewer: any, slider: HTMLInputElement, words: Element, button: Element, times: number[],
 *   said: string[] }} Reel */

/** @type {Map<Element, Reel>} */
const reels = new Map();

let playing = 0;

/** Which of the recorded steps a figure shows; the last one if it is no film. @param {Element} figure @param {number} last */
export const frameOf = (figure, last) => Number(reels.get(figure)?.slider.value ?? last);

/** @param {number} frame */
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

/** @param {Element} button @param {string} sign @param {string} name */
function label(button, sign, name) {
  button.textContent = sign;
  button.setAttribute("aria-label", name);
  button.setAttribute("title", name);
}

/** @param {HTMLInputElement} slider */
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
