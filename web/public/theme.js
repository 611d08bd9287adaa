// Runs before the first paint, so that a chosen theme never flashes the other one. A file of its own: the page's
// Content-Security-Policy allows no inline script.
try {
  const { theme } = JSON.parse(localStorage.getItem("samovar.settings") ?? "{}");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off, or holds something foreign: the system's theme stays.
}
