const js = require("@eslint/js");

module.exports = [
  js.configs.recommended,
  {
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...["window", "document", "location", "history", "fetch", "matchMedia", "customElements", "innerHeight"],
          ...["scrollX", "scrollY", "addEventListener", "requestAnimationFrame", "setTimeout", "clearTimeout"],
          ...["setInterval", "clearInterval", "IntersectionObserver", "HTMLElement", "HTMLAnchorElement", "Event"],
          ...["URL", "URLSearchParams", "TextDecoder", "Option", "crypto", "atob", "ResizeObserver"],
          ...["postMessage", "MessageChannel", "Worker", "TextEncoder", "Blob"],
        ].map((name) => [name, "readonly"]),
      ),
    },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" },
  },
];
