/**
 * Where the system's language is `C`, the browser may call it `en-US@posix`, which `Intl` refuses: the chart library asks
 * `Intl` while it is loaded, and the page would stay empty. Imported before it.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US" });
}
